#pragma once

// operation.h   One ExecutePlan: its answers, kept until the client has released them, so that a client that lost its connection can come back.

#include <spark/connect/base.pb.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "session/session.h"

namespace millstream {

// Thread-safe: one thread makes answers, another sends them, others release and interrupt.
class Operation {
 public:
  using Response = std::shared_ptr<const spark::connect::ExecutePlanResponse>;
  enum class State { kRunning, kSucceeded, kFailed, kCancelled };

  // Answers that are not sent yet: the producer waits above this.
  static constexpr size_t kUnsentBytesMax = size_t{64} << 20;
  // Answers sent but not released, kept for a client that comes back; Spark's default.
  static constexpr size_t kRetainedBytesMax = size_t{10} << 20;

  struct Identity {
    std::string session_id, server_side_session_id, operation_id;
  };
  Operation(Identity identity, std::vector<std::string> tags, bool reattachable);

  const std::string& id() const { return identity_.operation_id; }
  const std::set<std::string>& tags() const { return tags_; }
  bool reattachable() const { return reattachable_; }
  const std::shared_ptr<CancelToken>& cancel_token() const { return execution_.cancel; }
  const Execution& execution() const { return execution_; }
  // Of the foreachBatch function that sent this; set before the producer starts.
  void set_batch_writes(std::shared_ptr<BatchWrites> writes) { execution_.writes = std::move(writes); }

  // ---- the producer
  // Adds one answer; waits while too much is unsent. Error: the operation was interrupted.
  Status Send(spark::connect::ExecutePlanResponse response);
  // Send for a producer that must not wait: the answer is dropped when the operation has ended or too much is unsent.
  void Post(spark::connect::ExecutePlanResponse response);
  // The last answer has been sent (adds result_complete).
  void Finish();
  void Fail(Status status);

  // ---- the consumer
  // Becomes the one stream that reads this operation; an earlier one is told to stop. Returns its number.
  int64_t Attach();
  void Detach(int64_t attachment);
  struct Next {
    enum class Kind { kResponse, kEnd, kError, kDisconnected, kTimeout } kind;
    Response response;
    Status error;
  };
  // The answer at `index` (from 0).
  Next WaitFor(int64_t index, int64_t attachment, std::chrono::milliseconds timeout);
  // Where to go on after the answer that the client saw last.
  Result<int64_t> IndexAfter(const std::string& response_id);

  // ---- control
  void ReleaseUntil(const std::string& response_id);
  // Ends the operation with OPERATION_CANCELED. False: it had ended already.
  bool Cancel();
  // Called once when the operation has ended in any way, from the ending thread; at once when it has already.
  void OnEnd(std::function<void()> hook);
  State state() const;
  // Time since a client was attached last; nullopt: one is.
  std::optional<std::chrono::steady_clock::duration> DetachedFor() const;

 private:
  void Append(spark::connect::ExecutePlanResponse response);
  // Moves from kRunning; false: it has ended already. Calls the hooks.
  bool End(State state, Status error);
  void DropBefore(int64_t index);

  const Identity identity_;
  const std::set<std::string> tags_;
  const bool reattachable_;
  Execution execution_{.cancel = std::make_shared<CancelToken>(), .writes = nullptr, .observed = std::make_shared<Observations>()};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below are guarded by mutex_.
  struct Stored {
    Response response;
    size_t bytes;
  };
  std::deque<Stored> stored_;  // answers first_index_, first_index_ + 1, …
  int64_t first_index_ = 0;
  int64_t next_unsent_ = 0;  // one past the highest index given out
  size_t sent_bytes_ = 0, unsent_bytes_ = 0;
  std::unordered_map<std::string, int64_t> index_by_id_;
  State state_ = State::kRunning;
  Status error_;
  int64_t attachment_ = 0;
  bool attached_ = false;
  std::chrono::steady_clock::time_point detached_at_ = std::chrono::steady_clock::now();
  std::vector<std::function<void()>> end_hooks_;
};

using OperationPtr = std::shared_ptr<Operation>;

}  // namespace millstream
