#pragma once

// record_rows.h   Rows and columns picked out of record batches, and the event times in them.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "types/row_stream.h"

namespace millstream {

// The rows at these places, in this order.
Result<RecordBatchPtr> RowsAt(const RecordBatchPtr& batch, const std::vector<int64_t>& places);
RecordBatchPtr ColumnsAt(const RecordBatchPtr& batch, size_t from, size_t count);
// The moment of a timestamp, or the end of a window of timestamps; microseconds. nullopt: null.
std::optional<int64_t> EventTimeAt(const arrow::Array& column, int64_t row);
int64_t SteadyMicros();

}  // namespace millstream
