// Python functions among expressions are computed by nodes of their own.

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"

namespace millstream {
namespace {

constexpr ErrorClass kPythonInJoin{
    "UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE", "0A000", ExceptionKind::kAnalysis,
    "The feature is not supported: Python UDF in the ON clause of a <joinType> JOIN. In case of an INNER JOIN consider rewriting to a "
    "CROSS JOIN with a WHERE clause."};

bool CallsPythonIn(const Expr& expr) {
  return Contains(expr, [](const Expr& part) { return part.As<PythonCall>() != nullptr; });
}

// Calls that no Python is needed for first.
void CollectInnermost(const ExprPtr& expr, std::vector<ExprPtr>* calls) {
  if (!CallsPythonIn(*expr)) return;
  const std::vector<ExprPtr> children = ChildrenOf(*expr);
  const bool is_innermost =
      expr->As<PythonCall>() && std::none_of(children.begin(), children.end(), [](const ExprPtr& child) { return CallsPythonIn(*child); });
  if (!is_innermost) {
    for (const ExprPtr& child : children) CollectInnermost(child, calls);
    return;
  }
  const bool known = std::any_of(calls->begin(), calls->end(), [&](const ExprPtr& call) { return KeyOf(*call) == KeyOf(*expr); });
  if (!known) calls->push_back(expr);
}

std::vector<ExprPtr> AttributesOf(const std::vector<AttributeRef>& columns) {
  std::vector<ExprPtr> exprs;
  for (const AttributeRef& column : columns) exprs.push_back(MakeExpr(column));
  return exprs;
}

// The results of `calls` where they were called.
ExprPtr WithResults(const ExprPtr& expr, const std::vector<ExprPtr>& calls, const std::vector<AttributeRef>& results) {
  if (expr == nullptr) return expr;
  return Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
    if (part->As<PythonCall>() == nullptr) return nullptr;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i] == part || KeyOf(*calls[i]) == KeyOf(*part)) return MakeExpr(results[i]);
    }
    return nullptr;
  });
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::Visit(const PythonEval&) { return Status::Internal("a plan that has been analyzed is analyzed again"); }

Result<PlanPtr> PlanAnalyzer::Visit(const PythonMap& node) {
  PythonMap map = node;
  MS_ASSIGN_OR_RETURN(PlanPtr child, Analyze(node.child));
  map.child = WithoutHidden(std::move(child));
  for (const StructField& field : node.output_schema) {
    map.output.push_back({.name = field.name, .type = field.type, .nullable = field.nullable, .id = NewId(), .qualifier = {}, .metadata = field.metadata});
  }
  return MakePlan(std::move(map));
}

Result<PlanPtr> PlanAnalyzer::ExtractPythonCalls(const PlanPtr& plan) {
  std::vector<PlanPtr> children = ChildrenOf(*plan);
  bool changed = false;
  for (PlanPtr& child : children) {
    MS_ASSIGN_OR_RETURN(PlanPtr other, ExtractPythonCalls(child));
    changed |= other != child;
    child = std::move(other);
  }
  // The node's lists, and what may stand around it: it gives no more columns than before.
  PlanNode node = changed ? *WithChildren(*plan, children) : *plan;
  std::vector<ExprPtr*> exprs;
  auto add = [&](std::vector<ExprPtr>& list) {
    for (ExprPtr& expr : list) exprs.push_back(&expr);
  };
  PlanPtr* child = nullptr;
  bool adds_columns = true;
  if (auto* project = std::get_if<Project>(&node.node)) {
    add(project->expressions), child = &project->child, adds_columns = false;
  } else if (auto* aggregate = std::get_if<Aggregate>(&node.node)) {
    add(aggregate->group_by), add(aggregate->aggregates), child = &aggregate->child, adds_columns = false;
    for (std::vector<ExprPtr>& set : aggregate->grouping_sets) add(set);
  } else if (auto* filter = std::get_if<Filter>(&node.node)) {
    exprs.push_back(&filter->condition), child = &filter->child;
  } else if (auto* sort = std::get_if<Sort>(&node.node)) {
    add(sort->order), child = &sort->child;
  } else if (auto* window = std::get_if<Window>(&node.node)) {
    add(window->expressions), child = &window->child;
  } else if (auto* generate = std::get_if<Generate>(&node.node)) {
    exprs.push_back(&generate->generator), child = &generate->child;
  } else if (const auto* join = std::get_if<Join>(&node.node); join != nullptr && join->condition && CallsPythonIn(*join->condition)) {
    if (join->type != JoinType::kInner && join->type != JoinType::kCross) {
      static constexpr const char* kNames[] = {"INNER", "LEFT OUTER", "RIGHT OUTER", "FULL OUTER", "LEFT SEMI", "LEFT ANTI", "CROSS"};
      return Status::Error(kPythonInJoin, {{"joinType", kNames[static_cast<size_t>(join->type)]}});
    }
    Join all = *join;
    const ExprPtr condition = std::exchange(all.condition, nullptr);
    return ExtractPythonCalls(MakePlan(Filter{condition, MakePlan(std::move(all))}));
  }
  if (child == nullptr || std::none_of(exprs.begin(), exprs.end(), [](const ExprPtr* expr) { return CallsPythonIn(**expr); })) {
    return changed ? std::make_shared<const PlanNode>(std::move(node)) : plan;
  }
  const std::vector<AttributeRef> output = OutputOf(node);
  for (;;) {
    std::vector<ExprPtr> calls;
    for (const ExprPtr* expr : exprs) CollectInnermost(*expr, &calls);
    if (calls.empty()) break;
    std::vector<AttributeRef> results;
    PythonEval eval{.calls = {}, .child = *child};
    for (const ExprPtr& call : calls) {
      AttributeRef result{.name = SqlOf(*call), .type = TypeOf(*call), .nullable = true, .id = NewId()};
      eval.calls.push_back(MakeExpr(Alias{call, {result.name}, std::nullopt, result.id}));
      results.push_back(std::move(result));
    }
    for (ExprPtr* expr : exprs) *expr = WithResults(*expr, calls, results);
    *child = MakePlan(std::move(eval));
  }
  PlanPtr done = std::make_shared<const PlanNode>(std::move(node));
  return adds_columns ? MakePlan(Project{AttributesOf(output), std::move(done)}) : done;
}

}  // namespace millstream
