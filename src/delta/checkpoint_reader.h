#pragma once

// checkpoint_reader.h   A checkpoint of any kind (classic, multi-part, V2 with sidecars) → the actions in it.

#include "base/status.h"
#include "delta/actions.h"
#include "delta/log_files.h"

namespace millstream {

Result<CommitActions> ReadCheckpoint(Fs& fs, const std::string& table_path, const CheckpointFiles& checkpoint);

}  // namespace millstream
