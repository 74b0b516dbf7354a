#include "streaming/operators/event_time.h"

#include <algorithm>
#include <optional>

#include "plan/function_registry.h"

namespace millstream {
namespace {

std::optional<int64_t> DelayOf(const Expr& expr, const EventTimes& input) {
  if (const auto* alias = expr.As<Alias>()) return DelayOf(*alias->child, input);
  if (const auto* attribute = expr.As<AttributeRef>()) {
    const auto found = input.find(attribute->id);
    return found == input.end() ? std::nullopt : std::optional(found->second);
  }
  if (const auto* call = expr.As<Call>()) {
    const std::string& name = call->function->name;
    if (name == "window" || name == "window_time" || name == "session_window" || name == "explode") return DelayOf(*call->args[0], input);
  }
  return std::nullopt;
}

EventTimes Through(const std::vector<ExprPtr>& list, const EventTimes& input) {
  EventTimes output;
  for (const ExprPtr& expr : list) {
    const std::optional<int64_t> delay = DelayOf(*expr, input);
    if (!delay) continue;
    if (const auto* alias = expr->As<Alias>()) output[alias->id] = *delay;
    if (const auto* attribute = expr->As<AttributeRef>()) output[attribute->id] = *delay;
  }
  return output;
}

}  // namespace

bool IsEventTime(const Expr& expr, const EventTimes& input) { return DelayOf(expr, input).has_value(); }

bool HasWatermark(const PlanNode& plan) {
  if (plan.As<WithWatermark>() != nullptr) return true;
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  return std::any_of(children.begin(), children.end(), [](const PlanPtr& child) { return HasWatermark(*child); });
}

EventTimes EventTimesOf(const PlanNode& plan) {
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  if (children.empty()) return {};
  EventTimes first = EventTimesOf(*children[0]);
  // A watermark takes the place of those below it.
  if (const auto* node = plan.As<WithWatermark>()) return {{node->event_time, node->delay_ms}};
  if (plan.As<PythonGroups>() || plan.As<PythonMap>()) return {};
  if (const auto* node = plan.As<TransformWithState>()) return node->event_time ? EventTimes{{*node->event_time, node->delay_ms}} : EventTimes{};
  if (const auto* node = plan.As<Project>()) return Through(node->expressions, first);
  if (const auto* node = plan.As<Aggregate>()) return Through(node->aggregates, first);
  if (const auto* node = plan.As<Generate>()) {
    if (const std::optional<int64_t> delay = DelayOf(*node->generator, first); delay && node->output.size() == 1) first[node->output[0].id] = *delay;
    return first;
  }
  if (plan.As<Join>()) {
    first.merge(EventTimesOf(*children[1]));
    return first;
  }
  if (const auto* node = plan.As<SetOperation>()) {
    EventTimes output;
    const std::vector<AttributeRef> left = OutputOf(*node->left);
    for (size_t i = 0; i < std::min(left.size(), node->output.size()); ++i)
      if (const auto found = first.find(left[i].id); found != first.end()) output[node->output[i].id] = found->second;
    return output;
  }
  return first;
}

}  // namespace millstream
