#include <arrow/array.h>

#include <cstdio>

#include "doors/library/library_session.h"
#include "plan/sql/parser.h"
#include "types/spark_ddl.h"

namespace millstream::sql {
namespace {

std::vector<ExprPtr> Expressions(const std::vector<std::string>& texts) {
  std::vector<ExprPtr> expressions;
  for (const std::string& text : texts) expressions.push_back(ValueOrThrow(ParseExpression(text)));
  return expressions;
}

// "amount DESC NULLS LAST": an ORDER BY's own grammar, which is no expression's.
std::vector<ExprPtr> OrderOf(const std::vector<std::string>& texts) {
  std::vector<ExprPtr> order;
  for (const std::string& text : texts) {
    Statement statement = ValueOrThrow(ParseStatement("SELECT * FROM t ORDER BY " + text));
    const PlanPtr* plan = std::get_if<PlanPtr>(&statement);
    const Sort* sort = plan ? (*plan)->As<Sort>() : nullptr;
    if (!sort) ThrowIfError(Status::IllegalArgument("orderBy takes columns with ASC, DESC, NULLS FIRST or NULLS LAST, not: " + text));
    order.insert(order.end(), sort->order.begin(), sort->order.end());
  }
  return order;
}

JoinType JoinTypeOf(const std::string& how) {
  static const std::map<std::string, JoinType> kTypes = {
      {"inner", JoinType::kInner},      {"left", JoinType::kLeftOuter},         {"left_outer", JoinType::kLeftOuter},
      {"right", JoinType::kRightOuter}, {"right_outer", JoinType::kRightOuter}, {"full", JoinType::kFullOuter},
      {"outer", JoinType::kFullOuter},  {"full_outer", JoinType::kFullOuter},   {"left_semi", JoinType::kLeftSemi},
      {"semi", JoinType::kLeftSemi},    {"left_anti", JoinType::kLeftAnti},     {"anti", JoinType::kLeftAnti},
      {"cross", JoinType::kCross}};
  auto found = kTypes.find(how);
  if (found == kTypes.end())
    ThrowIfError(Status::IllegalArgument("Unknown join type '" + how + "'. Use inner, left, right, full, left_semi, left_anti or cross."));
  return found->second;
}

}  // namespace

DataFrame GroupedData::agg(const std::vector<std::string>& aggregates) const {
  Aggregate aggregate{.group_by = Expressions(keys_), .aggregates = Expressions(keys_), .child = plan_};
  for (ExprPtr& expression : Expressions(aggregates)) aggregate.aggregates.push_back(std::move(expression));
  return DataFrame(session_, MakePlan(std::move(aggregate)));
}
DataFrame GroupedData::count() const { return agg({"count(1) AS count"}); }

DataFrame DataFrame::select(const std::vector<std::string>& expressions) const {
  return DataFrame(session_, MakePlan(Project{Expressions(expressions), plan_}));
}
DataFrame DataFrame::withColumn(const std::string& name, const std::string& expression) const {
  ExprPtr value = ValueOrThrow(ParseExpression(expression));
  return DataFrame(session_, MakePlan(WithColumns{{MakeExpr(Alias{std::move(value), {name}})}, plan_}));
}
DataFrame DataFrame::drop(const std::vector<std::string>& columns) const {
  return DataFrame(session_, MakePlan(DropColumns{.names = columns, .child = plan_}));
}
DataFrame DataFrame::where(const std::string& condition) const {
  return DataFrame(session_, MakePlan(Filter{ValueOrThrow(ParseExpression(condition)), plan_}));
}
DataFrame DataFrame::orderBy(const std::vector<std::string>& order) const {
  return DataFrame(session_, MakePlan(Sort{.order = OrderOf(order), .child = plan_}));
}
DataFrame DataFrame::limit(int64_t rows) const { return DataFrame(session_, MakePlan(Limit{MakeExpr(Literal{Value{rows}, DataType::Integer()}), plan_})); }
DataFrame DataFrame::distinct() const { return DataFrame(session_, MakePlan(Deduplicate{.all_columns = true, .child = plan_})); }
DataFrame DataFrame::unionAll(const DataFrame& other) const {
  return DataFrame(session_, MakePlan(SetOperation{.kind = SetOperation::Kind::kUnion, .is_all = true, .left = plan_, .right = other.plan_}));
}
DataFrame DataFrame::join(const DataFrame& other, const std::vector<std::string>& using_columns, const std::string& how) const {
  return DataFrame(session_, MakePlan(Join{.type = JoinTypeOf(how), .using_columns = using_columns, .left = plan_, .right = other.plan_}));
}

bool DataFrame::isStreaming() const { return IsStreaming(*ValueOrThrow(session_->session->AnalyzePlan(plan_))); }
std::string DataFrame::schema() const { return ToDdl(SchemaOf(*ValueOrThrow(session_->session->AnalyzePlan(plan_)))); }

std::vector<std::shared_ptr<arrow::RecordBatch>> DataFrame::collect() const {
  QueryResult result = ValueOrThrow(session_->session->Execute(plan_));
  return ValueOrThrow(Drain(*result.rows));
}

int64_t DataFrame::count() const {
  Aggregate aggregate{.aggregates = {ValueOrThrow(ParseExpression("count(1)"))}, .child = plan_};
  std::vector<RecordBatchPtr> rows = DataFrame(session_, MakePlan(std::move(aggregate))).collect();
  return std::static_pointer_cast<arrow::Int64Array>(rows.at(0)->column(0))->Value(0);
}

std::string DataFrame::showString(int rows, int truncate) const {
  // One row more tells whether there are more.
  const int shown = std::max(rows, 0);
  QueryResult result = ValueOrThrow(session_->session->Execute(limit(int64_t{shown} + 1).plan_));
  std::vector<RecordBatchPtr> batches = ValueOrThrow(Drain(*result.rows));
  return ValueOrThrow(ShowString(result.schema, batches, shown, truncate, false, session_->session->GetConf("spark.sql.session.timeZone").value_or("UTC")));
}
void DataFrame::show(int rows, int truncate) const { std::fputs(showString(rows, truncate).c_str(), stdout); }
void DataFrame::createOrReplaceTempView(const std::string& name) const { ThrowIfError(session_->session->CreateTempView(name, plan_, true, false)); }

}  // namespace millstream::sql
