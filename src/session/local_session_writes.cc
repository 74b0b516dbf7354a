#include <charconv>

#include "base/ignore_case.h"
#include "connectors/delta/change_rows.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/files/files_connector.h"
#include "session/batch_writes.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"
#include "session/store_assignment.h"

namespace millstream {
namespace {

// The table's columns in the order of the query's: by name where there is one, by the query's own type where the table has no such column (the
// connector says what that means: schema evolution or an error).
std::vector<StructField> TargetsByName(const StructType& query, const StructType& table) {
  std::vector<StructField> targets;
  for (const StructField& field : query) {
    std::optional<size_t> at = table.IndexOf(field.name);
    targets.push_back(at ? table[*at] : field);
  }
  return targets;
}

// nullopt: their number does not fit, which is the connector's error.
std::optional<std::vector<StructField>> TargetsByPosition(const StructType& query, const StructType& table, const std::vector<std::string>& insert_columns) {
  std::vector<StructField> targets;
  if (insert_columns.empty()) {
    targets = table.fields();
  } else {
    for (const std::string& column : insert_columns) {
      std::optional<size_t> at = table.IndexOf(column);
      if (!at) return std::nullopt;
      targets.push_back(table[*at]);
    }
  }
  if (targets.size() != query.size()) return std::nullopt;
  return targets;
}

bool EvolvesSchema(const OptionMap& options) {
  for (const char* option : {"mergeSchema", "overwriteSchema"})
    if (auto found = options.find(option); found != options.end() && ParseBool(found->second).value_or(false)) return true;
  return false;
}

OptionMap WithoutPath(OptionMap options) {
  options.erase("path");
  return options;
}

}  // namespace

bool LocalSession::MergesSchemas(const OptionMap& options) const {
  return !options.contains("mergeSchema") && ParseBool(conf_.Get("spark.databricks.delta.schema.autoMerge.enabled").value_or("")).value_or(false);
}

Result<QueryResult> LocalSession::Run(const WriteData& command, const Execution& under) {
  // Rows go into a table by name: by position, a column more is a mistake.
  if (!command.insert_into && (command.format.empty() || EqualsIgnoreCase(command.format, "delta")) && MergesSchemas(command.options)) {
    WriteData merging = command;
    merging.options["mergeSchema"] = "true";
    return Run(merging, under);
  }
  MS_ASSIGN_OR_RETURN(Replaced replaced, ReplacedBy(command));
  for (int attempt = 1;; ++attempt) {
    Result<QueryResult> result = RunOnce(command, under);
    if (result.ok() || !replaced.condition || attempt == kAttemptsMax || !IsChangeConflict(result.status())) return result;
  }
}

Result<QueryResult> LocalSession::RunOnce(const WriteData& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(command.query));
  if (IsStreaming(*analyzed)) return Status::Error(errors::kWriteOnStream, {{"methodName", "write"}});
  if (command.table && command.insert_into) return InsertInto(command, analyzed, under);
  if (command.table) return SaveAsTable(command, analyzed, under);
  return WriteToPath(command, analyzed, under);
}

OptionMap LocalSession::WithTransaction(OptionMap options, const std::string& location, const Execution& under) {
  if (under.writes == nullptr || options.contains("txnAppId")) return options;
  options["txnAppId"] = under.writes->NextApplicationId(location);
  options["txnVersion"] = std::to_string(under.writes->batch().value());
  return options;
}

Result<bool> LocalSession::IsWritten(const std::string& location, const OptionMap& options) {
  const auto app_id = options.find("txnAppId"), version = options.find("txnVersion");
  if (app_id == options.end() || version == options.end()) return false;
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> written, DeltaTransactionVersion(engine_->delta, location, app_id->second));
  int64_t wanted = 0;
  const char* end = version->second.data() + version->second.size();
  // A version that is no number is the writer's to refuse.
  return written && std::from_chars(version->second.data(), end, wanted).ptr == end && *written >= wanted;
}

Status LocalSession::WriteRows(const std::string& path, DeltaWrite& write, const PlanPtr& analyzed, const Execution& under) {
  MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(analyzed, under));
  write.schema = query.schema;
  write.threads = engine_->options.threads;
  write.conf = rule_conf();
  return WriteDelta(engine_->delta, path, write, *query.rows).status();
}

Result<QueryResult> LocalSession::WriteToPath(const WriteData& command, const PlanPtr& analyzed, const Execution& under) {
  const std::string format = MakeCatalog().FormatOrDefault(command.format);
  if (EqualsIgnoreCase(format, "noop")) {
    MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(analyzed, under));
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, query.rows->Next());
      if (batch == nullptr) return EmptyResult();
    }
  }
  if (EqualsIgnoreCase(format, "memory") && engine_->options.testing) return AddToMemoryStream(command, analyzed, under);
  if (!IsDeltaFormat(format)) {
    if (IsWritableFileFormat(format)) return WriteToFiles(command, format, analyzed, under);
    if (IsFileFormat(format) || EqualsIgnoreCase(format, "orc"))
      return Status::Unsupported("writing format \"" + format + "\"", "Write json, csv, text, parquet or delta.");
    return Status::Error(errors::kDataSourceNotFound, {{"provider", format}});
  }
  std::optional<std::string> written_path = command.path;
  if (auto option = command.options.find("path"); !written_path && option != command.options.end()) written_path = option->second;
  if (!written_path || written_path->empty()) return Status::Error(errors::kPathNotSpecified);
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(*written_path));
  DeltaWrite write{.mode = command.mode, .partition_by = command.partition_by, .options = WithTransaction(WithoutPath(command.options), path, under)};
  MS_ASSIGN_OR_RETURN(bool is_written, IsWritten(path, write.options));
  if (is_written) return EmptyResult();
  PlanPtr rows = analyzed;
  MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine_->delta, path));
  MS_ASSIGN_OR_RETURN(Replaced replaced, ReplacedBy(command));
  if (exists && replaced.condition) {
    ResolvedTable table{.provider = "delta", .location = path, .name = "delta.`" + path + "`"};
    MS_RETURN_IF_ERROR(ReplaceRows(replaced, table, rows, write.options, under));
    return EmptyResult();
  }
  if (exists && !EvolvesSchema(command.options) && (command.mode == SaveMode::kAppend || command.mode == SaveMode::kOverwrite)) {
    MS_ASSIGN_OR_RETURN(DeltaTableInfo table, DescribeDeltaTable(engine_->delta, path));
    rows = CastToTargets(analyzed, TargetsByName(SchemaOf(*analyzed), table.schema), false);
  }
  MS_RETURN_IF_ERROR(WriteRows(path, write, rows, under));
  return EmptyResult();
}

// df.write.format("memory").mode("append").save("name"): rows for the stream of that name; mode overwrite begins it anew.
Result<QueryResult> LocalSession::AddToMemoryStream(const WriteData& command, const PlanPtr& analyzed, const Execution& under) {
  if (!command.path || command.path->empty()) return Status::IllegalArgument("a memory stream has a name: save(\"name\")");
  MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(analyzed, under));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> rows, Drain(*query.rows));
  if (command.mode == SaveMode::kOverwrite) engine_->memory_streams.Remove(*command.path);
  MS_ASSIGN_OR_RETURN(std::shared_ptr<MemoryStreamData> data, engine_->memory_streams.FindOrMake(*command.path, query.schema));
  if (!rows.empty()) data->Add(std::move(rows));
  return EmptyResult();
}

Result<QueryResult> LocalSession::WriteToFiles(const WriteData& command, const std::string& format, const PlanPtr& analyzed, const Execution& under) {
  std::optional<std::string> written_path = command.path;
  if (auto option = command.options.find("path"); !written_path && option != command.options.end()) written_path = option->second;
  if (!written_path || written_path->empty()) return Status::Error(errors::kPathNotSpecified);
  FileWrite write{.format = format, .path = {}, .mode = command.mode, .partition_by = command.partition_by, .options = WithoutPath(command.options)};
  MS_ASSIGN_OR_RETURN(write.path, PathFromUri(*written_path));
  auto option = command.options.find("partitionOverwriteMode");
  write.dynamic_partitions =
      EqualsIgnoreCase(option != command.options.end() ? option->second : conf_.Get("spark.sql.sources.partitionOverwriteMode").value_or("static"), "dynamic");
  MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(analyzed, under));
  MS_RETURN_IF_ERROR(WriteFiles(MakeCatalog().files_context(), write, query.schema, *query.rows).status());
  return EmptyResult();
}

Result<QueryResult> LocalSession::InsertInto(const WriteData& command, const PlanPtr& analyzed, const Execution& under) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, MakeCatalog().Require(*command.table));
  if (!IsDeltaFormat(table.provider)) return Status::Unsupported("INSERT into a " + table.provider + " table", "Only Delta tables are written.");
  MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine_->delta, table.location));
  MS_ASSIGN_OR_RETURN(PlanPtr rows, WithPartitionValues(command, analyzed, info));
  const StructType schema = SchemaOf(*rows);
  DeltaWrite write{.mode = command.mode == SaveMode::kOverwrite ? SaveMode::kOverwrite : SaveMode::kAppend,
                   .by_position = !command.by_name,
                   .insert_columns = command.insert_columns,
                   .partition_by = {},
                   .options = WithTransaction(WithoutPath(command.options), table.location, under)};
  MS_ASSIGN_OR_RETURN(Replaced replaced, ReplacedBy(command));
  write.schema = schema;
  if (replaced.condition) MS_RETURN_IF_ERROR(CheckRowsFit(engine_->delta, table.location, write));
  if (command.by_name) {
    if (!EvolvesSchema(command.options)) rows = CastToTargets(rows, TargetsByName(schema, info.schema), false);
  } else if (auto targets = TargetsByPosition(schema, info.schema, command.insert_columns)) {
    rows = CastToTargets(rows, *targets, true);
  }
  if (replaced.condition) {
    MS_RETURN_IF_ERROR(ReplaceRows(replaced, table, rows, write.options, under));
    return EmptyResult();
  }
  MS_RETURN_IF_ERROR(WriteRows(table.location, write, rows, under));
  return EmptyResult();
}

Result<QueryResult> LocalSession::SaveAsTable(const WriteData& command, const PlanPtr& analyzed, const Execution& under) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(TableName name, ResolveTableName(*command.table, current_database()));
  MS_ASSIGN_OR_RETURN(DatabaseEntry database, catalog.RequireDatabase(name.database));
  MS_ASSIGN_OR_RETURN(std::optional<TableEntry> existing, engine_->warehouse.FindTable(database, name.table));
  const std::string format = existing && command.format.empty() ? existing->provider : catalog.FormatOrDefault(command.format);
  if (!IsDeltaFormat(format)) return Status::Unsupported("saveAsTable with format \"" + format + "\"", "Use format(\"delta\").");
  TableEntry table{.database = name.database, .name = name.table, .location = Warehouse::ManagedLocation(database, name.table)};
  if (auto path = command.options.find("path"); path != command.options.end() && !existing) {
    MS_ASSIGN_OR_RETURN(table.location, PathFromUri(path->second));
    table.is_managed = false;
  }
  if (existing) table = *existing;
  OptionMap options = WithTransaction(WithoutPath(command.options), table.location, under);
  MS_ASSIGN_OR_RETURN(bool is_written, IsWritten(table.location, options));
  if (is_written) {
    if (!existing && !table.is_managed) MS_RETURN_IF_ERROR(engine_->warehouse.RegisterTable(table));
    return EmptyResult();
  }
  if (existing && command.mode == SaveMode::kErrorIfExists)
    return Status::Error(errors::kTableOrViewAlreadyExists, {{"relationName", QuoteName({name.database, name.table})}});
  if (existing && command.mode == SaveMode::kIgnore) return EmptyResult();
  MS_ASSIGN_OR_RETURN(Replaced replaced, ReplacedBy(command));
  if (existing && replaced.condition) {
    MS_ASSIGN_OR_RETURN(ResolvedTable resolved, catalog.Require(*command.table));
    MS_RETURN_IF_ERROR(ReplaceRows(replaced, resolved, analyzed, options, under));
    return EmptyResult();
  }
  DeltaWrite write{.mode = existing ? command.mode : SaveMode::kErrorIfExists,
                   .partition_by = command.partition_by,
                   .options = std::move(options),
                   .operation = existing ? "WRITE" : "CREATE TABLE AS SELECT"};
  PlanPtr rows = analyzed;
  if (existing && !EvolvesSchema(command.options)) {
    MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine_->delta, table.location));
    rows = CastToTargets(analyzed, TargetsByName(SchemaOf(*analyzed), info.schema), false);
  }
  MS_RETURN_IF_ERROR(WriteRows(table.location, write, rows, under));
  if (!existing && !table.is_managed) MS_RETURN_IF_ERROR(engine_->warehouse.RegisterTable(table));
  return EmptyResult();
}

}  // namespace millstream
