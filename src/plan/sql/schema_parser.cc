// schema_parser.cc   REVERT SCHEMA OF STREAM, PROMOTE RESCUED.

#include "plan/schema_requests.h"
#include "plan/sql/node_depth.h"
#include "types/spark_ddl.h"

namespace millstream {

// REVERT SCHEMA OF STREAM 'checkpoint' TO VERSION n [FREEZE [(column [, …])]]
Result<Statement> SqlParser::ParseRevertSchema() {
  for (const char* word : {"REVERT", "SCHEMA", "OF", "STREAM"}) MS_RETURN_IF_ERROR(cursor_.ExpectWord(word));
  WriteData request{.format = kSchemaRevertFormat};
  MS_ASSIGN_OR_RETURN(request.path, cursor_.ExpectString());
  for (const char* word : {"TO", "VERSION"}) MS_RETURN_IF_ERROR(cursor_.ExpectWord(word));
  MS_ASSIGN_OR_RETURN(int64_t version, cursor_.ExpectInteger());
  request.options[kSchemaRevertVersion] = std::to_string(version);
  if (cursor_.TakeWord("FREEZE")) {
    if (!cursor_.TakeSymbol("(")) {
      request.options[kSchemaRevertFreezes] = "true";
    } else {
      const size_t begin = cursor_.Peek().begin;
      do {
        MS_RETURN_IF_ERROR(ParseName().status());
      } while (cursor_.TakeSymbol(","));
      request.options[kSchemaRevertFrozen] = std::string(cursor_.sql().substr(begin, cursor_.Peek().begin - begin));
      MS_RETURN_IF_ERROR(cursor_.ExpectSymbol(")"));
    }
  }
  request.query = Plan(UnresolvedDataSource{.format = "cloud_files_schemas", .schema = {}, .options = {}, .paths = {*request.path}, .is_streaming = false});
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
  MS_RETURN_IF_ERROR(SchemaFromDdl(ddl).status());
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("IN"));
  WriteData request{.format = kPromoteRescuedFormat};
  MS_ASSIGN_OR_RETURN(request.table, ParseName());
  request.options[kPromotedColumns] = ddl;
  if (cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(request.options[kPromotedFrom], cursor_.ExpectName());
  }
  request.query = Plan(UnresolvedRelation{.name = *request.table, .options = {}});
  return Statement(Command{std::move(request)});
}

}  // namespace millstream
