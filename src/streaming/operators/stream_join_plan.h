#pragma once

// stream_join_plan.h   A Join of two streams, taken apart: what its operator is fed with, and what it does.

#include <functional>
#include <memory>
#include <vector>

#include "streaming/operators/event_time.h"
#include "streaming/operators/stream_join.h"

namespace millstream {

struct StreamJoinPlan {
  PlanPtr left, right;  // the operator's inputs, in its order
  std::unique_ptr<StreamJoinOperator> join;
  std::vector<AttributeRef> output;  // its columns, by position
};

// `join` is analyzed and both sides are streams, with these event times. Fails as Spark does for a type or condition that streams cannot be joined by.
Result<StreamJoinPlan> PlanStreamJoin(const Join& join, const EventTimes& left_times, const EventTimes& right_times, ComputeEngine& engine,
                                      const ComputeConf& conf, const std::function<ExprId()>& new_id);

// Whether the watermark says at some time that a row which an outer or semi join keeps will meet nobody.
bool UnmatchedRowsEnd(const Join& join, const EventTimes& left_times, const EventTimes& right_times);

}  // namespace millstream
