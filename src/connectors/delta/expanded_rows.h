#pragma once

// expanded_rows.h   A stream that makes any number of batches out of each batch of another.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "types/row_stream.h"

namespace millstream {

class ExpandedRows : public RowStream {
 public:
  ExpandedRows(RowStreamPtr rows, ArrowSchemaPtr schema) : rows_(std::move(rows)), schema_(std::move(schema)) {}

  const ArrowSchemaPtr& schema() const final { return schema_; }
  Result<RecordBatchPtr> Next() final;

 protected:
  // Thread-safe: several batches are expanded at once.
  virtual Result<std::vector<RecordBatchPtr>> Expand(const arrow::RecordBatch& batch) = 0;

 private:
  const RowStreamPtr rows_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  std::condition_variable expanded_;
  std::deque<RecordBatchPtr> ready_;  // GUARDED_BY(mutex_)
  int expanding_ = 0;                 // GUARDED_BY(mutex_)
  bool is_drained_ = false;           // GUARDED_BY(mutex_)
};

}  // namespace millstream
