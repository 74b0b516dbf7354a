#include "streaming/operators/used_columns.h"

#include "plan/analyzer/expression_walk.h"
#include "streaming/operators/event_time.h"

namespace millstream {

ExprId IdOfColumn(const Expr& column) {
  if (const auto* alias = column.As<Alias>()) return alias->id;
  const auto* attribute = column.As<AttributeRef>();
  return attribute ? attribute->id : ExprId(kFirstCutId);
}

UsedColumns::UsedColumns(const PlanNode& plan) {
  AddOutput(plan);
  Visit(plan);
}

void UsedColumns::AddOutput(const PlanNode& plan) {
  for (const AttributeRef& column : OutputOf(plan)) ids_.insert(column.id);
}

void UsedColumns::Add(const ExprPtr& expr) {
  if (expr == nullptr) return;
  if (const auto* attribute = expr->As<AttributeRef>()) ids_.insert(attribute->id);
  // What a subquery asks of the plan around it is not looked for.
  all_ |= expr->As<SubqueryExpr>() != nullptr;
  for (const ExprPtr& child : ChildrenOf(*expr)) Add(child);
}

void UsedColumns::Add(const std::vector<ExprPtr>& exprs) {
  for (const ExprPtr& expr : exprs) Add(expr);
}

void UsedColumns::Visit(const PlanNode& plan) {
  if (const auto* node = plan.As<Project>()) {
    bool any = false;
    for (const ExprPtr& expr : node->expressions) {
      if (!Has(IdOfColumn(*expr))) continue;
      Add(expr);
      any = true;
    }
    // Rows are counted by a column.
    if (!any && !node->expressions.empty()) {
      ids_.insert(IdOfColumn(*node->expressions[0]));
      Add(node->expressions[0]);
    }
  }
  if (const auto* node = plan.As<Filter>()) Add(node->condition);
  if (const auto* node = plan.As<Aggregate>()) {
    Add(node->group_by);
    Add(node->aggregates);
  }
  if (const auto* node = plan.As<Sort>()) Add(node->order);
  if (const auto* node = plan.As<Window>()) Add(node->expressions);
  if (const auto* node = plan.As<Generate>()) Add(node->generator);
  if (const auto* node = plan.As<Join>()) Add(node->condition);
  if (const auto* node = plan.As<CollectMetrics>()) Add(node->metrics);
  if (const auto* node = plan.As<WithWatermark>()) ids_.insert(node->event_time);
  if (const auto* node = plan.As<Deduplicate>()) {
    ids_.insert(node->keys.begin(), node->keys.end());
    for (const auto& [id, delay] : EventTimesOf(*node->child)) ids_.insert(id);
  }
  if (const auto* node = plan.As<PythonEval>()) Add(node->calls);
  if (const auto* node = plan.As<PythonMap>()) AddOutput(*node->child);
  if (const auto* node = plan.As<PythonGroups>()) {
    Add(node->grouping);
    AddOutput(*node->child);
  }
  if (const auto* node = plan.As<TransformWithState>()) {
    Add(node->grouping);
    Add(node->initial_grouping);
    for (const PlanPtr& child : ChildrenOf(plan)) AddOutput(*child);
  }
  if (const auto* node = plan.As<SetOperation>()) {
    AddOutput(*node->left);
    AddOutput(*node->right);
  }
  for (const PlanPtr& child : ChildrenOf(plan)) Visit(*child);
}

}  // namespace millstream
