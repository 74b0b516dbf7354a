#pragma once

// batch_pace.h   How many bytes a batch may take to end within a time (cloudFiles.maxBatchDuration), by what the last ones took.

#include <cstdint>

#include "connectors/files/file_ledger.h"

namespace millstream {

// By the bytes of the last eight committed batches up to the file number `through`, together, and the time from when each was read to its commit: both stand
// in the ledger, so that a restart changes nothing. Before anything is committed, 4 MiB a second. As good as the next files are like the last ones.
Result<int64_t> BytesWithin(FileLedger& ledger, int64_t through, int64_t duration_ms);

}  // namespace millstream
