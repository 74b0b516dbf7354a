#pragma once

// delta_append.h   Rows added to a table in steps: look, decide what to add, write it, commit. For who must decide by the same state of the table that the
// commit is checked against, and may have to look again when another writer was faster (COPY INTO).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/delta/source_rows.h"
#include "connectors/delta/table_change.h"
#include "delta/data_writer.h"
#include "delta/delta_log.h"

namespace millstream {

// Not thread-safe.
class DeltaAppend {
 public:
  // The table as it is on disk, durable. DELTA_PATH_DOES_NOT_EXIST; DELTA_UNSUPPORTED_FEATURES_FOR_WRITE …
  static Result<std::unique_ptr<DeltaAppend>> Begin(DeltaTables& tables, const std::string& path, const RuleConf& conf = {});

  const Snapshot& table() const { return *snapshot_; }

  // Writes all rows as files that no commit names yet. Once; after Discard again. With `source_files` the rows have a column kSourceFileColumn.
  Status Write(const StructType& schema, RowStream& rows, bool merge_schema, int threads, SourceFileNames source_files = nullptr);
  const DataWritten& written() const { return written_; }
  // Removes the files again, and those of the rows that were to be taken out.
  void Discard();

  // Rows of the table that leave it in the same commit, as SourceRows of table() names them. After each Refresh again.
  Status TakeOut(const SourceRows& rows, int threads);
  int64_t rows_taken_out() const { return out_ ? out_->rows : 0; }
  DeltaLog& log() { return *log_; }
  const SnapshotPtr& snapshot() const { return snapshot_; }
  // What the table demands of rows, for who looks at them before they are written; null: nothing.
  Result<RowRulesPtr> Rules() const { return log_->RulesOf(*snapshot_->metadata, conf_); }

  // Does to rows what Write does (types, NOT NULL, schema; all rows of which none is shown also as encoded columns and whole files), up to `rows_max`, and keeps the first `shown_max`. They have the columns that the table would have.
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
  // Rows of the table's data files as an older version had them, to be written again: `rows` of SourceRows of that version, as the table's columns are now.
  // Behind them kSourceFileColumn, whose names are added to `names`.
  Result<RowStreamPtr> ReadAgain(const SourceRows& rows, std::vector<std::string>& names) const;
  // Looks again after a conflict. False: the table has become another one (schema, properties, protocol), and what was written may not fit it any more.
  Result<bool> Refresh();

 private:
  DeltaAppend(std::shared_ptr<DeltaLog> log, SnapshotPtr snapshot, RuleConf conf)
      : log_(std::move(log)), snapshot_(std::move(snapshot)), conf_(std::move(conf)) {}

  const std::shared_ptr<DeltaLog> log_;
  SnapshotPtr snapshot_;
  const RuleConf conf_;
  TableChange change_;
  DataWritten written_;
  std::optional<RowsTakenOut> out_;
};

}  // namespace millstream
