#include "delta/row_chain.h"

#include <condition_variable>
#include <mutex>

namespace millstream {
namespace {

class ChainedRows : public RowStream {
 public:
  ChainedRows(ArrowSchemaPtr schema, std::vector<OpenRows> parts) : schema_(std::move(schema)), parts_(std::move(parts)) {}

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!error_.ok()) return error_;
      if (next_part_ > parts_.size()) return RecordBatchPtr();
      if (part_ && !is_drained_) {
        RowStream& part = *part_;
        ++inside_;
        lock.unlock();
        Result<RecordBatchPtr> batch = part.Next();
        lock.lock();
        --inside_;
        if (!batch.ok() && error_.ok()) error_ = batch.status();
        if (batch.ok() && !*batch) is_drained_ = true;
        if (inside_ == 0) returned_.notify_all();
        if (!batch.ok()) return error_;
        if (*batch) return batch;
        continue;
      }
      if (part_ && inside_ > 0) {
        returned_.wait(lock);
        continue;
      }
      OpenNext();
    }
  }

 private:
  // Under the lock: whoever comes meanwhile has to wait for the part anyway.
  void OpenNext() {
    part_.reset();
    is_drained_ = false;
    if (next_part_ == parts_.size()) {
      ++next_part_;
      return;
    }
    Result<RowStreamPtr> opened = parts_[next_part_++]();
    if (opened.ok()) {
      part_ = std::move(*opened);
    } else {
      error_ = opened.status();
    }
  }

  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<OpenRows> parts_;  // GUARDED_BY(mutex_), as all below
  size_t next_part_ = 0;         // beyond the end: all is over
  RowStreamPtr part_;
  bool is_drained_ = false;  // of part_: some call has met its end
  int inside_ = 0;           // calls within part_
  Status error_;
};

}  // namespace

RowStreamPtr ChainRows(ArrowSchemaPtr schema, std::vector<OpenRows> parts) { return std::make_unique<ChainedRows>(std::move(schema), std::move(parts)); }

}  // namespace millstream
