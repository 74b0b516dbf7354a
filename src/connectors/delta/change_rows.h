#pragma once

// change_rows.h   Runs DELETE, UPDATE and MERGE on a Delta table: one commit, or none when no row changes.
//
//   MS_ASSIGN_OR_RETURN(auto table, OpenChangedTable(tables, "/w/t", "spark_catalog.default.t", std::nullopt));
//   MS_ASSIGN_OR_RETURN(RowChanges changes, AnalyzeDelete(statement, table, …));
//   MS_ASSIGN_OR_RETURN(RowChangeResult result, ChangeRows(tables, *table, changes, {…}));
//
// Where delta.enableDeletionVectors is set, rows are taken out of their files by deletion vectors; elsewhere the files are written anew without them.
// Where delta.enableChangeDataFeed is set, what changed is written beside.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/api/table.h"
#include "delta/row_rules.h"
#include "plan/row_changes.h"

namespace millstream {

class DeltaTables;   // delta/delta_log.h
class ChangedTable;  // connectors/delta/changed_table.h

// The table as the statement sees it, pinned. `evolved` is its schema after a MERGE WITH SCHEMA EVOLUTION: the table's, and new columns behind.
// DELTA_PATH_DOES_NOT_EXIST, DELTA_UNSUPPORTED_FEATURES_FOR_WRITE.
Result<std::shared_ptr<ChangedTable>> OpenChangedTable(DeltaTables& tables, const std::string& path, const std::string& name,
                                                       const std::optional<StructType>& source_schema);
// For the analyzer.
RelationSourcePtr RelationOf(const std::shared_ptr<ChangedTable>& table);

// Rows that come in place of those that a statement deletes: INSERT INTO t REPLACE WHERE …
struct ReplacementRows {
  // The table's columns, and behind them a BOOLEAN: whether the row fulfils the condition.
  std::function<Result<RowStreamPtr>()> open;  // null: none come
  std::string condition;                       // as written
};

struct RowChangeOptions {
  std::string operation;  // "DELETE", "UPDATE", "MERGE", "WRITE"
  // Beside a DELETE.
  ReplacementRows replacement;
  // MERGE: the source's rows, in memory, with the columns of changes.source. They are read more than once and must stay the same.
  std::vector<RecordBatchPtr> source_rows;
  ComputeConf compute_conf;
  RuleConf rule_conf;  // of the table's own expressions
  std::shared_ptr<CancelToken> cancel;
  // Makes the statement once, however often it is run (txn); a version that is there already changes nothing.
  std::string txn_app_id;
  int64_t txn_version = 0;
  std::optional<std::string> user_metadata;
};

struct RowChangeResult {
  int64_t updated = 0, deleted = 0, inserted = 0;
  int64_t version = -1;  // -1: nothing was committed
};

// Errors: those of the plan while it runs, DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE, DELTA_NOT_NULL_CONSTRAINT_VIOLATED,
// DELTA_VIOLATE_CONSTRAINT_WITH_VALUES,
// DELTA_CAST_OVERFLOW_IN_TABLE_WRITE, DELTA_REPLACE_WHERE_MISMATCH, DELTA_CANNOT_MODIFY_APPEND_ONLY, and the conflicts of conflict.h, after which the whole
// statement may be run again.
Result<RowChangeResult> ChangeRows(DeltaTables& tables, ChangedTable& table, const RowChanges& changes, ComputeEngine& compute,
                                   const RowChangeOptions& options);

// True for an error after which the same statement, run again from the start, may succeed.
bool IsChangeConflict(const Status& status);

}  // namespace millstream
