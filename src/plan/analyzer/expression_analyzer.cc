#include "plan/analyzer/expression_analyzer.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "plan/analyzer/expression_walk.h"
#include "plan/coercion.h"
#include "plan/column_name.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

Result<std::vector<ExprPtr>> ExpressionAnalyzer::ResolveAll(const std::vector<ExprPtr>& exprs) {
  std::vector<ExprPtr> resolved;
  for (const ExprPtr& expr : exprs) {
    MS_ASSIGN_OR_RETURN(ExprPtr one, Resolve(expr));
    resolved.push_back(std::move(one));
  }
  return resolved;
}

Result<ExprPtr> ExpressionAnalyzer::Resolve(const ExprPtr& expr) {
  if (const auto* e = expr->As<UnresolvedAttribute>()) return ResolveAttribute(*e);
  if (const auto* e = expr->As<UnresolvedFunction>()) return ResolveFunction(*e);
  if (const auto* e = expr->As<UnresolvedExtractValue>()) return ResolveExtract(*e);
  if (const auto* e = expr->As<WindowCall>()) return ResolveWindow(*e);
  if (const auto* e = expr->As<SubqueryExpr>()) return ResolveSubquery(*e);
  if (const auto* e = expr->As<LambdaVariable>()) {
    for (auto scope = lambda_scopes_.rbegin(); scope != lambda_scopes_.rend(); ++scope) {
      if (auto found = scope->find(e->name); found != scope->end()) return found->second;
    }
    return scope_.NotFound({e->name});
  }
  if (expr->As<UnresolvedStar>() || expr->As<UnresolvedRegex>()) {
    return Status::Error({"INVALID_USAGE_OF_STAR_OR_REGEX", "42000", ExceptionKind::kAnalysis, "Invalid usage of '*' in expression."});
  }
  if (const auto* cast = expr->As<Cast>()) {
    MS_ASSIGN_OR_RETURN(ExprPtr child, Resolve(cast->child));
    EvalMode mode = cast->mode.value_or(ModeOf(context_.conf()));
    DataType from = TypeOf(*child);
    if (!CanCast(from, cast->to, mode)) {
      ErrorParams params = {{"sqlExpr", "CAST(" + SqlOf(*child) + " AS " + cast->to.Sql() + ")"}, {"srcType", from.Sql()}, {"targetType", cast->to.Sql()}};
      bool to_number = from.id() == TypeId::kDate && cast->to.IsNumeric(), to_date = from.IsNumeric() && cast->to.id() == TypeId::kDate;
      if (mode == EvalMode::kAnsi && (to_number || to_date)) {
        params["functionNames"] = to_number ? "`UNIX_DATE`" : "`DATE_FROM_UNIX_DATE`";
        return Status::Error(errors::kCastWithFunctionSuggestion, std::move(params));
      }
      return Status::Error(errors::kCastWithoutSuggestion, std::move(params));
    }
    return MakeExpr(Cast{std::move(child), cast->to, mode, cast->is_implicit});
  }
  if (const auto* sort = expr->As<SortOrder>()) {
    MS_ASSIGN_OR_RETURN(ExprPtr child, Resolve(sort->child));
    return MakeExpr(SortOrder{std::move(child), sort->ascending, sort->nulls_first.value_or(sort->ascending)});
  }
  if (const auto* alias = expr->As<Alias>()) {
    MS_ASSIGN_OR_RETURN(ExprPtr child, Resolve(alias->child));
    if (const auto* inner = child->As<Alias>()) child = inner->child;
    return MakeExpr(Alias{std::move(child), alias->names, alias->metadata, alias->id.value() ? alias->id : context_.NewId()});
  }
  return MapChildren(expr, [this](const ExprPtr& child) { return Resolve(child); });
}

Result<ExprPtr> ExpressionAnalyzer::ResolveAttribute(const UnresolvedAttribute& attribute) {
  for (auto scope = lambda_scopes_.rbegin(); scope != lambda_scopes_.rend(); ++scope) {
    auto found = scope->find(attribute.parts[0]);
    if (found == scope->end()) continue;
    ExprPtr expr = found->second;
    for (size_t i = 1; i < attribute.parts.size(); ++i) {
      MS_ASSIGN_OR_RETURN(expr, GetFieldOf(std::move(expr), attribute.parts[i], context_.conf()));
    }
    return expr;
  }
  if (attribute.plan_id) {
    MS_ASSIGN_OR_RETURN(ExprPtr found, ResolveByPlanId(attribute));
    if (found) return found;
  }
  MS_ASSIGN_OR_RETURN(ExprPtr found, scope_.Find(attribute.parts, context_.conf()));
  if (found) return found;
  if (auto alias = lateral_aliases.find(Lower(attribute.parts[0])); alias != lateral_aliases.end()) {
    ExprPtr expr = alias->second;
    for (size_t i = 1; i < attribute.parts.size(); ++i) {
      MS_ASSIGN_OR_RETURN(expr, GetFieldOf(std::move(expr), attribute.parts[i], context_.conf()));
    }
    return expr;
  }
  if (attribute.parts.size() == 1) {
    if (ExprPtr value = CurrentValue(Lower(attribute.parts[0]))) return value;
  }
  for (const Scope* outer = scope_.outer; outer != nullptr; outer = outer->outer) {
    MS_ASSIGN_OR_RETURN(ExprPtr outside, outer->Find(attribute.parts, context_.conf()));
    if (outside) return outside;
  }
  if (attribute.plan_id) {
    std::string name;
    for (const std::string& part : attribute.parts) name += (name.empty() ? "" : ".") + part;
    return Status::Error(errors::kDataFrameColumn, {{"name", name}});
  }
  return scope_.NotFound(attribute.parts);
}

// df["c"]: the column that the node gave, wherever it has come to by now.
Result<ExprPtr> ExpressionAnalyzer::ResolveByPlanId(const UnresolvedAttribute& attribute) {
  Scope of_plan{context_.ColumnsOfPlan(*attribute.plan_id)};
  std::erase_if(of_plan.columns, [&](const AttributeRef& column) {
    return std::none_of(scope_.columns.begin(), scope_.columns.end(), [&](const AttributeRef& visible) { return visible.id == column.id; });
  });
  for (AttributeRef& column : of_plan.columns) {
    // Nullability may have changed on the way (outer joins).
    auto now = std::find_if(scope_.columns.begin(), scope_.columns.end(), [&](const AttributeRef& visible) { return visible.id == column.id; });
    column.nullable = now->nullable;
  }
  return of_plan.Find(attribute.parts, context_.conf());
}

Result<ExprPtr> ExpressionAnalyzer::ResolveExtract(const UnresolvedExtractValue& extract) {
  MS_ASSIGN_OR_RETURN(ExprPtr child, Resolve(extract.child));
  MS_ASSIGN_OR_RETURN(ExprPtr key, Resolve(extract.extraction));
  DataType type = TypeOf(*child);
  const auto* literal = key->As<Literal>();
  const std::string* name = literal && literal->type.id() == TypeId::kString ? std::get_if<std::string>(&literal->value.held) : nullptr;
  if (name && (type.id() == TypeId::kStruct || (type.id() == TypeId::kArray && type.element().id() == TypeId::kStruct))) {
    return GetFieldOf(std::move(child), *name, context_.conf());
  }
  if (type.id() == TypeId::kArray || type.id() == TypeId::kMap) return SimpleCall("getitem", {std::move(child), std::move(key)});
  return Status::Error(errors::kInvalidExtract, {{"base", SqlOf(*child)}, {"other", type.Sql()}});
}

Result<ExprPtr> ExpressionAnalyzer::ResolveWindow(const WindowCall& call) {
  WindowCall resolved = call;
  const UnresolvedFunction* around = std::exchange(window_function_, call.function->As<UnresolvedFunction>());
  Result<ExprPtr> function = Resolve(call.function);
  window_function_ = around;
  MS_RETURN_IF_ERROR(function.status());
  resolved.function = *std::move(function);
  const auto* scalar = resolved.function->As<Call>();
  if (!resolved.function->As<AggregateCall>() && !(scalar && scalar->function->kind == FunctionDef::Kind::kWindow)) {
    return Status::Error({"UNSUPPORTED_EXPR_FOR_WINDOW", "42P20", ExceptionKind::kAnalysis, "Expression \"<sqlExpr>\" not supported within a window function."},
                         {{"sqlExpr", SqlOf(*resolved.function)}});
  }
  MS_ASSIGN_OR_RETURN(resolved.partition_by, ResolveAll(call.partition_by));
  MS_ASSIGN_OR_RETURN(resolved.order_by, ResolveAll(call.order_by));
  if (scalar && resolved.order_by.empty()) {
    return Status::Error({"WINDOW_FUNCTION_FRAME_NOT_ORDERED", "42601", ExceptionKind::kAnalysis,
                          "Window function <wf> requires the window to be ordered. You need to add an ORDER BY clause. For example: SELECT <wf>(value_expr) "
                          "OVER (PARTITION BY window_partition ORDER BY window_ordering) FROM table."},
                         {{"wf", scalar->function->name}});
  }
  if (!resolved.frame && !resolved.order_by.empty() && scalar && (scalar->function->name == "row_number" || scalar->function->name == "rank")) {
    resolved.frame = WindowFrame{.unit = WindowFrame::Unit::kRows};
  }
  if (resolved.frame) {
    for (WindowFrame::Bound* bound : {&resolved.frame->lower, &resolved.frame->upper}) {
      if (!bound->offset) continue;
      MS_ASSIGN_OR_RETURN(bound->offset, Resolve(bound->offset));
    }
  }
  return MakeExpr(std::move(resolved));
}

Result<ExprPtr> ExpressionAnalyzer::ResolveSubquery(const SubqueryExpr& subquery) {
  SubqueryExpr resolved = subquery;
  Scope around = scope_;
  MS_ASSIGN_OR_RETURN(resolved.plan, context_.AnalyzeSubquery(subquery.plan, around));
  MS_ASSIGN_OR_RETURN(resolved.values, ResolveAll(subquery.values));
  std::vector<AttributeRef> output = OutputOf(*resolved.plan);
  if (subquery.kind == SubqueryExpr::Kind::kScalar && output.size() != 1) {
    return Status::Error(errors::kScalarSubqueryColumns, {{"number", std::to_string(output.size())}});
  }
  if (subquery.kind == SubqueryExpr::Kind::kIn) {
    if (output.size() != resolved.values.size()) {
      return Status::Error({"DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", "42K09", ExceptionKind::kAnalysis,
                            "The number of columns in the left hand side of an IN subquery does not match the number of columns in the output of subquery."});
    }
    for (size_t i = 0; i < output.size(); ++i) {
      std::optional<DataType> common = CommonType(TypeOf(*resolved.values[i]), output[i].type, context_.conf());
      if (!common)
        return Status::Error(errors::kBinaryOpDiffTypes, {{"sqlExpr", "in"}, {"left", TypeOf(*resolved.values[i]).Sql()}, {"right", output[i].type.Sql()}});
      resolved.values[i] = CastTo(resolved.values[i], *common, ModeOf(context_.conf()));
    }
  }
  return MakeExpr(std::move(resolved));
}

Result<std::vector<ExprPtr>> ExpressionAnalyzer::ExpandStar(const UnresolvedStar& star) {
  std::vector<ExprPtr> columns;
  std::vector<AttributeRef> candidates = scope_.columns;
  if (star.plan_id) {
    std::set<ExprId> of_plan;
    for (const AttributeRef& column : context_.ColumnsOfPlan(*star.plan_id)) of_plan.insert(column.id);
    std::erase_if(candidates, [&](const AttributeRef& column) { return !of_plan.contains(column.id); });
  }
  for (const AttributeRef& column : candidates) {
    if (context_.IsHidden(column.id)) continue;
    bool wanted = column.qualifier.size() >= star.target.size();
    for (size_t i = 0; wanted && i < star.target.size(); ++i) {
      wanted = SameName(column.qualifier[column.qualifier.size() - star.target.size() + i], star.target[i], context_.conf().case_sensitive);
    }
    if (wanted) columns.push_back(MakeExpr(column));
  }
  if (!columns.empty() || star.target.empty()) return columns;
  MS_ASSIGN_OR_RETURN(ExprPtr base, scope_.Find(star.target, context_.conf()));
  if (base && TypeOf(*base).id() == TypeId::kStruct) {
    DataType type = TypeOf(*base);
    for (const StructField& field : type.fields()) {
      MS_ASSIGN_OR_RETURN(ExprPtr get, GetFieldOf(base, field.name, context_.conf()));
      columns.push_back(MakeExpr(Alias{std::move(get), {field.name}, std::nullopt, context_.NewId()}));
    }
    return columns;
  }
  std::string names;
  for (const AttributeRef& column : scope_.columns) names += (names.empty() ? "" : ", ") + QuotedName({column.name});
  return Status::Error({"CANNOT_RESOLVE_STAR_EXPAND", "42704", ExceptionKind::kAnalysis,
                        "Cannot resolve <targetString>.* given input columns <columns>. Please check that the specified table or struct exists and is "
                        "accessible in the input columns."},
                       {{"targetString", QuotedName(star.target)}, {"columns", names}});
}

Result<std::vector<ExprPtr>> ExpressionAnalyzer::ResolveList(const std::vector<ExprPtr>& exprs) {
  std::vector<ExprPtr> list;
  for (const ExprPtr& expr : exprs) {
    if (const auto* star = expr->As<UnresolvedStar>()) {
      MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> columns, ExpandStar(*star));
      list.insert(list.end(), columns.begin(), columns.end());
      continue;
    }
    if (const auto* regex = expr->As<UnresolvedRegex>()) {
      std::string text = regex->pattern;
      if (text.size() >= 2 && text.front() == '`' && text.back() == '`') text = text.substr(1, text.size() - 2);
      RE2 pattern(text, RE2::Quiet);
      if (!pattern.ok()) return Status::IllegalArgument("Invalid regular expression '" + text + "': " + pattern.error());
      for (const AttributeRef& column : scope_.columns) {
        if (!context_.IsHidden(column.id) && RE2::FullMatch(column.name, pattern)) list.push_back(MakeExpr(column));
      }
      continue;
    }
    MS_ASSIGN_OR_RETURN(ExprPtr resolved, Resolve(expr));
    if (!resolved->As<AttributeRef>() && !resolved->As<Alias>()) {
      std::vector<std::string> names = {NameOf(expr)};
      if (IsGenerator(*resolved)) names.clear();  // the generator's own column names
      resolved = MakeExpr(Alias{std::move(resolved), std::move(names), std::nullopt, context_.NewId()});
    }
    if (const auto* alias = resolved->As<Alias>(); alias && alias->names.size() == 1 && expr->As<Alias>())
      lateral_aliases.emplace(Lower(alias->names[0]), alias->child);
    list.push_back(std::move(resolved));
  }
  return list;
}

std::string ExpressionAnalyzer::NameOf(const ExprPtr& as_written) {
  // The column that Spark makes of a window has this name, whatever its lengths.
  if (const auto* function = as_written->As<UnresolvedFunction>(); function != nullptr) {
    std::string name = Lower(function->name.back());
    if (name == "window" || name == "session_window") return name;
  }
  ColumnText text_of = [&](const Expr& part) -> std::optional<std::string> {
    if (const auto* attribute = part.As<UnresolvedAttribute>()) {
      if (attribute->parts.size() == 1 && lateral_aliases.contains(Lower(attribute->parts[0]))) {
        Result<ExprPtr> column = scope_.Find(attribute->parts, context_.conf());
        if (column.ok() && !*column) return "lateralAliasReference(" + attribute->parts[0] + ")";
      }
      Result<ExprPtr> resolved = ResolveAttribute(*attribute);
      if (!resolved.ok()) return std::nullopt;
      return (*resolved)->As<AttributeRef>() ? attribute->parts.back() : SqlOf(**resolved);
    }
    if (const auto* extract = part.As<UnresolvedExtractValue>()) {
      const auto* literal = extract->extraction->As<Literal>();
      const std::string* field = literal && literal->type.id() == TypeId::kString ? std::get_if<std::string>(&literal->value.held) : nullptr;
      Result<ExprPtr> child = field ? Resolve(extract->child) : Result<ExprPtr>(extract->child);
      if (field && child.ok() && TypeOf(**child).id() != TypeId::kMap) return WrittenSql(*extract->child, text_of) + "." + *field;
      return std::nullopt;
    }
    if (const auto* star = part.As<UnresolvedStar>()) {
      Result<std::vector<ExprPtr>> columns = ExpandStar(*star);
      if (!columns.ok()) return std::nullopt;
      std::string names;
      for (const ExprPtr& column : *columns) names += (names.empty() ? "" : ", ") + SqlOf(*column);
      return names;
    }
    return std::nullopt;
  };
  return ColumnNameOf(*as_written, text_of);
}

}  // namespace millstream
