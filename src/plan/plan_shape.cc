// What a node is made of: its inputs and its columns.

#include <algorithm>

#include "plan/analyzer.h"
#include "plan/logical_plan.h"

namespace millstream {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

AttributeRef AttributeOf(const Expr& expr) {
  if (const auto* attribute = expr.As<AttributeRef>()) return *attribute;
  if (const auto* alias = expr.As<Alias>()) {
    std::string metadata = alias->metadata.value_or("{}");
    if (const auto* inner = alias->child->As<AttributeRef>(); inner && !alias->metadata) metadata = inner->metadata;
    return {.name = alias->names.at(0),
            .type = TypeOf(*alias->child),
            .nullable = IsNullable(*alias->child),
            .id = alias->id,
            .qualifier = {},
            .metadata = metadata};
  }
  MS_CHECK_MSG(false, "a column that is neither an attribute nor an alias: " + SqlOf(expr));
}

std::vector<AttributeRef> AttributesOf(const std::vector<ExprPtr>& exprs) {
  std::vector<AttributeRef> attributes;
  for (const ExprPtr& expr : exprs) attributes.push_back(AttributeOf(*expr));
  return attributes;
}

std::vector<AttributeRef> Append(std::vector<AttributeRef> left, const std::vector<AttributeRef>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::vector<AttributeRef> Nullable(std::vector<AttributeRef> attributes, bool nullable) {
  if (nullable) {
    for (AttributeRef& attribute : attributes) attribute.nullable = true;
  }
  return attributes;
}

}  // namespace

std::vector<PlanPtr> ChildrenOf(const PlanNode& plan) {
  return std::visit(
      Overloaded{[](const Join& join) {
                   return std::vector<PlanPtr>{join.left, join.right};
                 },
                 [](const SetOperation& set) {
                   return std::vector<PlanPtr>{set.left, set.right};
                 },
                 [](const TransformWithState& groups) {
                   return groups.initial ? std::vector<PlanPtr>{groups.child, groups.initial} : std::vector<PlanPtr>{groups.child};
                 },
                 [](const UnresolvedRelation&) { return std::vector<PlanPtr>(); }, [](const UnresolvedDataSource&) { return std::vector<PlanPtr>(); },
                 [](const UnresolvedTableFunction&) { return std::vector<PlanPtr>(); }, [](const LocalRelation&) { return std::vector<PlanPtr>(); },
                 [](const Range&) { return std::vector<PlanPtr>(); }, [](const OneRow&) { return std::vector<PlanPtr>(); },
                 [](const ScanRelation&) { return std::vector<PlanPtr>(); },
                 [](const WithCte& with) {
                   std::vector<PlanPtr> children;
                   for (const auto& [name, plan] : with.definitions) children.push_back(plan);
                   children.push_back(with.child);
                   return children;
                 },
                 [](const auto& unary) { return std::vector<PlanPtr>{unary.child}; }},
      plan.node);
}

PlanPtr WithChildren(const PlanNode& plan, std::vector<PlanPtr> children) {
  PlanNode copy = plan;
  std::visit(
      [&](auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, Join> || std::is_same_v<Node, SetOperation>) {
          node.left = std::move(children.at(0));
          node.right = std::move(children.at(1));
        } else if constexpr (requires { node.child; } && !std::is_same_v<Node, WithCte>) {
          node.child = std::move(children.at(0));
          if constexpr (std::is_same_v<Node, TransformWithState>) {
            if (node.initial) node.initial = std::move(children.at(1));
          }
        }
      },
      copy.node);
  return std::make_shared<const PlanNode>(std::move(copy));
}

std::vector<AttributeRef> OutputOf(const PlanNode& plan) {
  return std::visit(Overloaded{[](const LocalRelation& leaf) { return leaf.output; },
                               [](const Range& leaf) { return leaf.output; },
                               [](const ScanRelation& leaf) { return leaf.output; },
                               [](const OneRow&) { return std::vector<AttributeRef>(); },
                               [](const Project& project) { return AttributesOf(project.expressions); },
                               [](const Aggregate& aggregate) { return AttributesOf(aggregate.aggregates); },
                               [](const PythonEval& python) { return Append(OutputOf(*python.child), AttributesOf(python.calls)); },
                               [](const Window& window) { return Append(OutputOf(*window.child), AttributesOf(window.expressions)); },
                               [](const PythonGroups& groups) { return groups.output; },
                               [](const PythonMap& map) { return map.output; },
                               [](const TransformWithState& groups) { return groups.output; },
                               [](const Generate& generate) { return Append(OutputOf(*generate.child), generate.output); },
                               [](const SetOperation& set) { return set.output; },
                               [](const SubqueryAlias& alias) {
                                 std::vector<AttributeRef> output = OutputOf(*alias.child);
                                 for (AttributeRef& attribute : output) attribute.qualifier = alias.name;
                                 return output;
                               },
                               [](const Join& join) {
                                 std::vector<AttributeRef> left = OutputOf(*join.left);
                                 if (join.type == JoinType::kLeftSemi || join.type == JoinType::kLeftAnti) return left;
                                 bool left_null = join.type == JoinType::kRightOuter || join.type == JoinType::kFullOuter;
                                 bool right_null = join.type == JoinType::kLeftOuter || join.type == JoinType::kFullOuter;
                                 return Append(Nullable(std::move(left), left_null), Nullable(OutputOf(*join.right), right_null));
                               },
                               [](const Filter& node) { return OutputOf(*node.child); },
                               [](const Sort& node) { return OutputOf(*node.child); },
                               [](const Limit& node) { return OutputOf(*node.child); },
                               [](const Offset& node) { return OutputOf(*node.child); },
                               [](const Tail& node) { return OutputOf(*node.child); },
                               [](const Deduplicate& node) { return OutputOf(*node.child); },
                               [](const Sample& node) { return OutputOf(*node.child); },
                               [](const Repartition& node) { return OutputOf(*node.child); },
                               [](const WithWatermark& node) { return OutputOf(*node.child); },
                               [](const CollectMetrics& node) { return OutputOf(*node.child); },
                               [](const auto&) -> std::vector<AttributeRef> { MS_CHECK_MSG(false, "OutputOf needs an analyzed plan"); }},
                    plan.node);
}

StructType SchemaOf(const PlanNode& plan) {
  StructType schema;
  for (const AttributeRef& attribute : OutputOf(plan)) schema.Add({attribute.name, attribute.type, attribute.nullable, attribute.metadata});
  return schema;
}

bool IsStreaming(const PlanNode& plan) {
  if (const auto* scan = plan.As<ScanRelation>()) return scan->source->is_streaming();
  if (const auto* relation = plan.As<UnresolvedRelation>()) return relation->is_streaming;
  if (const auto* source = plan.As<UnresolvedDataSource>()) return source->is_streaming;
  for (const PlanPtr& child : ChildrenOf(plan)) {
    if (IsStreaming(*child)) return true;
  }
  return false;
}

bool CollectsMetrics(const PlanNode& plan) {
  if (plan.As<CollectMetrics>() != nullptr) return true;
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  return std::any_of(children.begin(), children.end(), [](const PlanPtr& child) { return CollectsMetrics(*child); });
}

bool RunsPython(const PlanNode& plan) {
  if (plan.As<PythonEval>() != nullptr || plan.As<PythonMap>() != nullptr || plan.As<TransformWithState>() != nullptr) return true;
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  return std::any_of(children.begin(), children.end(), [](const PlanPtr& child) { return RunsPython(*child); });
}

bool HasStreamingAggregate(const PlanNode& plan) {
  if (plan.As<Aggregate>() != nullptr && IsStreaming(plan)) return true;
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  return std::any_of(children.begin(), children.end(), [](const PlanPtr& child) { return HasStreamingAggregate(*child); });
}

}  // namespace millstream
