#include <nlohmann/json.hpp>

#include "connectors/delta/delta_connector.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

StructType DescribeSchema() {
  return StructType({{"col_name", DataType::String(), false}, {"data_type", DataType::String(), false}, {"comment", DataType::String()}});
}

std::optional<std::string> CommentOf(const StructField& field) {
  nlohmann::json metadata = nlohmann::json::parse(field.metadata, nullptr, false);
  if (!metadata.is_object() || !metadata.contains("comment") || !metadata["comment"].is_string()) return std::nullopt;
  return metadata["comment"].get<std::string>();
}

void AddLine(ResultTable& result, std::string name, std::string value) {
  result.AddRow({TextValue(std::move(name)), TextValue(std::move(value)), TextValue("")});
}

void AddColumns(ResultTable& result, const StructType& schema) {
  for (const StructField& field : schema) result.AddRow({TextValue(field.name), TextValue(field.type.SimpleString()), TextOrNull(CommentOf(field))});
}

std::string PropertiesText(const std::map<std::string, std::string>& properties) {
  std::string text = "[";
  for (const auto& [key, value] : properties) {
    if (text.size() > 1) text += ",";
    text += key + "=" + value;
  }
  return text + "]";
}

}  // namespace

Result<QueryResult> LocalSession::Run(const ShowTables& command, const Execution&) {
  std::optional<std::string> database;
  if (command.database) {
    MS_ASSIGN_OR_RETURN(database, ResolveDatabaseName(*command.database));
  }
  MS_ASSIGN_OR_RETURN(std::vector<TableInfo> tables, ListTables(database, command.pattern));
  ResultTable result(
      StructType({{"namespace", DataType::String(), false}, {"tableName", DataType::String(), false}, {"isTemporary", DataType::Boolean(), false}}));
  for (TableInfo& table : tables) result.AddRow({TextValue(table.database), TextValue(table.name), BoolValue(table.is_temporary)});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const ShowDatabases& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(std::vector<DatabaseInfo> databases, ListDatabases(command.pattern));
  ResultTable result(StructType({{"namespace", DataType::String(), false}}));
  for (DatabaseInfo& database : databases) result.AddRow({TextValue(database.name)});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const ShowColumns& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(MakePlan(UnresolvedRelation{.name = command.table})));
  ResultTable result(StructType({{"col_name", DataType::String()}}));
  for (const StructField& field : SchemaOf(*analyzed)) result.AddRow({TextValue(field.name)});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const DescribeTable& command, const Execution&) {
  ResultTable result(DescribeSchema());
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog.FindView(command.name));
  if (view != nullptr) {
    MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(view));
    AddColumns(result, SchemaOf(*analyzed));
    return result.Finish();
  }
  MS_ASSIGN_OR_RETURN(ResolvedTable table, catalog.Require(command.name));
  DeltaTableInfo info;
  if (IsDeltaFormat(table.provider)) {
    MS_ASSIGN_OR_RETURN(info, DescribeDeltaTable(engine_->delta, table.location));
  } else {
    MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(MakePlan(UnresolvedRelation{.name = command.name})));
    info.schema = SchemaOf(*analyzed);
    info.comment = table.entry ? table.entry->comment : std::nullopt;
  }
  AddColumns(result, info.schema);
  if (!info.partition_columns.empty()) {
    AddLine(result, "# Partition Information", "");
    result.AddRow({TextValue("# col_name"), TextValue("data_type"), TextValue("comment")});
    StructType partitions;
    for (const std::string& column : info.partition_columns)
      if (auto at = info.schema.IndexOf(column)) partitions.Add(info.schema[*at]);
    AddColumns(result, partitions);
  }
  if (!command.extended) return result.Finish();
  AddLine(result, "", "");
  AddLine(result, "# Detailed Table Information", "");
  if (table.entry) {
    AddLine(result, "Catalog", std::string(kSessionCatalogName));
    AddLine(result, "Namespace", table.entry->database);
    AddLine(result, "Database", table.entry->database);
    AddLine(result, "Table", table.entry->name);
    AddLine(result, "Type", table.entry->is_managed ? "MANAGED" : "EXTERNAL");
  } else {
    AddLine(result, "Name", table.name);
    AddLine(result, "Type", "EXTERNAL");
  }
  if (info.comment) AddLine(result, "Comment", *info.comment);
  AddLine(result, "Location", HadoopPathString(table.location));
  AddLine(result, "Provider", table.provider);
  if (table.entry && table.entry->is_managed) AddLine(result, "Is_managed_location", "true");
  if (!info.properties.empty()) AddLine(result, "Table Properties", PropertiesText(info.properties));
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const DescribeDatabase& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(std::string name, ResolveDatabaseName(command.name));
  MS_ASSIGN_OR_RETURN(DatabaseEntry database, MakeCatalog().RequireDatabase(name));
  ResultTable result(StructType({{"info_name", DataType::String(), false}, {"info_value", DataType::String()}}));
  auto add = [&](std::string key, std::string value) { result.AddRow({TextValue(std::move(key)), TextValue(std::move(value))}); };
  add("Catalog Name", std::string(kSessionCatalogName));
  add("Namespace Name", database.name);
  if (database.comment) add("Comment", *database.comment);
  add("Location", HadoopPathString(database.location));
  add("Owner", user_);
  if (command.extended) {
    std::string properties;
    for (const auto& [key, value] : database.properties) properties += (properties.empty() ? "((" : ", (") + key + "," + value + ")";
    add("Properties", properties.empty() ? "" : properties + ")");
  }
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const DescribeHistory& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, MakeCatalog().Require(command.name));
  if (!IsDeltaFormat(table.provider)) return Status::Unsupported("DESCRIBE HISTORY of a " + table.provider + " table", "Only Delta tables have a history.");
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, DescribeDeltaHistory(engine_->delta, table.location, command.limit));
  return QueryResult{DeltaHistorySchema(), OwnedRows(std::move(rows), engine_)};
}

Result<QueryResult> LocalSession::Run(const millstream::SetConf& command, const Execution&) {
  ResultTable result(StructType({{"key", DataType::String(), false}, {"value", DataType::String(), false}}));
  if (!command.key) {
    for (auto& [key, value] : conf_.All()) result.AddRow({TextValue(key), TextValue(value)});
    return result.Finish();
  }
  if (command.value) MS_RETURN_IF_ERROR(conf_.Set(*command.key, *command.value));
  result.AddRow({TextValue(*command.key), TextValue(conf_.Get(*command.key).value_or("<undefined>"))});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const ResetConf& command, const Execution&) {
  if (command.key) {
    if (const ConfEntry* entry = FindKnownConf(*command.key); entry != nullptr && entry->is_static)
      return Status::Error(errors::kCannotModifyStaticConfig, {{"key", "\"" + *command.key + "\""}});
    conf_.Unset(*command.key);
  } else {
    conf_.UnsetAll();
  }
  return EmptyResult();
}

}  // namespace millstream
