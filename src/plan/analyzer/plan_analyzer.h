#pragma once

// plan_analyzer.h   A plan as written → typed, bottom up. One object analyzes one query.
//
// Each occurrence of a table, view or CTE is analyzed by itself and gets ids of its own; so the two sides of a self-join never share one.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/analyzer/expression_analyzer.h"
#include "plan/catalog.h"

namespace millstream {

class PlanAnalyzer : public ExpressionContext {
 public:
  PlanAnalyzer(Catalog& catalog, const AnalyzerConf& conf) : catalog_(catalog), conf_(conf) {}

  // The whole query, without hidden columns.
  Result<PlanPtr> AnalyzeQuery(const PlanPtr& plan);
  // The same with hidden columns.
  Result<PlanPtr> AnalyzeWithHidden(const PlanPtr& plan) { return Analyze(plan); }

  // ExpressionContext
  const AnalyzerConf& conf() const override { return conf_; }
  ExprId NewId() override { return ExprId(++last_id_); }
  Result<PlanPtr> AnalyzeSubquery(const PlanPtr& plan, const Scope& outer) override;
  std::vector<AttributeRef> ColumnsOfPlan(int64_t plan_id) const override;
  bool IsHidden(ExprId id) const override { return hidden_.contains(id); }
  std::shared_ptr<const PythonCall> FindPythonFunction(const std::string& name) override { return catalog_.FindPythonFunction(name); }

 private:
  Result<PlanPtr> Analyze(const PlanPtr& plan);
  Result<PlanPtr> AnalyzeNode(const PlanNode& plan);

  // leaves
  Result<PlanPtr> Visit(const UnresolvedRelation& node);
  Result<PlanPtr> Visit(const UnresolvedDataSource& node);
  Result<PlanPtr> Visit(const UnresolvedTableFunction& node);
  Result<PlanPtr> Visit(const LocalRelation& node);
  Result<PlanPtr> Visit(const Range& node);
  Result<PlanPtr> Visit(const OneRow& node);
  Result<PlanPtr> Visit(const ScanRelation& node);
  // relational (relational_nodes.cc)
  Result<PlanPtr> Visit(const Project& node);
  Result<PlanPtr> Visit(const Filter& node);
  Result<PlanPtr> Visit(const Sort& node);
  Result<PlanPtr> Visit(const Limit& node);
  Result<PlanPtr> Visit(const Offset& node);
  Result<PlanPtr> Visit(const Tail& node);
  Result<PlanPtr> Visit(const SubqueryAlias& node);
  Result<PlanPtr> Visit(const WithCte& node);
  Result<PlanPtr> Visit(const Sample& node);
  Result<PlanPtr> Visit(const Repartition& node);
  Result<PlanPtr> Visit(const WithWatermark& node);
  Result<PlanPtr> Visit(const CollectMetrics& node);  // collect_metrics.cc
  // python_functions.cc
  Result<PlanPtr> Visit(const PythonEval& node);
  Result<PlanPtr> Visit(const PythonMap& node);
  // python_nodes.cc
  Result<PlanPtr> Visit(const PythonGroups& node);
  Result<PlanPtr> Visit(const TransformWithState& node);
  Result<PlanPtr> Visit(const Generate& node);
  Result<PlanPtr> Visit(const Window& node);
  // aggregate_analysis.cc
  Result<PlanPtr> Visit(const Aggregate& node);
  Result<PlanPtr> PivotOf(const Aggregate& node);  // pivot.cc
  // combining_nodes.cc
  Result<PlanPtr> Visit(const Join& node);
  Result<PlanPtr> Visit(const SetOperation& node);
  // dataframe_nodes.cc: all of them become Projects and Filters
  Result<PlanPtr> Visit(const Deduplicate& node);
  Result<PlanPtr> Visit(const ToDf& node);
  Result<PlanPtr> Visit(const WithColumns& node);
  Result<PlanPtr> Visit(const WithColumnsRenamed& node);
  Result<PlanPtr> Visit(const DropColumns& node);
  Result<PlanPtr> Visit(const ToSchema& node);
  Result<PlanPtr> Visit(const FillNa& node);
  Result<PlanPtr> Visit(const DropNa& node);
  Result<PlanPtr> Visit(const ReplaceNa& node);
  Result<PlanPtr> Visit(const Unpivot& node);

  Result<PlanPtr> CopyIntoFiles(const std::string& function, const std::vector<ExprPtr>& args);
  Result<PlanPtr> TableChanges(const std::string& function, const std::vector<ExprPtr>& args);
  PlanPtr ScanOf(RelationSourcePtr source);
  Scope ScopeOf(const PlanNode& plan) const { return {OutputOf(plan), outer_}; }
  std::vector<AttributeRef> VisibleOutput(const PlanNode& plan) const;
  PlanPtr WithoutHidden(PlanPtr plan) const;
  // A Project over `child`: windows and generators in the list go into nodes of their own.
  Result<PlanPtr> MakeProject(std::vector<ExprPtr> list, PlanPtr child);
  Result<std::vector<ExprPtr>> ExtractGenerators(std::vector<ExprPtr> list, PlanPtr& child);
  // window(…) in the lists becomes a column of the plan that comes back (time_windows.cc).
  Result<PlanPtr> ExtractTimeWindows(const std::vector<std::vector<ExprPtr>*>& lists, PlanPtr child);
  std::vector<ExprPtr> ExtractWindows(std::vector<ExprPtr> list, PlanPtr& child);
  Result<ExprPtr> ResolveCondition(const ExprPtr& condition, const Scope& scope);
  Result<ExprPtr> ResolveCount(const ExprPtr& count, const char* what);
  // Python functions anywhere in an analyzed plan, each in a PythonEval below the node that asks for it (python_functions.cc, Spark's ExtractPythonUDFs).
  Result<PlanPtr> ExtractPythonCalls(const PlanPtr& plan);
  // Sort and Filter over a Project or Aggregate may use columns that the list has not kept: adds them below, and drops them above.
  Result<PlanPtr> SortOver(const std::vector<ExprPtr>& order, bool is_global, PlanPtr child);
  Result<PlanPtr> HavingOver(const ExprPtr& condition, PlanPtr child);

  Catalog& catalog_;
  AnalyzerConf conf_;
  int64_t last_id_ = 0;
  int nodes_seen_ = 0;
  int depth_ = 0;
  const Scope* outer_ = nullptr;
  std::map<int64_t, std::vector<AttributeRef>> columns_of_plan_;
  std::set<ExprId> hidden_;
  struct Cte {
    std::string name;  // lower case
    PlanPtr plan;
    size_t visible;  // how many entries of ctes_ it may see itself
  };
  std::vector<Cte> ctes_;
  size_t ctes_visible_ = 0;
};

}  // namespace millstream
