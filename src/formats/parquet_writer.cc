#include "formats/parquet_writer.h"

#include <arrow/array.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <cmath>
#include <set>

#include "formats/parquet_io.h"
#include "formats/parquet_properties.h"
#include "formats/parquet_stats.h"
#include "formats/parquet_variants.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Leaves of float type that hold a NaN, for the Delta statistics; `leaf` counts Parquet columns.
template <typename ArrayType>
bool HasNan(const arrow::Array& array) {
  const auto& typed = static_cast<const ArrayType&>(array);
  for (int64_t i = 0; i < typed.length(); ++i) {
    if (std::isnan(typed.raw_values()[i]) && !typed.IsNull(i)) return true;
  }
  return false;
}

void FindNans(const arrow::Array& array, int& leaf, std::set<int>& found) {
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      if (found.count(leaf) == 0 && HasNan<arrow::FloatArray>(array)) found.insert(leaf);
      ++leaf;
      return;
    case arrow::Type::DOUBLE:
      if (found.count(leaf) == 0 && HasNan<arrow::DoubleArray>(array)) found.insert(leaf);
      ++leaf;
      return;
    case arrow::Type::STRUCT:
      for (const auto& child : static_cast<const arrow::StructArray&>(array).fields()) FindNans(*child, leaf, found);
      return;
    case arrow::Type::LIST:
      return FindNans(*static_cast<const arrow::ListArray&>(array).values(), leaf, found);
    case arrow::Type::MAP:
      FindNans(*static_cast<const arrow::MapArray&>(array).keys(), leaf, found);
      return FindNans(*static_cast<const arrow::MapArray&>(array).items(), leaf, found);
    default:
      ++leaf;
  }
}

class ArrowParquetWriter : public ParquetWriter {
 public:
  ArrowParquetWriter(std::string path, const StructType& schema, const ParquetWriterOptions& options, std::unique_ptr<PendingFile> file)
      : path_(std::move(path)), schema_(schema), options_(options), file_(std::move(file)), null_counts_(schema.size()) {
    arrow_schema_ = ParquetFileSchema(schema);
    for (const auto& field : arrow_schema_->fields()) has_floats_ = has_floats_ || MayHoldFloats(*field->type());
  }

  Status Write(const arrow::RecordBatch& rows) override {
    return Guarded([&]() -> Status {
      if (rows.num_columns() != arrow_schema_->num_fields()) return Status::Internal("a batch for " + path_ + " does not have the file's columns");
      if (!writer_) MS_RETURN_IF_ERROR(Start(&rows));
      int64_t bytes = EstimateBytes(rows);
      if (group_bytes_ > 0 && group_bytes_ + bytes > options_.row_group_bytes) {
        MS_RETURN_IF_ERROR(From(writer_->NewBufferedRowGroup()));
        group_bytes_ = 0;
      }
      group_bytes_ += bytes;
      rows_ += rows.num_rows();
      int leaf = 0;
      for (int i = 0; i < rows.num_columns(); ++i) {
        null_counts_[i] += rows.column(i)->null_count();
        if (has_floats_) FindNans(*rows.column(i), leaf, with_nan_);
      }
      std::vector<std::shared_ptr<arrow::Array>> columns;
      for (int i = 0; i < rows.num_columns(); ++i) columns.push_back(AnnotateVariants(rows.column(i), arrow_schema_->field(i)->type()));
      return From(writer_->WriteRecordBatch(*arrow::RecordBatch::Make(arrow_schema_, rows.num_rows(), std::move(columns))));
    });
  }

  int64_t bytes_so_far() const override { return file_->size_bytes() + group_bytes_ / 2; }

  void AddMetadata(std::string key, std::string value) override {
    if (footer_metadata_ == nullptr) footer_metadata_ = std::make_shared<arrow::KeyValueMetadata>();
    footer_metadata_->Append(std::move(key), std::move(value));
  }

  Result<WrittenFile> Close() override {
    WrittenFile written{.path = path_, .rows = rows_};
    MS_RETURN_IF_ERROR(Guarded([&]() -> Status {
      if (!writer_) MS_RETURN_IF_ERROR(Start(nullptr));
      if (footer_metadata_ != nullptr) MS_RETURN_IF_ERROR(From(writer_->AddKeyValueMetadata(footer_metadata_)));
      MS_RETURN_IF_ERROR(From(writer_->Close()));
      MS_RETURN_IF_ERROR(From(stream_->Close()));
      written.columns = CollectStats(*writer_->metadata(), schema_, null_counts_, with_nan_, options_.stats_columns_max);
      return Status();
    }));
    written.size_bytes = file_->size_bytes();
    MS_RETURN_IF_ERROR(file_->Publish(path_));
    return written;
  }

 private:
  static bool MayHoldFloats(const arrow::DataType& type) {
    if (type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE) return true;
    for (const auto& child : type.fields()) {
      if (MayHoldFloats(*child->type())) return true;
    }
    return false;
  }

  static int64_t EstimateBytes(const arrow::RecordBatch& rows) {
    arrow::Result<int64_t> bytes = arrow::util::ReferencedBufferSize(rows);
    return bytes.ok() ? *bytes : rows.num_rows() * rows.num_columns() * 8;
  }

  // Encodings are chosen from the first rows.
  Status Start(const arrow::RecordBatch* sample) {
    parquet::ArrowWriterProperties::Builder arrow_properties;
    stream_ = std::make_shared<PendingFileStream>(*file_);
    auto writer = parquet::arrow::FileWriter::Open(*arrow_schema_, arrow::default_memory_pool(), stream_, ParquetProperties(options_, *arrow_schema_, sample),
                                                   arrow_properties.build());
    MS_RETURN_IF_ERROR(From(writer.status()));
    writer_ = std::move(*writer);
    return sample ? From(writer_->NewBufferedRowGroup()) : Status();
  }

  template <typename Body>
  Status Guarded(Body body) {
    try {
      return body();
    } catch (const std::exception& error) {
      if (stream_ && !stream_->error().ok()) return stream_->error();
      return Status::Internal("writing " + path_ + ": " + error.what());
    }
  }

  Status From(const arrow::Status& status) {
    if (status.ok()) return Status();
    if (stream_ && !stream_->error().ok()) return stream_->error();
    return FromArrowStatus(status, "while writing " + path_);
  }

  std::string path_;
  StructType schema_;
  ParquetWriterOptions options_;
  std::unique_ptr<PendingFile> file_;
  ArrowSchemaPtr arrow_schema_;
  std::shared_ptr<PendingFileStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::vector<int64_t> null_counts_;
  std::set<int> with_nan_;
  std::shared_ptr<arrow::KeyValueMetadata> footer_metadata_;  // null: nothing
  bool has_floats_ = false;
  int64_t rows_ = 0, group_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::Create(Fs& fs, std::string path, const StructType& schema, const ParquetWriterOptions& options) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(std::string(ParentPath(path))));
  return std::unique_ptr<ParquetWriter>(std::make_unique<ArrowParquetWriter>(std::move(path), schema, options, std::move(file)));
}

}  // namespace millstream
