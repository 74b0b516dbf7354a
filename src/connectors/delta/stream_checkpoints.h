#pragma once

// stream_checkpoints.h   The checkpoints of the streams that have written to a table: operationParameters.checkpointLocation of their commits.

#include <string>
#include <vector>

#include "base/status.h"

namespace millstream {

class DeltaTables;  // delta/delta_log.h

// Of commits named STREAMING UPDATE.
inline constexpr char kCheckpointParameter[] = "checkpointLocation";

// Raw paths, each once, the newest stream first; of the commits that the log still has. Reads them all. Those of other engines do not say where they are.
Result<std::vector<std::string>> StreamCheckpointsOf(DeltaTables& tables, const std::string& table_path);

}  // namespace millstream
