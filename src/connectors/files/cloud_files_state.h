#pragma once

// cloud_files_state.h   cloud_files_state('/checkpoint'): every file that an Auto Loader stream has found, and what became of it. Databricks' columns, and
// beside them `reason`.

#include "plan/logical_plan.h"
#include "storage/fs.h"

namespace millstream {

const StructType& CloudFilesStateSchema();

// `path`: the checkpoint of a query (raw), or one of its sources/<i>. All Auto Loader sources of a checkpoint are shown.
// Errors: PATH_NOT_FOUND, MILLSTREAM_NO_CLOUD_FILES_STATE for a checkpoint without any.
Result<RelationSourcePtr> OpenCloudFilesState(Fs& fs, const std::string& path);

}  // namespace millstream
