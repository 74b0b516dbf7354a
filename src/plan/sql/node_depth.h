#pragma once

// node_depth.h   How deep the parts of a new node are; a part of SqlParser, kept apart because it lists every kind of node that SQL makes.

#include <algorithm>
#include <type_traits>

#include "plan/sql/sql_parser.h"

namespace millstream {

// Calls `visit` with each expression and plan that `node` holds directly.
template <typename T, typename Visit>
void ForEachPart(const T& node, Visit visit) {
  auto all = [&](const std::vector<ExprPtr>& parts) {
    for (const ExprPtr& part : parts) visit(part.get());
  };
  if constexpr (std::is_same_v<T, UnresolvedFunction>) {
    all(node.args);
    visit(node.filter.get());
  } else if constexpr (std::is_same_v<T, UnresolvedExtractValue>) {
    visit(node.child.get());
    visit(node.extraction.get());
  } else if constexpr (std::is_same_v<T, LambdaExpr>) {
    visit(node.body.get());
  } else if constexpr (std::is_same_v<T, WindowCall>) {
    visit(node.function.get());
    all(node.partition_by);
    all(node.order_by);
    if (node.frame) {
      visit(node.frame->lower.offset.get());
      visit(node.frame->upper.offset.get());
    }
  } else if constexpr (std::is_same_v<T, SubqueryExpr>) {
    visit(node.plan.get());
    all(node.values);
  } else if constexpr (std::is_same_v<T, Alias> || std::is_same_v<T, Cast> || std::is_same_v<T, SortOrder>) {
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, UnresolvedTableFunction>) {
    all(node.args);
  } else if constexpr (std::is_same_v<T, Project>) {
    all(node.expressions);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Filter>) {
    visit(node.condition.get());
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Aggregate>) {
    all(node.group_by);
    all(node.aggregates);
    for (const auto& set : node.grouping_sets) all(set);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Sort>) {
    all(node.order);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Limit> || std::is_same_v<T, Offset>) {
    visit(node.count.get());
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, DropColumns>) {
    all(node.columns);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Deduplicate> || std::is_same_v<T, SubqueryAlias> || std::is_same_v<T, Sample> || std::is_same_v<T, WithWatermark> ||
                       std::is_same_v<T, Repartition>) {
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, CollectMetrics>) {
    all(node.metrics);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, PythonGroups>) {
    all(node.grouping);
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, TransformWithState>) {
    all(node.grouping);
    all(node.initial_grouping);
    visit(node.child.get());
    visit(node.initial.get());
  } else if constexpr (std::is_same_v<T, Generate>) {
    visit(node.generator.get());
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, WithCte>) {
    for (const auto& [name, plan] : node.definitions) visit(plan.get());
    visit(node.child.get());
  } else if constexpr (std::is_same_v<T, Join>) {
    visit(node.condition.get());
    visit(node.left.get());
    visit(node.right.get());
  } else if constexpr (std::is_same_v<T, SetOperation>) {
    visit(node.left.get());
    visit(node.right.get());
  } else {
    static_assert(std::is_same_v<T, UnresolvedAttribute> || std::is_same_v<T, UnresolvedStar> || std::is_same_v<T, Literal> ||
                      std::is_same_v<T, LambdaVariable> || std::is_same_v<T, UnresolvedRelation> || std::is_same_v<T, UnresolvedDataSource> ||
                      std::is_same_v<T, OneRow>,
                  "a kind of node that ForEachPart does not know");
  }
}

template <typename T>
int SqlParser::DepthBelow(const T& node) const {
  int deepest = 0;
  ForEachPart(node, [&](const void* part) { deepest = std::max(deepest, DepthOf(part)); });
  return deepest;
}

}  // namespace millstream
