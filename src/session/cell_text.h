#pragma once

// cell_text.h   One value as df.show() prints it (Spark's ToPrettyString): "1.0E10", "{a, b}", "[1, NULL]", "{k -> v}", "[31 32]".

#include <arrow/array/array_base.h>

#include <cstdint>
#include <string>

#include "base/status.h"
#include "formats/time_zone.h"
#include "types/data_type.h"

namespace millstream {

// Appends the text of array[row], which has Spark's `type`. Instants are shown in `zone`.
Status AppendCellText(const arrow::Array& array, int64_t row, const DataType& type, const TimeZone& zone, std::string& out);

// java.lang.Double.toString and Float.toString.
std::string JavaDoubleText(double value);
std::string JavaFloatText(float value);
// An instant → wall-clock microseconds in `zone`.
int64_t UtcToLocalMicros(int64_t utc_us, const TimeZone& zone);

}  // namespace millstream
