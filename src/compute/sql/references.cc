#include "compute/sql/function_names.h"
#include "compute/sql/plan_sql.h"

namespace millstream::compute {
namespace {

using Ids = std::set<ExprId>;

void CollectAll(const std::vector<ExprPtr>& exprs, Ids& ids) {
  for (const ExprPtr& expr : exprs) {
    if (expr) CollectReferences(*expr, ids);
  }
}

// Over-approximates: what a subquery names of itself is not in the outer plan, and does no harm.
void CollectPlan(const PlanNode& plan, Ids& ids) {
  if (const auto* node = plan.As<Project>()) CollectAll(node->expressions, ids);
  if (const auto* node = plan.As<Filter>()) CollectReferences(*node->condition, ids);
  if (const auto* node = plan.As<Aggregate>()) {
    CollectAll(node->group_by, ids);
    CollectAll(node->aggregates, ids);
  }
  if (const auto* node = plan.As<Sort>()) CollectAll(node->order, ids);
  if (const auto* node = plan.As<Window>()) CollectAll(node->expressions, ids);
  if (const auto* node = plan.As<Generate>()) CollectReferences(*node->generator, ids);
  if (const auto* node = plan.As<Join>(); node && node->condition) CollectReferences(*node->condition, ids);
  for (const PlanPtr& child : ChildrenOf(plan)) CollectPlan(*child, ids);
}

}  // namespace

void CollectReferences(const Expr& expr, Ids& ids) {
  if (const auto* node = expr.As<AttributeRef>()) ids.insert(node->id);
  if (const auto* node = expr.As<Alias>()) CollectReferences(*node->child, ids);
  if (const auto* node = expr.As<Cast>()) CollectReferences(*node->child, ids);
  if (const auto* node = expr.As<SortOrder>()) CollectReferences(*node->child, ids);
  if (const auto* node = expr.As<LambdaExpr>()) CollectReferences(*node->body, ids);
  if (const auto* node = expr.As<Call>()) CollectAll(node->args, ids);
  if (const auto* node = expr.As<AggregateCall>()) {
    CollectAll(node->args, ids);
    if (node->filter) CollectReferences(*node->filter, ids);
  }
  if (const auto* node = expr.As<WindowCall>()) {
    CollectReferences(*node->function, ids);
    CollectAll(node->partition_by, ids);
    CollectAll(node->order_by, ids);
  }
  if (const auto* node = expr.As<SubqueryExpr>()) {
    CollectAll(node->values, ids);
    CollectPlan(*node->plan, ids);
  }
}

std::vector<ExprPtr> SplitConjuncts(const ExprPtr& condition) {
  std::vector<ExprPtr> conjuncts, open = {condition};
  while (!open.empty()) {
    ExprPtr next = open.back();
    open.pop_back();
    const auto* call = next->As<Call>();
    if (call && NameOf(*call->function) == "and") {
      open.insert(open.end(), call->args.rbegin(), call->args.rend());
    } else {
      conjuncts.push_back(std::move(next));
    }
  }
  return conjuncts;
}

}  // namespace millstream::compute
