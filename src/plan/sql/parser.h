#pragma once

// parser.h   Spark SQL text → plan or command. Errors: PARSE_SYNTAX_ERROR (42601, ParseException) with line, column and the caret picture.
//
// What Spark's grammar has and this does not build yet answers Status::Unsupported naming the statement or clause. Expressions and plans
// that come out are at most kMaxPlanDepth deep; anything deeper, and text beyond kMaxSqlTokens, is FAILED_TO_PARSE_TOO_COMPLEX.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plan/command.h"

namespace millstream {

// spark.sql(text, args=…): what :name and ? stand for, as literals (or array(), map(), struct() of literals).
struct SqlParameters {
  std::map<std::string, ExprPtr> named;
  std::vector<ExprPtr> positional;
};

// One statement, with or without final semicolons. A parameter without a value: UNBOUND_SQL_PARAMETER.
Result<Statement> ParseStatement(std::string_view sql);
Result<Statement> ParseStatement(std::string_view sql, const SqlParameters& parameters);
// "SELECT 1; SELECT 2": for `millstream sql -f`. Empty statements between semicolons are skipped.
Result<std::vector<Statement>> ParseStatements(std::string_view sql);
// expr("a + 1"), df.filter("a > 1"), df.selectExpr("a AS b"): also "*" and "t.*".
Result<ExprPtr> ParseExpression(std::string_view sql);
// spark.table("db.`odd name`") → parts.
Result<MultipartName> ParseMultipartName(std::string_view text);

}  // namespace millstream
