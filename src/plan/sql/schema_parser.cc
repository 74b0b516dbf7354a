// schema_parser.cc   REVERT SCHEMA OF STREAM, PROMOTE RESCUED.

#include "plan/sql/node_depth.h"
#include "types/spark_ddl.h"

namespace millstream {

// REVERT SCHEMA OF STREAM 'checkpoint' TO VERSION n [FREEZE [(column [, …])]]
Result<Statement> SqlParser::ParseRevertSchema() {
  for (const char* word : {"REVERT", "SCHEMA", "OF", "STREAM"}) MS_RETURN_IF_ERROR(cursor_.ExpectWord(word));
  RevertToSchemaVersion request;
  MS_ASSIGN_OR_RETURN(request.location, cursor_.ExpectString());
  for (const char* word : {"TO", "VERSION"}) MS_RETURN_IF_ERROR(cursor_.ExpectWord(word));
  MS_ASSIGN_OR_RETURN(request.version, cursor_.ExpectInteger());
  if (cursor_.TakeWord("FREEZE")) {
    if (!cursor_.TakeSymbol("(")) {
      request.freezes = true;
    } else {
      do {
        MS_ASSIGN_OR_RETURN(MultipartName column, ParseName());
        request.frozen.push_back(std::move(column));
      } while (cursor_.TakeSymbol(","));
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    }
  }
  return Statement(Command{std::move(request)});
}

// PROMOTE RESCUED (column type [, …]) IN table [FROM column]
Result<Statement> SqlParser::ParsePromoteRescued() {
  for (const char* word : {"PROMOTE", "RESCUED"}) MS_RETURN_IF_ERROR(cursor_.ExpectWord(word));
  const size_t open = cursor_.position();
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol("("));
  if (cursor_.AtSymbol(")")) return cursor_.SyntaxError(": missing a column");
  const size_t begin = cursor_.Peek().begin;
  while (cursor_.position() < MatchingParenthesis(open)) cursor_.Advance();
  const std::string ddl(cursor_.sql().substr(begin, cursor_.Peek().begin - begin));
  MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
  PromoteRescuedColumns request;
  MS_ASSIGN_OR_RETURN(request.columns, SchemaFromDdl(ddl));
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("IN"));
  MS_ASSIGN_OR_RETURN(request.table, ParseName());
  if (cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(request.from, cursor_.ExpectName());
  }
  return Statement(Command{std::move(request)});
}

}  // namespace millstream
