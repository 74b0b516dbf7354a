#pragma once

// cloud_files_state.h   cloud_files_state('/checkpoint'): every file that an Auto Loader stream has found, and what became of it. Databricks' columns, and
// beside them `reason`, `pending`, and what was read of it.

#include <string>
#include <vector>

#include "plan/logical_plan.h"
#include "storage/fs.h"

namespace millstream {

const StructType& CloudFilesStateSchema();

struct CloudFilesLedger {
  std::string id;                // "0" of sources/0
  std::string source_directory;  // raw: the ledger is in its rocksdb
};
// Errors: as OpenCloudFilesState.
Result<std::vector<CloudFilesLedger>> FindCloudFilesLedgers(Fs& fs, const std::string& path);

// `path`: the checkpoint of a query (raw), or one of its sources/<i>. All Auto Loader sources of a checkpoint are shown.
// Errors: PATH_NOT_FOUND, MILLSTREAM_NO_CLOUD_FILES_STATE for a checkpoint without any.
Result<RelationSourcePtr> OpenCloudFilesState(Fs& fs, const std::string& path);

// Of these ledgers; `name`: what they belong to, for plans.
Result<RelationSourcePtr> OpenCloudFilesState(Fs& fs, const std::string& name, std::vector<CloudFilesLedger> ledgers);

}  // namespace millstream
