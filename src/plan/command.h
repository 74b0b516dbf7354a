#pragma once

// command.h   Statements that do something. A door or the SQL parser makes them; the session runs them.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "plan/logical_plan.h"

namespace millstream {

using MultipartName = std::vector<std::string>;

struct CreateDatabase {
  MultipartName name;
  bool if_not_exists = false;
  std::optional<std::string> comment, location;
  std::map<std::string, std::string> properties;
};
struct DropDatabase {
  MultipartName name;
  bool if_exists = false, cascade = false;
};
struct UseDatabase {
  MultipartName name;
};
struct CreateTable {
  MultipartName name;
  bool if_not_exists = false, or_replace = false;
  std::optional<StructType> schema;
  std::string provider;  // USING; empty: delta
  std::vector<std::string> partition_columns;
  std::optional<std::string> location, comment;
  std::map<std::string, std::string> properties;
  OptionMap options;
  PlanPtr query;  // CREATE TABLE … AS SELECT, or null
};
struct DropTable {
  MultipartName name;
  bool if_exists = false, purge = false, is_view = false;
};
struct ShowTables {
  std::optional<MultipartName> database;
  std::optional<std::string> pattern;
};
struct ShowDatabases {
  std::optional<std::string> pattern;
};
struct ShowColumns {
  MultipartName table;
};
struct DescribeTable {
  MultipartName name;
  bool extended = false;
};
struct DescribeDatabase {
  MultipartName name;
  bool extended = false;
};
struct DescribeHistory {
  MultipartName name;
  std::optional<int64_t> limit;
};
struct CreateView {
  MultipartName name;
  bool or_replace = false, is_temporary = true, is_global = false, if_not_exists = false;
  PlanPtr query;
  std::vector<std::string> column_aliases;
};
struct SetConf {
  std::optional<std::string> key, value;  // SET; SET k; SET k = v
};
struct ResetConf {
  std::optional<std::string> key;
};
struct Explain {
  PlanPtr query;
  std::string mode = "simple";
};

enum class SaveMode { kErrorIfExists, kAppend, kOverwrite, kIgnore };
// df.write…, INSERT INTO/OVERWRITE.
struct WriteData {
  PlanPtr query;
  std::string format;                  // empty: the table's, or spark.sql.sources.default
  std::optional<std::string> path;     // save(path)
  std::optional<MultipartName> table;  // saveAsTable(t), insertInto(t)
  bool insert_into = false;            // by position, table must exist
  bool by_name = false;
  std::vector<std::string> insert_columns;
  SaveMode mode = SaveMode::kErrorIfExists;
  OptionMap options;
  std::vector<std::string> partition_by;
  std::vector<std::pair<std::string, ExprPtr>> partition_values;  // INSERT … PARTITION (p = 1, q): null: out of the query, after its other columns
  ExprPtr replace_where;                                          // INSERT INTO t REPLACE WHERE …
  std::string replace_where_text;
};

// COPY INTO: files that the table has not had yet.
struct CopyInto {
  MultipartName table;
  bool by_position = false;
  std::vector<std::string> columns;  // COPY INTO t (a, b): what the files' columns are, by position
  std::string source;                // as written
  bool has_credential = false, has_encryption = false;
  PlanPtr query;       // FROM (SELECT … FROM source), where the source is an UnresolvedDataSource of kCopySourceFormat; null: the files' columns
  std::string format;  // FILEFORMAT
  bool validates = false;
  std::optional<int64_t> validated_rows;  // VALIDATE n ROWS; nullopt: all
  std::vector<std::string> files;         // FILES; empty: all below the source
  PlanPtr files_query;                    // FILES = (SELECT …): one column of names; null: none
  std::optional<std::string> pattern;     // PATTERN
  OptionMap format_options, copy_options;
  bool is_explained = false;  // EXPLAIN COPY INTO: what it would do, and nothing is written
};
inline constexpr char kCopySourceFormat[] = "__millstream_copy_source";

// UNDO, REDO, FORGET FILES IN table WHERE …
struct ChangeTableFiles {
  enum class Kind { kUndo, kRedo, kForget } kind = Kind::kUndo;
  MultipartName table;  // also {"delta", "/path"}
  ExprPtr condition;    // over the columns of copy_into_state(table)
  std::string condition_text;
};

// UNDO, REDO, REPLAY, FORGET FILES IN STREAM 'checkpoint' WHERE …: a request that the stream takes with its next batch.
struct RequestStreamFiles {
  std::string request;     // "UNDO", "REDO", "REPLAY" or "FORGET"
  std::string checkpoint;  // as written
  PlanPtr files;           // path, source_id and ingestion_state of cloud_files_state
};

// REVERT SCHEMA OF STREAM 'checkpoint or schemaLocation' TO VERSION n [FREEZE [(a, b.c)]]
struct RevertToSchemaVersion {
  std::string location;  // as written
  int64_t version = 0;
  bool freezes = false;                   // FREEZE without a list: what goes is not added again
  std::vector<MultipartName> frozen = {};  // FREEZE (…)
};

// PROMOTE RESCUED (a INT) IN t [FROM c]: fields of the rescued data become columns.
struct PromoteRescuedColumns {
  MultipartName table;
  StructType columns;
  std::optional<std::string> from = {};  // the column of the rescued data; nullopt: the usual one
};

// RETRY QUARANTINE q [OPTIONS (…)] [WHERE …]: bad records are parsed again, and go to their tables when they are good now.
struct RetryQuarantine {
  MultipartName table;
  OptionMap options;  // override those that were recorded
  ExprPtr condition;  // over the columns of the table; null: all
};

// The table that a statement changes row by row, under the name that its expressions use.
struct ChangeTarget {
  MultipartName table;  // also {"delta", "/path"}
  std::string alias;    // empty: the table's own name
};
struct Assignment {
  std::vector<std::string> column;  // "a", "t.a", "s.field"
  ExprPtr value;                    // null: DEFAULT
};
struct DeleteFrom {
  ChangeTarget target;
  ExprPtr condition;  // null: all rows
};
struct UpdateTable {
  ChangeTarget target;
  std::vector<Assignment> assignments;
  ExprPtr condition;  // null: all rows
};
struct MergeClause {
  enum class Kind { kUpdate, kDelete, kInsert } kind = Kind::kUpdate;
  ExprPtr condition;     // AND …, or null
  bool is_star = false;  // UPDATE SET *, INSERT *
  std::vector<Assignment> assignments;
};
struct MergeInto {
  ChangeTarget target;
  PlanPtr source;
  ExprPtr condition;
  // Of each kind the first whose condition holds is taken.
  std::vector<MergeClause> matched, not_matched, not_matched_by_source;
  bool with_schema_evolution = false;
};

struct AlterTableProperties {
  MultipartName name;
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
};
struct AddConstraint {
  MultipartName table;
  std::string name;
  std::string expression;  // as written: it is stored with the table
};
struct DropConstraint {
  MultipartName table;
  std::string name;
  bool if_exists = false;
};
struct ShowTableProperties {
  MultipartName table;
  std::optional<std::string> key;
};
struct DescribeDetail {
  MultipartName name;
};

struct Trigger {
  enum class Kind { kProcessingTime, kOnce, kAvailableNow, kContinuous, kRealTime } kind = Kind::kProcessingTime;
  int64_t interval_ms = 0;
};
enum class OutputMode { kAppend, kUpdate, kComplete };

class BatchWrites;  // session/batch_writes.h

// What foreachBatch and foreach call. A query owns one; it is called on the query's thread, again with the same batch after a crash. `cancelled` is asked
// while the user's code runs: true ends it.
class BatchFunction {
 public:
  virtual ~BatchFunction() = default;
  // foreachBatch. `batch` reads the rows of this batch, as often as wanted, in any plan. `writes` makes what the function writes to tables exactly once.
  virtual Status RunOnBatch(BatchId id, const PlanPtr& batch, const std::shared_ptr<BatchWrites>& writes, const std::function<bool()>& cancelled) = 0;
};
class RowsFunction {
 public:
  virtual ~RowsFunction() = default;
  // foreach, with the rows of one partition.
  virtual Status RunOnRows(BatchId id, const StructType& schema, RowStream& rows, const std::function<bool()>& cancelled) = 0;
};
// df.writeStream….start()/toTable()
struct StartStream {
  PlanPtr query;
  std::string format;
  std::optional<std::string> path;
  std::optional<MultipartName> table;
  OptionMap options;
  std::vector<std::string> partition_by;
  Trigger trigger;
  OutputMode output_mode = OutputMode::kAppend;
  std::string query_name;
  // The sink, when one is set.
  std::shared_ptr<BatchFunction> foreach_batch;
  std::shared_ptr<RowsFunction> foreach;
};

struct Command {
  std::variant<CreateDatabase, DropDatabase, UseDatabase, CreateTable, DropTable, ShowTables, ShowDatabases, ShowColumns, DescribeTable, DescribeDatabase,
               DescribeHistory, CreateView, SetConf, ResetConf, Explain, WriteData, StartStream, DeleteFrom, UpdateTable, MergeInto, AlterTableProperties,
               AddConstraint, DropConstraint, ShowTableProperties, DescribeDetail, CopyInto, ChangeTableFiles, RequestStreamFiles, RevertToSchemaVersion, PromoteRescuedColumns,
               RetryQuarantine>
      node;
};

// What SQL text means: a query, or a command.
using Statement = std::variant<PlanPtr, Command>;

}  // namespace millstream
