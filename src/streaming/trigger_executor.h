#pragma once

// trigger_executor.h   When a query runs its next batch. A mode is an object chosen once; the batches never ask which.

#include <functional>
#include <memory>

#include "base/clock.h"
#include "connectors/api/source.h"
#include "plan/command.h"

namespace millstream {

// Waits that a Stop cuts short.
class StopSignal {
 public:
  virtual ~StopSignal() = default;
  virtual bool stopped() const = 0;
  // Returns early, false, when the query is to stop.
  virtual bool WaitFor(int64_t ms) = 0;
  // The same; returns early, true, when a source may have something new. Where all sources say so by themselves it waits longer than `ms`.
  virtual bool WaitForNews(int64_t ms) = 0;
  // The same until `ms` have passed on the query's clock, which may be one that only a test moves.
  virtual bool WaitForClock(int64_t ms) { return WaitFor(ms); }
};

// What one trigger did.
struct TriggerOutcome {
  bool ran_batch = false;
  int64_t look_us = 0;  // how long it took to find out that there is nothing new
};

class TriggerExecutor {
 public:
  virtual ~TriggerExecutor() = default;
  // Calls `run` until it fails, the query stops or the trigger's work is done.
  virtual Status Execute(const std::function<Result<TriggerOutcome>()>& run, StopSignal& stop) = 0;
  // How much one batch may take.
  virtual ReadLimit read_limit() const { return {}; }
  // Sources are frozen at what they hold at the start.
  virtual bool freezes_sources() const { return false; }
  // True when an empty trigger ends in a pause that a message should announce as "Waiting for next trigger".
  virtual bool waits_for_next_trigger() const { return false; }
};

struct TriggerConf {
  int64_t polling_delay_ms = 10;          // spark.sql.streaming.pollingDelay
  int64_t real_time_batch_min_ms = 5000;  // spark.sql.streaming.realTimeMode.minBatchDuration
};

// MILLSTREAM_UNSUPPORTED for real-time mode; INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL.
Result<std::unique_ptr<TriggerExecutor>> MakeTriggerExecutor(const Trigger& trigger, const TriggerConf& conf, Clock& clock);

// The next multiple of the interval after `now_ms`: missed triggers are skipped.
int64_t NextTriggerTime(int64_t now_ms, int64_t interval_ms);
// How long to sleep after a look that found nothing: a look that is expensive (a large directory) is repeated less often, so that an idle
// query stays below a tenth of a core; and so is one that has found nothing for long.
int64_t IdlePauseMs(int64_t polling_delay_ms, int64_t look_us, int64_t idle_us);

}  // namespace millstream
