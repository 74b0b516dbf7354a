#pragma once

// named_values.h   "s.a : 5", as Delta's errors name the values of a row.

#include <arrow/record_batch.h>

#include <string>
#include <vector>

#include "types/data_type.h"

namespace millstream {

// The value of the column or field that `path` names in one row, with its name before it. As Delta: dates and timestamps are days and microseconds since
// 1970; a column that the table has not is null. Where Delta names a place in memory (binary, nested values), the value itself.
std::string NamedValue(const StructType& table, const arrow::RecordBatch& rows, int64_t row, const std::vector<std::string>& path);

}  // namespace millstream
