#pragma once

// buffer_merge.h   Aggregates' buffers of the same groups, the older and the newer, made one.

#include "compute/compiled_plan.h"
#include "types/row_stream.h"

namespace millstream {

// `merge` computes rows (older buffers o0…, newer buffers n0…, r: bigint) → (merged buffers, r). Row by row; the result has the order of the rows.
Result<RecordBatchPtr> MergeBuffers(CompiledPlan& merge, const RecordBatchPtr& older, const RecordBatchPtr& newer);

}  // namespace millstream
