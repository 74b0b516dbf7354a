#pragma once

// arrow_layout.h   How our Arrow types look inside DuckDB, and back, without copying.
//
// DuckDB gets only types whose meaning it shares with Spark: an instant is a plain TIMESTAMP in UTC (the emitted SQL converts to the session's zone
// where Spark would), an interval is the integer that it is in memory, a struct's fields are named f0, f1 … since DuckDB's names ignore case and
// must be unique. Only labels change, never a buffer.

#include <arrow/array/data.h>

#include "base/status.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream::compute {

std::shared_ptr<arrow::DataType> CarrierType(const DataType& type);
// A column of ToArrowType(type) → CarrierType(type), and back from what DuckDB exports.
Result<std::shared_ptr<arrow::ArrayData>> ToCarrier(const std::shared_ptr<arrow::ArrayData>& data, const DataType& type);
Result<std::shared_ptr<arrow::ArrayData>> FromCarrier(const std::shared_ptr<arrow::ArrayData>& data, const DataType& type);

}  // namespace millstream::compute
