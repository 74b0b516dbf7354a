#pragma once

// sql_text.h   The lexical floor of the SQL that goes to DuckDB: nothing of the user's gets there but through these.

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "types/data_type.h"
#include "types/value.h"

namespace millstream::compute {

std::string QuoteName(std::string_view name);
std::string QuoteString(std::string_view text);
// The column of an attribute, quoted: "c12".
std::string ColumnOf(ExprId id);
// The type in which DuckDB carries a Spark type (engine/arrow_layout.h).
std::string TypeSql(const DataType& type);
// A constant, with its type: CAST('1.50' AS DECIMAL(3,2)).
Result<std::string> LiteralSql(const Value& value, const DataType& type);
// A key as groups show it (Spark's NormalizeFloatingNumbers): -0.0 is 0.0, also inside of structs and arrays. `text` may be repeated.
std::string GroupKeySql(const std::string& text, const DataType& type);

}  // namespace millstream::compute
