#pragma once

// rate_rows.h   Numbered rows, each with its moment: what the rate sources are made of.

#include <cstdint>

#include "compute/compiled_plan.h"
#include "types/row_stream.h"

namespace millstream {

const StructType& RateSchema();  // timestamp, value

// The rows numbered [first, end), the first at `start_us` and each `us_per_row` later than the one before.
Result<RowStreamPtr> MakeRateRows(const ScanNeeds& needs, int64_t first, int64_t end, int64_t start_us, double us_per_row);

}  // namespace millstream
