#pragma once

// parser.h   Spark SQL text → plan or command. Errors: PARSE_SYNTAX_ERROR (42601, ParseException) with line, column and the caret picture.

#include <string_view>
#include <vector>

#include "plan/command.h"

namespace millstream {

// One statement, with or without a final semicolon.
Result<Statement> ParseStatement(std::string_view sql);
// "SELECT 1; SELECT 2": for `millstream sql -f`.
Result<std::vector<Statement>> ParseStatements(std::string_view sql);
// expr("a + 1"), df.filter("a > 1"), df.selectExpr("a AS b").
Result<ExprPtr> ParseExpression(std::string_view sql);
// spark.table("db.`odd name`") → parts.
Result<MultipartName> ParseMultipartName(std::string_view text);

}  // namespace millstream
