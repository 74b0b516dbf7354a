#include "connectors/files/batch_pace.h"

#include <algorithm>

namespace millstream {

Result<int64_t> BytesWithin(FileLedger& ledger, int64_t through, int64_t duration_ms) {
  constexpr int kBatchesMax = 8;
  constexpr double kBytesPerMsAtFirst = 4.0 * (1 << 20) / 1000;
  int64_t bytes = 0, ms = 0;
  for (int batches = 0; batches < kBatchesMax && through > 0;) {
    MS_ASSIGN_OR_RETURN(auto batch, ledger.FindBatch(through));
    if (!batch) break;
    const BatchRecord& record = batch->second;
    if (record.committed_ms > 0 && record.processed_ms > 0) {
      MS_ASSIGN_OR_RETURN(int64_t read, ledger.BytesBetween(record.after, batch->first));
      bytes += read;
      // A clock that was set back says nothing.
      ms += std::max<int64_t>(record.committed_ms - record.processed_ms, 1);
      ++batches;
    }
    if (record.after >= through) break;
    through = record.after;
  }
  const double bytes_per_ms = bytes > 0 ? static_cast<double>(bytes) / static_cast<double>(ms) : kBytesPerMsAtFirst;
  return static_cast<int64_t>(std::min(bytes_per_ms * static_cast<double>(duration_ms), 9e18));
}

}  // namespace millstream
