#pragma once

// arrow_value.h   One cell of an Arrow array as a Value.

#include <arrow/array/array_base.h>

#include <cstdint>

#include "base/status.h"
#include "types/data_type.h"
#include "types/value.h"

namespace millstream {

// `array` has the Arrow type of `type` (arrow_types.h). INTERNAL_ERROR for a type that a Value does not hold.
Result<Value> ValueAt(const arrow::Array& array, int64_t row, const DataType& type);

}  // namespace millstream
