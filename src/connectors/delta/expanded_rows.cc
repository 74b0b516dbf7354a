#include "connectors/delta/expanded_rows.h"

namespace millstream {

Result<RecordBatchPtr> ExpandedRows::Next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!ready_.empty()) {
      RecordBatchPtr batch = std::move(ready_.front());
      ready_.pop_front();
      return batch;
    }
    if (is_drained_) {
      if (expanding_ == 0) return RecordBatchPtr();
      // Another caller is still making batches, and returns but one of them: who says "the end" now would leave the others behind.
      expanded_.wait(lock);
      continue;
    }
    ++expanding_;
    lock.unlock();
    Result<RecordBatchPtr> batch = rows_->Next();
    Result<std::vector<RecordBatchPtr>> made = std::vector<RecordBatchPtr>();
    if (batch.ok() && *batch) made = Expand(**batch);
    lock.lock();
    --expanding_;
    expanded_.notify_all();
    if (!batch.ok() || !made.ok() || !*batch) is_drained_ = true;
    if (!batch.ok()) return batch.status();
    if (!made.ok()) return made.status();
    for (RecordBatchPtr& one : *made) ready_.push_back(std::move(one));
  }
}

}  // namespace millstream
