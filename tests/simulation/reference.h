#pragma once

// reference.h   The same batches again, on a disk that never fails: what came out, what is remembered and where the watermark stands must be the same.
//
// A query of one source runs in one piece. One of two is stopped and started again between the same batches, because that may be seen: as in Spark, a query
// that starts has the watermark that was committed, and of several event times it does not know which was how far.

#include <string>

#include "disk.h"
#include "query.h"

namespace millstream::simulation {

// In words, what is not the same; empty: nothing.
std::string CompareWithReference(Disk& disk, const QuerySpec& spec, ComputeEngine& engine);

}  // namespace millstream::simulation
