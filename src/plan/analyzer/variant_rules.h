#pragma once

// variant_rules.h   What cannot be done with a VARIANT, because it has no order and no equality: Spark's refusals, asked of an analyzed plan.

#include "base/status.h"
#include "plan/logical_plan.h"

namespace millstream {

// DATATYPE_MISMATCH.INVALID_ORDERING_TYPE, .HASH_VARIANT_TYPE, .INVALID_MAP_KEY_TYPE; GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE, EXPRESSION_TYPE_IS_NOT_ORDERABLE;
// UNSUPPORTED_FEATURE.SET_OPERATION_ON_VARIANT_TYPE. Python functions do not get variants: MILLSTREAM_UNSUPPORTED.
Status CheckVariantUse(const PlanPtr& plan);

}  // namespace millstream
