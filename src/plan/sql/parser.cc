#include "plan/sql/parser.h"

#include <algorithm>

#include "plan/sql/sql_parser.h"
#include "types/types_errors.h"

namespace millstream {
namespace {

// An empty text has an error of its own; one that holds only comments does not, in Spark.
Status EmptyError(const TokenCursor& cursor) {
  bool blank = std::all_of(cursor.sql().begin(), cursor.sql().end(), [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return blank ? cursor.ErrorAt(cursor.Peek(), errors::kParseEmptyStatement, {}) : cursor.SyntaxError();
}

Result<Statement> ParseOne(std::string_view sql, const SqlParameters* parameters) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(sql));
  SqlParser parser(tokens, parameters);
  if (parser.cursor().AtEnd()) return EmptyError(parser.cursor());
  MS_ASSIGN_OR_RETURN(Statement statement, parser.ParseStatement());
  bool semicolon = false;
  while (parser.cursor().TakeSymbol(";")) semicolon = true;
  MS_RETURN_IF_ERROR(parser.ExpectEnd(semicolon));
  return statement;
}

}  // namespace

Result<Statement> ParseStatement(std::string_view sql) { return ParseOne(sql, nullptr); }

Result<Statement> ParseStatement(std::string_view sql, const SqlParameters& parameters) { return ParseOne(sql, &parameters); }

Result<std::vector<Statement>> ParseStatements(std::string_view sql) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(sql));
  SqlParser parser(tokens, nullptr);
  std::vector<Statement> statements;
  while (true) {
    while (parser.cursor().TakeSymbol(";")) continue;
    if (parser.cursor().AtEnd()) return statements;
    MS_ASSIGN_OR_RETURN(Statement statement, parser.ParseStatement());
    if (!parser.cursor().AtSymbol(";")) MS_RETURN_IF_ERROR(parser.ExpectEnd());
    statements.push_back(std::move(statement));
  }
}

Result<ExprPtr> ParseExpression(std::string_view sql) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(sql));
  SqlParser parser(tokens, nullptr);
  if (parser.cursor().AtEnd()) return EmptyError(parser.cursor());
  MS_ASSIGN_OR_RETURN(ExprPtr expr, parser.ParseNamedExpression());
  MS_RETURN_IF_ERROR(parser.ExpectEnd());
  return expr;
}

Result<MultipartName> ParseMultipartName(std::string_view text) {
  MS_ASSIGN_OR_RETURN(SqlTokens tokens, SqlTokens::Lex(text));
  SqlParser parser(tokens, nullptr);
  if (parser.cursor().AtEnd()) return EmptyError(parser.cursor());
  MS_ASSIGN_OR_RETURN(MultipartName name, parser.ParseName());
  MS_RETURN_IF_ERROR(parser.ExpectEnd());
  return name;
}

}  // namespace millstream
