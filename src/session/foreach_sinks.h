#pragma once

// foreach_sinks.h   The sinks that call the user: foreachBatch with a batch as a plan, foreach with its rows.

#include <memory>
#include <string>

#include "compute/compiled_plan.h"
#include "connectors/api/sink.h"

namespace millstream {

// At least once for what the function does outside; exactly once for what it writes to tables (session/batch_writes.h). Both hold a batch in memory or
// stream it: foreachBatch holds at most `memory_bytes_max`, more is MILLSTREAM_BATCH_TOO_LARGE.
std::unique_ptr<Sink> MakeForeachBatchSink(std::shared_ptr<BatchFunction> function, std::string query_id, std::shared_ptr<CancelToken> cancel,
                                           int64_t memory_bytes_max);
std::unique_ptr<Sink> MakeForeachSink(std::shared_ptr<RowsFunction> function, std::shared_ptr<CancelToken> cancel);

}  // namespace millstream
