#pragma once

// stream_sinks.h   The sinks that need no connector: noop and console.

#include <memory>
#include <string>

#include "connectors/api/sink.h"

namespace millstream {

// Counts the rows and drops them.
std::unique_ptr<Sink> MakeNoopSink();
// Prints each batch to standard output as Spark's console sink does. Options: numRows, truncate.
Result<std::unique_ptr<Sink>> MakeConsoleSink(const OptionMap& options, std::string time_zone);

}  // namespace millstream
