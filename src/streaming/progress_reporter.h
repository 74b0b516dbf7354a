#pragma once

// progress_reporter.h   What each trigger did, as the JSON of Spark's StreamingQueryProgress.

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

struct SourceProgress {
  std::string description;
  std::optional<std::string> start_offset, end_offset;  // JSON
  int64_t rows = 0;
  std::map<std::string, std::string> metrics;
};

// One trigger, while it runs. Phases are added up.
class TriggerProgress {
 public:
  TriggerProgress(Clock& clock) : clock_(&clock), started_wall_ms_(clock.WallMillis()), started_us_(clock.MonotonicMicros()) {}

  // Measures until destroyed.
  class Phase {
   public:
    Phase(TriggerProgress& progress, std::string_view name) : progress_(progress), name_(name), started_us_(progress.clock_->MonotonicMicros()) {}
    ~Phase() { progress_.phase_us_[name_] += progress_.clock_->MonotonicMicros() - started_us_; }
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;

   private:
    TriggerProgress& progress_;
    std::string_view name_;
    int64_t started_us_;
  };

  void Finish() { finished_us_ = clock_->MonotonicMicros(); }
  int64_t started_wall_ms() const { return started_wall_ms_; }
  int64_t started_us() const { return started_us_; }
  int64_t elapsed_us() const { return finished_us_ - started_us_; }
  const std::map<std::string_view, int64_t>& phase_us() const { return phase_us_; }

  int64_t batch_id = 0;
  bool ran_batch = false;
  std::vector<SourceProgress> sources;
  std::vector<StateOperatorProgress> state_operators;
  std::map<std::string, std::string> event_time;
  std::map<std::string, std::string> observed;  // by name, as JSON
  std::string sink_description;
  int64_t sink_rows = -1;

 private:
  Clock* clock_;
  int64_t started_wall_ms_;
  int64_t started_us_;
  int64_t finished_us_ = 0;
  std::map<std::string_view, int64_t> phase_us_;  // names are literals
};

struct QueryIdentity {
  std::string id, run_id, name;
};

// Spark's JSON of one trigger. `previous_started_us`: when the trigger before it started; nullopt: none.
std::string ProgressJson(const QueryIdentity& query, const TriggerProgress& progress, std::optional<int64_t> previous_started_us);
// The bodies of Spark's listener events.
std::string StartedEventJson(const QueryIdentity& query, int64_t wall_ms);
std::string ProgressEventJson(const std::string& progress_json);
std::string IdleEventJson(const QueryIdentity& query, int64_t wall_ms);
std::string TerminatedEventJson(const QueryIdentity& query, const std::optional<std::string>& exception, const std::optional<std::string>& error_class);

// The last progress reports of a query. Thread-safe.
class RecentProgress {
 public:
  explicit RecentProgress(size_t kept_max) : kept_max_(kept_max) {}
  void Add(std::string json);
  std::vector<std::string> All() const;
  std::optional<std::string> Last() const;

 private:
  const size_t kept_max_;
  mutable std::mutex mutex_;
  std::deque<std::string> kept_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
