// DataFrame.observe: which metrics may be asked for (Spark's CheckAnalysis of CollectMetrics).

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/analyzer/stored_value.h"

namespace millstream {
namespace {

constexpr ErrorClass InvalidMetrics(const char* name, const char* message) { return {name, "42K0E", ExceptionKind::kAnalysis, message}; }

constexpr ErrorClass kMissingName =
    InvalidMetrics("INVALID_OBSERVED_METRICS.MISSING_NAME", "Invalid observed metrics. The observed metrics should be named: <operator>.");
constexpr ErrorClass kWindow = InvalidMetrics("INVALID_OBSERVED_METRICS.WINDOW_EXPRESSIONS_UNSUPPORTED",
                                              "Invalid observed metrics. Window expressions are not allowed in observed metrics, but found: \"<expr>\".");
constexpr ErrorClass kNested = InvalidMetrics("INVALID_OBSERVED_METRICS.NESTED_AGGREGATES_UNSUPPORTED",
                                              "Invalid observed metrics. Nested aggregates are not allowed in observed metrics, but found: \"<expr>\".");
constexpr ErrorClass kDistinct =
    InvalidMetrics("INVALID_OBSERVED_METRICS.AGGREGATE_EXPRESSION_WITH_DISTINCT_UNSUPPORTED",
                   "Invalid observed metrics. Aggregate expressions with DISTINCT are not allowed in observed metrics, but found: \"<expr>\".");
constexpr ErrorClass kFiltered =
    InvalidMetrics("INVALID_OBSERVED_METRICS.AGGREGATE_EXPRESSION_WITH_FILTER_UNSUPPORTED",
                   "Invalid observed metrics. Aggregate expression with FILTER predicate are not allowed in observed metrics, but found: \"<expr>\".");
constexpr ErrorClass kAttribute = InvalidMetrics("INVALID_OBSERVED_METRICS.NON_AGGREGATE_FUNC_ARG_IS_ATTRIBUTE",
                                                 "Invalid observed metrics. Attribute \"<expr>\" can only be used as an argument to an aggregate function.");
constexpr ErrorClass kNonDeterministic =
    InvalidMetrics("INVALID_OBSERVED_METRICS.NON_AGGREGATE_FUNC_ARG_IS_NON_DETERMINISTIC",
                   "Invalid observed metrics. Non-deterministic expression \"<expr>\" can only be used as an argument to an aggregate function.");

Status CheckMetric(const ExprPtr& metric, const Expr& part, bool in_aggregate) {
  auto wrong = [&](const ErrorClass& error) {
    const auto* alias = metric->As<Alias>();
    return Status::Error(error, {{"expr", alias != nullptr ? SqlOf(*alias->child) + " AS " + alias->names.at(0) : SqlOf(*metric)}});
  };
  if (part.As<WindowCall>()) return wrong(kWindow);
  if (const auto* aggregate = part.As<AggregateCall>()) {
    if (in_aggregate) return wrong(kNested);
    if (aggregate->is_distinct) return wrong(kDistinct);
    if (aggregate->filter) return wrong(kFiltered);
    in_aggregate = true;
  }
  if (part.As<AttributeRef>() && !in_aggregate) return wrong(kAttribute);
  const std::vector<ExprPtr> children = ChildrenOf(part);
  for (const ExprPtr& child : children) MS_RETURN_IF_ERROR(CheckMetric(metric, *child, in_aggregate));
  // What is random in an aggregate does not make what is around it so.
  if (part.As<Call>() && !in_aggregate && !IsDeterministic(part) &&
      std::all_of(children.begin(), children.end(), [](const ExprPtr& child) { return IsDeterministic(*child); }))
    return wrong(kNonDeterministic);
  return Status();
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::Visit(const CollectMetrics& node) {
  CollectMetrics collect{.name = node.name, .metrics = {}, .child = nullptr};
  if (node.name.empty()) return Status::Error(kMissingName, {{"operator", "CollectMetrics"}});
  MS_ASSIGN_OR_RETURN(collect.child, Analyze(node.child));
  Scope scope = ScopeOf(*collect.child);
  ExpressionAnalyzer expressions(*this, scope);
  expressions.leaves_nested_aggregates = true;
  MS_ASSIGN_OR_RETURN(collect.metrics, expressions.ResolveList(node.metrics));
  for (const ExprPtr& metric : collect.metrics) MS_RETURN_IF_ERROR(CheckMetric(metric, *metric, false));
  return MakePlan(std::move(collect));
}

}  // namespace millstream
