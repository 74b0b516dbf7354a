#include "connectors/files/batch_pace.h"

#include <algorithm>

namespace millstream {

void BatchPace::Add(int64_t bytes, const BatchRecord& record) {
  if (record.committed_ms <= 0 || record.processed_ms <= 0) return;
  // A clock that was set back says nothing.
  batches_.emplace_back(bytes, std::max<int64_t>(record.committed_ms - record.processed_ms, 1));
  if (batches_.size() > kBatchesMax) batches_.pop_front();
}

int64_t BatchPace::BytesWithin(int64_t duration_ms) const {
  constexpr double kBytesPerMsAtFirst = 4.0 * (1 << 20) / 1000;
  int64_t bytes = 0, ms = 0;
  for (const auto& [of_batch, took_ms] : batches_) {
    bytes += of_batch;
    ms += took_ms;
  }
  const double bytes_per_ms = bytes > 0 ? static_cast<double>(bytes) / static_cast<double>(ms) : kBytesPerMsAtFirst;
  return static_cast<int64_t>(std::min(bytes_per_ms * static_cast<double>(duration_ms), 9e18));
}

Result<int64_t> BytesWithin(FileLedger& ledger, int64_t through, int64_t duration_ms) {
  BatchPace pace;
  while (!pace.is_full() && through > 0) {
    MS_ASSIGN_OR_RETURN(auto batch, ledger.FindBatch(through));
    if (!batch) break;
    const BatchRecord& record = batch->second;
    MS_ASSIGN_OR_RETURN(int64_t bytes, ledger.BytesBetween(record.after, batch->first));
    pace.Add(bytes, record);
    if (record.after >= through) break;
    through = record.after;
  }
  return pace.BytesWithin(duration_ms);
}

}  // namespace millstream
