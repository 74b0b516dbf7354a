#pragma once

// store_assignment.h   INSERT and append: each column of a query as the column of the table that it goes to.

#include <string>
#include <vector>

#include "plan/logical_plan.h"

namespace millstream {

// Adds the casts that Spark's ANSI store assignment adds, above an analyzed plan. `targets[i]` is where the i-th column goes; a value that does not
// fit is an error when the query runs. The result's columns have the targets' names when `rename` is set.
PlanPtr CastToTargets(const PlanPtr& analyzed, const std::vector<StructField>& targets, bool rename);

}  // namespace millstream
