#pragma once

// record_rows.h   Rows and columns picked out of record batches.

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "types/row_stream.h"

namespace millstream {

// The rows at these places, in this order.
Result<RecordBatchPtr> RowsAt(const RecordBatchPtr& batch, const std::vector<int64_t>& places);
RecordBatchPtr ColumnsAt(const RecordBatchPtr& batch, size_t from, size_t count);
int64_t SteadyMicros();

}  // namespace millstream
