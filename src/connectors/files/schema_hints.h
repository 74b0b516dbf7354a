#pragma once

// schema_hints.h   cloudFiles.schemaHints: types that the user knows better than inference does.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

struct SchemaHint {
  std::vector<std::string> path;  // "users.element.id": into structs by field, arrays by `element`, maps by `key` and `value`
  DataType type;
};

// Splits at commas that stand in no bracket and no backticks; the parts are trimmed.
std::vector<std::string_view> SplitColumns(std::string_view ddl);
// Cuts the dotted path from the front of "a.`b c`.element INT"; what is left is the type, trimmed and without a colon before it.
std::vector<std::string> CutColumnPath(std::string_view* column);

// "id INT, user.name STRING, tags ARRAY<INT>, `a.b` DATE". Error: Spark's PARSE_SYNTAX_ERROR.
Result<std::vector<SchemaHint>> ParseSchemaHints(std::string_view ddl);
// Columns take the hinted type; columns that are not there are added at the end.
StructType ApplySchemaHints(const StructType& schema, const std::vector<SchemaHint>& hints);

}  // namespace millstream
