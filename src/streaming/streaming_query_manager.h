#pragma once

// streaming_query_manager.h   The streams of one session: those that run, and those that have ended within the last hour.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "streaming/stream_execution.h"

namespace millstream {

// Thread-safe.
class StreamingQueryManager {
 public:
  explicit StreamingQueryManager(Clock& clock) : clock_(clock) {}

  // IllegalArgumentException when a query of this name is active.
  Status CheckName(const std::string& name) const;
  void Add(std::shared_ptr<StreamExecution> query);
  std::vector<StreamingQueryPtr> Active() const;
  // Active or ended within the last hour, in the order of their starts.
  std::vector<StreamingQueryPtr> Recent() const;
  // This run of the query, or its newest when `run_id` is empty; active or ended within the last hour. nullptr: unknown.
  StreamingQueryPtr Find(const std::string& id, const std::string& run_id = {}) const;
  // True: a query has ended since the start or the last ResetTerminated. Raises its exception. nullopt: no timeout.
  Result<bool> AwaitAny(std::optional<int64_t> timeout_ms);
  void ResetTerminated();
  // To be called once a query has ended.
  void NoteTerminated(const StreamingQuery& query);
  void StopAll();

 private:
  struct Held {
    std::shared_ptr<StreamExecution> query;
    std::optional<int64_t> ended_us;
  };
  void ForgetOld();  // REQUIRES: mutex_ is held

  Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<Held> queries_;                                        // GUARDED_BY(mutex_), in the order of their starts
  std::vector<std::shared_ptr<StreamExecution>> ended_since_reset_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
