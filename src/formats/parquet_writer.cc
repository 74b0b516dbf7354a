#include "formats/parquet_writer.h"

#include <arrow/array.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <cmath>
#include <set>
#include <unordered_set>

#include "formats/parquet_io.h"
#include "formats/parquet_stats.h"
#include "formats/parquet_variants.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kSampleRows = 4096;

// Value `row` as bytes, for types whose equality is that of their bytes; nullopt: another type.
std::optional<std::string_view> BytesOf(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(array).GetView(row);
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128: {
      int width = static_cast<const arrow::FixedWidthType&>(*array.type()).bit_width() / 8;
      const uint8_t* data = array.data()->buffers[1]->data() + (array.offset() + row) * width;
      return std::string_view(reinterpret_cast<const char*>(data), width);
    }
    default:
      return std::nullopt;
  }
}

// A dictionary pays when values repeat; else each value is hashed for nothing until the dictionary overflows.
bool WantsDictionary(const arrow::Array& array) {
  int64_t rows = std::min(array.length(), kSampleRows), seen = 0;
  std::unordered_set<std::string_view> distinct;
  for (int64_t row = 0; row < rows; ++row) {
    if (array.IsNull(row)) continue;
    std::optional<std::string_view> bytes = BytesOf(array, row);
    if (!bytes) return true;
    ++seen;
    distinct.insert(*bytes);
  }
  return seen > 1 && static_cast<int64_t>(distinct.size()) * 2 <= seen;
}

// Whether a codec makes the values smaller by a twentieth at least. What it does not is written as it is: compressing random names and numbers takes longer
// than all else that is done with them. (DELTA_LENGTH_BYTE_ARRAY would save their lengths too; the library's encoder allocates memory for each value.)
bool IsWorthCompressing(const arrow::Array& array, parquet::Compression::type codec_type) {
  std::string bytes;
  for (int64_t row = 0; row < std::min(array.length(), kSampleRows); ++row) {
    if (array.IsNull(row)) continue;
    std::optional<std::string_view> value = BytesOf(array, row);
    if (!value) return true;
    bytes += *value;
  }
  arrow::Result<std::unique_ptr<arrow::util::Codec>> codec = arrow::util::Codec::Create(codec_type);
  constexpr size_t kBytesMin = 4096;  // of less, nothing can be told
  if (!codec.ok() || *codec == nullptr || bytes.size() < kBytesMin) return true;
  const auto* input = reinterpret_cast<const uint8_t*>(bytes.data());
  std::string compressed(static_cast<size_t>((*codec)->MaxCompressedLen(static_cast<int64_t>(bytes.size()), input)), '\0');
  arrow::Result<int64_t> size =
      (*codec)->Compress(static_cast<int64_t>(bytes.size()), input, static_cast<int64_t>(compressed.size()), reinterpret_cast<uint8_t*>(compressed.data()));
  return !size.ok() || *size * 20 < static_cast<int64_t>(bytes.size()) * 19;
}

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

parquet::Compression::type CodecOf(ParquetWriterOptions::Codec codec) {
  switch (codec) {
    case ParquetWriterOptions::Codec::kNone:
      return parquet::Compression::UNCOMPRESSED;
    case ParquetWriterOptions::Codec::kSnappy:
      return parquet::Compression::SNAPPY;
    case ParquetWriterOptions::Codec::kZstd:
      return parquet::Compression::ZSTD;
  }
  return parquet::Compression::SNAPPY;
}

class ArrowParquetWriter : public ParquetWriter {
 public:
  ArrowParquetWriter(std::string path, const StructType& schema, const ParquetWriterOptions& options, std::unique_ptr<PendingFile> file)
      : path_(std::move(path)), schema_(schema), options_(options), file_(std::move(file)), null_counts_(schema.size()) {
    arrow::FieldVector fields = ToArrowSchema(schema)->fields();
    // Nullability is the table's to check; Spark's files say optional throughout.
    for (auto& field : fields) field = field->WithNullable(true)->WithType(WithVariantAnnotation(field->type()));
    arrow_schema_ = arrow::schema(std::move(fields));
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

  void ChooseEncoding(const arrow::Array& sample, const std::string& name, parquet::WriterProperties::Builder& properties) const {
    if (IsVariantType(*sample.type())) {
      // The keys of rows repeat themselves, their values as a whole do not; and nobody asks for the bounds of either.
      for (const char* part : {"value", "metadata"})
        properties.disable_statistics(std::make_shared<parquet::schema::ColumnPath>(std::vector<std::string>{name, part}));
      properties.disable_dictionary(std::make_shared<parquet::schema::ColumnPath>(std::vector<std::string>{name, "value"}));
      return;
    }
    if (sample.type()->num_fields() > 0 || WantsDictionary(sample)) return;
    const auto column = std::make_shared<parquet::schema::ColumnPath>(std::vector<std::string>{name});
    properties.disable_dictionary(column);
    if (!IsWorthCompressing(sample, CodecOf(options_.codec))) properties.compression(column, parquet::Compression::UNCOMPRESSED);
  }

  // Encodings are chosen from the first rows.
  Status Start(const arrow::RecordBatch* sample) {
    parquet::WriterProperties::Builder properties;
    properties.created_by("millstream 0.1.0")
        ->compression(CodecOf(options_.codec))
        ->enable_page_checksum()
        ->enable_store_decimal_as_integer()
        ->version(parquet::ParquetVersion::PARQUET_2_6)
        ->data_page_version(parquet::ParquetDataPageVersion::V1)
        ->set_size_statistics_level(parquet::SizeStatisticsLevel::None)
        ->max_row_group_length(int64_t{1} << 40);
    if (sample) {
      for (int i = 0; i < sample->num_columns(); ++i) ChooseEncoding(*sample->column(i), arrow_schema_->field(i)->name(), properties);
    }
    parquet::ArrowWriterProperties::Builder arrow_properties;
    stream_ = std::make_shared<PendingFileStream>(*file_);
    auto writer = parquet::arrow::FileWriter::Open(*arrow_schema_, arrow::default_memory_pool(), stream_, properties.build(), arrow_properties.build());
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
