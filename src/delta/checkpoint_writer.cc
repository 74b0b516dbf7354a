#include <arrow/builder.h>

#include "base/option_table.h"
#include "delta/log_files.h"
#include "delta/log_maintenance.h"
#include "formats/parquet_writer.h"
#include "storage/failpoint.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kBatchRows = 16384;
constexpr int64_t kWeekMs = int64_t{7} * 24 * 3600 * 1000;

DataType TextMap() { return DataType::Map(DataType::String(), DataType::String()); }

DataType VectorType() {
  return DataType::Struct(StructType({{"storageType", DataType::String()},
                                      {"pathOrInlineDv", DataType::String()},
                                      {"offset", DataType::Integer()},
                                      {"sizeInBytes", DataType::Integer()},
                                      {"cardinality", DataType::Long()}}));
}

enum Column { kTxn, kAdd, kRemove, kMetadata, kProtocol, kDomain, kColumns };

const StructType& CheckpointSchema() {
  static const StructType schema({
      {"txn", DataType::Struct(StructType({{"appId", DataType::String()}, {"version", DataType::Long()}, {"lastUpdated", DataType::Long()}}))},
      {"add", DataType::Struct(StructType({{"path", DataType::String()},
                                           {"partitionValues", TextMap()},
                                           {"size", DataType::Long()},
                                           {"modificationTime", DataType::Long()},
                                           {"dataChange", DataType::Boolean()},
                                           {"tags", TextMap()},
                                           {"deletionVector", VectorType()},
                                           {"baseRowId", DataType::Long()},
                                           {"defaultRowCommitVersion", DataType::Long()},
                                           {"clusteringProvider", DataType::String()},
                                           {"stats", DataType::String()}}))},
      {"remove", DataType::Struct(StructType({{"path", DataType::String()},
                                              {"deletionTimestamp", DataType::Long()},
                                              {"dataChange", DataType::Boolean()},
                                              {"extendedFileMetadata", DataType::Boolean()},
                                              {"partitionValues", TextMap()},
                                              {"size", DataType::Long()},
                                              {"deletionVector", VectorType()},
                                              {"baseRowId", DataType::Long()},
                                              {"defaultRowCommitVersion", DataType::Long()}}))},
      {"metaData", DataType::Struct(StructType({{"id", DataType::String()},
                                                {"name", DataType::String()},
                                                {"description", DataType::String()},
                                                {"format", DataType::Struct(StructType({{"provider", DataType::String()}, {"options", TextMap()}}))},
                                                {"schemaString", DataType::String()},
                                                {"partitionColumns", DataType::Array(DataType::String())},
                                                {"configuration", TextMap()},
                                                {"createdTime", DataType::Long()}}))},
      {"protocol", DataType::Struct(StructType({{"minReaderVersion", DataType::Integer()},
                                                {"minWriterVersion", DataType::Integer()},
                                                {"readerFeatures", DataType::Array(DataType::String())},
                                                {"writerFeatures", DataType::Array(DataType::String())}}))},
      {"domainMetadata",
       DataType::Struct(StructType({{"domain", DataType::String()}, {"configuration", DataType::String()}, {"removed", DataType::Boolean()}}))},
  });
  return schema;
}

// Appends the fields of one struct in the order of its type. Arrow's appends fail only without memory, which ends the process anyway.
class StructAppender {
 public:
  explicit StructAppender(arrow::ArrayBuilder* builder) : builder_(static_cast<arrow::StructBuilder*>(builder)) { Check(builder_->Append()); }
  ~StructAppender() { MS_CHECK(next_ == builder_->num_fields()); }
  void Text(const std::optional<std::string>& text) {
    auto* field = Next<arrow::StringBuilder>();
    Check(text ? field->Append(*text) : field->AppendNull());
  }
  void TextOrNull(const std::string& text) { Text(text.empty() ? std::nullopt : std::optional<std::string>(text)); }
  void Long(const std::optional<int64_t>& number) {
    auto* field = Next<arrow::Int64Builder>();
    Check(number ? field->Append(*number) : field->AppendNull());
  }
  void Int(const std::optional<int64_t>& number) {
    auto* field = Next<arrow::Int32Builder>();
    Check(number ? field->Append(static_cast<int32_t>(*number)) : field->AppendNull());
  }
  void Flag(bool flag) { Check(Next<arrow::BooleanBuilder>()->Append(flag)); }
  template <typename Pairs>
  void TextPairs(const Pairs& pairs) {
    auto* field = Next<arrow::MapBuilder>();
    Check(field->Append());
    for (const auto& [key, value] : pairs) {
      Check(static_cast<arrow::StringBuilder*>(field->key_builder())->Append(key));
      AppendText(static_cast<arrow::StringBuilder*>(field->item_builder()), value);
    }
  }
  void Null() { Check(builder_->field_builder(next_++)->AppendNull()); }
  void Texts(const std::optional<std::vector<std::string>>& texts) {
    auto* field = Next<arrow::ListBuilder>();
    if (!texts) return Check(field->AppendNull());
    Check(field->Append());
    for (const std::string& text : *texts) Check(static_cast<arrow::StringBuilder*>(field->value_builder())->Append(text));
  }
  void Vector(const std::optional<DeletionVectorDescriptor>& vector) {
    if (!vector) return Null();
    StructAppender inner(builder_->field_builder(next_++));
    inner.Text(vector->storage_type);
    inner.Text(vector->path_or_inline_dv);
    inner.Int(vector->offset);
    inner.Int(vector->size_bytes);
    inner.Long(vector->cardinality);
  }
  arrow::ArrayBuilder* NextBuilder() { return builder_->field_builder(next_++); }

 private:
  static void Check(const arrow::Status& status) { MS_CHECK_MSG(status.ok(), status.ToString()); }
  static void AppendText(arrow::StringBuilder* builder, const std::string& text) { Check(builder->Append(text)); }
  static void AppendText(arrow::StringBuilder* builder, const std::optional<std::string>& text) {
    Check(text ? builder->Append(*text) : builder->AppendNull());
  }
  template <typename Builder>
  Builder* Next() {
    return static_cast<Builder*>(builder_->field_builder(next_++));
  }

  arrow::StructBuilder* builder_;
  int next_ = 0;
};

// One row is one action: one column is set, the others are null.
class CheckpointRows {
 public:
  explicit CheckpointRows(ParquetWriter& writer) : writer_(writer), schema_(ToArrowSchema(CheckpointSchema())) {
    for (const auto& field : schema_->fields()) {
      auto builder = arrow::MakeBuilder(field->type());
      MS_CHECK(builder.ok());
      builders_.push_back(std::move(*builder));
    }
  }

  template <typename Fill>
  Status Row(Column column, Fill fill) {
    for (int i = 0; i < kColumns; ++i) {
      if (i != column && !builders_[i]->AppendNull().ok()) return Status::Internal("out of memory in a checkpoint");
    }
    {
      StructAppender fields(builders_[column].get());
      fill(fields);
    }
    ++rows_;
    return rows_ % kBatchRows == 0 ? Flush() : Status();
  }

  Status Flush() {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (auto& builder : builders_) {
      auto array = builder->Finish();
      if (!array.ok()) return FromArrowStatus(array.status(), "while writing a checkpoint");
      columns.push_back(std::move(*array));
    }
    int64_t rows = columns[0]->length();
    if (rows == 0) return Status();
    return writer_.Write(*arrow::RecordBatch::Make(schema_, rows, std::move(columns)));
  }

  int64_t rows() const { return rows_; }

 private:
  ParquetWriter& writer_;
  ArrowSchemaPtr schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  int64_t rows_ = 0;
};

Status AppendTable(CheckpointRows& rows, const Snapshot& snapshot) {
  MS_RETURN_IF_ERROR(rows.Row(kProtocol, [&](StructAppender& to) {
    to.Int(snapshot.protocol.min_reader_version);
    to.Int(snapshot.protocol.min_writer_version);
    to.Texts(snapshot.protocol.reader_features);
    to.Texts(snapshot.protocol.writer_features);
  }));
  MS_RETURN_IF_ERROR(rows.Row(kMetadata, [&](StructAppender& to) {
    const Metadata& metadata = *snapshot.metadata;
    to.Text(metadata.id);
    to.Text(metadata.name);
    to.Text(metadata.description);
    {
      StructAppender format(to.NextBuilder());
      format.Text(metadata.provider);
      format.TextPairs(metadata.format_options);
    }
    to.Text(metadata.schema_string);
    to.Texts(metadata.partition_columns);
    to.TextPairs(metadata.configuration);
    to.Long(metadata.created_ms);
  }));
  for (const auto& [app_id, txn] : *snapshot.transactions) {
    MS_RETURN_IF_ERROR(rows.Row(kTxn, [&, &txn = txn](StructAppender& to) {
      to.Text(txn.app_id);
      to.Long(txn.version);
      to.Long(txn.last_updated_ms);
    }));
  }
  for (const auto& [name, domain] : *snapshot.domains) {
    MS_RETURN_IF_ERROR(rows.Row(kDomain, [&, &domain = domain](StructAppender& to) {
      to.Text(domain.domain);
      to.Text(domain.configuration);
      to.Flag(false);
    }));
  }
  return Status();
}

Status AppendFiles(CheckpointRows& rows, const Snapshot& snapshot, int64_t now_ms) {
  int64_t retention_ms = ParseDurationMillis(snapshot.metadata->Property("delta.deletedFileRetentionDuration").value_or("interval 1 week")).value_or(kWeekMs);
  for (const RemoveFilePtr& remove : *snapshot.tombstones) {
    if (remove->deleted_ms.value_or(0) <= now_ms - retention_ms) continue;
    MS_RETURN_IF_ERROR(rows.Row(kRemove, [&](StructAppender& to) {
      to.Text(remove->path);
      to.Long(remove->deleted_ms);
      to.Flag(false);
      to.Flag(remove->extended);
      remove->extended ? to.TextPairs(remove->partition_values) : to.Null();
      to.Long(remove->size_bytes);
      to.Vector(remove->deletion_vector);
      to.Long(remove->base_row_id);
      to.Long(remove->default_row_commit_version);
    }));
  }
  Status status;
  snapshot.files.ForEach([&](const AddFilePtr& add) {
    if (!status.ok()) return;
    status = rows.Row(kAdd, [&](StructAppender& to) {
      to.Text(add->path);
      to.TextPairs(add->partition_values);
      to.Long(add->size_bytes);
      to.Long(add->modified_ms);
      to.Flag(false);
      add->tags.empty() ? to.Null() : to.TextPairs(add->tags);
      to.Vector(add->deletion_vector);
      to.Long(add->base_row_id);
      to.Long(add->default_row_commit_version);
      to.TextOrNull(add->clustering_provider);
      to.TextOrNull(add->stats);
    });
  });
  return status;
}

}  // namespace

Status WriteCheckpoint(Fs& fs, const Snapshot& snapshot, int64_t now_ms) {
  MS_FAILPOINT("delta.checkpoint.before_publish");
  ParquetWriterOptions options{.stats_columns_max = 0};
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ParquetWriter> writer,
                      ParquetWriter::Create(fs, ClassicCheckpointPath(snapshot.table_path, snapshot.version), CheckpointSchema(), options));
  CheckpointRows rows(*writer);
  MS_RETURN_IF_ERROR(AppendTable(rows, snapshot));
  MS_RETURN_IF_ERROR(AppendFiles(rows, snapshot, now_ms));
  MS_RETURN_IF_ERROR(rows.Flush());
  Result<WrittenFile> written = writer->Close();
  if (written.status().Is(errors::kFileAlreadyExists)) return Status();
  if (!written.ok()) return written.status();
  MS_FAILPOINT("delta.checkpoint.after_publish");
  MS_RETURN_IF_ERROR(fs.SyncDirectory(LogDirectory(snapshot.table_path)));
  MS_FAILPOINT("delta.checkpoint.before_hint");
  std::string hint = "{\"version\":" + std::to_string(snapshot.version) + ",\"size\":" + std::to_string(rows.rows()) +
                     ",\"sizeInBytes\":" + std::to_string(written->size_bytes) + ",\"numOfAddFiles\":" + std::to_string(snapshot.files.size()) + "}";
  MS_RETURN_IF_ERROR(fs.Replace(LastCheckpointPath(snapshot.table_path), hint));
  MS_FAILPOINT("delta.checkpoint.after_hint");
  return Status();
}

}  // namespace millstream
