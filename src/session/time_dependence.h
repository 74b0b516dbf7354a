#pragma once

// time_dependence.h   Whether a plan means something else at another moment: current_timestamp() and its like.

#include "plan/logical_plan.h"

namespace millstream {

// True when two analyses of one plan, made for different moments, compute the same.
bool ComputesTheSame(const PlanNode& a, const PlanNode& b);

}  // namespace millstream
