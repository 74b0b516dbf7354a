#pragma once

// copy_history.h   copy_into_history('t'): what happened to each file, event by event. Nothing is written for it: the table's commits name the states of its
// ledger one after another, and the difference of two states is what happened between them.

#include <functional>
#include <string>
#include <vector>

#include "connectors/files/file_report.h"
#include "connectors/files/table_ledger.h"

namespace millstream {

// A commit that made a state of the ledger valid.
struct LedgerMoment {
  int64_t version = 0, epoch = 0, timestamp_ms = 0;
  std::string operation;
};

// path, event, time, version, operation, size, rows, rejected_rows, malformed_rows, error: by version, and in it by directory and name. Events:
//   LOADED · RELOADED (force, replay) · SKIPPED_CORRUPTED · DUPLICATE · UNDONE · REDONE · FORGOTTEN
//   RESET (no path): the table was replaced, and all files are new
//   EXPIRED (no path): the state of the ledger is removed; what this version did to files is not known any more
const StructType& CopyHistorySchema();
// `moments`: oldest first.
RelationSourcePtr OpenCopyHistory(Fs& fs, std::string name, std::string table_path, std::string table_id,
                                  std::function<Result<std::vector<LedgerMoment>>()> moments);

// Rows of the files that a state of the ledger says were loaded by its own commit. nullopt: it is removed.
Result<std::optional<int64_t>> RowsLoadedBy(Fs& fs, const std::string& table_path, int64_t epoch);

}  // namespace millstream
