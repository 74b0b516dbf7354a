#pragma once

// low_latency_triggers.h   What trigger(continuous=…) and trigger(realTime=…) are allowed on, in Spark's words (ContinuousExecution, RealTimeModeAllowlist).

#include <string_view>

#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

struct LowLatencyQuery {
  const PlanNode& plan;  // analyzed
  bool asks_for_time = false;
  OutputMode output_mode = OutputMode::kAppend;
  std::string_view sink;         // the format in lower case, "foreach" or "foreachBatch"
  bool checks_allowlist = true;  // spark.sql.streaming.realTimeMode.allowlistCheck
};

// After CheckStreamingOperations. Rate and socket, projections and filters, into noop, memory, console and foreach. Its batches run back to back here, so that
// it also has what Spark's does not promise: every row once.
Status CheckContinuousTrigger(const Trigger& trigger, const LowLatencyQuery& query);
// Before CheckStreamingOperations. Always refused, since its only sources are Kafka's (STREAMING_REAL_TIME_MODE.*).
Status CheckRealTimeTrigger(const Trigger& trigger, const LowLatencyQuery& query);

}  // namespace millstream
