#pragma once

// late_rows.h   The rows that a watermark has kept out of a batch, for a query that is to keep them elsewhere.

#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

struct LateRows {
  std::string operator_name;  // as in stateOperators[] of the progress
  int64_t watermark_ms = 0;   // that they were not later than
  StructType schema;          // an aggregation's: the groups that the rows of the batch make, keys and partial results
  std::vector<RecordBatchPtr> rows;
};

// The columns under these names; a name that is there already is numbered.
StructType Named(const StructType& schema, const std::vector<std::string>& names);

// Of one run of a batch. Thread-safe.
class LateRowCollector {
 public:
  // The rows of `batch` that are not among `live` (places, ascending).
  Status AddOthers(const std::string& operator_name, int64_t watermark_ms, const StructType& schema, const RecordBatchPtr& batch,
                   const std::vector<int64_t>& live);
  Status Add(const std::string& operator_name, int64_t watermark_ms, const StructType& schema, const RecordBatchPtr& batch, const std::vector<int64_t>& late);
  std::vector<LateRows> Take();

 private:
  std::mutex mutex_;
  std::vector<LateRows> rows_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
