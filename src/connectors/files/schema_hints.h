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

// "id INT, user.name STRING, tags ARRAY<INT>, `a.b` DATE". Error: Spark's PARSE_SYNTAX_ERROR.
Result<std::vector<SchemaHint>> ParseSchemaHints(std::string_view ddl);
// Columns take the hinted type; columns that are not there are added at the end.
StructType ApplySchemaHints(const StructType& schema, const std::vector<SchemaHint>& hints);

}  // namespace millstream
