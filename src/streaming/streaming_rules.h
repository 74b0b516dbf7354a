#pragma once

// streaming_rules.h   Rules of Spark's UnsupportedOperationChecker about a whole plan, and about expressions.

#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

// kStreamingUnsupported
Status NotSupported(std::string text);

// An operator that can emit late rows (an aggregation outside of append mode) below another one with state; session windows in update mode; distinct
// aggregates; windows that are not of time; expressions that number rows. `plan` is analyzed and streaming.
Status CheckStreamingRules(const PlanNode& plan, OutputMode mode);

}  // namespace millstream
