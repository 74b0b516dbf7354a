#pragma once

// delta_append.h   Rows added to a table in steps: look, decide what to add, write it, commit. For who must decide by the same state of the table that the
// commit is checked against, and may have to look again when another writer was faster (COPY INTO).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/delta/table_change.h"
#include "delta/data_writer.h"
#include "delta/delta_log.h"

namespace millstream {

// Not thread-safe.
class DeltaAppend {
 public:
  // The table as it is on disk, durable. DELTA_PATH_DOES_NOT_EXIST; DELTA_UNSUPPORTED_FEATURES_FOR_WRITE …
  static Result<std::unique_ptr<DeltaAppend>> Begin(DeltaTables& tables, const std::string& path);

  const Snapshot& table() const { return *snapshot_; }

  // Writes all rows as files that no commit names yet. Once; after Discard again.
  Status Write(const StructType& schema, RowStream& rows, bool merge_schema, int threads);
  const DataWritten& written() const { return written_; }
  // Removes the files again.
  void Discard();

  // Does to rows what Write does (types, NOT NULL, schema), up to `rows_max`, and keeps the first `shown_max`. They have the columns that the table would have.
  struct Checked {
    StructType schema;
    std::vector<RecordBatchPtr> shown;
  };
  Result<Checked> Check(const StructType& schema, RowStream& rows, bool merge_schema, std::optional<int64_t> rows_max, int64_t shown_max);

  struct Description {
    std::string operation;
    std::vector<std::pair<std::string, std::string>> parameters, metrics;
    std::optional<std::string> user_metadata;
  };
  // Another writer was faster, and with what it has written this commit is not made.
  static bool IsConflict(const Status& status);
  // The version. A conflict leaves what was written where it is: Refresh, and commit again, or Discard.
  Result<int64_t> Commit(const Description& description, const std::map<std::string, int64_t>& transactions);
  // Looks again after a conflict. False: the table has become another one (schema, properties, protocol), and what was written may not fit it any more.
  Result<bool> Refresh();

 private:
  DeltaAppend(std::shared_ptr<DeltaLog> log, SnapshotPtr snapshot) : log_(std::move(log)), snapshot_(std::move(snapshot)) {}

  const std::shared_ptr<DeltaLog> log_;
  SnapshotPtr snapshot_;
  TableChange change_;
  DataWritten written_;
};

}  // namespace millstream
