// What delta.tables.DeltaTable sends: relations that read or change a table, and commands.

#include <delta_connect.pb.h>

#include <nlohmann/json.hpp>

#include "doors/connect/connect_errors.h"
#include "doors/connect/decode_changes.h"
#include "doors/connect/local_rows.h"
#include "doors/connect/parse_message.h"
#include "doors/connect/plan_decoder.h"
#include "plan/sql/parser.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;
namespace dc = delta::connect;

namespace {

Result<MultipartName> NameOf(const dc::DeltaTable& table) {
  if (table.has_path()) return MultipartName{"delta", table.path().path()};
  if (table.access_type_case() == dc::DeltaTable::kTableOrViewName) return ParseMultipartName(table.table_or_view_name());
  return NotSupported(table, "access_type");
}

Status Unsupported(const std::string& what, const std::string& instead = "") { return Status::Unsupported("DeltaTable." + what, instead); }

Result<StructField> ColumnOf(const dc::CreateDeltaTable::Column& message) {
  if (message.has_generated_always_as()) return Unsupported("addColumn with generatedAlwaysAs", "Compute the column in the query that writes the table.");
  if (message.has_identity_info()) return Unsupported("addColumn with an identity");
  sc::DataType type;
  if (!ParseBounded(message.data_type(), &type)) return Status::Error(errors::kPlanMalformed, {{"message", "The type of a column cannot be parsed."}});
  StructField field{.name = message.name(), .nullable = message.nullable()};
  MS_ASSIGN_OR_RETURN(field.type, DataTypeFromSparkProto(type));
  if (message.has_comment()) field.metadata = nlohmann::json{{"comment", message.comment()}}.dump();
  return field;
}

// Whether there is such a table: asked by a statement that every table answers.
Result<bool> Exists(PlanDecoder& decoder, const MultipartName& name) {
  Result<PlanPtr> detail = decoder.CommandToLocal(Command{DescribeDetail{name}});
  if (detail.ok()) return true;
  const std::string_view error = detail.status().error_class().name;
  for (const char* missing : {"TABLE_OR_VIEW_NOT_FOUND", "DELTA_TABLE_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_PATH_DOES_NOT_EXIST", "PATH_NOT_FOUND"}) {
    if (error == missing) return false;
  }
  return detail.status();
}

Result<Command> CreateOf(PlanDecoder& decoder, const dc::CreateDeltaTable& message) {
  CreateTable create{.provider = "delta"};
  using Mode = dc::CreateDeltaTable;
  create.if_not_exists = message.mode() == Mode::MODE_CREATE_IF_NOT_EXISTS;
  create.or_replace = message.mode() == Mode::MODE_REPLACE || message.mode() == Mode::MODE_CREATE_OR_REPLACE;
  if (message.has_table_name()) {
    MS_ASSIGN_OR_RETURN(create.name, ParseMultipartName(message.table_name()));
    if (message.has_location()) create.location = message.location();
  } else if (message.has_location()) {
    create.name = {"delta", message.location()};
  } else {
    return Status::Error(errors::kDeltaCreateWithoutName);
  }
  if (message.mode() == Mode::MODE_REPLACE) {
    MS_ASSIGN_OR_RETURN(bool exists, Exists(decoder, create.name));
    if (!exists)
      return Status::Error(errors::kDeltaReplaceMissing,
                           {{"tableName", message.has_table_name() ? message.table_name() : "delta.`" + message.location() + "`"}});
  }
  if (message.has_comment()) create.comment = message.comment();
  StructType schema;
  for (const auto& column : message.columns()) {
    MS_ASSIGN_OR_RETURN(StructField field, ColumnOf(column));
    schema.Add(std::move(field));
  }
  if (!schema.empty()) create.schema = std::move(schema);
  create.partition_columns.assign(message.partitioning_columns().begin(), message.partitioning_columns().end());
  for (const auto& [key, value] : message.properties()) create.properties[key] = value;
  if (message.clustering_columns_size() > 0) return Unsupported("clusterBy", "Partition the table instead.");
  return Command{std::move(create)};
}

}  // namespace

Result<PlanPtr> PlanDecoder::Extension(const google::protobuf::Any& extension) {
  if (!extension.Is<dc::DeltaRelation>()) return Status::Unsupported("The Spark Connect extension " + extension.type_url());
  dc::DeltaRelation message;
  if (!ParseBounded(extension.value(), &message)) return Status::Error(errors::kPlanMalformed, {{"message", "A Delta relation cannot be parsed."}});
  switch (message.relation_type_case()) {
    case dc::DeltaRelation::kScan: {
      MS_ASSIGN_OR_RETURN(MultipartName name, NameOf(message.scan().table()));
      if (message.scan().table().has_path()) {
        MS_ASSIGN_OR_RETURN(bool exists, Exists(*this, name));
        if (!exists) return Status::Error(errors::kNotADeltaTable, {{"tableName", "delta.`" + name[1] + "`"}});
      }
      return MakePlan(UnresolvedRelation{std::move(name), {}, false});
    }
    case dc::DeltaRelation::kDescribeHistory: {
      MS_ASSIGN_OR_RETURN(MultipartName name, NameOf(message.describe_history().table()));
      return CommandToLocal(Command{DescribeHistory{std::move(name), std::nullopt}});
    }
    case dc::DeltaRelation::kDescribeDetail: {
      MS_ASSIGN_OR_RETURN(MultipartName name, NameOf(message.describe_detail().table()));
      return CommandToLocal(Command{DescribeDetail{std::move(name)}});
    }
    case dc::DeltaRelation::kIsDeltaTable: {
      MS_ASSIGN_OR_RETURN(bool exists, Exists(*this, {"delta", message.is_delta_table().path()}));
      LocalRows rows(StructType({{"value", DataType::Boolean(), false}}));
      rows.Add({exists});
      return rows.Build();
    }
    case dc::DeltaRelation::kDeleteFromTable: {
      MS_ASSIGN_OR_RETURN(Command command, DecodeDelete(*this, message.delete_from_table()));
      return CommandToLocal(command);
    }
    case dc::DeltaRelation::kUpdateTable: {
      MS_ASSIGN_OR_RETURN(Command command, DecodeUpdate(*this, message.update_table()));
      return CommandToLocal(command);
    }
    case dc::DeltaRelation::kMergeIntoTable: {
      MS_ASSIGN_OR_RETURN(Command command, DecodeMerge(*this, message.merge_into_table()));
      return CommandToLocal(command);
    }
    case dc::DeltaRelation::kConvertToDelta:
      return Unsupported("convertToDelta", "Read the files and write them with format(\"delta\").");
    case dc::DeltaRelation::kRestoreTable:
      return Unsupported("restoreToVersion", "Read the old version with versionAsOf and overwrite the table with it.");
    case dc::DeltaRelation::kOptimizeTable:
      return Unsupported("optimize");
    case dc::DeltaRelation::RELATION_TYPE_NOT_SET:
      break;
  }
  return NotSupported(message, "relation_type");
}

Status PlanDecoder::RunExtension(const google::protobuf::Any& extension) {
  if (!extension.Is<dc::DeltaCommand>()) return Status::Unsupported("The Spark Connect extension " + extension.type_url());
  dc::DeltaCommand message;
  if (!ParseBounded(extension.value(), &message)) return Status::Error(errors::kPlanMalformed, {{"message", "A Delta command cannot be parsed."}});
  switch (message.command_type_case()) {
    case dc::DeltaCommand::kCreateDeltaTable: {
      MS_ASSIGN_OR_RETURN(Command create, CreateOf(*this, message.create_delta_table()));
      return CommandToLocal(create).status();
    }
    case dc::DeltaCommand::kAddFeatureSupport: {
      AlterTableProperties alter;
      MS_ASSIGN_OR_RETURN(alter.name, NameOf(message.add_feature_support().table()));
      alter.set["delta.feature." + message.add_feature_support().feature_name()] = "supported";
      return CommandToLocal(Command{std::move(alter)}).status();
    }
    case dc::DeltaCommand::kCloneTable:
      return Unsupported("clone", "Copy the table with CREATE TABLE … AS SELECT.");
    case dc::DeltaCommand::kVacuumTable:
      return Unsupported("vacuum");
    case dc::DeltaCommand::kUpgradeTableProtocol:
      return Unsupported("upgradeTableProtocol", "Set the table property of the feature that you need: the protocol follows.");
    case dc::DeltaCommand::kGenerate:
      return Unsupported("generate");
    case dc::DeltaCommand::kDropFeatureSupport:
      return Unsupported("dropFeatureSupport");
    case dc::DeltaCommand::COMMAND_TYPE_NOT_SET:
      break;
  }
  return NotSupported(message, "command_type");
}

}  // namespace millstream
