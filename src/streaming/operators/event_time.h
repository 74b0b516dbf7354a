#pragma once

// event_time.h   Which columns of a plan carry a watermark (Spark's spark.watermarkDelayMs in a column's metadata).

#include <cstdint>
#include <map>

#include "plan/logical_plan.h"

namespace millstream {

// Attribute of the plan's output → delay in milliseconds.
using EventTimes = std::map<ExprId, int64_t>;

EventTimes EventTimesOf(const PlanNode& analyzed);
// There is a withWatermark in it.
bool HasWatermark(const PlanNode& plan);
// Whether the value is an event time, given those of the input: the column itself, its window, the last moment of that.
bool IsEventTime(const Expr& expr, const EventTimes& input);

}  // namespace millstream
