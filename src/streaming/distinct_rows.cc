#include "streaming/distinct_rows.h"

#include "plan/analyzer.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

std::vector<ExprPtr> ColumnsOf(const PlanNode& plan) {
  std::vector<ExprPtr> columns;
  for (const AttributeRef& column : OutputOf(plan)) columns.push_back(MakeExpr(AttributeRef(column)));
  return columns;
}

PlanPtr GroupedByAll(PlanPtr rows, std::vector<ExprPtr> results) {
  std::vector<ExprPtr> keys = ColumnsOf(*rows);
  return MakePlan(Aggregate{
      .kind = Aggregate::Kind::kGroupBy, .group_by = std::move(keys), .aggregates = std::move(results), .child = std::move(rows), .grouping_sets = {}});
}

Result<ExprPtr> CallOf(const char* name, std::vector<ExprPtr> args) {
  const FunctionDef* function = FindFunction(name);
  MS_ASSIGN_OR_RETURN(TypedCall typed, function->rule(*function, std::move(args), AnalyzerConf{}));
  return MakeExpr(Call{function, std::move(typed.args), typed.type, typed.nullable, EvalMode::kAnsi});
}

Result<PlanPtr> AntiJoin(const SetOperation& except) {
  const std::vector<ExprPtr> left = ColumnsOf(*except.left), right = ColumnsOf(*except.right);
  ExprPtr all;
  for (size_t i = 0; i < left.size(); ++i) {
    MS_ASSIGN_OR_RETURN(ExprPtr same, CallOf("<=>", {left[i], right[i]}));
    if (all != nullptr) {
      MS_ASSIGN_OR_RETURN(same, CallOf("and", {all, std::move(same)}));
    }
    all = std::move(same);
  }
  Join join{.type = JoinType::kLeftAnti, .condition = std::move(all), .using_columns = {}, .left = except.left, .right = except.right};
  std::vector<ExprPtr> results;
  for (size_t i = 0; i < left.size(); ++i)
    results.push_back(MakeExpr(Alias{.child = left[i], .names = {except.output[i].name}, .metadata = std::nullopt, .id = except.output[i].id}));
  return GroupedByAll(MakePlan(std::move(join)), std::move(results));
}

}  // namespace

PlanPtr DistinctAsAggregate(const PlanPtr& analyzed) {
  if (!IsStreaming(*analyzed)) return analyzed;
  std::vector<PlanPtr> children = ChildrenOf(*analyzed);
  if (children.empty()) return analyzed;
  for (PlanPtr& child : children) child = DistinctAsAggregate(child);
  if (const auto* distinct = analyzed->As<Deduplicate>(); distinct != nullptr && distinct->is_select_distinct) {
    std::vector<ExprPtr> columns = ColumnsOf(*children[0]);
    return GroupedByAll(std::move(children[0]), std::move(columns));
  }
  const PlanPtr same = WithChildren(*analyzed, std::move(children));
  const auto* set = same->As<SetOperation>();
  if (set == nullptr || set->kind != SetOperation::Kind::kUnion || set->is_all) return same;
  SetOperation all = *set;
  all.is_all = true;
  PlanPtr rows = MakePlan(std::move(all));
  std::vector<ExprPtr> columns = ColumnsOf(*rows);
  return GroupedByAll(std::move(rows), std::move(columns));
}

Result<PlanPtr> ExceptAsAntiJoin(const PlanPtr& analyzed, OutputMode mode) {
  if (!IsStreaming(*analyzed)) return analyzed;
  std::vector<PlanPtr> children = ChildrenOf(*analyzed);
  if (children.empty()) return analyzed;
  for (PlanPtr& child : children) {
    MS_ASSIGN_OR_RETURN(child, ExceptAsAntiJoin(child, mode));
  }
  PlanPtr same = WithChildren(*analyzed, std::move(children));
  const auto* set = same->As<SetOperation>();
  if (set == nullptr || set->kind != SetOperation::Kind::kExcept) return same;
  if (set->is_all) return Status::Unsupported("EXCEPT ALL in a streaming query");
  if (mode == OutputMode::kAppend) return Status::Error(errors::kOperatorWithoutWatermark, {{"outputMode", "append"}, {"statefulOperator", "aggregation"}});
  return AntiJoin(*set);
}

}  // namespace millstream
