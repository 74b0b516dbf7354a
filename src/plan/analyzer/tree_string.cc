// explain(): the plan as an indented tree.

#include <fmt/format.h>

#include "plan/analyzer.h"

namespace millstream {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::string List(const std::vector<ExprPtr>& exprs) {
  std::string text;
  for (const ExprPtr& expr : exprs) text += (text.empty() ? "" : ", ") + SqlOf(*expr);
  return "[" + text + "]";
}

std::string Columns(const std::vector<AttributeRef>& columns) {
  std::string text;
  for (const AttributeRef& column : columns) text += fmt::format("{}{}#{}", text.empty() ? "" : ", ", column.name, column.id.value());
  return "[" + text + "]";
}

std::string Dotted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}

const char* NameOf(JoinType type) {
  switch (type) {
    case JoinType::kInner:
      return "Inner";
    case JoinType::kLeftOuter:
      return "LeftOuter";
    case JoinType::kRightOuter:
      return "RightOuter";
    case JoinType::kFullOuter:
      return "FullOuter";
    case JoinType::kLeftSemi:
      return "LeftSemi";
    case JoinType::kLeftAnti:
      return "LeftAnti";
    case JoinType::kCross:
      return "Cross";
  }
  return "";
}

std::string Line(const PlanNode& plan) {
  return std::visit(
      Overloaded{[](const UnresolvedRelation& n) { return "'UnresolvedRelation [" + Dotted(n.name) + "]"; },
                 [](const UnresolvedDataSource& n) { return "'UnresolvedDataSource format: " + n.format; },
                 [](const LocalRelation& n) { return "LocalRelation " + Columns(n.output); },
                 [](const Range& n) { return fmt::format("Range ({}, {}, step={})", n.start, n.end, n.step); },
                 [](const OneRow&) { return std::string("OneRowRelation"); },
                 [](const ScanRelation& n) {
                   return fmt::format("{} {} {}", n.source->is_streaming() ? "StreamingRelation" : "Relation", n.source->name(), Columns(n.output));
                 },
                 [](const Project& n) { return "Project " + List(n.expressions); },
                 [](const Filter& n) { return "Filter " + SqlOf(*n.condition); },
                 [](const Aggregate& n) { return fmt::format("Aggregate {}, {}", List(n.group_by), List(n.aggregates)); },
                 [](const Sort& n) { return fmt::format("Sort {}, {}", List(n.order), n.is_global); },
                 [](const Limit& n) { return "GlobalLimit " + SqlOf(*n.count); },
                 [](const Offset& n) { return "Offset " + SqlOf(*n.count); },
                 [](const Tail& n) { return fmt::format("Tail {}", n.count); },
                 [](const Deduplicate& n) { return std::string(n.all_columns ? "Distinct" : "Deduplicate"); },
                 [](const SubqueryAlias& n) { return "SubqueryAlias " + Dotted(n.name); },
                 [](const Sample&) { return std::string("Sample"); },
                 [](const CollectMetrics& n) { return fmt::format("CollectMetrics {}, {}", n.name, List(n.metrics)); },
                 [](const PythonGroups& n) { return fmt::format("FlatMapGroupsInPandasWithState {}", n.code->name()); },
                 [](const PythonMap& n) { return std::string(n.kind == PythonMap::Kind::kPandas ? "MapInPandas " : "MapInArrow ") + Columns(n.output); },
                 [](const PythonEval& n) { return "ArrowEvalPython " + List(n.calls); },
                 [](const TransformWithState& n) { return fmt::format("TransformWithStateInPySpark {}", n.code->name()); },
                 [](const WithWatermark& n) { return fmt::format("EventTimeWatermark {}, {}", n.column, n.delay); },
                 [](const Generate& n) { return fmt::format("Generate {}, {}", SqlOf(*n.generator), Columns(n.output)); },
                 [](const Window& n) { return "Window " + List(n.expressions); },
                 [](const Join& n) { return fmt::format("Join {}{}", NameOf(n.type), n.condition ? ", " + SqlOf(*n.condition) : ""); },
                 [](const SetOperation& n) {
                   const char* kind = n.kind == SetOperation::Kind::kUnion ? "Union" : n.kind == SetOperation::Kind::kIntersect ? "Intersect" : "Except";
                   return fmt::format("{}{}", kind, n.is_all ? " All" : "");
                 },
                 [](const auto&) { return std::string("'Unresolved"); }},
      plan.node);
}

void Print(const PlanNode& plan, const std::string& first, const std::string& rest, std::string& out) {
  out += first + Line(plan) + "\n";
  std::vector<PlanPtr> children = ChildrenOf(plan);
  for (size_t i = 0; i < children.size(); ++i) {
    bool last = i + 1 == children.size();
    Print(*children[i], rest + (last ? "+- " : ":- "), rest + (last ? "   " : ":  "), out);
  }
}

}  // namespace

std::string TreeString(const PlanNode& plan) {
  std::string out;
  Print(plan, "", "", out);
  return out;
}

}  // namespace millstream
