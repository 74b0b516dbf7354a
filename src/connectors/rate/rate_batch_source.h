#pragma once

// rate_batch_source.h   readStream.format("rate-micro-batch"): rowsPerBatch rows in every batch, also after a restart: what a test can count on.

#include "base/option_table.h"
#include "plan/logical_plan.h"

namespace millstream {

const OptionTable& RateBatchOptions();
Result<RelationSourcePtr> OpenRateBatch(const OptionMap& options);

}  // namespace millstream
