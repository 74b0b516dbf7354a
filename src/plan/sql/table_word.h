#pragma once

// table_word.h   The word TABLE that may stand before a table's name, in statements that are ours.

#include "plan/sql/sql_parser.h"

namespace millstream {

// Takes it, unless it is the name itself.
inline void TakeTableWord(TokenCursor& cursor) {
  if (!cursor.AtWord("TABLE") || cursor.AtWord("WHERE", 1) || cursor.AtWord("FROM", 1)) return;
  if (cursor.Peek(1).kind == TokenKind::kWord || cursor.Peek(1).kind == TokenKind::kQuotedName) cursor.Advance();
}

}  // namespace millstream
