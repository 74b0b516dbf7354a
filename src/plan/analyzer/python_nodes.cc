// Python functions over groups of rows.

#include "plan/analyzer/plan_analyzer.h"

namespace millstream {

Result<PlanPtr> PlanAnalyzer::Visit(const PythonGroups& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  PythonGroups groups = node;
  groups.child = WithoutHidden(std::move(child));
  Scope scope = ScopeOf(*groups.child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(groups.grouping, expressions.ResolveList(node.grouping));
  for (const StructField& field : node.output_schema) {
    groups.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
  }
  return MakePlan(std::move(groups));
}

}  // namespace millstream
