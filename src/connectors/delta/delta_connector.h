#pragma once

// delta_connector.h   Delta tables as the session wires them in: opened for queries, written by queries and by streams, described.
//
//   DeltaTables tables(Fs::Local(), Clock::System());               // one per process; outlives everything made here
//   MS_ASSIGN_OR_RETURN(auto source, OpenDeltaTable(tables, "/w/t", {.name = "spark_catalog.default.t"}));
//   MS_ASSIGN_OR_RETURN(auto sink, OpenDeltaSink(tables, "/w/t", sink_context, 2));
//
// Paths are raw and absolute. All functions are thread-safe; writers of one table in one process queue behind each other only for the commit.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/option_table.h"
#include "connectors/api/sink.h"
#include "connectors/api/table.h"
#include "delta/row_rules.h"
#include "plan/command.h"

namespace millstream {

class DeltaTables;  // delta/delta_log.h

// The options of spark.read.format("delta") and of writers and streams, with their documentation.
const OptionTable& DeltaReadOptions();
const OptionTable& DeltaStreamReadOptions();
const OptionTable& DeltaWriteOptions();

// True when `path` holds a `_delta_log` with a commit or a checkpoint.
Result<bool> IsDeltaTable(DeltaTables& tables, const std::string& path);

struct DeltaOpenOptions {
  std::string name;               // for plans and errors; empty: delta.`<path>`
  OptionMap options;              // versionAsOf, timestampAsOf
  std::string time_zone = "UTC";  // of a timestampAsOf without zone
  int threads = 2;
};
// The table as it is now (or as the options say), pinned: a later commit does not change what Scan returns.
// DELTA_TABLE_NOT_FOUND / DELTA_PATH_DOES_NOT_EXIST when there is none.
Result<std::shared_ptr<const BatchRelationSource>> OpenDeltaTable(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open = {});

// The same table as a stream: its rows now, then what commits add. `open.options` are those of DeltaStreamReadOptions.
Result<RelationSourcePtr> OpenDeltaStream(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open = {});

// Writes a stream's batches, each once by (query id, batch id); the table is created by the first batch when there is none.
// Append and complete mode. Options: mergeSchema, overwriteSchema (complete mode only).
Result<std::unique_ptr<Sink>> OpenDeltaSink(DeltaTables& tables, const std::string& path, const SinkContext& context, int threads, const RuleConf& conf = {});

// df.write…, INSERT INTO, CREATE TABLE … AS SELECT.
struct DeltaWrite {
  SaveMode mode = SaveMode::kErrorIfExists;
  StructType schema;                              // of the rows
  bool by_position = false;                       // INSERT INTO without BY NAME: columns are matched by their place
  std::vector<std::string> insert_columns;        // INSERT INTO t (a, b): what the rows' columns are; others are null
  std::vector<std::string> partition_by;          // for a new table; must agree with an existing one
  OptionMap options;                              // mergeSchema, overwriteSchema, txnAppId, txnVersion, userMetadata
  std::map<std::string, std::string> properties;  // delta.* table properties of a new table
  std::optional<std::string> comment;             // of a new table
  std::string operation = "WRITE";                // also "CREATE TABLE AS SELECT", "CREATE OR REPLACE TABLE AS SELECT"
  int threads = 2;
  RuleConf conf;  // of the table's own expressions
};
// Whether rows of write.schema fit the table as it is: INSERT_COLUMN_ARITY_MISMATCH and what else WriteDelta says of columns.
Status CheckRowsFit(DeltaTables& tables, const std::string& path, const DeltaWrite& write);
struct DeltaWriteResult {
  int64_t rows = 0;
  int64_t version = -1;  // -1: nothing was written (mode ignore, or a txnVersion that is there already)
};
Result<DeltaWriteResult> WriteDelta(DeltaTables& tables, const std::string& path, const DeltaWrite& write, RowStream& rows);

// CREATE TABLE without a query. An existing table with the same schema is taken as it is; a different one is
// DELTA_CREATE_TABLE_SCHEME_MISMATCH. Without a schema a new table has no columns yet.
struct DeltaCreate {
  StructType schema;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> properties;
  std::optional<std::string> comment;
  bool or_replace = false;
  RuleConf conf;  // of the table's own expressions
};
Status CreateDeltaTable(DeltaTables& tables, const std::string& path, const DeltaCreate& create);

// ALTER TABLE … SET and UNSET TBLPROPERTIES. Properties that are set already, or not set, are taken as they are.
Status AlterDeltaProperties(DeltaTables& tables, const std::string& path, const std::map<std::string, std::string>& set, const std::vector<std::string>& unset);

// For DESCRIBE and the catalog.
// The newest version that an application has committed with its writes (txn); nullopt: none, or no table.
Result<std::optional<int64_t>> DeltaTransactionVersion(DeltaTables& tables, const std::string& path, const std::string& app_id);
// Each version of an application's txn, and the table's version that has it, for the commits that the log still has.
Result<std::map<int64_t, int64_t>> DeltaCommitsOf(DeltaTables& tables, const std::string& path, const std::string& app_id);

struct DeltaTableInfo {
  std::string id;
  int64_t version = 0;
  StructType schema;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> properties;  // delta.minReaderVersion and delta.minWriterVersion among them, as Spark shows
  std::optional<std::string> name, comment;
  int64_t created_ms = 0;
  int64_t files = 0, size_bytes = 0;
};
Result<DeltaTableInfo> DescribeDeltaTable(DeltaTables& tables, const std::string& path);

// DESCRIBE DETAIL: one row, Spark's columns. `name` is null for a table by its path.
const StructType& DeltaDetailSchema();
Result<RowStreamPtr> DescribeDeltaDetail(DeltaTables& tables, const std::string& path, const std::optional<std::string>& name);

// DESCRIBE HISTORY: newest first, Spark's columns.
const StructType& DeltaHistorySchema();
Result<RowStreamPtr> DescribeDeltaHistory(DeltaTables& tables, const std::string& path, std::optional<int64_t> limit);

}  // namespace millstream
