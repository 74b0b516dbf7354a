#include "delta/checkpoint_reader.h"

#include <arrow/array.h>

#include "delta/action_json.h"
#include "delta/delta_errors.h"
#include "formats/parquet_reader.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

std::optional<std::string> TextAt(const arrow::Array* array, int64_t row) {
  if (!array || array->IsNull(row)) return std::nullopt;
  switch (array->type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::string(static_cast<const arrow::BinaryArray*>(array)->GetView(row));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::string(static_cast<const arrow::LargeBinaryArray*>(array)->GetView(row));
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return std::string(static_cast<const arrow::BinaryViewArray*>(array)->GetView(row));
    case arrow::Type::DICTIONARY: {
      const auto* dictionary = static_cast<const arrow::DictionaryArray*>(array);
      return TextAt(dictionary->dictionary().get(), dictionary->GetValueIndex(row));
    }
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> IntAt(const arrow::Array* array, int64_t row) {
  if (!array || array->IsNull(row)) return std::nullopt;
  switch (array->type_id()) {
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Array*>(array)->Value(row);
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Array*>(array)->Value(row);
    default:
      return std::nullopt;
  }
}

bool BoolAt(const arrow::Array* array, int64_t row, bool otherwise) {
  if (!array || array->type_id() != arrow::Type::BOOL || array->IsNull(row)) return otherwise;
  return static_cast<const arrow::BooleanArray*>(array)->Value(row);
}

PartitionValues PairsAt(const arrow::Array* array, int64_t row) {
  PartitionValues pairs;
  if (!array || array->type_id() != arrow::Type::MAP || array->IsNull(row)) return pairs;
  const auto* map = static_cast<const arrow::MapArray*>(array);
  for (int64_t i = map->value_offset(row); i < map->value_offset(row + 1); ++i) {
    if (std::optional<std::string> key = TextAt(map->keys().get(), i)) pairs[*key] = TextAt(map->items().get(), i);
  }
  return pairs;
}

std::map<std::string, std::string> TextMapAt(const arrow::Array* array, int64_t row) {
  std::map<std::string, std::string> map;
  for (auto& [key, value] : PairsAt(array, row)) {
    if (value) map[key] = std::move(*value);
  }
  return map;
}

std::optional<std::vector<std::string>> TextsAt(const arrow::Array* array, int64_t row) {
  if (!array || array->type_id() != arrow::Type::LIST || array->IsNull(row)) return std::nullopt;
  const auto* list = static_cast<const arrow::ListArray*>(array);
  std::vector<std::string> texts;
  for (int64_t i = list->value_offset(row); i < list->value_offset(row + 1); ++i) {
    if (std::optional<std::string> text = TextAt(list->values().get(), i)) texts.push_back(std::move(*text));
  }
  return texts;
}

// The children of one struct column, by name. A child that the file does not have reads as null.
class StructColumn {
 public:
  explicit StructColumn(ArrayPtr array) : array_(std::move(array)) {
    if (!array_ || array_->type_id() != arrow::Type::STRUCT) return;
    const auto& structs = static_cast<const arrow::StructArray&>(*array_);
    for (int i = 0; i < structs.num_fields(); ++i) children_[structs.struct_type()->field(i)->name()] = structs.field(i);
  }
  bool Has(int64_t row) const { return !children_.empty() && array_->IsValid(row); }
  const arrow::Array* operator[](const std::string& name) const {
    auto found = children_.find(name);
    return found == children_.end() ? nullptr : found->second.get();
  }
  StructColumn Child(const std::string& name) const {
    auto found = children_.find(name);
    return StructColumn(found == children_.end() ? nullptr : found->second);
  }

 private:
  ArrayPtr array_;
  std::map<std::string, ArrayPtr> children_;
};

std::optional<DeletionVectorDescriptor> VectorAt(const StructColumn& column, int64_t row) {
  if (!column.Has(row)) return std::nullopt;
  return DeletionVectorDescriptor{.storage_type = TextAt(column["storageType"], row).value_or(""),
                                  .path_or_inline_dv = TextAt(column["pathOrInlineDv"], row).value_or(""),
                                  .offset = IntAt(column["offset"], row),
                                  .size_bytes = IntAt(column["sizeInBytes"], row).value_or(0),
                                  .cardinality = IntAt(column["cardinality"], row).value_or(0)};
}

PartitionValues EmptyIsNull(PartitionValues values) {
  for (auto& [name, value] : values) {
    if (value && value->empty()) value.reset();
  }
  return values;
}

class CheckpointBatch {
 public:
  CheckpointBatch(const arrow::RecordBatch& batch, const std::string& path, CommitActions& actions) : batch_(batch), path_(path), actions_(actions) {}

  Status Read() {
    MS_RETURN_IF_ERROR(Adds());
    MS_RETURN_IF_ERROR(Removes());
    MS_RETURN_IF_ERROR(ProtocolAndMetadata());
    StructColumn txn = Column("txn"), domain = Column("domainMetadata"), sidecar = Column("sidecar");
    for (int64_t row = 0; row < batch_.num_rows(); ++row) {
      if (txn.Has(row)) {
        actions_.transactions.push_back({TextAt(txn["appId"], row).value_or(""), IntAt(txn["version"], row).value_or(0), IntAt(txn["lastUpdated"], row)});
      }
      if (domain.Has(row)) {
        actions_.domains.push_back(
            {TextAt(domain["domain"], row).value_or(""), TextAt(domain["configuration"], row).value_or(""), BoolAt(domain["removed"], row, false)});
      }
      if (sidecar.Has(row)) actions_.sidecars.push_back({TextAt(sidecar["path"], row).value_or(""), IntAt(sidecar["sizeInBytes"], row).value_or(0)});
    }
    return Status();
  }

 private:
  StructColumn Column(const std::string& name) const { return StructColumn(batch_.GetColumnByName(name)); }
  Status Missing(const std::string& what) const {
    return Status::Error(errors::kDeltaLogCorrupt, {{"path", path_}, {"reason", what + " is missing in the checkpoint"}});
  }

  Status Adds() {
    StructColumn add = Column("add"), vector = add.Child("deletionVector");
    for (int64_t row = 0; row < batch_.num_rows(); ++row) {
      if (!add.Has(row)) continue;
      auto file = std::make_shared<AddFile>();
      std::optional<std::string> path = TextAt(add["path"], row);
      std::optional<int64_t> size = IntAt(add["size"], row);
      if (!path) return Missing("add.path");
      if (!size) return Missing("add.size");
      file->path = std::move(*path);
      file->size_bytes = *size;
      file->partition_values = EmptyIsNull(PairsAt(add["partitionValues"], row));
      file->modified_ms = IntAt(add["modificationTime"], row).value_or(0);
      file->data_change = BoolAt(add["dataChange"], row, true);
      file->stats = TextAt(add["stats"], row).value_or("");
      file->deletion_vector = VectorAt(vector, row);
      file->tags = TextMapAt(add["tags"], row);
      file->base_row_id = IntAt(add["baseRowId"], row);
      file->default_row_commit_version = IntAt(add["defaultRowCommitVersion"], row);
      file->clustering_provider = TextAt(add["clusteringProvider"], row).value_or("");
      actions_.adds.push_back(std::move(file));
    }
    return Status();
  }

  Status Removes() {
    StructColumn remove = Column("remove"), vector = remove.Child("deletionVector");
    for (int64_t row = 0; row < batch_.num_rows(); ++row) {
      if (!remove.Has(row)) continue;
      auto file = std::make_shared<RemoveFile>();
      std::optional<std::string> path = TextAt(remove["path"], row);
      if (!path) return Missing("remove.path");
      file->path = std::move(*path);
      file->deleted_ms = IntAt(remove["deletionTimestamp"], row);
      file->data_change = BoolAt(remove["dataChange"], row, true);
      file->extended = BoolAt(remove["extendedFileMetadata"], row, false);
      file->partition_values = EmptyIsNull(PairsAt(remove["partitionValues"], row));
      file->size_bytes = IntAt(remove["size"], row);
      file->deletion_vector = VectorAt(vector, row);
      file->base_row_id = IntAt(remove["baseRowId"], row);
      file->default_row_commit_version = IntAt(remove["defaultRowCommitVersion"], row);
      actions_.removes.push_back(std::move(file));
    }
    return Status();
  }

  Status ProtocolAndMetadata() {
    StructColumn protocol = Column("protocol"), metadata = Column("metaData"), format = metadata.Child("format");
    for (int64_t row = 0; row < batch_.num_rows(); ++row) {
      if (protocol.Has(row)) {
        std::optional<int64_t> reader = IntAt(protocol["minReaderVersion"], row), writer = IntAt(protocol["minWriterVersion"], row);
        if (!reader || !writer) return Missing("protocol.minReaderVersion or minWriterVersion");
        actions_.protocol = Protocol{.min_reader_version = static_cast<int>(*reader),
                                     .min_writer_version = static_cast<int>(*writer),
                                     .reader_features = TextsAt(protocol["readerFeatures"], row),
                                     .writer_features = TextsAt(protocol["writerFeatures"], row)};
      }
      if (!metadata.Has(row)) continue;
      Metadata found;
      std::optional<std::string> id = TextAt(metadata["id"], row), schema = TextAt(metadata["schemaString"], row);
      if (!id || !schema) return Missing("metaData.id or schemaString");
      found.id = std::move(*id);
      found.schema_string = std::move(*schema);
      found.name = TextAt(metadata["name"], row);
      found.description = TextAt(metadata["description"], row);
      if (format.Has(row)) {
        found.provider = TextAt(format["provider"], row).value_or("parquet");
        found.format_options = TextMapAt(format["options"], row);
      }
      found.partition_columns = TextsAt(metadata["partitionColumns"], row).value_or(std::vector<std::string>());
      found.configuration = TextMapAt(metadata["configuration"], row);
      found.created_ms = IntAt(metadata["createdTime"], row);
      MS_ASSIGN_OR_RETURN(found.schema, SchemaFromSparkJson(found.schema_string));
      actions_.metadata = std::move(found);
    }
    return Status();
  }

  const arrow::RecordBatch& batch_;
  const std::string& path_;
  CommitActions& actions_;
};

Status ReadParquetPart(Fs& fs, const std::string& path, CommitActions& actions) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const ParquetFile> file, ParquetFile::Open(fs, path));
  std::vector<int> columns;
  for (const char* name : {"add", "remove", "metaData", "protocol", "txn", "domainMetadata", "sidecar"}) {
    if (int index = file->arrow_schema()->GetFieldIndex(name); index >= 0) columns.push_back(index);
  }
  if (columns.empty()) return Status::Error(errors::kDeltaLogCorrupt, {{"path", path}, {"reason", "it has no column of a checkpoint"}});
  for (int group = 0; group < file->row_groups(); ++group) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ParquetRows> rows, file->ReadRowGroup(group, columns));
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
      if (!batch) break;
      MS_RETURN_IF_ERROR(CheckpointBatch(*batch, path, actions).Read());
    }
  }
  return Status();
}

}  // namespace

Result<CommitActions> ReadCheckpoint(Fs& fs, const std::string& table_path, const CheckpointFiles& checkpoint) {
  CommitActions actions;
  if (checkpoint.kind == CheckpointFiles::Kind::kV2Json) {
    MS_ASSIGN_OR_RETURN(std::string bytes, fs.ReadFile(checkpoint.files[0]));
    MS_ASSIGN_OR_RETURN(actions, ParseActions(std::move(bytes), checkpoint.files[0]));
  } else {
    for (const std::string& path : checkpoint.files) MS_RETURN_IF_ERROR(ReadParquetPart(fs, path, actions));
  }
  std::vector<Sidecar> sidecars = std::move(actions.sidecars);
  for (const Sidecar& sidecar : sidecars) {
    std::string path;
    if (sidecar.path.find('/') == std::string::npos) {
      path = JoinPath(JoinPath(LogDirectory(table_path), "_sidecars"), DecodeUriPath(sidecar.path));
    } else {
      MS_ASSIGN_OR_RETURN(path, DataFilePath(table_path, sidecar.path));
    }
    MS_RETURN_IF_ERROR(ReadParquetPart(fs, path, actions));
  }
  return actions;
}

}  // namespace millstream
