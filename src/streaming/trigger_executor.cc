#include "streaming/trigger_executor.h"

#include <algorithm>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

constexpr int64_t kIdlePauseMaxMs = 1000;
constexpr int64_t kPatiencePauseMaxMs = 100;

// No trigger, or processingTime="0 seconds": batches back to back.
class BackToBack : public TriggerExecutor {
 public:
  BackToBack(int64_t polling_delay_ms, Clock& clock) : polling_delay_ms_(polling_delay_ms), clock_(clock) {}
  Status Execute(const std::function<Result<TriggerOutcome>()>& run, StopSignal& stop) override {
    int64_t idle_since_us = clock_.MonotonicMicros();
    while (!stop.stopped()) {
      MS_ASSIGN_OR_RETURN(TriggerOutcome outcome, run());
      const int64_t now_us = clock_.MonotonicMicros();
      if (outcome.ran_batch) {
        idle_since_us = now_us;
      } else {
        stop.WaitForNews(IdlePauseMs(polling_delay_ms_, outcome.look_us, now_us - idle_since_us));
      }
    }
    return Status();
  }

 private:
  int64_t polling_delay_ms_;
  Clock& clock_;
};

class ProcessingTime : public TriggerExecutor {
 public:
  ProcessingTime(int64_t interval_ms, Clock& clock) : interval_ms_(interval_ms), clock_(clock) {}
  Status Execute(const std::function<Result<TriggerOutcome>()>& run, StopSignal& stop) override {
    while (!stop.stopped()) {
      const int64_t next_ms = NextTriggerTime(clock_.WallMillis(), interval_ms_);
      MS_ASSIGN_OR_RETURN([[maybe_unused]] TriggerOutcome outcome, run());
      // A wall clock that is set back must not stretch the pause: it is never longer than the interval.
      stop.WaitForClock(std::clamp<int64_t>(next_ms - clock_.WallMillis(), 0, interval_ms_));
    }
    return Status();
  }
  bool waits_for_next_trigger() const override { return true; }

 private:
  int64_t interval_ms_;
  Clock& clock_;
};

class Once : public TriggerExecutor {
 public:
  Status Execute(const std::function<Result<TriggerOutcome>()>& run, StopSignal&) override { return run().status(); }
  ReadLimit read_limit() const override { return {.all = true}; }
};

class AvailableNow : public TriggerExecutor {
 public:
  Status Execute(const std::function<Result<TriggerOutcome>()>& run, StopSignal& stop) override {
    while (!stop.stopped()) {
      MS_ASSIGN_OR_RETURN(TriggerOutcome outcome, run());
      if (!outcome.ran_batch) break;
    }
    return Status();
  }
  bool freezes_sources() const override { return true; }
};

}  // namespace

int64_t NextTriggerTime(int64_t now_ms, int64_t interval_ms) { return now_ms / interval_ms * interval_ms + interval_ms; }

int64_t IdlePauseMs(int64_t polling_delay_ms, int64_t look_us, int64_t idle_us) {
  const int64_t patience_ms = std::min(idle_us / 50'000, kPatiencePauseMaxMs);
  return std::clamp<int64_t>(std::max(look_us / 100, patience_ms), polling_delay_ms, std::max(polling_delay_ms, kIdlePauseMaxMs));
}

Result<std::unique_ptr<TriggerExecutor>> MakeTriggerExecutor(const Trigger& trigger, const TriggerConf& conf, Clock& clock) {
  switch (trigger.kind) {
    case Trigger::Kind::kProcessingTime:
      if (trigger.interval_ms < 0) return Status::IllegalArgument("requirement failed: the interval of trigger should not be negative");
      if (trigger.interval_ms == 0) return std::unique_ptr<TriggerExecutor>(std::make_unique<BackToBack>(conf.polling_delay_ms, clock));
      return std::unique_ptr<TriggerExecutor>(std::make_unique<ProcessingTime>(trigger.interval_ms, clock));
    case Trigger::Kind::kOnce:
      return std::unique_ptr<TriggerExecutor>(std::make_unique<Once>());
    case Trigger::Kind::kAvailableNow:
      return std::unique_ptr<TriggerExecutor>(std::make_unique<AvailableNow>());
    case Trigger::Kind::kContinuous:
      if (trigger.interval_ms < 0) return Status::IllegalArgument("requirement failed: the interval of trigger should not be negative");
      return std::unique_ptr<TriggerExecutor>(std::make_unique<BackToBack>(conf.polling_delay_ms, clock));
    case Trigger::Kind::kRealTime:
      if (trigger.interval_ms < conf.real_time_batch_min_ms)
        return Status::Error(errors::kRealTimeTriggerInterval,
                             {{"interval", std::to_string(trigger.interval_ms)}, {"minBatchDuration", std::to_string(conf.real_time_batch_min_ms)}});
      return Status::Unsupported("trigger(realTime=…)", "Use processingTime=\"0 seconds\": batches run back to back, in milliseconds.");
  }
  return Status::Internal("unknown trigger");
}

}  // namespace millstream
