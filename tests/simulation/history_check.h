#pragma once

// history_check.h   What must hold when a history is over and every row has come, for queries that copy or deduplicate.

#include <cstdint>
#include <string>

#include "query.h"

namespace millstream::simulation {

// In words, what is not as it should be; empty: nothing.
std::string Check(Fs& fs, const QuerySpec& spec, int64_t rows);

}  // namespace millstream::simulation
