#pragma once

// rate_source.h   readStream.format("rate"): rowsPerSecond rows a second of (timestamp, value), for tests and benchmarks.
// An offset is a number of seconds since the start; the start is kept in the checkpoint, as Spark keeps it.

#include "base/clock.h"
#include "base/option_table.h"
#include "plan/logical_plan.h"
#include "storage/fs.h"

namespace millstream {

const OptionTable& RateOptions();
// A StreamingRelationSource. `clock` and `fs` must outlive it.
Result<RelationSourcePtr> OpenRate(const OptionMap& options, Clock& clock, Fs& fs);

// How many rows there are in the first `seconds` seconds, with the ramp that Spark's RateStreamProvider.valueAtSecond draws.
int64_t RateValueAtSecond(int64_t seconds, int64_t rows_per_second, int64_t ramp_up_seconds);

}  // namespace millstream
