// spark.catalog: each call is a relation whose rows are the answer, with Spark's columns.

#include <arrow/array.h>
#include <arrow/scalar.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "base/ignore_case.h"
#include "doors/connect/connect_errors.h"
#include "doors/connect/local_rows.h"
#include "doors/connect/plan_decoder.h"
#include "plan/sql/parser.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

const std::string kCatalogName = "spark_catalog";

StructType Strings(std::vector<std::pair<std::string, bool>> columns) {
  StructType schema;
  for (auto& [name, nullable] : columns) schema.Add({std::move(name), DataType::String(), nullable});
  return schema;
}

Result<PlanPtr> OneText(std::string text) {
  LocalRows rows(Strings({{"value", true}}));
  rows.Add({std::move(text)});
  return rows.Build();
}

Result<PlanPtr> OneFlag(bool flag) {
  LocalRows rows(StructType({{"value", DataType::Boolean(), false}}));
  rows.Add({flag});
  return rows.Build();
}

Result<PlanPtr> Nothing() { return LocalRows(StructType()).Build(); }

Result<PlanPtr> DatabaseRows(const std::vector<Session::DatabaseInfo>& databases) {
  LocalRows rows(Strings({{"name", true}, {"catalog", true}, {"description", true}, {"locationUri", true}}));
  for (const auto& database : databases) rows.Add({database.name, kCatalogName, database.description, database.location_uri});
  return rows.Build();
}

Result<PlanPtr> TableRows(const std::vector<Session::TableInfo>& tables) {
  StructType schema = Strings({{"name", true}, {"catalog", true}});
  schema.Add({"namespace", DataType::Array(DataType::String()), true});
  schema.Add({"description", DataType::String(), true});
  schema.Add({"tableType", DataType::String(), true});
  schema.Add({"isTemporary", DataType::Boolean(), false});
  LocalRows rows(std::move(schema));
  for (const auto& table : tables) {
    using Cell = LocalRows::Cell;
    rows.Add({table.name, table.is_temporary ? Cell() : Cell(kCatalogName), table.database.empty() ? Cell() : Cell(std::vector<std::string>{table.database}),
              CellOf(table.description), table.table_type, table.is_temporary});
  }
  return rows.Build();
}

Result<MultipartName> NameOf(const std::string& table, bool has_database, const std::string& database) {
  if (has_database && !database.empty()) return MultipartName{database, table};
  return ParseMultipartName(table);
}

std::optional<std::string> CommentOf(const StructField& field) {
  auto metadata = nlohmann::json::parse(field.metadata, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object() || !metadata.contains("comment") || !metadata["comment"].is_string()) return std::nullopt;
  return metadata["comment"].get<std::string>();
}

template <typename Message>
std::optional<std::string> PatternOf(const Message& message) {
  return message.has_pattern() ? std::optional<std::string>(message.pattern()) : std::nullopt;
}
template <typename Message>
std::optional<std::string> DatabaseOf(const Message& message) {
  return message.has_db_name() ? std::optional<std::string>(message.db_name()) : std::nullopt;
}

}  // namespace

Result<PlanPtr> PlanDecoder::CatalogCall(const sc::Catalog& catalog) {
  Session& session = session_.session();
  auto run = [&](Command command) -> Result<PlanPtr> {
    MS_RETURN_IF_ERROR(CommandToLocal(command).status());
    return Nothing();
  };
  switch (catalog.cat_type_case()) {
    case sc::Catalog::kCurrentDatabase:
      return OneText(session.current_database());
    case sc::Catalog::kSetCurrentDatabase:
      MS_RETURN_IF_ERROR(session.SetCurrentDatabase(catalog.set_current_database().db_name()));
      return Nothing();
    case sc::Catalog::kListDatabases: {
      MS_ASSIGN_OR_RETURN(auto databases, session.ListDatabases(PatternOf(catalog.list_databases())));
      return DatabaseRows(databases);
    }
    case sc::Catalog::kGetDatabase:
    case sc::Catalog::kDatabaseExists: {
      bool exists_only = catalog.has_database_exists();
      const std::string& name = exists_only ? catalog.database_exists().db_name() : catalog.get_database().db_name();
      MS_ASSIGN_OR_RETURN(auto databases, session.ListDatabases(std::nullopt));
      std::erase_if(databases, [&](const auto& database) { return !EqualsIgnoreCase(database.name, name); });
      if (exists_only) return OneFlag(!databases.empty());
      if (databases.empty()) return Status::Error(errors::kSchemaNotFound, {{"schemaName", "`" + kCatalogName + "`.`" + name + "`"}});
      return DatabaseRows(databases);
    }
    case sc::Catalog::kListTables: {
      MS_ASSIGN_OR_RETURN(auto tables, session.ListTables(DatabaseOf(catalog.list_tables()), PatternOf(catalog.list_tables())));
      return TableRows(tables);
    }
    case sc::Catalog::kListViews: {
      MS_ASSIGN_OR_RETURN(auto tables, session.ListTables(DatabaseOf(catalog.list_views()), PatternOf(catalog.list_views())));
      std::erase_if(tables, [](const auto& table) { return !table.is_temporary && table.table_type != "VIEW"; });
      return TableRows(tables);
    }
    case sc::Catalog::kGetTable: {
      MS_ASSIGN_OR_RETURN(MultipartName name, NameOf(catalog.get_table().table_name(), catalog.get_table().has_db_name(), catalog.get_table().db_name()));
      MS_RETURN_IF_ERROR(session.AnalyzePlan(MakePlan(UnresolvedRelation{name, {}, false})).status());
      std::optional<std::string> database;
      if (name.size() > 1) database = name[name.size() - 2];
      MS_ASSIGN_OR_RETURN(auto tables, session.ListTables(database, std::nullopt));
      std::erase_if(tables, [&](const auto& table) { return !EqualsIgnoreCase(table.name, name.back()); });
      if (tables.size() > 1) tables.resize(1);
      return TableRows(tables);
    }
    case sc::Catalog::kTableExists: {
      MS_ASSIGN_OR_RETURN(MultipartName name,
                          NameOf(catalog.table_exists().table_name(), catalog.table_exists().has_db_name(), catalog.table_exists().db_name()));
      MS_ASSIGN_OR_RETURN(bool exists, session.TableExists(name));
      return OneFlag(exists);
    }
    case sc::Catalog::kListColumns:
      return ListColumns(catalog.list_columns().table_name(), catalog.list_columns().db_name());
    case sc::Catalog::kCreateTable: {
      const sc::CreateTable& message = catalog.create_table();
      MS_ASSIGN_OR_RETURN(MultipartName name, ParseMultipartName(message.table_name()));
      return MakeTable(name, message.path(), message.source(), message.description(), message.has_schema() ? &message.schema() : nullptr, message.options());
    }
    case sc::Catalog::kCreateExternalTable: {
      const sc::CreateExternalTable& message = catalog.create_external_table();
      MS_ASSIGN_OR_RETURN(MultipartName name, ParseMultipartName(message.table_name()));
      return MakeTable(name, message.path(), message.source(), "", message.has_schema() ? &message.schema() : nullptr, message.options());
    }
    case sc::Catalog::kDropTempView: {
      MS_ASSIGN_OR_RETURN(bool dropped, session.DropTempView(catalog.drop_temp_view().view_name(), false));
      return OneFlag(dropped);
    }
    case sc::Catalog::kDropGlobalTempView: {
      MS_ASSIGN_OR_RETURN(bool dropped, session.DropTempView(catalog.drop_global_temp_view().view_name(), true));
      return OneFlag(dropped);
    }
    case sc::Catalog::kDropTable: {
      DropTable drop;
      MS_ASSIGN_OR_RETURN(drop.name, ParseMultipartName(catalog.drop_table().table_name()));
      drop.if_exists = catalog.drop_table().if_exists();
      drop.purge = catalog.drop_table().purge();
      return run(Command{std::move(drop)});
    }
    case sc::Catalog::kDropView: {
      DropTable drop;
      MS_ASSIGN_OR_RETURN(drop.name, ParseMultipartName(catalog.drop_view().view_name()));
      drop.if_exists = catalog.drop_view().if_exists();
      drop.is_view = true;
      return run(Command{std::move(drop)});
    }
    case sc::Catalog::kCreateDatabase: {
      CreateDatabase create;
      MS_ASSIGN_OR_RETURN(create.name, ParseMultipartName(catalog.create_database().db_name()));
      create.if_not_exists = catalog.create_database().if_not_exists();
      for (const auto& [key, value] : catalog.create_database().properties()) create.properties[key] = value;
      return run(Command{std::move(create)});
    }
    case sc::Catalog::kDropDatabase: {
      DropDatabase drop;
      MS_ASSIGN_OR_RETURN(drop.name, ParseMultipartName(catalog.drop_database().db_name()));
      drop.if_exists = catalog.drop_database().if_exists();
      drop.cascade = catalog.drop_database().cascade();
      return run(Command{std::move(drop)});
    }
    case sc::Catalog::kCurrentCatalog:
      return OneText(kCatalogName);
    case sc::Catalog::kSetCurrentCatalog: {
      const std::string& name = catalog.set_current_catalog().catalog_name();
      if (name != kCatalogName)
        return Status::Error(errors::kCatalogNotFound, {{"catalogName", "`" + name + "`"}, {"config", "\"spark.sql.catalog." + name + "\""}});
      return Nothing();
    }
    case sc::Catalog::kListCatalogs: {
      LocalRows rows(Strings({{"name", true}, {"description", true}}));
      const std::string pattern = catalog.list_catalogs().pattern();
      if (pattern.empty() || pattern == "*" || pattern == kCatalogName || pattern == "spark*") rows.Add({kCatalogName, LocalRows::Cell()});
      return rows.Build();
    }
    // Nothing is cached, and every read looks at the table as it is now: these have nothing to do but to check the name.
    case sc::Catalog::kIsCached:
      return OneFlag(false);
    case sc::Catalog::kCacheTable:
    case sc::Catalog::kUncacheTable:
    case sc::Catalog::kRefreshTable: {
      const std::string& text = catalog.has_cache_table()     ? catalog.cache_table().table_name()
                                : catalog.has_uncache_table() ? catalog.uncache_table().table_name()
                                                              : catalog.refresh_table().table_name();
      MS_ASSIGN_OR_RETURN(MultipartName name, ParseMultipartName(text));
      MS_RETURN_IF_ERROR(session.AnalyzePlan(MakePlan(UnresolvedRelation{name, {}, false})).status());
      return Nothing();
    }
    case sc::Catalog::kClearCache:
    case sc::Catalog::kRefreshByPath:
      return Nothing();
    case sc::Catalog::kListFunctions:
    case sc::Catalog::kGetFunction:
    case sc::Catalog::kFunctionExists:
    case sc::Catalog::kRecoverPartitions:
    case sc::Catalog::kListPartitions:
    case sc::Catalog::kGetTableProperties:
    case sc::Catalog::kGetCreateTableString:
    case sc::Catalog::kTruncateTable:
    case sc::Catalog::kAnalyzeTable:
    case sc::Catalog::CAT_TYPE_NOT_SET:
      break;
  }
  return NotSupported(catalog, "cat_type");
}

Result<PlanPtr> PlanDecoder::ListColumns(const std::string& table, const std::string& database) {
  MS_ASSIGN_OR_RETURN(MultipartName name, NameOf(table, !database.empty(), database));
  MS_ASSIGN_OR_RETURN(PlanPtr plan, session_.session().AnalyzePlan(MakePlan(UnresolvedRelation{name, {}, false})));
  // DESCRIBE is where a table says what it is partitioned by.
  std::set<std::string> partition_columns;
  MS_ASSIGN_OR_RETURN(PlanPtr described, CommandToLocal(Command{DescribeTable{name, false}}));
  bool in_partitions = false;
  for (const RecordBatchPtr& batch : described->As<LocalRelation>()->batches) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      auto cell = batch->column(0)->GetScalar(row);
      std::string text = cell.ok() && (*cell)->is_valid ? (*cell)->ToString() : "";
      if (text.starts_with("# Partition")) {
        in_partitions = true;
      } else if (in_partitions && (text.empty() || text.starts_with("# Detailed"))) {
        in_partitions = false;
      } else if (in_partitions && !text.starts_with("#")) {
        partition_columns.insert(text);
      }
    }
  }
  StructType schema = Strings({{"name", true}, {"description", true}, {"dataType", true}});
  for (const char* flag : {"nullable", "isPartition", "isBucket", "isCluster"}) schema.Add({flag, DataType::Boolean(), false});
  LocalRows rows(std::move(schema));
  for (const StructField& field : SchemaOf(*plan)) {
    rows.Add({field.name, CellOf(CommentOf(field)), field.type.SimpleString(), field.nullable, partition_columns.count(field.name) > 0, false, false});
  }
  return rows.Build();
}

Result<PlanPtr> PlanDecoder::MakeTable(const MultipartName& name, const std::string& path, const std::string& source, const std::string& description,
                                       const sc::DataType* schema, const google::protobuf::Map<std::string, std::string>& options) {
  CreateTable create;
  create.name = name;
  create.provider = source;
  for (const auto& [key, value] : options) create.options[key] = value;
  if (!path.empty()) create.location = path;
  if (!description.empty()) create.comment = description;
  if (schema != nullptr) {
    MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkProto(*schema));
    if (type.id() != TypeId::kStruct) return Status::Error(errors::kPlanMalformed, {{"message", "A table's schema is not a struct."}});
    if (!type.fields().empty()) create.schema = type.fields();
  }
  MS_RETURN_IF_ERROR(CommandToLocal(Command{std::move(create)}).status());
  return MakePlan(UnresolvedRelation{name, {}, false});
}

}  // namespace millstream
