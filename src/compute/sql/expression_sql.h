#pragma once

// expression_sql.h   An analyzed expression as SQL text. Every type is said explicitly: DuckDB's own rules decide nothing.

#include <map>
#include <string>
#include <vector>

#include "compute/compiled_plan.h"
#include "plan/expression.h"

namespace millstream::compute {

class PlanSql;
class ExpressionSql;

// One call on its way to SQL: arguments are SQL already, except lambdas, whose text is empty.
struct FunctionCall {
  ExpressionSql& sql;
  std::string name;
  const std::vector<ExprPtr>& exprs;
  std::vector<std::string> args;
  std::vector<DataType> types;
  DataType type;
  EvalMode mode;

  bool Is(size_t argument, TypeId id) const { return argument < types.size() && types[argument].id() == id; }
  std::string Mode() const;  // as the last argument of an ms_ function
};

class ExpressionSql {
 public:
  ExpressionSql(PlanSql& plans, const ComputeConf& conf) : plans_(plans), conf_(conf) {}

  Result<std::string> Emit(const Expr& expr);
  Result<std::string> EmitList(const std::vector<ExprPtr>& exprs);  // "a, b"
  // A lambda's text with its parameters renamed; `index_param`: that one counts from 1 in DuckDB and from 0 in Spark (-1: none).
  Result<std::string> EmitLambda(const Expr& expr, int index_param = -1);
  // Only its body, with the parameters said by these texts.
  Result<std::string> EmitLambdaBody(const LambdaExpr& lambda, const std::vector<std::string>& params);
  // The moment as the session's clock on the wall shows it, where `type` is an instant; any other value as it is.
  std::string Local(const std::string& sql, const DataType& type) const;
  std::string FromLocal(const std::string& sql) const;
  std::string Zone() const;  // as a string literal

  // Expressions that a plan node computes beforehand, by their text: a grouping expression → its column.
  std::map<std::string, std::string> computed;
  std::vector<std::string> grouping_columns;  // of the Aggregate at hand, for grouping_id()

 private:
  Result<std::string> EmitNode(const Expr& expr);
  Result<std::string> EmitCall(const Call& call);
  Result<std::string> EmitAggregate(const AggregateCall& call, const std::string& over);
  Result<std::string> EmitWindow(const WindowCall& call);
  Result<std::string> EmitOver(const WindowCall& call);
  Result<std::string> EmitBound(const WindowFrame::Bound& bound, const WindowCall& call, bool is_rows);
  Result<std::string> EmitSubquery(const SubqueryExpr& subquery);
  Result<std::vector<std::string>> EmitAll(const std::vector<ExprPtr>& exprs);

  PlanSql& plans_;
  const ComputeConf& conf_;
  std::map<ExprId, std::string> lambda_params_;
  int depth_ = 0;
};

// sql/function_table.cc: how a scalar function is said. Unsupported by name when it is in no table.
Result<std::string> ScalarSql(const FunctionCall& call);
// sql/aggregate_sql.cc, sql/window_functions.cc: `suffix` ("FILTER (…) OVER (…)") goes behind each aggregate of DuckDB's that serves the call.
Result<std::string> AggregateSql(const FunctionCall& call, bool is_distinct, bool ignore_nulls, const std::string& suffix, const ExpressionSql& sql);
Result<std::string> WindowFunctionSql(const FunctionCall& call, bool ignore_nulls, const std::string& over);
// sql/cast_sql.cc
Result<std::string> CastSql(const ExpressionSql& sql, const std::string& text, const DataType& from, const DataType& to, EvalMode mode);
// "{0}" arguments, "{*}" all, "{1*}" from the second on, "{0l}" in local time, "{m}" mode, "{z}" zone, "{T}" the result's type.
std::string ExpandPattern(std::string_view pattern, const FunctionCall& call);

}  // namespace millstream::compute
