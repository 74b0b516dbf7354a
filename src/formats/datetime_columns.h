#pragma once

// datetime_columns.h   Every date and every timestamp of an array turned into another, also within structs, lists and maps.

#include <arrow/array.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "base/status.h"

namespace millstream {

struct DatetimeMap {
  // Of days since the epoch; null: dates stay.
  std::function<Result<int32_t>(int32_t)> days;
  // Of microseconds; null: timestamps stay. Columns of type `from` become `to`, others stay.
  std::function<Result<int64_t>(int64_t)> micros;
  std::shared_ptr<arrow::DataType> from, to;
};

Result<std::shared_ptr<arrow::Array>> MapDatetimes(const std::shared_ptr<arrow::Array>& array, const DatetimeMap& map);

}  // namespace millstream
