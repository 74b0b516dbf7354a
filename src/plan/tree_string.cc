// explain(): the plan as a tree, in Spark's notation.

#include <fmt/format.h>

#include "plan/analyzer.h"

namespace millstream {
namespace {

// "a#3": two columns of one name stay apart.
std::string ColumnText(const AttributeRef& column) { return fmt::format("{}#{}", column.name, column.id.value()); }

std::string ListText(const std::vector<AttributeRef>& columns) {
  std::string text;
  for (const AttributeRef& column : columns) text += (text.empty() ? "" : ", ") + ColumnText(column);
  return "[" + text + "]";
}

std::string ExprText(const Expr& expr) {
  if (const auto* column = expr.As<AttributeRef>()) return ColumnText(*column);
  if (const auto* alias = expr.As<Alias>(); alias && alias->names.size() == 1) {
    return fmt::format("{} AS {}#{}", SqlOf(*alias->child), alias->names[0], alias->id.value());
  }
  return SqlOf(expr);
}

std::string ListText(const std::vector<ExprPtr>& exprs) {
  std::string text;
  for (const ExprPtr& expr : exprs) text += (text.empty() ? "" : ", ") + ExprText(*expr);
  return "[" + text + "]";
}

std::string Dotted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}

const char* JoinName(JoinType type) {
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

std::string NodeText(const PlanNode& plan) {
  if (const auto* node = plan.As<UnresolvedRelation>()) return fmt::format("'UnresolvedRelation [{}]", Dotted(node->name));
  if (const auto* node = plan.As<UnresolvedDataSource>()) return fmt::format("'DataSource {}", node->format);
  if (const auto* node = plan.As<UnresolvedTableFunction>()) return fmt::format("'UnresolvedTableValuedFunction [{}]", Dotted(node->name));
  if (const auto* node = plan.As<ScanRelation>()) return fmt::format("Relation {} {}", node->source->name(), ListText(node->output));
  if (const auto* node = plan.As<LocalRelation>()) return "LocalRelation " + ListText(node->output);
  if (const auto* node = plan.As<Range>()) return fmt::format("Range ({}, {}, step={})", node->start, node->end, node->step);
  if (plan.As<OneRow>()) return "OneRowRelation";
  if (const auto* node = plan.As<Project>()) return "Project " + ListText(node->expressions);
  if (const auto* node = plan.As<Filter>()) return "Filter " + ExprText(*node->condition);
  if (const auto* node = plan.As<Aggregate>()) return fmt::format("Aggregate {}, {}", ListText(node->group_by), ListText(node->aggregates));
  if (const auto* node = plan.As<Sort>()) return fmt::format("Sort {}, {}", ListText(node->order), node->is_global);
  if (const auto* node = plan.As<Limit>()) return "Limit " + SqlOf(*node->count);
  if (const auto* node = plan.As<Offset>()) return "Offset " + SqlOf(*node->count);
  if (const auto* node = plan.As<Tail>()) return fmt::format("Tail {}", node->count);
  if (const auto* node = plan.As<Deduplicate>()) return node->within_watermark ? "DeduplicateWithinWatermark" : node->all_columns ? "Distinct" : "Deduplicate";
  if (const auto* node = plan.As<SubqueryAlias>()) return "SubqueryAlias " + Dotted(node->name);
  if (const auto* node = plan.As<Sample>()) return fmt::format("Sample {}, {}, {}", node->lower, node->upper, node->with_replacement);
  if (plan.As<Repartition>()) return "Repartition";
  if (const auto* node = plan.As<WithWatermark>()) return fmt::format("EventTimeWatermark {}, {}", node->column, node->delay);
  if (const auto* node = plan.As<Generate>()) return fmt::format("Generate {}, {}, {}", SqlOf(*node->generator), node->outer, ListText(node->output));
  if (const auto* node = plan.As<Window>()) return "Window " + ListText(node->expressions);
  if (const auto* node = plan.As<Join>()) return fmt::format("Join {}{}", JoinName(node->type), node->condition ? ", " + ExprText(*node->condition) : "");
  if (const auto* node = plan.As<SetOperation>()) {
    const char* kind = node->kind == SetOperation::Kind::kUnion ? "Union" : node->kind == SetOperation::Kind::kIntersect ? "Intersect" : "Except";
    return fmt::format("{}{}", kind, node->is_all ? " All" : "");
  }
  if (plan.As<WithCte>()) return "'CTE";
  // The nodes of the DataFrame API are gone after analysis.
  return "'Unresolved";
}

// Depth is bounded by kMaxPlanDepth for plans that Analyze has let in; anything deeper is cut.
void Append(const PlanNode& plan, const std::string& indent, const std::string& branch, int depth, std::string& text) {
  text += indent + branch + NodeText(plan) + "\n";
  std::vector<PlanPtr> children = ChildrenOf(plan);
  std::string below = branch.empty() ? indent : indent + (branch[0] == ':' ? ":  " : "   ");
  if (depth >= kMaxPlanDepth) {
    text += below + "+- ...\n";
    return;
  }
  for (size_t i = 0; i < children.size(); ++i) Append(*children[i], below, i + 1 < children.size() ? ":- " : "+- ", depth + 1, text);
}

}  // namespace

std::string TreeString(const PlanNode& plan) {
  std::string text;
  Append(plan, "", "", 0, text);
  return text;
}

}  // namespace millstream
