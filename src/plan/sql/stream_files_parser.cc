// stream_files_parser.cc   UNDO, REDO, REPLAY, FORGET FILES IN STREAM: what is asked of the files of a stream.

#include "plan/sql/node_depth.h"

namespace millstream {
namespace {

constexpr std::string_view kRequests[] = {"UNDO", "REDO", "REPLAY", "FORGET"};
constexpr size_t kWordsBeforePath = 4;  // UNDO FILES IN STREAM

}  // namespace

// A table may be called stream: a checkpoint is a text.
bool SqlParser::StreamFilesAhead() const {
  bool known = false;
  for (std::string_view word : kRequests) known |= cursor_.AtWords(word, "FILES");
  return known && cursor_.AtWord("IN", 2) && cursor_.AtWord("STREAM", 3) && cursor_.Peek(kWordsBeforePath).kind == TokenKind::kString;
}

// {UNDO | REDO | REPLAY | FORGET} FILES IN STREAM 'checkpoint' WHERE condition
Result<Statement> SqlParser::ParseStreamFiles() {
  RequestStreamFiles request;
  for (std::string_view word : kRequests)
    if (cursor_.AtWord(word)) request.request = word;
  for (size_t i = 0; i < kWordsBeforePath; ++i) cursor_.Advance();
  MS_ASSIGN_OR_RETURN(request.checkpoint, cursor_.ExpectString());
  // Which files is never left to chance: for all of them there is WHERE true.
  if (!cursor_.TakeWord("WHERE")) return cursor_.SyntaxError(": missing 'WHERE'");
  MS_ASSIGN_OR_RETURN(ExprPtr condition, ParseExpression());
  const PlanPtr state =
      Plan(UnresolvedDataSource{.format = "cloud_files_state", .schema = {}, .options = {}, .paths = {request.checkpoint}, .is_streaming = false});
  std::vector<ExprPtr> columns;
  for (const char* name : {"path", "source_id", "ingestion_state"}) columns.push_back(MakeExpr(UnresolvedAttribute{.parts = {name}, .plan_id = {}}));
  request.files = Plan(Project{std::move(columns), Plan(Filter{std::move(condition), state})});
  return Statement(Command{std::move(request)});
}

}  // namespace millstream
