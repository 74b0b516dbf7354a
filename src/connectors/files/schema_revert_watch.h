#pragma once

// schema_revert_watch.h   Whether somebody has reverted the schema that a stream runs with (REVERT SCHEMA OF STREAM): asked before each batch, so that the
// schema log is listed only when its directory has changed.

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "connectors/files/schema_log.h"

namespace millstream {

// Not thread-safe.
class SchemaRevertWatch {
 public:
  // The newest version of the schema log, if one behind `running` was made by a revert. MILLSTREAM_SCHEMA_FILE.
  Result<std::optional<int64_t>> Look(Fs& fs, Clock& clock, const std::string& schema_location, int64_t running);

 private:
  // The log's directory as it was when nothing was found; changed_ns = 0: it may have changed since without a new time.
  int64_t running_ = -1, changed_ns_ = 0;
  uint64_t inode_ = 0;
};

}  // namespace millstream
