#include <arrow/builder.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "connectors/delta/delta_connector.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/features.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using Json = nlohmann::json;

DataType TextMap() { return DataType::Map(DataType::String(), DataType::String()); }

// Fills the columns of the history. Appends fail only without memory, which the Finish reports.
class HistoryRows {
 public:
  HistoryRows() : schema_(ToArrowSchema(DeltaHistorySchema())) {
    for (const auto& field : schema_->fields()) builders_.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());
  }

  arrow::Status Append(const HistoryEntry& entry) {
    Json info = Json::parse(entry.commit_info_json, nullptr, false);
    next_ = 0;
    ARROW_RETURN_NOT_OK(Next<arrow::Int64Builder>()->Append(entry.version));
    ARROW_RETURN_NOT_OK(Next<arrow::TimestampBuilder>()->Append(entry.timestamp_ms * 1000));
    const Json* found = &info;
    ARROW_RETURN_NOT_OK(Text(found, "userId"));
    ARROW_RETURN_NOT_OK(Text(found, "userName"));
    ARROW_RETURN_NOT_OK(Text(found, "operation"));
    ARROW_RETURN_NOT_OK(Pairs(found, "operationParameters"));
    ARROW_RETURN_NOT_OK(builders_[next_++]->AppendNull());  // job
    ARROW_RETURN_NOT_OK(builders_[next_++]->AppendNull());  // notebook
    ARROW_RETURN_NOT_OK(Text(found, "clusterId"));
    auto* version = Next<arrow::Int64Builder>();
    const Json* read_version = Child(found, "readVersion");
    ARROW_RETURN_NOT_OK(read_version && read_version->is_number_integer() ? version->Append(read_version->get<int64_t>()) : version->AppendNull());
    ARROW_RETURN_NOT_OK(Text(found, "isolationLevel"));
    auto* blind = Next<arrow::BooleanBuilder>();
    const Json* is_blind = Child(found, "isBlindAppend");
    ARROW_RETURN_NOT_OK(is_blind && is_blind->is_boolean() ? blind->Append(is_blind->get<bool>()) : blind->AppendNull());
    ARROW_RETURN_NOT_OK(Pairs(found, "operationMetrics"));
    ARROW_RETURN_NOT_OK(Text(found, "userMetadata"));
    return Text(found, "engineInfo");
  }

  Result<RowStreamPtr> Finish(int64_t rows) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (auto& builder : builders_) {
      auto array = builder->Finish();
      if (!array.ok()) return FromArrowStatus(array.status(), "while reading the history");
      columns.push_back(*array);
    }
    return MakeRowStream(schema_, {arrow::RecordBatch::Make(schema_, rows, std::move(columns))});
  }

 private:
  template <typename Builder>
  Builder* Next() {
    return static_cast<Builder*>(builders_[next_++].get());
  }

  static const Json* Child(const Json* info, std::string_view key) {
    if (!info->is_object()) return nullptr;
    auto found = info->find(key);
    return found == info->end() ? nullptr : &*found;
  }

  arrow::Status Text(const Json* info, std::string_view key) {
    const Json* text = Child(info, key);
    auto* builder = Next<arrow::StringBuilder>();
    return text && text->is_string() ? builder->Append(text->get<std::string>()) : builder->AppendNull();
  }

  arrow::Status Pairs(const Json* info, std::string_view key) {
    const Json* object = Child(info, key);
    auto* builder = Next<arrow::MapBuilder>();
    if (!object || !object->is_object()) return builder->AppendNull();
    ARROW_RETURN_NOT_OK(builder->Append());
    for (const auto& [name, value] : object->items()) {
      ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(builder->key_builder())->Append(name));
      auto* items = static_cast<arrow::StringBuilder*>(builder->item_builder());
      if (value.is_string()) {
        ARROW_RETURN_NOT_OK(items->Append(value.get<std::string>()));
      } else {
        ARROW_RETURN_NOT_OK(value.is_null() ? items->AppendNull() : items->Append(value.dump()));
      }
    }
    return arrow::Status::OK();
  }

  ArrowSchemaPtr schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  size_t next_ = 0;
};

}  // namespace

const StructType& DeltaDetailSchema() {
  static const StructType schema({{"format", DataType::String()},
                                  {"id", DataType::String()},
                                  {"name", DataType::String()},
                                  {"description", DataType::String()},
                                  {"location", DataType::String()},
                                  {"createdAt", DataType::Timestamp()},
                                  {"lastModified", DataType::Timestamp()},
                                  {"partitionColumns", DataType::Array(DataType::String())},
                                  {"clusteringColumns", DataType::Array(DataType::String())},
                                  {"numFiles", DataType::Long()},
                                  {"sizeInBytes", DataType::Long()},
                                  {"properties", TextMap()},
                                  {"minReaderVersion", DataType::Integer()},
                                  {"minWriterVersion", DataType::Integer()},
                                  {"tableFeatures", DataType::Array(DataType::String())}});
  return schema;
}

namespace {

arrow::Status AppendDetail(const Snapshot& snapshot, const std::optional<std::string>& name, std::vector<std::unique_ptr<arrow::ArrayBuilder>>& builders) {
  size_t next = 0;
  auto text = [&](const std::optional<std::string>& value) {
    auto* builder = static_cast<arrow::StringBuilder*>(builders[next++].get());
    return value ? builder->Append(*value) : builder->AppendNull();
  };
  auto time = [&](int64_t ms) { return static_cast<arrow::TimestampBuilder*>(builders[next++].get())->Append(ms * 1000); };
  auto number = [&](int64_t value) { return static_cast<arrow::Int64Builder*>(builders[next++].get())->Append(value); };
  auto small = [&](int value) { return static_cast<arrow::Int32Builder*>(builders[next++].get())->Append(value); };
  auto list = [&](const std::vector<std::string>& values) {
    auto* builder = static_cast<arrow::ListBuilder*>(builders[next++].get());
    ARROW_RETURN_NOT_OK(builder->Append());
    return static_cast<arrow::StringBuilder*>(builder->value_builder())->AppendValues(values);
  };
  const Metadata& metadata = *snapshot.metadata;
  ARROW_RETURN_NOT_OK(text("delta"));
  ARROW_RETURN_NOT_OK(text(metadata.id));
  ARROW_RETURN_NOT_OK(text(name));
  ARROW_RETURN_NOT_OK(text(metadata.description));
  ARROW_RETURN_NOT_OK(text(HadoopPathString(snapshot.table_path)));
  ARROW_RETURN_NOT_OK(time(metadata.created_ms.value_or(0)));
  ARROW_RETURN_NOT_OK(time(snapshot.timestamp_ms));
  ARROW_RETURN_NOT_OK(list(metadata.partition_columns));
  ARROW_RETURN_NOT_OK(list({}));
  ARROW_RETURN_NOT_OK(number(static_cast<int64_t>(snapshot.files.size())));
  ARROW_RETURN_NOT_OK(number(snapshot.size_bytes));
  auto* map = static_cast<arrow::MapBuilder*>(builders[next++].get());
  ARROW_RETURN_NOT_OK(map->Append());
  for (const auto& [key, value] : metadata.configuration) {
    ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(map->key_builder())->Append(key));
    ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(map->item_builder())->Append(value));
  }
  ARROW_RETURN_NOT_OK(small(snapshot.protocol.min_reader_version));
  ARROW_RETURN_NOT_OK(small(snapshot.protocol.min_writer_version));
  // The features of both sides; where the protocol is of numbers only, what its numbers mean.
  Protocol named = snapshot.protocol.writer_features ? snapshot.protocol : ProtocolWithFeature(snapshot.protocol, "appendOnly", false);
  std::vector<std::string> features;
  for (const auto* side : {&named.reader_features, &named.writer_features}) {
    if (*side) features.insert(features.end(), (*side)->begin(), (*side)->end());
  }
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return list(features);
}

}  // namespace

Result<RowStreamPtr> DescribeDeltaDetail(DeltaTables& tables, const std::string& path, const std::optional<std::string>& name) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables.Log(path)->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  ArrowSchemaPtr schema = ToArrowSchema(DeltaDetailSchema());
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const auto& field : schema->fields()) builders.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());
  arrow::Status appended = AppendDetail(*snapshot, name, builders);
  if (!appended.ok()) return FromArrowStatus(appended, "while describing a table");
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (auto& builder : builders) {
    auto array = builder->Finish();
    if (!array.ok()) return FromArrowStatus(array.status(), "while describing a table");
    columns.push_back(*array);
  }
  return MakeRowStream(schema, {arrow::RecordBatch::Make(schema, 1, std::move(columns))});
}

const StructType& DeltaHistorySchema() {
  static const StructType schema({{"version", DataType::Long()},
                                  {"timestamp", DataType::Timestamp()},
                                  {"userId", DataType::String()},
                                  {"userName", DataType::String()},
                                  {"operation", DataType::String()},
                                  {"operationParameters", TextMap()},
                                  {"job", DataType::Struct(StructType({{"jobId", DataType::String()},
                                                                       {"jobName", DataType::String()},
                                                                       {"jobRunId", DataType::String()},
                                                                       {"runId", DataType::String()},
                                                                       {"jobOwnerId", DataType::String()},
                                                                       {"triggerType", DataType::String()}}))},
                                  {"notebook", DataType::Struct(StructType({{"notebookId", DataType::String()}}))},
                                  {"clusterId", DataType::String()},
                                  {"readVersion", DataType::Long()},
                                  {"isolationLevel", DataType::String()},
                                  {"isBlindAppend", DataType::Boolean()},
                                  {"operationMetrics", TextMap()},
                                  {"userMetadata", DataType::String()},
                                  {"engineInfo", DataType::String()}});
  return schema;
}

Result<RowStreamPtr> DescribeDeltaHistory(DeltaTables& tables, const std::string& path, std::optional<int64_t> limit) {
  Result<std::vector<HistoryEntry>> history = tables.Log(path)->History(limit);
  if (history.status().Is(errors::kFileNotFound)) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  if (!history.ok()) return history.status();
  HistoryRows rows;
  for (const HistoryEntry& entry : *history) {
    if (arrow::Status appended = rows.Append(entry); !appended.ok()) return FromArrowStatus(appended, "while reading the history");
  }
  return rows.Finish(static_cast<int64_t>(history->size()));
}

Result<DeltaTableInfo> DescribeDeltaTable(DeltaTables& tables, const std::string& path) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables.Log(path)->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  const Metadata& metadata = *snapshot->metadata;
  DeltaTableInfo info{.id = metadata.id,
                      .version = snapshot->version,
                      .schema = metadata.schema,
                      .partition_columns = metadata.partition_columns,
                      .properties = metadata.configuration,
                      .name = metadata.name,
                      .comment = metadata.description,
                      .created_ms = metadata.created_ms.value_or(0),
                      .files = static_cast<int64_t>(snapshot->files.size()),
                      .size_bytes = snapshot->size_bytes};
  info.properties["delta.minReaderVersion"] = std::to_string(snapshot->protocol.min_reader_version);
  info.properties["delta.minWriterVersion"] = std::to_string(snapshot->protocol.min_writer_version);
  for (const auto* features : {&snapshot->protocol.reader_features, &snapshot->protocol.writer_features}) {
    if (!*features) continue;
    for (const std::string& feature : **features) info.properties["delta.feature." + feature] = "supported";
  }
  return info;
}

}  // namespace millstream
