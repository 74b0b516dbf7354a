#pragma once

// value_text.h   A literal in words: as SQL ('a', 1.5, DATE '2026-01-02'), which is how Spark names an unnamed literal column.

#include <string>

#include "types/data_type.h"
#include "types/value.h"

namespace millstream {

// Spark's Literal.sql, without quotes around strings at the top (a column name shows 'a' as a).
std::string LiteralSql(const Value& value, const DataType& type);
// Days since the epoch → "2026-01-02"; microseconds since the epoch → "2026-01-02 03:04:05.6" in UTC.
std::string DateText(int64_t days);
std::string TimestampText(int64_t micros);
std::string DecimalText(DecimalValue value, int scale);
// Java's Double.toString: "1.0", "1.0E10", "NaN".
std::string DoubleText(double value, bool is_float = false);

}  // namespace millstream
