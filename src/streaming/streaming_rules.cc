#include "streaming/streaming_rules.h"

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/session_windows.h"
#include "plan/function_registry.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

bool IsStreamingAggregate(const PlanNode& plan) { return plan.As<Aggregate>() && IsStreaming(plan); }

bool IsStateful(const PlanNode& plan) {
  if (const auto* join = plan.As<Join>()) return IsStreaming(*join->left) && IsStreaming(*join->right);
  return (plan.As<Aggregate>() || plan.As<Deduplicate>()) && IsStreaming(plan);
}

// Outside of append mode an aggregation emits groups that the watermark has not passed, and emits them again.
bool HasLateRowsBelowState(const PlanNode& plan) {
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  const bool is_above = IsStateful(plan);
  return std::any_of(children.begin(), children.end(),
                     [&](const PlanPtr& child) { return (is_above && HasStreamingAggregate(*child)) || HasLateRowsBelowState(*child); });
}

const Aggregate* TopmostAggregate(const PlanNode& plan) {
  if (IsStreamingAggregate(plan)) return plan.As<Aggregate>();
  for (const PlanPtr& child : ChildrenOf(plan)) {
    if (const Aggregate* found = TopmostAggregate(*child)) return found;
  }
  return nullptr;
}

Status CheckExpressions(const PlanNode& plan) {
  std::vector<ExprPtr> expressions;
  if (const auto* node = plan.As<Project>()) expressions = node->expressions;
  if (const auto* node = plan.As<Filter>()) expressions = {node->condition};
  if (const auto* node = plan.As<Aggregate>()) {
    expressions = node->aggregates;
    expressions.insert(expressions.end(), node->group_by.begin(), node->group_by.end());
  }
  for (const ExprPtr& expr : expressions) {
    const bool numbers_rows = Contains(*expr, [](const Expr& part) {
      const auto* call = part.As<Call>();
      return call && call->function->name == "monotonically_increasing_id";
    });
    if (numbers_rows) return NotSupported("Expression(s): monotonically_increasing_id() is not supported with streaming DataFrames/Datasets");
  }
  return Status();
}

Status CheckWindow(const Window& window) {
  std::string functions, columns, specs;
  for (const ExprPtr& expr : window.expressions) {
    const auto* alias = expr->As<Alias>();
    const auto* call = (alias ? *alias->child : *expr).As<WindowCall>();
    if (!call) continue;
    std::string spec;
    for (const ExprPtr& key : call->partition_by) spec += (spec.empty() ? "(PARTITION BY " : ", ") + SqlOf(*key);
    functions += (functions.empty() ? "" : ", ") + SqlOf(*call->function);
    columns += (columns.empty() ? "`" : ", `") + (alias ? alias->names[0] : SqlOf(*call->function)) + "`";
    specs += (specs.empty() ? "" : ", ") + (spec.empty() ? "(" : spec) + ")";
  }
  return Status::Error(errors::kNonTimeWindow, {{"windowFunc", functions}, {"columnName", columns}, {"windowSpec", specs}});
}

Status CheckNodes(const PlanNode& plan) {
  if (!IsStreaming(plan)) return Status();
  for (const PlanPtr& child : ChildrenOf(plan)) MS_RETURN_IF_ERROR(CheckNodes(*child));
  if (const auto* window = plan.As<Window>()) return CheckWindow(*window);
  if (const auto* aggregate = plan.As<Aggregate>()) {
    for (const ExprPtr& expr : aggregate->aggregates) {
      const bool is_distinct = Contains(*expr, [](const Expr& part) {
        const auto* call = part.As<AggregateCall>();
        return call && call->is_distinct;
      });
      if (is_distinct) {
        return NotSupported("Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using approx_count_distinct() instead.");
      }
    }
  }
  return CheckExpressions(plan);
}

}  // namespace

Status NotSupported(std::string text) { return Status::Error(errors::kStreamingUnsupported, {{"msg", std::move(text)}}); }

Status CheckStreamingRules(const PlanNode& plan, OutputMode mode) {
  if (mode != OutputMode::kAppend && HasLateRowsBelowState(plan)) {
    return NotSupported(
        "Detected pattern of possible 'correctness' issue due to global watermark. The query contains stateful operation which can emit rows older than the "
        "current watermark plus allowed late record delay, which are \"late rows\" in downstream stateful operations and these rows can be discarded. Please "
        "refer the programming guide doc for more details. If you understand the possible risk of correctness issue and still need to run the query, you can "
        "disable this check by setting the config `spark.sql.streaming.statefulOperator.checkCorrectness.enabled` to false.");
  }
  const Aggregate* aggregate = TopmostAggregate(plan);
  if (aggregate && mode == OutputMode::kUpdate && SessionKeyOf(aggregate->group_by).has_value()) {
    return Status::Error(errors::kOutputModeUnsupportedOperation, {{"outputMode", "update"}, {"operation", "session window streaming aggregations"}});
  }
  return CheckNodes(plan);
}

}  // namespace millstream
