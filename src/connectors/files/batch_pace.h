#pragma once

// batch_pace.h   How many bytes a batch may take to end within a time (cloudFiles.maxBatchDuration), by what the last ones took.

#include <cstdint>
#include <deque>
#include <utility>

#include "connectors/files/file_ledger.h"

namespace millstream {

// Of the last eight committed batches together: a restart changes nothing, as their bytes and times stand in the ledger. As good as the next files are like the
// last ones.
class BatchPace {
 public:
  static constexpr size_t kBatchesMax = 8;
  // A committed batch, and the time from when it was read to its commit. One whose time is not known is passed over.
  void Add(int64_t bytes, const BatchRecord& record);
  bool is_full() const { return batches_.size() == kBatchesMax; }
  // Before anything is committed, by 4 MiB a second.
  int64_t BytesWithin(int64_t duration_ms) const;

 private:
  std::deque<std::pair<int64_t, int64_t>> batches_;  // bytes, ms; the last kBatchesMax that were added
};

// By the last committed batches up to the file number `through`.
Result<int64_t> BytesWithin(FileLedger& ledger, int64_t through, int64_t duration_ms);

}  // namespace millstream
