#include "connectors/delta/table_change.h"

#include <algorithm>

#include "base/option_table.h"
#include "base/uuid.h"
#include "delta/action_json.h"
#include "delta/check_constraints.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "delta/schema_merge.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

// Properties of Delta that mean something here, or may stand in a table without any harm.
constexpr std::string_view kKnownProperties[] = {"appendOnly",
                                                 "autoOptimize.autoCompact",
                                                 "autoOptimize.optimizeWrite",
                                                 "checkpoint.writeStatsAsJson",
                                                 "checkpoint.writeStatsAsStruct",
                                                 "checkpointInterval",
                                                 "checkpointPolicy",
                                                 "checkpointRetentionDuration",
                                                 "columnMapping.maxColumnId",
                                                 "columnMapping.mode",
                                                 "compatibility.symlinkFormatManifest.enabled",
                                                 "dataSkippingNumIndexedCols",
                                                 "dataSkippingStatsColumns",
                                                 "deletedFileRetentionDuration",
                                                 "enableChangeDataFeed",
                                                 "enableDeletionVectors",
                                                 "enableExpiredLogCleanup",
                                                 "enableFullRetentionRollback",
                                                 "enableIcebergCompatV1",
                                                 "enableIcebergCompatV2",
                                                 "enableInCommitTimestamps",
                                                 "enableRowTracking",
                                                 "enableTypeWidening",
                                                 "isolationLevel",
                                                 "logRetentionDuration",
                                                 "minReaderVersion",
                                                 "minWriterVersion",
                                                 "parquet.compression.codec",
                                                 "randomPrefixLength",
                                                 "randomizeFilePrefixes",
                                                 "sampleRetentionDuration",
                                                 "setTransactionRetentionDuration",
                                                 "targetFileSize",
                                                 "tuneFileSizesForRewrites",
                                                 "universalFormat.enabledFormats"};

bool IsKnownProperty(std::string_view key) {
  if (!key.starts_with("delta.")) return true;
  key.remove_prefix(6);
  if (key.starts_with("feature.") || key.starts_with("constraints.")) return true;
  return std::find(std::begin(kKnownProperties), std::end(kKnownProperties), key) != std::end(kKnownProperties);
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

bool SameNames(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::string& x, const std::string& y) { return !CaseInsensitiveLess()(x, y) && !CaseInsensitiveLess()(y, x); });
}

}  // namespace

std::map<std::string, std::string> WithPropertyOptions(std::map<std::string, std::string> properties, const OptionMap& options) {
  for (const auto& [name, value] : options)
    if (name.starts_with("delta.")) properties.emplace(name, value);
  return properties;
}

Status ApplyProperties(const std::map<std::string, std::string>& properties, Protocol& protocol) {
  for (const auto& [key, value] : properties) {
    if (!IsKnownProperty(key)) {
      return Status::Error(errors::kDeltaUnknownConfiguration,
                           {{"config", key}, {"disableCheckConfig", "spark.databricks.delta.allowArbitraryProperties.enabled"}});
    }
    const bool is_on = ParseBool(value).value_or(false);
    if (key == "delta.enableChangeDataFeed" || key == "delta.feature.changeDataFeed") {
      if (is_on || value == "supported") protocol = ProtocolWithFeature(std::move(protocol), "changeDataFeed", false);
      continue;
    }
    if (IsConstraint(key) || (key == "delta.feature.checkConstraints" && value == "supported")) {
      protocol = ProtocolWithConstraints(std::move(protocol));
      continue;
    }
    if (key == "delta.enableDeletionVectors" || key == "delta.feature.deletionVectors") {
      if (is_on || value == "supported") protocol = ProtocolWithFeature(std::move(protocol), "deletionVectors", true);
      continue;
    }
    if (key == "delta.enableTypeWidening" || key == "delta.feature.typeWidening") {
      if (is_on || value == "supported") protocol = ProtocolWithFeature(std::move(protocol), "typeWidening", true);
      continue;
    }
    if (key == "delta.isolationLevel" && value != "Serializable") {
      return Status::Unsupported("The table property " + key + " = " + value, "Serializable is the only level that Delta's open source knows, too.");
    }
    bool needs_feature = (key.starts_with("delta.enable") && is_on && key != "delta.enableExpiredLogCleanup" && key != "delta.enableFullRetentionRollback") ||
                         key.starts_with("delta.feature.") || (key == "delta.columnMapping.mode" && value != "none") ||
                         (key == "delta.checkpointPolicy" && value != "classic") || key == "delta.minReaderVersion" || key == "delta.minWriterVersion" ||
                         key.starts_with("delta.universalFormat");
    if (needs_feature && !(key == "delta.minReaderVersion" && value <= "1") && !(key == "delta.minWriterVersion" && value <= "2")) {
      return Status::Unsupported("The table property " + key + " = " + value, "Leave it out, or create the table with Spark.");
    }
  }
  return Status();
}

Result<TableChange> PlanNewTable(const StructType& schema, const WriteWishes& wishes, int64_t now_ms) {
  MS_RETURN_IF_ERROR(CheckTableSchema(schema, wishes.partition_by));
  Metadata metadata;
  metadata.id = NewUuid();
  metadata.description = wishes.comment;
  metadata.schema = schema;
  metadata.schema_string = ToSparkJson(schema);
  for (const std::string& column : wishes.partition_by) metadata.partition_columns.push_back(schema[*schema.IndexOf(column)].name);
  metadata.configuration = wishes.properties;
  metadata.configuration.erase("delta.minReaderVersion");
  metadata.configuration.erase("delta.minWriterVersion");
  metadata.created_ms = now_ms;
  Protocol protocol = ProtocolForNewTable(schema);
  MS_RETURN_IF_ERROR(ApplyProperties(wishes.properties, protocol));
  return TableChange{.target = metadata, .metadata = metadata, .protocol = std::move(protocol)};
}

Result<TableChange> PlanTableChange(const SnapshotPtr& snapshot, const std::string& table_path, const StructType& rows, const WriteWishes& wishes,
                                    int64_t now_ms) {
  if (!snapshot) return PlanNewTable(ForNewTable(rows), wishes, now_ms);
  const Metadata& current = *snapshot->metadata;
  MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, current, table_path));
  if (!wishes.overwrite_schema && !wishes.partition_by.empty() && !SameNames(wishes.partition_by, current.partition_columns)) {
    return Status::Error(errors::kDeltaMetadataMismatch,
                         {{"detail", "Partition columns do not match the partition columns of the table.\nGiven: [" + JoinNames(wishes.partition_by) +
                                         "]\nTable: [" + JoinNames(current.partition_columns) + "]"}});
  }
  TableChange change{.target = current};
  StructType schema = current.schema;
  if (wishes.overwrite_schema) {
    schema = ForNewTable(rows);
    if (!wishes.partition_by.empty()) change.target.partition_columns = wishes.partition_by;
  } else if (wishes.merge_schema) {
    MS_ASSIGN_OR_RETURN(schema, MergeSchemas(current.schema, rows, current.IsTrue("delta.enableTypeWidening")));
  } else {
    MS_RETURN_IF_ERROR(CheckSchemaFits(current.schema, rows, current.id));
  }
  if (schema == current.schema && change.target.partition_columns == current.partition_columns) return change;
  MS_RETURN_IF_ERROR(CheckTableSchema(schema, change.target.partition_columns));
  change.target.schema = schema;
  change.target.schema_string = ToSparkJson(schema);
  change.metadata = change.target;
  Protocol protocol = ProtocolWith(snapshot->protocol, schema);
  if (!(protocol == snapshot->protocol)) change.protocol = std::move(protocol);
  return change;
}

RemoveFilePtr RemoveOf(const AddFile& file, int64_t now_ms) {
  auto remove = std::make_shared<RemoveFile>();
  remove->path = file.path;
  remove->deleted_ms = now_ms;
  remove->extended = true;
  remove->partition_values = file.partition_values;
  remove->size_bytes = file.size_bytes;
  remove->deletion_vector = file.deletion_vector;
  remove->base_row_id = file.base_row_id;
  remove->default_row_commit_version = file.default_row_commit_version;
  return remove;
}

std::vector<RemoveFilePtr> RemoveAll(const Snapshot& snapshot, int64_t now_ms) {
  std::vector<RemoveFilePtr> removes;
  removes.reserve(snapshot.files.size());
  snapshot.files.ForEach([&](const AddFilePtr& file) { removes.push_back(RemoveOf(*file, now_ms)); });
  return removes;
}

Status CheckRemovable(const Snapshot& snapshot) {
  if (!snapshot.metadata->IsTrue("delta.appendOnly")) return Status();
  return Status::Error(errors::kDeltaAppendOnly, {{"table_name", snapshot.metadata->name.value_or("delta.`" + snapshot.table_path + "`")}});
}

std::vector<SetTransaction> ForgottenFiles(const Snapshot& snapshot, int64_t now_ms) {
  if (snapshot.TransactionVersion(kFileLedgerAppId).value_or(0) == 0) return {};
  return {{kFileLedgerAppId, 0, now_ms}};
}

std::string JsonList(const std::vector<std::string>& names) {
  std::string json = "[";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) json += ',';
    AppendJsonString(json, names[i]);
  }
  return json + "]";
}

}  // namespace millstream
