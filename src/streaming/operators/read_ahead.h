#pragma once

// read_ahead.h   The next rows are made by another thread while the last ones are worked on.

#include <future>
#include <mutex>

#include "types/row_stream.h"

namespace millstream {

class ReadAheadRows : public RowStream {
 public:
  explicit ReadAheadRows(RowStreamPtr input) : input_(std::move(input)) {}
  const ArrowSchemaPtr& schema() const override { return input_->schema(); }
  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    Result<RecordBatchPtr> rows = ahead_.valid() ? ahead_.get() : input_->Next();
    if (rows.ok() && *rows != nullptr && (*rows)->num_rows() >= kRowsForTwo) ahead_ = std::async(std::launch::async, [this] { return input_->Next(); });
    return rows;
  }

 private:
  // After fewer it is soon the end, and another thread is not worth its start.
  static constexpr int64_t kRowsForTwo = 16384;

  const RowStreamPtr input_;
  std::mutex mutex_;
  std::future<Result<RecordBatchPtr>> ahead_;  // GUARDED_BY(mutex_); waited for before input_ goes
};

}  // namespace millstream
