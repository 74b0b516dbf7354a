#pragma once

// aggregate_buffers.h   An aggregate function in three steps, so that a group can grow from batch to batch: the buffer that one batch makes, two buffers made
// one, and the result (Spark's DeclarativeAggregate: update, merge, evaluate). All three are expressions that CompiledPlan computes.

#include <functional>
#include <vector>

#include "base/status.h"
#include "plan/expression.h"

namespace millstream {

struct AggregateBuffers {
  std::vector<ExprPtr> partial;  // AggregateCall each, one a column of the buffer
  // `older` and `newer` are columns of the types of `partial`.
  std::function<Result<std::vector<ExprPtr>>(const std::vector<ExprPtr>& older, const std::vector<ExprPtr>& newer)> merge;
  std::function<Result<ExprPtr>(const std::vector<ExprPtr>& buffer)> result;
};

// MILLSTREAM_UNSUPPORTED for functions whose buffers cannot be merged yet; Spark's error for DISTINCT.
Result<AggregateBuffers> BuffersOf(const AggregateCall& call, bool ansi);

}  // namespace millstream
