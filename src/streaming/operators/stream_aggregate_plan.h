#pragma once

// stream_aggregate_plan.h   An Aggregate over a stream, taken apart: what its operator is fed with, what it does, and the results above it.

#include <functional>
#include <memory>
#include <vector>

#include "streaming/operators/event_time.h"
#include "streaming/operators/stream_aggregate.h"

namespace millstream {

struct StreamAggregatePlan {
  PlanPtr input;  // the operator's input: one row a group of the batch
  std::unique_ptr<StatefulOperator> aggregate;
  std::vector<AttributeRef> output;  // the operator's columns, by position
  std::vector<ExprPtr> results;      // the Aggregate's own columns, over `output`
};

// `times` are those of the Aggregate's child. Errors: MILLSTREAM_UNSUPPORTED for aggregates that cannot be kept; Spark's for sessions
// without another key.
Result<StreamAggregatePlan> PlanStreamAggregate(const Aggregate& aggregate, const EventTimes& times, OutputMode mode, ComputeEngine& engine,
                                                const ComputeConf& conf, bool ansi, const std::function<ExprId()>& new_id);

}  // namespace millstream
