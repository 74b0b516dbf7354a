#pragma once

// ledger_commits.h   What a table's log says of its file ledger (connectors/files/table_ledger.h): which state of it each commit made valid, and how many rows
// came with it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "connectors/delta/delta_connector.h"
#include "delta/delta_log.h"

namespace millstream {

// A commit with a txn of kFileLedgerAppId.
struct LedgerCommit {
  int64_t version = 0, epoch = 0;
  int64_t timestamp_ms = 0;
  std::string operation;               // "COPY INTO"; empty: not said
  std::optional<int64_t> rows_added;   // of the files that it adds; nullopt: one of them has no statistics, or the commit removes files
  std::optional<int64_t> source_rows;  // operationMetrics.numSourceRows: read from its source files, and all of them kept
  std::string path;                    // of the commit
};
// Oldest first, as far as the log goes back.
Result<std::vector<LedgerCommit>> LedgerCommitsOf(DeltaTables& tables, const std::string& path);

// The ledger's epoch at a version (options versionAsOf, timestampAsOf; neither: now), 0 when nothing was known. Errors: those of time travel.
Result<int64_t> LedgerEpochAt(DeltaTables& tables, const std::string& path, const OptionMap& options, const std::string& time_zone);

// How long states of the ledger that are out of use are kept, so that copy_into_state and copy_into_history go back as far as the log is promised to:
// delta.logRetentionDuration (30 days).
int64_t LedgerRetentionMs(const std::optional<std::string>& log_retention);

// For each commit that the log still has and that says a txn of an application.
Status VisitCommitsOf(DeltaTables& tables, const std::string& path, const std::string& app_id,
                      const std::function<void(int64_t version, const DeltaLog::CommitAt& commit, int64_t txn_version)>& visit);

}  // namespace millstream
