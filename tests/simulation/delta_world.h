#pragma once

// delta_world.h   A Delta table as the sink of a simulated query: the real one, log, data files and housekeeping.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "connectors/api/sink.h"
#include "storage/fs.h"
#include "world.h"

namespace millstream::simulation {

// The table belongs to the sink alone. What goes on in the background is done when AddBatch returns, so that a history repeats itself.
Result<std::unique_ptr<Sink>> MakeDeltaSink(Fs& fs, Clock& clock, const std::string& directory, const std::string& query_id);
// The rows by batch, found by the txn of each commit.
Result<RowsByBatch> ReadDeltaBatches(Fs& fs, const std::string& directory);

}  // namespace millstream::simulation
