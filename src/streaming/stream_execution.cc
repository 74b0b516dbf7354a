#include "streaming/stream_execution.h"

#include <spdlog/spdlog.h>

#include "base/java_exception.h"
#include "base/uuid.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

// Watched sources are looked at all the same: a hint may be missing, of a network file system always.
constexpr int64_t kWatchedPauseMs = 500;
constexpr int kWatchAttemptsMax = 100;
constexpr int64_t kHeldClockLookMs = 1;

}  // namespace

StreamExecution::StreamExecution(StreamRequest request, Clock& clock)
    : request_(std::move(request)), clock_(clock), recent_(static_cast<size_t>(std::max<int64_t>(request_.conf.progress_updates_kept, 1))) {
  status_.message = "Initializing StreamExecution";
}

StreamExecution::~StreamExecution() {
  stop_requested_.store(true);
  request_.cancel->Cancel();
  changed_.notify_all();
  if (!thread_.joinable()) return;
  // The last owner may be the stream's own thread, at its very end.
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

Result<std::shared_ptr<StreamExecution>> StreamExecution::Start(StreamRequest request, Fs& fs, Clock& clock) {
  std::shared_ptr<StreamExecution> query(new StreamExecution(std::move(request), clock));
  StreamRequest& wanted = query->request_;
  MS_ASSIGN_OR_RETURN(query->trigger_, MakeTriggerExecutor(wanted.trigger, wanted.conf.trigger, clock));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(fs, wanted.checkpoint));
  if (checkpoint->query_id().empty()) return Status::Error(errors::kMissingMetadataFile, {{"checkpointLocation", HadoopPathString(checkpoint->directory())}});
  query->identity_ = {checkpoint->query_id(), NewUuid(), wanted.name};
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Sink> sink, wanted.open_sink(query->identity_.id, query->identity_.run_id));
  query->execution_ = std::make_unique<MicroBatchExecution>(std::move(wanted.plan), std::move(sink), std::move(checkpoint), wanted.conf, clock,
                                                            static_cast<StopSignal&>(*query), query->request_.cancel, static_cast<BatchObserver&>(*query));
  query->idle_shown_us_ = clock.MonotonicMicros();
  query->Post(StreamingQueryEvent::Kind::kStarted, StartedEventJson(query->identity_, clock.WallMillis()));
  // The thread owns its query: a user who drops the handle does not stop the stream.
  query->thread_ = std::thread([query] { query->Run(); });
  return query;
}

void StreamExecution::Run() { Terminate(RunUntilStopped()); }

Status StreamExecution::RunUntilStopped() {
  MS_CHECK(execution_ != nullptr);
  MS_RETURN_IF_ERROR(execution_->Initialize(trigger_->freezes_sources()));
  const ReadLimit limit = trigger_->read_limit();
  const char* waiting = trigger_->waits_for_next_trigger() ? "Waiting for next trigger" : "Waiting for data to arrive";
  return trigger_->Execute(
      [&]() -> Result<TriggerOutcome> {
        int64_t trigger_number = 0;
        {
          std::lock_guard lock(mutex_);
          trigger_number = ++triggers_begun_;
        }
        MS_ASSIGN_OR_RETURN(TriggerOutcome outcome, execution_->RunTrigger(limit));
        std::lock_guard lock(mutex_);
        if (!outcome.ran_batch) {
          newest_idle_trigger_ = trigger_number;
          changed_.notify_all();
        }
        if (!outcome.ran_batch || trigger_->waits_for_next_trigger()) status_.message = waiting;
        return outcome;
      },
      *this);
}

void StreamExecution::Terminate(Status status) {
  // The checkpoint's lock is free before anybody learns that the query has ended, so that the next start cannot be refused.
  execution_.reset();
  watches_.reset();
  // Nor does a query that is only remembered hold on to what it ran with: a Python worker, tables.
  request_.open_sink = nullptr;
  request_.plan = {};
  std::optional<std::string> exception, error_class;
  {
    std::lock_guard lock(mutex_);
    if (!status.ok() && !stop_requested_.load()) {
      exception_ = Status::Error(errors::kStreamFailed, {{"id", identity_.id}, {"runId", identity_.run_id}, {"message", status.message()}});
      exception = JavaClassesOf(status).front() + ": " + status.message();
      error_class = std::string(status.error_class().name);
      status_.message = "Terminated with exception: " + status.message();
    } else {
      status_.message = "Stopped";
    }
    status_.is_data_available = false;
    status_.is_trigger_active = false;
  }
  if (exception) spdlog::error("query {} ended: {}", identity_.id, status.message());
  Post(StreamingQueryEvent::Kind::kTerminated, TerminatedEventJson(identity_, exception, error_class));
  {
    std::lock_guard lock(mutex_);
    terminated_ = true;
    changed_.notify_all();
  }
  if (request_.on_terminated) request_.on_terminated(*this);
}

void StreamExecution::Post(StreamingQueryEvent::Kind kind, std::string json) {
  if (request_.listener) request_.listener({kind, std::move(json)});
}

bool StreamExecution::is_active() const {
  std::lock_guard lock(mutex_);
  return !terminated_;
}

StreamingQueryStatus StreamExecution::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

std::optional<Status> StreamExecution::exception() const {
  std::lock_guard lock(mutex_);
  return exception_;
}

Status StreamExecution::Stop() {
  {
    // Under the lock, so that a thread on its way into a wait cannot miss it.
    std::lock_guard lock(mutex_);
    stop_requested_.store(true);
    request_.cancel->Cancel();
    changed_.notify_all();
  }
  std::lock_guard lock(join_mutex_);
  // A listener may stop its query from the stream's own thread: it ends when the listener returns.
  if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  return Status();
}

Result<bool> StreamExecution::AwaitTermination(std::optional<int64_t> timeout_ms) {
  std::unique_lock lock(mutex_);
  auto ended = [&] { return terminated_; };
  if (timeout_ms) {
    if (*timeout_ms <= 0) return Status::IllegalArgument("requirement failed: Timeout has to be positive");
    changed_.wait_for(lock, std::chrono::milliseconds(*timeout_ms), ended);
  } else {
    changed_.wait(lock, ended);
  }
  if (terminated_ && exception_) return *exception_;
  return terminated_;
}

Status StreamExecution::ProcessAllAvailable() {
  std::unique_lock lock(mutex_);
  // A trigger that has begun already may have looked before the caller's data came.
  const int64_t begun = triggers_begun_;
  has_news_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return terminated_ || newest_idle_trigger_ > begun; });
  if (exception_) return *exception_;
  return Status();
}

bool StreamExecution::WaitFor(int64_t ms) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return stop_requested_.load(); });
}

bool StreamExecution::WaitForNews(int64_t ms) {
  // What came between the last look and the watch is found by another look.
  if (WatchSources()) return !stopped();
  const int64_t pause_ms = watches_->empty() ? ms : std::max(ms, kWatchedPauseMs);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(pause_ms), [&] { return stop_requested_.load() || has_news_; });
  has_news_ = false;
  return !stop_requested_.load();
}

bool StreamExecution::WatchSources() {
  // What cannot be watched yet may be soon: a directory that has just changed is looked at again first.
  if (watches_ && (!watches_->empty() || ++watch_attempts_ > kWatchAttemptsMax)) return false;
  watches_.emplace();
  const std::optional<std::vector<std::string>> directories = execution_->WatchedDirectories();
  if (!directories) return false;
  for (const std::string& directory : *directories) {
    std::unique_ptr<DirectoryWatch> watch = WatchDirectory(directory, [this] { Wake(); });
    if (watch == nullptr) {
      watches_->clear();
      return false;
    }
    watches_->push_back(std::move(watch));
  }
  return true;
}

void StreamExecution::Wake() {
  std::lock_guard lock(mutex_);
  has_news_ = true;
  changed_.notify_all();
}

bool StreamExecution::WaitForClock(int64_t ms) {
  if (clock_.moves_by_itself()) return WaitFor(ms);
  std::unique_lock lock(mutex_);
  waits_until_ms_ = clock_.WallMillis() + ms;
  changed_.notify_all();
  while (!stop_requested_.load() && !clock_.moves_by_itself() && clock_.WallMillis() < waits_until_ms_)
    changed_.wait_for(lock, std::chrono::milliseconds(kHeldClockLookMs));
  waits_until_ms_ = 0;
  return !stop_requested_.load();
}

void StreamExecution::AwaitClock() {
  std::unique_lock lock(mutex_);
  auto is_done = [&] { return terminated_ || clock_.moves_by_itself() || waits_until_ms_ > clock_.WallMillis() || !trigger_->waits_for_next_trigger(); };
  while (!is_done()) changed_.wait_for(lock, std::chrono::milliseconds(kHeldClockLookMs));
}

void StreamExecution::ShowStatus(std::string_view message) {
  std::lock_guard lock(mutex_);
  status_.message = message;
}

void StreamExecution::ShowDataAvailable(bool available) {
  std::lock_guard lock(mutex_);
  status_.is_data_available = available;
}

void StreamExecution::ShowTriggerActive(bool active) {
  std::lock_guard lock(mutex_);
  status_.is_trigger_active = active;
}

void StreamExecution::TriggerDone(TriggerProgress& progress) {
  const std::optional<int64_t> previous = std::exchange(previous_trigger_us_, progress.started_us());
  const int64_t now_us = clock_.MonotonicMicros();
  if (progress.ran_batch) {
    std::string json = ProgressJson(identity_, progress, previous);
    recent_.Add(json);
    idle_shown_us_ = now_us;
    if (request_.listener) Post(StreamingQueryEvent::Kind::kProgress, ProgressEventJson(json));
  } else if (now_us - idle_shown_us_ >= request_.conf.idle_progress_interval_ms * 1000) {
    idle_shown_us_ = now_us;
    recent_.Add(ProgressJson(identity_, progress, previous));
    Post(StreamingQueryEvent::Kind::kIdle, IdleEventJson(identity_, clock_.WallMillis()));
  }
}

}  // namespace millstream
