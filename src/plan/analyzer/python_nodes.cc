// Python functions over groups of rows.

#include "plan/analyzer/plan_analyzer.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

// Spark takes the delay of the definition that it finds first.
std::optional<int64_t> WatermarkDelayIn(const PlanNode& plan) {
  if (const auto* watermark = plan.As<WithWatermark>()) return watermark->delay_ms;
  for (const PlanPtr& child : ChildrenOf(plan)) {
    if (const std::optional<int64_t> delay = WatermarkDelayIn(*child)) return delay;
  }
  return std::nullopt;
}

}  // namespace

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

Result<PlanPtr> PlanAnalyzer::Visit(const TransformWithState& node) {
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  TransformWithState groups = node;
  groups.child = WithoutHidden(std::move(child));
  Scope scope = ScopeOf(*groups.child);
  ExpressionAnalyzer expressions(*this, scope);
  MS_ASSIGN_OR_RETURN(groups.grouping, expressions.ResolveList(node.grouping));
  if (node.initial) {
    MS_ASSIGN_OR_RETURN(PlanPtr initial, Analyze(node.initial));
    groups.initial = WithoutHidden(std::move(initial));
    Scope initial_scope = ScopeOf(*groups.initial);
    ExpressionAnalyzer initial_expressions(*this, initial_scope);
    MS_ASSIGN_OR_RETURN(groups.initial_grouping, initial_expressions.ResolveList(node.initial_grouping));
    if (IsStreaming(*groups.initial)) return Status::Error(errors::kTransformInitialStream);
    bool same = groups.grouping.size() == groups.initial_grouping.size();
    for (size_t i = 0; same && i < groups.grouping.size(); ++i) same = TypeOf(*groups.grouping[i]).SameType(TypeOf(*groups.initial_grouping[i]));
    if (!same) return Status::Error(errors::kTransformInitialKeys);
  }
  for (const StructField& field : node.output_schema) {
    groups.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
  }
  if (!node.event_time_column.empty()) {
    const Scope outputs{groups.output, nullptr};
    MS_ASSIGN_OR_RETURN(ExprPtr column, outputs.Find({node.event_time_column}, conf_));
    if (!column) return outputs.NotFound({node.event_time_column});
    const std::optional<int64_t> delay_ms = WatermarkDelayIn(*groups.child);
    if (!delay_ms) return Status::Error(errors::kEventTimeWithoutWatermark);
    groups.delay_ms = *delay_ms;
    const auto* attribute = column->As<AttributeRef>();
    if (attribute == nullptr) return Status::Unsupported("An event time in a field of a struct", "Give it as a column of the output.");
    groups.event_time = attribute->id;
  }
  return MakePlan(std::move(groups));
}

}  // namespace millstream
