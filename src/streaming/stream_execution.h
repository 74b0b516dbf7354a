#pragma once

// stream_execution.h   One start of a streaming query: its thread, its state, and what its user sees of it.
//
// Threads: the batches run on one thread, started by Start and joined by Stop. Every public member is thread-safe.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "storage/directory_watch.h"
#include "streaming/micro_batch_execution.h"
#include "streaming/streaming_query.h"

namespace millstream {

struct StreamRequest {
  std::string name;  // empty: none
  CheckpointOptions checkpoint;
  MicroBatchPlan plan;
  Trigger trigger;
  StreamConf conf;
  // Called once the id is known.
  std::function<Result<std::unique_ptr<Sink>>(const std::string& query_id, const std::string& run_id)> open_sink;
  // Cancelled when the query is to stop at once.
  std::shared_ptr<CancelToken> cancel = std::make_shared<CancelToken>();
  std::function<std::string(bool extended)> explain;
  // Events go here in order: kStarted on the caller of Start, the others on the stream's thread.
  std::function<void(const StreamingQueryEvent&)> listener;
  // Last call, on the stream's thread, after the kTerminated event: is_active() is false.
  std::function<void(const StreamingQuery&)> on_terminated;
};

class StreamExecution : public StreamingQuery, public std::enable_shared_from_this<StreamExecution>, private StopSignal, private BatchObserver {
 public:
  // Takes the checkpoint and opens the sink; errors of these are the caller's. All later errors are the query's exception().
  static Result<std::shared_ptr<StreamExecution>> Start(StreamRequest request, Fs& fs, Clock& clock);
  ~StreamExecution() override;

  const std::string& id() const override { return identity_.id; }
  const std::string& run_id() const override { return identity_.run_id; }
  const std::string& name() const override { return identity_.name; }
  bool is_active() const override;
  StreamingQueryStatus status() const override;
  std::vector<std::string> recent_progress() const override { return recent_.All(); }
  std::optional<std::string> last_progress() const override { return recent_.Last(); }
  std::optional<Status> exception() const override;
  Status Stop() override;
  Result<bool> AwaitTermination(std::optional<int64_t> timeout_ms) override;
  Status ProcessAllAvailable() override;
  void AwaitClock() override;
  std::string Explain(bool extended) const override { return request_.explain ? request_.explain(extended) : std::string(); }

 private:
  StreamExecution(StreamRequest request, Clock& clock);
  void Run();
  Status RunUntilStopped();
  void Terminate(Status status);
  // True when something was not watched before.
  bool WatchSources();
  void Wake();
  void Post(StreamingQueryEvent::Kind kind, std::string json);

  // StopSignal
  bool stopped() const override { return stop_requested_.load(); }
  bool WaitFor(int64_t ms) override;
  bool WaitForNews(int64_t ms) override;
  bool WaitForClock(int64_t ms) override;
  // BatchObserver
  void ShowStatus(std::string_view message) override;
  void ShowDataAvailable(bool available) override;
  void ShowTriggerActive(bool active) override;
  void TriggerDone(TriggerProgress& progress) override;

  StreamRequest request_;
  Clock& clock_;
  QueryIdentity identity_;
  RecentProgress recent_;
  std::atomic<bool> stop_requested_{false};
  std::unique_ptr<TriggerExecutor> trigger_;
  std::unique_ptr<MicroBatchExecution> execution_;  // of the stream's thread
  std::optional<int64_t> previous_trigger_us_;      // of the stream's thread
  int64_t idle_shown_us_ = 0;                       // of the stream's thread
  // Of the stream's thread. Made at the first pause; empty: a source cannot be watched.
  std::optional<std::vector<std::unique_ptr<DirectoryWatch>>> watches_;
  int watch_attempts_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  StreamingQueryStatus status_;      // GUARDED_BY(mutex_)
  bool terminated_ = false;          // GUARDED_BY(mutex_)
  bool has_news_ = false;            // GUARDED_BY(mutex_): somebody says that it is time to look
  std::optional<Status> exception_;  // GUARDED_BY(mutex_)
  int64_t waits_until_ms_ = 0;       // GUARDED_BY(mutex_): on a clock that a test holds; 0: does not wait for it
  int64_t triggers_begun_ = 0;       // GUARDED_BY(mutex_)
  int64_t newest_idle_trigger_ = 0;  // GUARDED_BY(mutex_): the number of the newest trigger that found nothing new
  std::mutex join_mutex_;
  std::thread thread_;  // GUARDED_BY(join_mutex_)
};

}  // namespace millstream
