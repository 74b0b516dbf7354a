#pragma once

// distinct_rows.h   SELECT DISTINCT, UNION and EXCEPT of streams as the aggregations that they are (Spark's ReplaceDistinctWithAggregate and
// ReplaceExceptWithAntiJoin).

#include "plan/command.h"
#include "plan/logical_plan.h"

namespace millstream {

// SELECT DISTINCT and UNION. Before the plan is checked: an aggregation has rules of its own.
PlanPtr DistinctAsAggregate(const PlanPtr& analyzed);
// EXCEPT of a table, in a plan that has been checked. UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK in append mode.
Result<PlanPtr> ExceptAsAntiJoin(const PlanPtr& analyzed, OutputMode mode);

}  // namespace millstream
