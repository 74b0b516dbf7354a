#pragma once

// batch_writes.h   Makes the table writes of a foreachBatch function exactly once: each gets an (application id, version) that the table remembers, as Delta's
// txnAppId and txnVersion do, without the user setting them.

#include <map>
#include <mutex>
#include <string>

#include "base/ids.h"

namespace millstream {

// Of one run of the function. A batch that runs again makes the same ids in the same order, so a write that the table has already is skipped. Thread-safe.
class BatchWrites {
 public:
  BatchWrites(std::string query_id, BatchId batch) : query_id_(std::move(query_id)), batch_(batch) {}
  BatchId batch() const { return batch_; }
  // For the next write to this table; tables are counted apart, so that a function may write several at a time.
  std::string NextApplicationId(const std::string& table_location) {
    std::lock_guard lock(mutex_);
    return query_id_ + "/foreachBatch/" + std::to_string(writes_[table_location]++);
  }

 private:
  const std::string query_id_;
  const BatchId batch_;
  std::mutex mutex_;
  std::map<std::string, int> writes_;  // GUARDED_BY(mutex_): how many so far, by table
};

}  // namespace millstream
