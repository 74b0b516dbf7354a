// parser_show_test.cc   The printer behind parser_test_show.h.

#include "plan/sql/parser_test_show.h"

namespace millstream {
namespace {

template <typename List, typename Print>
std::string Joined(const List& list, Print print) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + print(item);
  return text;
}
std::string List(const std::vector<ExprPtr>& list) {
  return Joined(list, [](const ExprPtr& expr) { return Show(*expr); });
}
std::string Names(const std::vector<std::string>& names) {
  return Joined(names, [](const std::string& name) { return name; });
}
std::string Dotted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}

std::string ShowValue(const Value& value) {
  if (value.is_null()) return "null";
  if (const auto* flag = std::get_if<bool>(&value.held)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value.held)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value.held)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value.held)) return "'" + *text + "'";
  return "?";
}

std::string ShowBound(const WindowFrame::Bound& bound) {
  using Kind = WindowFrame::Bound::Kind;
  switch (bound.kind) {
    case Kind::kUnboundedPreceding:
      return "start";
    case Kind::kPreceding:
      return Show(*bound.offset) + " preceding";
    case Kind::kCurrentRow:
      return "current";
    case Kind::kFollowing:
      return Show(*bound.offset) + " following";
    case Kind::kUnboundedFollowing:
      return "end";
  }
  return "";
}

std::string_view JoinName(JoinType type) {
  switch (type) {
    case JoinType::kInner:
      return "inner";
    case JoinType::kLeftOuter:
      return "left";
    case JoinType::kRightOuter:
      return "right";
    case JoinType::kFullOuter:
      return "full";
    case JoinType::kLeftSemi:
      return "semi";
    case JoinType::kLeftAnti:
      return "anti";
    case JoinType::kCross:
      return "cross";
  }
  return "";
}

std::string AliasText(const std::string& name, const std::vector<std::string>& columns) { return name + (columns.empty() ? "" : "(" + Names(columns) + ")"); }

std::string ShowAggregate(const Aggregate& node) {
  std::string text = "Aggregate";
  if (node.kind == Aggregate::Kind::kRollup) text += " rollup";
  if (node.kind == Aggregate::Kind::kCube) text += " cube";
  if (node.kind == Aggregate::Kind::kGroupingSets) text += " sets";
  text += "[" + List(node.group_by) + "; " + List(node.aggregates);
  bool first = true;
  for (const auto& set : node.grouping_sets) {
    text += std::string(first ? "; (" : " (") + List(set) + ")";
    first = false;
  }
  return text + "](" + Show(*node.child) + ")";
}

std::string ShowJoin(const Join& node) {
  std::string text = "Join " + std::string(JoinName(node.type));
  if (node.is_natural) text += " natural";
  if (node.is_lateral) text += " lateral";
  if (node.condition) text += " on " + Show(*node.condition);
  if (!node.using_columns.empty()) text += " using " + Names(node.using_columns);
  return text + "(" + Show(*node.left) + ", " + Show(*node.right) + ")";
}

std::string ShowSetOperation(const SetOperation& node) {
  std::string text = node.kind == SetOperation::Kind::kUnion ? "Union" : node.kind == SetOperation::Kind::kExcept ? "Except" : "Intersect";
  return text + (node.is_all ? "All" : "") + "(" + Show(*node.left) + ", " + Show(*node.right) + ")";
}

std::string ShowFunction(const UnresolvedFunction& node) {
  std::string args;
  for (size_t i = 0; i < node.args.size(); ++i) {
    args += i == 0 ? "" : ", ";
    for (const auto& [position, name] : node.named_args) {
      if (position == i) args += name + "=>";
    }
    args += Show(*node.args[i]);
  }
  std::string text = Dotted(node.name) + "(" + (node.is_distinct ? "distinct " : "") + args + ")";
  if (node.filter) text += " filter " + Show(*node.filter);
  return text + (node.ignore_nulls ? " ignore nulls" : "");
}

}  // namespace

std::string Show(const Expr& expr) {
  if (const auto* node = expr.As<UnresolvedAttribute>()) return Dotted(node->parts);
  if (const auto* node = expr.As<UnresolvedStar>()) return Dotted(node->target) + (node->target.empty() ? "*" : ".*");
  if (const auto* node = expr.As<UnresolvedFunction>()) return ShowFunction(*node);
  if (const auto* node = expr.As<UnresolvedExtractValue>()) return "extract(" + Show(*node->child) + ", " + Show(*node->extraction) + ")";
  if (const auto* node = expr.As<LambdaExpr>()) return "(" + Names(node->params) + ")->" + Show(*node->body);
  if (const auto* node = expr.As<LambdaVariable>()) return "$" + node->name;
  if (const auto* node = expr.As<Literal>()) return ShowValue(node->value);
  if (const auto* node = expr.As<Alias>()) return Show(*node->child) + " AS " + Names(node->names);
  if (const auto* node = expr.As<Cast>()) {
    return (node->mode == EvalMode::kTry ? "try_cast(" : "cast(") + Show(*node->child) + " as " + node->to.SimpleString() + ")";
  }
  if (const auto* node = expr.As<SortOrder>()) {
    std::string text = Show(*node->child) + (node->ascending ? "" : " desc");
    return text + (node->nulls_first ? *node->nulls_first ? " nulls first" : " nulls last" : "");
  }
  if (const auto* node = expr.As<SubqueryExpr>()) {
    if (node->kind == SubqueryExpr::Kind::kIn) return "in-query(" + List(node->values) + "; " + Show(*node->plan) + ")";
    return (node->kind == SubqueryExpr::Kind::kExists ? "exists(" : "scalar(") + Show(*node->plan) + ")";
  }
  if (const auto* node = expr.As<WindowCall>()) {
    std::string text = Show(*node->function) + " over (";
    if (!node->partition_by.empty()) text += "partition " + List(node->partition_by);
    if (!node->order_by.empty()) text += (text.back() == '(' ? "order " : " order ") + List(node->order_by);
    if (node->frame) {
      text += node->frame->unit == WindowFrame::Unit::kRows ? " rows " : " range ";
      text += ShowBound(node->frame->lower) + ".." + ShowBound(node->frame->upper);
    }
    return text + ")";
  }
  return "?";
}

std::string Show(const PlanNode& plan) {
  if (const auto* node = plan.As<UnresolvedRelation>()) {
    std::string options;
    for (const auto& [key, value] : node->options) options += "{" + key + "=" + value + "}";
    return (node->is_streaming ? "stream " : "") + Dotted(node->name) + options;
  }
  if (const auto* node = plan.As<UnresolvedDataSource>()) {
    std::string shown = (node->is_streaming ? "stream " : "") + node->format + "(";
    for (const std::string& path : node->paths) shown += path;
    shown += ")";
    for (const auto& [key, value] : node->options) shown += "{" + key + "=" + value + "}";
    return shown + (node->schema ? "{" + DataType::Struct(*node->schema).SimpleString() + "}" : "");
  }
  if (const auto* node = plan.As<UnresolvedTableFunction>()) return Dotted(node->name) + "(" + List(node->args) + ")";
  if (plan.As<OneRow>()) return "OneRow";
  if (const auto* node = plan.As<Project>()) return "Project[" + List(node->expressions) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Filter>()) return "Filter[" + Show(*node->condition) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Aggregate>()) return ShowAggregate(*node);
  if (const auto* node = plan.As<Sort>()) return std::string(node->is_global ? "Sort[" : "SortWithin[") + List(node->order) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<WithWatermark>()) return "Watermark[" + node->column + ", " + node->delay + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Limit>()) return "Limit[" + Show(*node->count) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Offset>()) return "Offset[" + Show(*node->count) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Deduplicate>()) return "Distinct(" + Show(*node->child) + ")";
  if (const auto* node = plan.As<DropColumns>()) return "Drop[" + List(node->columns) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Repartition>()) return "Repartition(" + Show(*node->child) + ")";
  if (const auto* node = plan.As<SubqueryAlias>()) return "Alias[" + AliasText(Dotted(node->name), node->column_aliases) + "](" + Show(*node->child) + ")";
  if (const auto* node = plan.As<Generate>()) {
    std::string text = std::string("Generate") + (node->outer ? " outer[" : "[") + Show(*node->generator) + " " + node->alias;
    return text + (node->column_aliases.empty() ? "" : " AS " + Names(node->column_aliases)) + "](" + Show(*node->child) + ")";
  }
  if (const auto* node = plan.As<WithCte>()) {
    std::string definitions;
    for (const auto& [name, definition] : node->definitions) definitions += (definitions.empty() ? "" : ", ") + name + " = " + Show(*definition);
    return "With[" + definitions + "](" + Show(*node->child) + ")";
  }
  if (const auto* node = plan.As<Join>()) return ShowJoin(*node);
  if (const auto* node = plan.As<SetOperation>()) return ShowSetOperation(*node);
  return "?";
}

}  // namespace millstream
