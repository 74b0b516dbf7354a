#pragma once

// type_parser.h   The grammar of types, where it occurs inside other text: DDL strings and SQL statements.

#include "types/data_type.h"
#include "types/sql_tokens.h"

namespace millstream {

// A type at the cursor, which ends behind it. `depth`: nesting around it already. Errors: PARSE_SYNTAX_ERROR, UNSUPPORTED_DATATYPE,
// DATATYPE_MISSING_SIZE, INCOMPLETE_TYPE_DEFINITION.*, MILLSTREAM_TYPE_TOO_DEEP.
Result<DataType> ParseDataType(TokenCursor& cursor, int depth = 1);
// "a INT NOT NULL COMMENT 'x'". Inside STRUCT<…> a colon may stand behind the name. The length of CHAR(n) and VARCHAR(n) goes into the
// metadata, as in tables that Spark makes.
Result<StructField> ParseColumn(TokenCursor& cursor, bool allow_colon, int depth = 1);
// A name in a place where Spark explains what is wrong with "a-b": INVALID_IDENTIFIER.
Result<std::string> ParseColumnName(TokenCursor& cursor);
// Metadata with this comment.
std::string CommentMetadata(std::string_view comment);

}  // namespace millstream
