#pragma once

// unsupported_operation_checker.h   What may not stand in a streaming query, in the words of Spark's UnsupportedOperationChecker.

#include <vector>

#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

// Takes an analyzed plan with a stream in it. STREAMING_OUTPUT_MODE.*, Spark's fixed texts, and MILLSTREAM_UNSUPPORTED for the stateful operators that
// Spark would run and we do not yet.
Status CheckStreamingOperations(const PlanNode& plan, OutputMode mode);

// The streaming leaves, in plan order, each once: the i-th is source i of the checkpoint.
std::vector<RelationSourcePtr> StreamsOf(const PlanNode& plan);

}  // namespace millstream
