#include "base/ignore_case.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/files/files_connector.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

Status AlreadyExists(const TableName& name) {
  return Status::Error(errors::kTableOrViewAlreadyExists, {{"relationName", QuoteName({name.database, name.table})}});
}

// LOCATION '…' and OPTIONS (path '…') mean the same.
Result<std::optional<std::string>> ExplicitLocation(const CreateTable& command) {
  std::optional<std::string> location = command.location;
  if (auto path = command.options.find("path"); !location && path != command.options.end()) location = path->second;
  if (!location) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(*location));
  return std::optional<std::string>(std::move(path));
}

}  // namespace

Result<QueryResult> LocalSession::Run(const CreateDatabase& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(std::string name, ResolveDatabaseName(command.name));
  const Status exists = Status::Error(errors::kSchemaAlreadyExists, {{"schemaName", QuoteName({name})}});
  MS_ASSIGN_OR_RETURN(std::optional<DatabaseEntry> found, engine_->warehouse.FindDatabase(name));
  if (found || name == kGlobalTempDatabase) {
    if (command.if_not_exists) return EmptyResult();
    return exists;
  }
  DatabaseEntry database{
      .name = name, .location = JoinPath(engine_->warehouse.directory(), name + ".db"), .comment = command.comment, .properties = command.properties};
  if (command.location) {
    MS_ASSIGN_OR_RETURN(database.location, PathFromUri(*command.location));
  }
  Status created = engine_->warehouse.CreateDatabase(database);
  if (created.Is(errors::kFileAlreadyExists)) {
    if (command.if_not_exists) return EmptyResult();
    return exists;
  }
  if (!created.ok()) return created;
  return EmptyResult();
}

Result<QueryResult> LocalSession::Run(const DropDatabase& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(std::string name, ResolveDatabaseName(command.name));
  if (name == "default") return Status::Error(errors::kDropDefaultDatabase, {{"database", QuoteName({std::string(kSessionCatalogName), name})}});
  Result<DatabaseEntry> database = MakeCatalog().RequireDatabase(name);
  if (!database.ok()) {
    if (command.if_exists && database.status().Is(errors::kSchemaNotFound)) return EmptyResult();
    return database.status();
  }
  MS_ASSIGN_OR_RETURN(std::vector<std::string> tables, engine_->warehouse.ListTables(*database));
  if (!tables.empty() && !command.cascade) return Status::Error(errors::kSchemaNotEmpty, {{"schemaName", QuoteName({name})}});
  MS_RETURN_IF_ERROR(engine_->warehouse.DropDatabase(*database));
  return EmptyResult();
}

Result<QueryResult> LocalSession::Run(const UseDatabase& command, const Execution&) {
  // USE spark_catalog
  if (command.name.size() == 1 && EqualsIgnoreCase(command.name[0], kSessionCatalogName)) return EmptyResult();
  MS_ASSIGN_OR_RETURN(std::string name, ResolveDatabaseName(command.name));
  MS_RETURN_IF_ERROR(SetCurrentDatabase(name));
  return EmptyResult();
}

Status LocalSession::CreateDelta(const CreateTable& command, const std::string& location, const Execution& under) {
  if (command.query) {
    MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzeBatch(command.query));
    DeltaWrite write{.mode = command.or_replace ? SaveMode::kOverwrite : SaveMode::kErrorIfExists,
                     .schema = SchemaOf(*analyzed),
                     .partition_by = command.partition_columns,
                     .properties = command.properties,
                     .comment = command.comment,
                     .operation = command.or_replace ? "CREATE OR REPLACE TABLE AS SELECT" : "CREATE TABLE AS SELECT"};
    if (command.or_replace) write.options["overwriteSchema"] = "true";
    return WriteRows(location, write, analyzed, under);
  }
  DeltaCreate create{.schema = command.schema.value_or(StructType()),
                     .partition_columns = command.partition_columns,
                     .properties = command.properties,
                     .comment = command.comment,
                     .or_replace = command.or_replace,
                     .conf = rule_conf()};
  return CreateDeltaTable(engine_->delta, location, create);
}

Result<QueryResult> LocalSession::Run(const CreateTable& command, const Execution& under) {
  SessionCatalog catalog = MakeCatalog();
  if (command.name.size() == 2 && IsDeltaFormat(command.name[0]) && command.name[1].find('/') != std::string::npos) return CreateByPath(command, under);
  MS_ASSIGN_OR_RETURN(TableName name, ResolveTableName(command.name, current_database()));
  MS_ASSIGN_OR_RETURN(DatabaseEntry database, catalog.RequireDatabase(name.database));
  MS_ASSIGN_OR_RETURN(std::optional<TableEntry> existing, engine_->warehouse.FindTable(database, name.table));
  if (existing && !command.or_replace) {
    if (command.if_not_exists) return EmptyResult();
    return AlreadyExists(name);
  }
  const std::string provider = command.provider.empty() ? "delta" : command.provider;
  if (!IsDeltaFormat(provider)) {
    MS_RETURN_IF_ERROR(CreateFileTable(command, name));
    return EmptyResult();
  }
  MS_ASSIGN_OR_RETURN(std::optional<std::string> location, ExplicitLocation(command));
  TableEntry table{.database = name.database,
                   .name = name.table,
                   .is_managed = !location,
                   .provider = "delta",
                   .location = location.value_or(Warehouse::ManagedLocation(database, name.table)),
                   .comment = command.comment,
                   .schema = {},
                   .options = {}};
  if (existing) table.location = existing->location;
  MS_RETURN_IF_ERROR(CreateDelta(command, table.location, under));
  // Data first, name second: what is named can be read.
  if (!existing && !table.is_managed) {
    Status registered = engine_->warehouse.RegisterTable(table);
    if (registered.Is(errors::kFileAlreadyExists)) return AlreadyExists(name);
    MS_RETURN_IF_ERROR(registered);
  }
  return EmptyResult();
}

// CREATE TABLE delta.`/path`: the table has no name in the catalog.
Result<QueryResult> LocalSession::CreateByPath(const CreateTable& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(command.name[1]));
  MS_ASSIGN_OR_RETURN(std::optional<std::string> location, ExplicitLocation(command));
  if (location && *location != path) {
    return Status::Error(errors::kDeltaCreateLocationMismatch, {{"identifier", QuoteName({"delta", path})}, {"location", QuoteName({*location})}});
  }
  MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine_->delta, path));
  if (exists && command.if_not_exists) return EmptyResult();
  if (exists && !command.or_replace) return AlreadyExists({"delta", path});
  MS_RETURN_IF_ERROR(CreateDelta(command, path, under));
  return EmptyResult();
}

// CREATE TABLE t USING json LOCATION '…': a name for a directory of files.
Status LocalSession::CreateFileTable(const CreateTable& command, const TableName& name) {
  if (!IsFileFormat(command.provider)) return Status::Error(errors::kDataSourceNotFound, {{"provider", command.provider}});
  MS_ASSIGN_OR_RETURN(std::optional<std::string> location, ExplicitLocation(command));
  if (command.query || !location || command.or_replace)
    return Status::Unsupported("a managed table USING " + command.provider, "Use Delta (no USING), or name existing files with LOCATION.");
  if (!command.partition_columns.empty())
    return Status::Unsupported("PARTITIONED BY for tables USING " + command.provider, "Partition directories (key=value) are found by themselves.");
  TableEntry table{.database = name.database,
                   .name = name.table,
                   .is_managed = false,
                   .provider = LowerCase(command.provider),
                   .location = *location,
                   .comment = command.comment,
                   .schema = command.schema,
                   .options = command.options};
  table.options.erase("path");
  // Its errors (no such path, a bad option, nothing to infer from) are the statement's.
  UnresolvedDataSource source{.format = table.provider, .schema = table.schema, .options = table.options, .paths = {table.location}};
  MS_ASSIGN_OR_RETURN(RelationSourcePtr relation, MakeCatalog().OpenDataSource(source));
  if (!table.schema) table.schema = relation->schema();
  Status registered = engine_->warehouse.RegisterTable(table);
  if (registered.Is(errors::kFileAlreadyExists)) return AlreadyExists(name);
  return registered;
}

Result<QueryResult> LocalSession::Run(const DropTable& command, const Execution&) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog.FindView(command.name));
  if (view != nullptr) {
    MS_RETURN_IF_ERROR(DropTempView(command.name.back(), command.name.size() == 2).status());
    return EmptyResult();
  }
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> table, catalog.Resolve(command.name));
  if (!table || !table->entry) {
    if (command.if_exists) return EmptyResult();
    return catalog.NotFound(catalog.Qualify(command.name), true);
  }
  if (command.is_view)
    return Status::Error(errors::kWrongCommandForObjectType, {{"operation", "DROP VIEW"},
                                                              {"requiredType", "VIEW or METRIC_VIEW"},
                                                              {"objectName", table->name},
                                                              {"foundType", table->entry->is_managed ? "MANAGED" : "EXTERNAL"},
                                                              {"alternative", "DROP TABLE"}});
  MS_RETURN_IF_ERROR(engine_->warehouse.DropTable(*table->entry));
  return EmptyResult();
}

Result<QueryResult> LocalSession::Run(const CreateView& command, const Execution&) {
  if (!command.is_temporary && !command.is_global)
    return Status::Unsupported("CREATE VIEW without TEMPORARY", "Use CREATE TEMPORARY VIEW, or CREATE TABLE … AS SELECT.");
  if (command.name.size() != 1) return Status::Error(errors::kInvalidName, {{"name", QuoteName(command.name)}});
  PlanPtr plan = command.query;
  if (!command.column_aliases.empty()) {
    MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(plan));
    const StructType schema = SchemaOf(*analyzed);
    if (schema.size() != command.column_aliases.size()) {
      auto list = [](const auto& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ", ") + QuoteName({name});
        return text;
      };
      std::vector<std::string> data_columns;
      for (const StructField& field : schema) data_columns.push_back(field.name);
      return Status::Error(schema.size() < command.column_aliases.size() ? errors::kViewNotEnoughColumns : errors::kViewTooManyColumns,
                           {{"viewName", QuoteName(command.name)}, {"viewColumns", list(command.column_aliases)}, {"dataColumns", list(data_columns)}});
    }
    plan = MakePlan(ToDf{command.column_aliases, plan});
  }
  if (command.if_not_exists && (command.is_global ? engine_->global_views : views_).Find(LowerCase(command.name[0]))) return EmptyResult();
  MS_RETURN_IF_ERROR(CreateTempView(command.name[0], plan, command.or_replace, command.is_global));
  return EmptyResult();
}

}  // namespace millstream
