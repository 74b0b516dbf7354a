// verify_parser.cc   VERIFY FILES: a query over what a source holds and what is known of it.

#include "plan/catalog.h"
#include "plan/sql/node_depth.h"
#include "plan/sql/parser_errors.h"
#include "plan/sql/table_word.h"

namespace millstream {

// VERIFY FILES IN {[TABLE] table | STREAM 'checkpoint'} [FROM 'path' [PATTERN [=] 'glob']]
Result<Statement> SqlParser::ParseVerifyFiles() {
  cursor_.Advance();
  cursor_.Advance();
  MS_RETURN_IF_ERROR(cursor_.ExpectWord("IN"));
  OptionMap options;
  std::string checkpoint;
  MultipartName table;
  const bool is_stream = cursor_.AtWord("STREAM") && cursor_.Peek(1).kind == TokenKind::kString;
  if (is_stream) {
    cursor_.Advance();
    MS_ASSIGN_OR_RETURN(checkpoint, cursor_.ExpectString());
  } else {
    TakeTableWord(cursor_);
    MS_ASSIGN_OR_RETURN(table, ParseName());
  }
  if (cursor_.TakeWord("FROM")) {
    MS_ASSIGN_OR_RETURN(options["from"], cursor_.ExpectString());
    if (cursor_.TakeWord("PATTERN")) {
      cursor_.TakeSymbol("=");
      MS_ASSIGN_OR_RETURN(options["pattern"], cursor_.ExpectString());
    }
  }
  if (is_stream) {
    return Statement(Plan(
        UnresolvedDataSource{.format = "verify_files", .schema = {}, .options = std::move(options), .paths = {std::move(checkpoint)}, .is_streaming = false}));
  }
  options[kCopyStateOption] = "verify";
  return Statement(Plan(UnresolvedRelation{.name = std::move(table), .options = std::move(options)}));
}

}  // namespace millstream
