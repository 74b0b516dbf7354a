#pragma once

// cloud_files_history.h   cloud_files_history('/checkpoint'): what happened to each file of an Auto Loader stream, event by event, as its ledger remembers it.

#include <string>

#include "connectors/files/cloud_files_state.h"
#include "connectors/files/file_report.h"
#include "storage/fs.h"

namespace millstream {

// path, event, time, source_id, size, rows, rejected_rows, malformed_rows, rescued_rows, error: by the number of the file. Events:
//   FOUND · LOADED (its batch is committed) · CHANGED (since it was loaded, and not loaded again) · SKIPPED_CORRUPTED · SKIPPED_MISSING · SKIPPED_EXISTING ·
//   DUPLICATE · DELETED · MOVED · KEPT (cleanSource: it has changed, or could not be removed)
const StructType& CloudFilesHistorySchema();
// `path` and errors as OpenCloudFilesState.
Result<RelationSourcePtr> OpenCloudFilesHistory(Fs& fs, const std::string& path);

// Of these ledgers; `name`: what they belong to, for plans.
Result<RelationSourcePtr> OpenCloudFilesHistory(Fs& fs, const std::string& name, std::vector<CloudFilesLedger> ledgers);

}  // namespace millstream
