#include <arrow/builder.h>
#include <simdjson.h>

#include "connectors/delta/delta_connector.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using simdjson::dom::element;

DataType TextMap() { return DataType::Map(DataType::String(), DataType::String()); }

// Fills the columns of the history. Appends fail only without memory, which the Finish reports.
class HistoryRows {
 public:
  HistoryRows() : schema_(ToArrowSchema(DeltaHistorySchema())) {
    for (const auto& field : schema_->fields()) builders_.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());
  }

  arrow::Status Append(const HistoryEntry& entry) {
    element info;
    bool has_info = !entry.commit_info_json.empty() && parser_.parse(entry.commit_info_json).get(info) == simdjson::SUCCESS;
    next_ = 0;
    ARROW_RETURN_NOT_OK(Next<arrow::Int64Builder>()->Append(entry.version));
    ARROW_RETURN_NOT_OK(Next<arrow::TimestampBuilder>()->Append(entry.timestamp_ms * 1000));
    const element* found = has_info ? &info : nullptr;
    ARROW_RETURN_NOT_OK(Text(found, "userId"));
    ARROW_RETURN_NOT_OK(Text(found, "userName"));
    ARROW_RETURN_NOT_OK(Text(found, "operation"));
    ARROW_RETURN_NOT_OK(Pairs(found, "operationParameters"));
    ARROW_RETURN_NOT_OK(builders_[next_++]->AppendNull());  // job
    ARROW_RETURN_NOT_OK(builders_[next_++]->AppendNull());  // notebook
    ARROW_RETURN_NOT_OK(Text(found, "clusterId"));
    int64_t read_version;
    auto* version = Next<arrow::Int64Builder>();
    ARROW_RETURN_NOT_OK(found && found->at_key("readVersion").get(read_version) == simdjson::SUCCESS ? version->Append(read_version) : version->AppendNull());
    ARROW_RETURN_NOT_OK(Text(found, "isolationLevel"));
    bool is_blind;
    auto* blind = Next<arrow::BooleanBuilder>();
    ARROW_RETURN_NOT_OK(found && found->at_key("isBlindAppend").get(is_blind) == simdjson::SUCCESS ? blind->Append(is_blind) : blind->AppendNull());
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

  arrow::Status Text(const element* info, std::string_view key) {
    std::string_view text;
    auto* builder = Next<arrow::StringBuilder>();
    return info && info->at_key(key).get(text) == simdjson::SUCCESS ? builder->Append(text) : builder->AppendNull();
  }

  arrow::Status Pairs(const element* info, std::string_view key) {
    simdjson::dom::object object;
    auto* builder = Next<arrow::MapBuilder>();
    if (!info || info->at_key(key).get(object) != simdjson::SUCCESS) return builder->AppendNull();
    ARROW_RETURN_NOT_OK(builder->Append());
    for (auto field : object) {
      ARROW_RETURN_NOT_OK(static_cast<arrow::StringBuilder*>(builder->key_builder())->Append(field.key));
      auto* items = static_cast<arrow::StringBuilder*>(builder->item_builder());
      std::string_view text;
      if (field.value.get(text) == simdjson::SUCCESS) {
        ARROW_RETURN_NOT_OK(items->Append(text));
      } else {
        ARROW_RETURN_NOT_OK(field.value.is_null() ? items->AppendNull() : items->Append(simdjson::minify(field.value)));
      }
    }
    return arrow::Status::OK();
  }

  ArrowSchemaPtr schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  simdjson::dom::parser parser_;
  size_t next_ = 0;
};

}  // namespace

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
