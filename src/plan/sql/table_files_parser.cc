// table_files_parser.cc   What users ask of the files that a table has loaded.

#include <cctype>

#include "plan/sql/parser_errors.h"
#include "plan/sql/sql_parser.h"
#include "plan/sql/table_word.h"

namespace millstream {

bool SqlParser::TableFilesAhead() const {
  const bool has_verb = cursor_.AtWord("UNDO") || cursor_.AtWord("REDO") || cursor_.AtWord("FORGET");
  if (!has_verb || !cursor_.AtWord("FILES", 1) || !cursor_.AtWord("IN", 2)) return false;
  // IN STREAM 'checkpoint' is another statement; a table may have this name all the same.
  return !(cursor_.AtWord("STREAM", 3) && cursor_.Peek(4).kind == TokenKind::kString);
}

// {UNDO | REDO | FORGET} FILES IN [TABLE] table WHERE condition
Result<Statement> SqlParser::ParseTableFiles() {
  using Kind = ChangeTableFiles::Kind;
  ChangeTableFiles change{.kind = cursor_.AtWord("UNDO") ? Kind::kUndo : cursor_.AtWord("REDO") ? Kind::kRedo : Kind::kForget};
  for (int word = 0; word < 3; ++word) cursor_.Advance();
  TakeTableWord(cursor_);
  MS_ASSIGN_OR_RETURN(change.table, ParseName());
  // Which files is never left to chance: for all of them there is WHERE true.
  if (!cursor_.TakeWord("WHERE")) return cursor_.SyntaxError(": missing 'WHERE'");
  const size_t begin = cursor_.Peek().begin;
  MS_ASSIGN_OR_RETURN(change.condition, ParseExpression());
  std::string& text = change.condition_text;
  text = cursor_.sql().substr(begin, cursor_.Peek().begin - begin);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return Statement(Command{std::move(change)});
}

}  // namespace millstream
