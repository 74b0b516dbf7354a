#include "compute/sql/expression_sql.h"

#include "compute/compute_errors.h"
#include "compute/functions/functions.h"
#include "compute/sql/function_names.h"
#include "compute/sql/plan_sql.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

std::vector<DataType> TypesOf(const std::vector<ExprPtr>& exprs) {
  std::vector<DataType> types;
  for (const ExprPtr& expr : exprs) types.push_back(expr->As<LambdaExpr>() ? DataType::Null() : TypeOf(*expr));
  return types;
}

}  // namespace

std::string FunctionCall::Mode() const {
  return std::to_string(mode == EvalMode::kAnsi ? kAnsiMode : mode == EvalMode::kLegacy ? kLegacyMode : kTryMode) + "::INTEGER";
}

std::string ExpressionSql::Zone() const { return QuoteString(conf_.time_zone); }

std::string ExpressionSql::Local(const std::string& sql, const DataType& type) const {
  if (type.id() != TypeId::kTimestamp || conf_.time_zone == "UTC") return sql;
  return "ms_to_local(" + sql + ", " + Zone() + ")";
}

std::string ExpressionSql::FromLocal(const std::string& sql) const {
  if (conf_.time_zone == "UTC") return sql;
  return "ms_from_local(" + sql + ", " + Zone() + ")";
}

Result<std::string> ExpressionSql::Emit(const Expr& expr) {
  if (depth_ > kMaxPlanDepth) return Status::Error(errors::kPlanTooDeep, {{"limit", std::to_string(kMaxPlanDepth)}});
  ++depth_;
  auto text = EmitNode(expr);
  --depth_;
  if (text.ok() && !computed.empty()) {
    if (auto found = computed.find(*text); found != computed.end()) return found->second;
  }
  return text;
}

Result<std::vector<std::string>> ExpressionSql::EmitAll(const std::vector<ExprPtr>& exprs) {
  std::vector<std::string> texts;
  for (const ExprPtr& expr : exprs) {
    if (expr->As<LambdaExpr>()) {
      texts.emplace_back();
      continue;
    }
    MS_ASSIGN_OR_RETURN(std::string text, Emit(*expr));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::string> ExpressionSql::EmitList(const std::vector<ExprPtr>& exprs) {
  MS_ASSIGN_OR_RETURN(auto texts, EmitAll(exprs));
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

Result<std::string> ExpressionSql::EmitNode(const Expr& expr) {
  if (const auto* attribute = expr.As<AttributeRef>()) return ColumnOf(attribute->id);
  if (const auto* literal = expr.As<Literal>()) return LiteralSql(literal->value, literal->type);
  if (const auto* alias = expr.As<Alias>()) return Emit(*alias->child);
  if (const auto* call = expr.As<Call>()) return EmitCall(*call);
  if (const auto* call = expr.As<AggregateCall>()) return EmitAggregate(*call, "");
  if (const auto* call = expr.As<WindowCall>()) return EmitWindow(*call);
  if (const auto* subquery = expr.As<SubqueryExpr>()) return EmitSubquery(*subquery);
  if (const auto* cast = expr.As<Cast>()) {
    MS_ASSIGN_OR_RETURN(std::string child, Emit(*cast->child));
    return CastSql(*this, child, TypeOf(*cast->child), cast->to, cast->mode.value_or(EvalMode::kAnsi));
  }
  if (const auto* param = expr.As<LambdaParam>()) {
    auto found = lambda_params_.find(param->id);
    if (found == lambda_params_.end()) return Status::Internal("a lambda's parameter " + param->name + " outside of its lambda");
    return found->second;
  }
  if (const auto* order = expr.As<SortOrder>()) {
    MS_ASSIGN_OR_RETURN(std::string child, Emit(*order->child));
    const bool nulls_first = order->nulls_first.value_or(order->ascending);
    return child + (order->ascending ? " ASC" : " DESC") + (nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
  if (const auto* python = expr.As<PythonCall>())
    return Status::Unsupported("The Python function " + python->name + " in this place", "Compute it in a column of a query, and use that column.");
  if (expr.As<LambdaExpr>()) return Status::Unsupported("A lambda outside of a higher-order function");
  return Status::Internal("an expression that the analyzer should have replaced: " + SqlOf(expr));
}

Result<std::string> ExpressionSql::EmitLambda(const Expr& expr, int index_param) {
  const auto* lambda = expr.As<LambdaExpr>();
  if (!lambda) return Status::Unsupported("A higher-order function whose function is not a lambda");
  std::string params;
  for (size_t i = 0; i < lambda->param_ids.size(); ++i) {
    const std::string name = "\"p" + std::to_string(lambda->param_ids[i].value()) + "\"";
    params += (params.empty() ? "" : ", ") + name;
    lambda_params_[lambda->param_ids[i]] = static_cast<int>(i) == index_param ? "CAST(" + name + " - 1 AS INTEGER)" : name;
  }
  MS_ASSIGN_OR_RETURN(std::string body, Emit(*lambda->body));
  return "lambda " + params + ": " + body;
}

Result<std::string> ExpressionSql::EmitLambdaBody(const LambdaExpr& lambda, const std::vector<std::string>& params) {
  for (size_t i = 0; i < lambda.param_ids.size() && i < params.size(); ++i) lambda_params_[lambda.param_ids[i]] = params[i];
  return Emit(*lambda.body);
}

Result<std::string> ExpressionSql::EmitCall(const Call& call) {
  MS_ASSIGN_OR_RETURN(auto args, EmitAll(call.args));
  return ScalarSql({*this, NameOf(*call.function), call.args, std::move(args), TypesOf(call.args), call.type, call.mode});
}

Result<std::string> ExpressionSql::EmitAggregate(const AggregateCall& call, const std::string& over) {
  MS_ASSIGN_OR_RETURN(auto args, EmitAll(call.args));
  std::string suffix;
  if (call.filter) {
    MS_ASSIGN_OR_RETURN(std::string filter, Emit(*call.filter));
    suffix = " FILTER (WHERE " + filter + ")";
  }
  FunctionCall function{*this, NameOf(*call.function), call.args, std::move(args), TypesOf(call.args), call.type, call.mode};
  return AggregateSql(function, call.is_distinct, call.ignore_nulls, suffix + over, *this);
}

Result<std::string> ExpressionSql::EmitBound(const WindowFrame::Bound& bound, const WindowCall& call, bool is_rows) {
  using Kind = WindowFrame::Bound::Kind;
  switch (bound.kind) {
    case Kind::kUnboundedPreceding:
      return std::string("UNBOUNDED PRECEDING");
    case Kind::kUnboundedFollowing:
      return std::string("UNBOUNDED FOLLOWING");
    case Kind::kCurrentRow:
      return std::string("CURRENT ROW");
    case Kind::kPreceding:
    case Kind::kFollowing:
      break;
  }
  if (!bound.offset) return Status::Internal("a window frame without its offset");
  MS_ASSIGN_OR_RETURN(std::string offset, Emit(*bound.offset));
  if (!is_rows && !call.order_by.empty()) {
    const auto* order = call.order_by[0]->As<SortOrder>();
    const TypeId type = TypeOf(order ? *order->child : *call.order_by[0]).id();
    const TypeId by = TypeOf(*bound.offset).id();
    if (type == TypeId::kTimestamp || type == TypeId::kTimestampNtz || type == TypeId::kDate) {
      offset = by == TypeId::kDayTimeInterval     ? "to_microseconds(" + offset + ")"
               : by == TypeId::kYearMonthInterval ? "to_months(" + offset + ")"
                                                  : "to_days(" + offset + ")";
    }
  }
  return offset + (bound.kind == Kind::kPreceding ? " PRECEDING" : " FOLLOWING");
}

Result<std::string> ExpressionSql::EmitOver(const WindowCall& call) {
  MS_ASSIGN_OR_RETURN(std::string partition, EmitList(call.partition_by));
  MS_ASSIGN_OR_RETURN(std::string order, EmitList(call.order_by));
  std::string over;
  if (!partition.empty()) over += "PARTITION BY " + partition + " ";
  if (!order.empty()) over += "ORDER BY " + order + " ";
  if (call.frame) {
    const bool is_rows = call.frame->unit == WindowFrame::Unit::kRows;
    const bool whole =
        call.frame->lower.kind == WindowFrame::Bound::Kind::kUnboundedPreceding && call.frame->upper.kind == WindowFrame::Bound::Kind::kCurrentRow;
    // The default frame means the whole partition when there is no order, in both.
    if (!(whole && !is_rows)) {
      MS_ASSIGN_OR_RETURN(std::string lower, EmitBound(call.frame->lower, call, is_rows));
      MS_ASSIGN_OR_RETURN(std::string upper, EmitBound(call.frame->upper, call, is_rows));
      over += std::string(is_rows ? "ROWS" : "RANGE") + " BETWEEN " + lower + " AND " + upper;
    }
  }
  return " OVER (" + over + ")";
}

Result<std::string> ExpressionSql::EmitWindow(const WindowCall& call) {
  MS_ASSIGN_OR_RETURN(std::string over, EmitOver(call));
  if (const auto* aggregate = call.function->As<AggregateCall>()) return EmitAggregate(*aggregate, over);
  const auto* function = call.function->As<Call>();
  if (!function) return Status::Internal("a window over something that is no function");
  MS_ASSIGN_OR_RETURN(auto args, EmitAll(function->args));
  return WindowFunctionSql({*this, NameOf(*function->function), function->args, std::move(args), TypesOf(function->args), function->type, function->mode},
                           false, over);
}

Result<std::string> ExpressionSql::EmitSubquery(const SubqueryExpr& subquery) {
  MS_ASSIGN_OR_RETURN(std::string query, plans_.EmitSubquery(*subquery.plan, subquery.kind == SubqueryExpr::Kind::kIn && subquery.values.size() > 1));
  switch (subquery.kind) {
    case SubqueryExpr::Kind::kScalar:
      return "(" + query + ")";
    case SubqueryExpr::Kind::kExists:
      return "EXISTS (" + query + ")";
    case SubqueryExpr::Kind::kIn: {
      MS_ASSIGN_OR_RETURN(std::string values, EmitList(subquery.values));
      return "(" + (subquery.values.size() > 1 ? "row(" + values + ")" : values) + " IN (" + query + "))";
    }
  }
  return Status::Internal("a subquery of no kind");
}

}  // namespace millstream::compute
