#include <algorithm>

#include "connectors/delta/delta_connector.h"
#include "connectors/delta/ledger_commits.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/table_rule_changes.h"
#include "delta/check_constraints.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "delta/schema_merge.h"

namespace millstream {
namespace {

const char* ModeName(SaveMode mode) {
  switch (mode) {
    case SaveMode::kErrorIfExists:
      return "ErrorIfExists";
    case SaveMode::kAppend:
      return "Append";
    case SaveMode::kOverwrite:
      return "Overwrite";
    case SaveMode::kIgnore:
      return "Ignore";
  }
  return "";
}

std::string ColumnList(const StructType& schema) {
  std::string list;
  for (const StructField& field : schema) list += (list.empty() ? "`" : ", `") + field.name + "`";
  return list;
}

// The rows' schema with the names of the table's columns that they are meant for.
Result<StructType> NameByPosition(const StructType& rows, const StructType& table, const std::vector<std::string>& insert_columns,
                                  const std::string& table_name) {
  StructType target;
  if (insert_columns.empty()) {
    target = table;
  } else {
    for (const std::string& column : insert_columns) {
      std::optional<size_t> index = table.IndexOf(column);
      if (!index) return Status::Error(errors::kDeltaPartitionColumnNotFound, {{"columnName", column}, {"schemaMap", SchemaTree(table)}});
      target.Add(table[*index]);
    }
  }
  if (target.size() != rows.size()) {
    const ErrorClass& error_class = rows.size() > target.size() ? errors::kInsertTooManyColumns : errors::kInsertNotEnoughColumns;
    return Status::Error(error_class, {{"tableName", table_name}, {"tableColumns", ColumnList(target)}, {"dataColumns", ColumnList(rows)}});
  }
  StructType named;
  for (size_t i = 0; i < rows.size(); ++i) named.Add({target[i].name, rows[i].type, rows[i].nullable});
  return named;
}

struct TxnOptions {
  std::string app_id;
  int64_t version = 0;
};

Result<std::optional<TxnOptions>> TxnOf(const OptionValues& options) {
  std::optional<std::string> app_id = options.String("txnAppId");
  std::optional<int64_t> version = options.Int("txnVersion");
  if (app_id.has_value() != version.has_value()) {
    return Status::IllegalArgument("Please set both the options txnAppId and txnVersion, or neither of them.");
  }
  if (!app_id) return std::optional<TxnOptions>();
  return std::optional(TxnOptions{*app_id, *version});
}

}  // namespace

Status CheckRowsFit(DeltaTables& tables, const std::string& path, const DeltaWrite& write) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables.Log(path)->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  StructType schema = write.schema;
  if (write.by_position) {
    MS_ASSIGN_OR_RETURN(schema, NameByPosition(write.schema, snapshot->schema(), write.insert_columns, "delta.`" + path + "`"));
  }
  return CheckSchemaFits(snapshot->schema(), schema, snapshot->metadata->id);
}

Result<DeltaWriteResult> WriteDelta(DeltaTables& tables, const std::string& path, const DeltaWrite& write, RowStream& rows) {
  MS_ASSIGN_OR_RETURN(OptionValues options, DeltaWriteOptions().ParseKnown(write.options));
  std::string overwrite_mode = options.String("partitionOverwriteMode").value_or("static");
  if (!CaseInsensitiveLess()(overwrite_mode, "dynamic") && !CaseInsensitiveLess()("dynamic", overwrite_mode)) {
    return Status::Unsupported("The option partitionOverwriteMode = dynamic", "Overwrite the whole table instead.");
  }
  MS_ASSIGN_OR_RETURN(std::optional<TxnOptions> txn, TxnOf(options));
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (snapshot && write.mode == SaveMode::kErrorIfExists) return Status::Error(errors::kDeltaPathExists, {{"path", HadoopPathString(path)}});
  if (snapshot && write.mode == SaveMode::kIgnore) return DeltaWriteResult();
  if (snapshot && txn && snapshot->TransactionVersion(txn->app_id).value_or(-1) >= txn->version) return DeltaWriteResult();
  const bool overwrites = write.mode == SaveMode::kOverwrite;
  if (overwrites && snapshot) MS_RETURN_IF_ERROR(CheckRemovable(*snapshot));

  StructType schema = write.schema;
  if (snapshot && (write.by_position || !write.insert_columns.empty())) {
    MS_ASSIGN_OR_RETURN(schema, NameByPosition(write.schema, snapshot->schema(), write.insert_columns, "delta.`" + path + "`"));
  }
  WriteWishes wishes{.partition_by = write.partition_by,
                     .merge_schema = options.Bool("mergeSchema"),
                     .overwrite_schema = overwrites && options.Bool("overwriteSchema"),
                     .properties = WithPropertyOptions(write.properties, write.options),
                     .comment = write.comment};
  const int64_t now_ms = log->clock().WallMillis();
  MS_ASSIGN_OR_RETURN(TableChange change, PlanTableChange(snapshot, path, schema, wishes, now_ms));
  const bool replaces_table = snapshot && write.operation.starts_with("CREATE OR REPLACE");
  if (replaces_table && std::erase_if(change.target.configuration, [](const auto& property) { return IsConstraint(property.first); }) > 0) {
    change.metadata = change.target;
  }
  MS_ASSIGN_OR_RETURN(RowRulesPtr rules, log->RulesOf(change.target, write.conf));
  MS_ASSIGN_OR_RETURN(DataWritten written,
                      WriteDataFiles(log->fs(), log->clock(), path, change.target, schema, rows, {.threads = write.threads, .rules = std::move(rules)}));

  CommitRequest request{
      .read = snapshot, .reads_whole_table = overwrites && snapshot, .operation = write.operation, .user_metadata = options.String("userMetadata")};
  request.parameters = {{"mode", ModeName(write.mode)}, {"partitionBy", JsonList(change.target.partition_columns)}};
  request.metrics = {
      {"numFiles", std::to_string(written.files.size())}, {"numOutputRows", std::to_string(written.rows)}, {"numOutputBytes", std::to_string(written.bytes)}};
  if (overwrites && snapshot) {
    request.actions.removes = RemoveAll(*snapshot, now_ms);
    request.metrics.emplace_back("numRemovedFiles", std::to_string(request.actions.removes.size()));
    request.metrics.emplace_back("numRemovedBytes", std::to_string(snapshot->size_bytes));
  }
  request.actions.metadata = std::move(change.metadata);
  request.actions.protocol = std::move(change.protocol);
  if (replaces_table) request.actions.transactions = ForgottenFiles(*snapshot, now_ms);
  if (txn) request.actions.transactions.push_back({txn->app_id, txn->version, now_ms});
  request.actions.adds = std::move(written.files);
  MS_ASSIGN_OR_RETURN(SnapshotPtr after, log->Commit(std::move(request)));
  return DeltaWriteResult{.rows = written.rows, .version = after->version};
}

Result<std::optional<int64_t>> DeltaTransactionVersion(DeltaTables& tables, const std::string& path, const std::string& app_id) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables.Log(path)->Update());
  return snapshot ? snapshot->TransactionVersion(app_id) : std::optional<int64_t>();
}

Result<std::map<int64_t, int64_t>> DeltaCommitsOf(DeltaTables& tables, const std::string& path, const std::string& app_id) {
  std::map<int64_t, int64_t> commits;
  MS_RETURN_IF_ERROR(
      VisitCommitsOf(tables, path, app_id, [&](int64_t version, const DeltaLog::CommitAt&, int64_t txn_version) { commits[txn_version] = version; }));
  return commits;
}

Status CreateDeltaTable(DeltaTables& tables, const std::string& path, const DeltaCreate& create) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (create.schema.empty() && create.or_replace) return Status::Error(errors::kDeltaSchemaNotProvided);
  // A table without columns gets them from the first rows that are written with mergeSchema.
  if (create.schema.empty() && !snapshot && !create.partition_columns.empty()) return Status::Error(errors::kDeltaPartitioningWithoutSchema);
  if (snapshot && !create.or_replace) {
    if (create.schema.empty()) return Status();
    bool is_same = create.schema.size() == snapshot->schema().size();
    for (size_t i = 0; is_same && i < create.schema.size(); ++i) {
      is_same = create.schema[i].name == snapshot->schema()[i].name && create.schema[i].type.SameType(snapshot->schema()[i].type);
    }
    if (!is_same) {
      return Status::Error(
          errors::kDeltaCreateSchemaMismatch,
          {{"path", HadoopPathString(path)}, {"specifiedSchema", SchemaTree(create.schema)}, {"existingSchema", SchemaTree(snapshot->schema())}});
    }
    if (create.partition_columns != snapshot->metadata->partition_columns) {
      return Status::Error(errors::kDeltaCreatePartitionMismatch, {{"path", HadoopPathString(path)},
                                                                   {"specifiedColumns", JsonList(create.partition_columns)},
                                                                   {"existingColumns", JsonList(snapshot->metadata->partition_columns)}});
    }
    return Status();
  }
  MS_RETURN_IF_ERROR(CheckGeneratedColumns(create.schema, {.ansi = create.conf.ansi, .time_zone = create.conf.time_zone}));
  const int64_t now_ms = log->clock().WallMillis();
  WriteWishes wishes{.partition_by = create.partition_columns, .properties = create.properties, .comment = create.comment};
  MS_ASSIGN_OR_RETURN(TableChange change, PlanNewTable(create.schema, wishes, now_ms));
  CommitRequest request{.read = snapshot, .reads_whole_table = snapshot != nullptr, .operation = snapshot ? "CREATE OR REPLACE TABLE" : "CREATE TABLE"};
  if (snapshot) {
    // The table keeps its identity and what its protocol has gained: readers and streams of it go on.
    MS_RETURN_IF_ERROR(CheckRemovable(*snapshot));
    change.metadata->id = snapshot->metadata->id;
    change.metadata->created_ms = snapshot->metadata->created_ms;
    MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, *snapshot->metadata, path));
    Protocol protocol = ProtocolWith(snapshot->protocol, create.schema);
    MS_RETURN_IF_ERROR(ApplyProperties(create.properties, protocol));
    change.protocol.reset();
    if (!(protocol == snapshot->protocol)) change.protocol = std::move(protocol);
    request.actions.removes = RemoveAll(*snapshot, now_ms);
    request.actions.transactions = ForgottenFiles(*snapshot, now_ms);
  }
  request.parameters = {
      {"partitionBy", JsonList(change.metadata->partition_columns)}, {"clusterBy", "[]"}, {"description", create.comment.value_or("")}, {"isManaged", "true"}};
  request.actions.metadata = std::move(change.metadata);
  request.actions.protocol = std::move(change.protocol);
  return log->Commit(std::move(request)).status();
}

}  // namespace millstream
