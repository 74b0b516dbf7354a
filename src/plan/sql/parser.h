#pragma once

// parser.h   Spark SQL text → plan or command. Errors: PARSE_SYNTAX_ERROR (42601, ParseException) with line, column and the caret picture.
//
// What Spark's grammar has and this does not build yet answers Status::Unsupported naming the statement or clause. Expressions and plans
// that come out are at most kMaxPlanDepth deep; anything deeper, and text beyond kMaxSqlTokens, is FAILED_TO_PARSE_TOO_COMPLEX.
//
// What the analyzer meets that the plan's types do not say:
//   a <> b                      not(==(a, b)); NOT IN, NOT LIKE, IS DISTINCT FROM … are not(…) too
//   a << b, a >> b, a >>> b     shiftleft, shiftright, shiftrightunsigned
//   CASE                        when(condition, value, …[, otherwise])
//   a LIKE b ESCAPE 'c'         like(a, b, 'c'); LIKE ANY and ALL are or and and of likes
//   TRIM(BOTH b FROM s)         trim(b, s), as functions.trim sends it
//   EXTRACT(f FROM x)           extract('f', x); POSITION(a IN s) is locate(a, s)
//   count(*)                    count(1); (a, b) is struct(a, b)
//   dateadd(DAY, n, t)          timestampadd('DAY', n, t); datediff of three arguments is timestampdiff
//   current_date, …             current_date(), with or without parentheses
//   GROUP BY ALL, ORDER BY ALL  a column named ALL
//   HAVING                      Filter over Aggregate
//   VALUES                      union of Projects of aliases col1, col2 … over OneRow
//   f(name => x) in FROM        an Alias among the table function's args
//   TIMESTAMP '…' without zone  Cast of the text, since the instant depends on the session's time zone
//   t VERSION AS OF 3           UnresolvedRelation.options versionAsOf, timestampAsOf

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
