#include "delta/features.h"

#include <algorithm>
#include <set>

#include "delta/delta_errors.h"

namespace millstream {
namespace {

const std::set<std::string>& ReadableFeatures() {
  static const std::set<std::string> features = {"columnMapping",        "deletionVectors",     "timestampNtz", "v2Checkpoint",       "typeWidening",
                                                 "typeWidening-preview", "vacuumProtocolCheck", "variantType",  "variantType-preview"};
  return features;
}

// Those that an append or a full overwrite honours; the ones below need the table not to use them.
const std::set<std::string>& WritableFeatures() {
  static const std::set<std::string> features = {"appendOnly",          "invariants",          "checkConstraints",     "changeDataFeed", "generatedColumns",
                                                 "columnMapping",       "identityColumns",     "deletionVectors",      "v2Checkpoint",   "timestampNtz",
                                                 "domainMetadata",      "inCommitTimestamp",   "clustering",           "typeWidening",   "typeWidening-preview",
                                                 "allowColumnDefaults", "vacuumProtocolCheck", "checkpointProtection", "variantType",    "variantType-preview"};
  return features;
}

std::string Join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

std::vector<std::string> Unknown(const std::optional<std::vector<std::string>>& features, const std::set<std::string>& known) {
  std::vector<std::string> unknown;
  if (!features) return unknown;
  for (const std::string& feature : *features) {
    if (known.count(feature) == 0) unknown.push_back(feature);
  }
  return unknown;
}

bool AnyFieldSays(const DataType& type, std::string_view key);

bool AnyFieldSays(const StructType& fields, std::string_view key) {
  for (const StructField& field : fields) {
    if (field.metadata.find(key) != std::string::npos || AnyFieldSays(field.type, key)) return true;
  }
  return false;
}

bool AnyFieldSays(const DataType& type, std::string_view key) {
  switch (type.id()) {
    case TypeId::kStruct:
      return AnyFieldSays(type.fields(), key);
    case TypeId::kArray:
      return AnyFieldSays(type.element(), key);
    case TypeId::kMap:
      return AnyFieldSays(type.key(), key) || AnyFieldSays(type.value(), key);
    default:
      return false;
  }
}

}  // namespace

bool HoldsType(const DataType& type, TypeId id) {
  if (type.id() == id) return true;
  switch (type.id()) {
    case TypeId::kStruct:
      return std::any_of(type.fields().begin(), type.fields().end(), [&](const StructField& field) { return HoldsType(field.type, id); });
    case TypeId::kArray:
      return HoldsType(type.element(), id);
    case TypeId::kMap:
      return HoldsType(type.key(), id) || HoldsType(type.value(), id);
    default:
      return false;
  }
}

ColumnMappingMode MappingModeOf(const Metadata& metadata) {
  std::string mode = metadata.Property("delta.columnMapping.mode").value_or("none");
  if (mode == "name") return ColumnMappingMode::kName;
  if (mode == "id") return ColumnMappingMode::kId;
  return ColumnMappingMode::kNone;
}

Status CheckReadable(const Protocol& protocol, const Metadata& metadata, const std::string& table_path) {
  if (protocol.min_reader_version < 1 || protocol.min_reader_version > 3) {
    return Status::Error(errors::kDeltaInvalidProtocol,
                         {{"readerRequired", std::to_string(protocol.min_reader_version)}, {"writerRequired", std::to_string(protocol.min_writer_version)}});
  }
  std::vector<std::string> unknown = Unknown(protocol.reader_features, ReadableFeatures());
  if (protocol.min_reader_version == 3 && !unknown.empty()) {
    return Status::Error(errors::kDeltaUnsupportedForRead, {{"tableNameOrPath", table_path}, {"unsupported", Join(unknown)}});
  }
  if (metadata.provider != "parquet") return Status::Unsupported("The file format " + metadata.provider + " of Delta table " + table_path);
  return Status();
}

Status CheckWritable(const Protocol& protocol, const Metadata& metadata, const std::string& table_path) {
  MS_RETURN_IF_ERROR(CheckReadable(protocol, metadata, table_path));
  if (protocol.min_writer_version < 1 || protocol.min_writer_version > 7) {
    return Status::Error(errors::kDeltaInvalidProtocol,
                         {{"readerRequired", std::to_string(protocol.min_reader_version)}, {"writerRequired", std::to_string(protocol.min_writer_version)}});
  }
  std::vector<std::string> refused = Unknown(protocol.writer_features, WritableFeatures());
  auto refuse = [&](bool used, const char* feature) {
    if (used && std::find(refused.begin(), refused.end(), feature) == refused.end()) refused.push_back(feature);
  };
  refuse(MappingModeOf(metadata) != ColumnMappingMode::kNone, "columnMapping");
  refuse(AnyFieldSays(metadata.schema, "delta.identity."), "identityColumns");
  refuse(AnyFieldSays(metadata.schema, "CURRENT_DEFAULT"), "allowColumnDefaults");
  refuse(metadata.IsTrue("delta.enableRowTracking"), "rowTracking");
  if (!refused.empty()) return Status::Error(errors::kDeltaUnsupportedForWrite, {{"tableNameOrPath", table_path}, {"unsupported", Join(refused)}});
  return Status();
}

Protocol ProtocolForNewTable(const StructType& schema) { return ProtocolWith(Protocol{}, schema); }

Protocol ProtocolWithFeature(Protocol current, const std::string& feature, bool for_readers) {
  // Going to named features, what the old numbers meant is spelled out.
  if (current.min_writer_version < 7) {
    std::vector<std::string> implied = {"appendOnly", "invariants"};
    if (current.min_writer_version >= 3) implied.push_back("checkConstraints");
    if (current.min_writer_version >= 4) implied.insert(implied.end(), {"changeDataFeed", "generatedColumns"});
    if (current.min_writer_version >= 5) implied.push_back("columnMapping");
    if (current.min_writer_version >= 6) implied.push_back("identityColumns");
    if (current.min_writer_version < 2) implied.clear();
    current.writer_features = implied;
    current.min_writer_version = 7;
  }
  if (for_readers && current.min_reader_version < 3) {
    current.reader_features = std::vector<std::string>();
    if (current.min_reader_version == 2) current.reader_features->push_back("columnMapping");
    current.min_reader_version = 3;
  }
  for (auto* features : {&current.reader_features, &current.writer_features}) {
    if (features == &current.reader_features && !for_readers) continue;
    if (!*features) *features = std::vector<std::string>();
    if (std::find((*features)->begin(), (*features)->end(), feature) == (*features)->end()) (*features)->push_back(feature);
  }
  return current;
}

Protocol ProtocolWithConstraints(Protocol current) {
  if (current.min_writer_version >= 7) return ProtocolWithFeature(std::move(current), "checkConstraints", false);
  current.min_writer_version = std::max(current.min_writer_version, 3);
  return current;
}

Protocol ProtocolWith(Protocol current, const StructType& schema) {
  const auto holds = [&](TypeId type) {
    return std::any_of(schema.begin(), schema.end(), [&](const StructField& field) { return HoldsType(field.type, type); });
  };
  const auto has = [&](const char* feature) {
    return current.reader_features && std::find(current.reader_features->begin(), current.reader_features->end(), feature) != current.reader_features->end();
  };
  if (holds(TypeId::kTimestampNtz)) current = ProtocolWithFeature(std::move(current), "timestampNtz", true);
  if (holds(TypeId::kVariant) && !has("variantType-preview")) current = ProtocolWithFeature(std::move(current), "variantType", true);
  // Version 4 would ask writers for the change data feed, too.
  const bool knows_generated = current.min_writer_version >= 4 && current.min_writer_version < 7;
  if (!knows_generated && AnyFieldSays(schema, "delta.generationExpression")) current = ProtocolWithFeature(std::move(current), "generatedColumns", false);
  return current;
}

}  // namespace millstream
