#include "formats/parquet_properties.h"

#include <arrow/array.h>
#include <arrow/util/compression.h>

#include <optional>
#include <string_view>
#include <unordered_set>

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

bool AreWorthCompressing(const arrow::Array& array, parquet::Compression::type codec) {
  std::string bytes;
  for (int64_t row = 0; row < std::min(array.length(), kSampleRows); ++row) {
    if (array.IsNull(row)) continue;
    std::optional<std::string_view> value = BytesOf(array, row);
    if (!value) return true;
    bytes += *value;
  }
  return IsWorthCompressing(bytes, codec);
}

void ChooseEncoding(const arrow::Array& sample, const std::string& name, parquet::Compression::type codec, parquet::WriterProperties::Builder& properties) {
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
  if (!AreWorthCompressing(sample, codec)) properties.compression(column, parquet::Compression::UNCOMPRESSED);
}

}  // namespace

bool IsWorthCompressing(std::string_view sample, parquet::Compression::type codec_type) {
  arrow::Result<std::unique_ptr<arrow::util::Codec>> codec = arrow::util::Codec::Create(codec_type);
  constexpr size_t kBytesMin = 4096;  // of less, nothing can be told
  if (!codec.ok() || *codec == nullptr || sample.size() < kBytesMin) return true;
  const auto* input = reinterpret_cast<const uint8_t*>(sample.data());
  const auto input_bytes = static_cast<int64_t>(sample.size());
  std::string compressed(static_cast<size_t>((*codec)->MaxCompressedLen(input_bytes, input)), '\0');
  arrow::Result<int64_t> size = (*codec)->Compress(input_bytes, input, static_cast<int64_t>(compressed.size()), reinterpret_cast<uint8_t*>(compressed.data()));
  return !size.ok() || *size * 20 < input_bytes * 19;
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

ArrowSchemaPtr ParquetFileSchema(const StructType& schema) {
  arrow::FieldVector fields = ToArrowSchema(schema)->fields();
  // Nullability is the table's to check; Spark's files say optional throughout.
  for (auto& field : fields) field = field->WithNullable(true)->WithType(WithVariantAnnotation(field->type()));
  return arrow::schema(std::move(fields));
}

parquet::WriterProperties::Builder ParquetPropertiesBuilder(const ParquetWriterOptions& options) {
  parquet::WriterProperties::Builder properties;
  properties.created_by("millstream 0.1.0")
      ->compression(CodecOf(options.codec))
      ->enable_page_checksum()
      ->enable_store_decimal_as_integer()
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->data_page_version(parquet::ParquetDataPageVersion::V1)
      ->set_size_statistics_level(parquet::SizeStatisticsLevel::None)
      ->max_row_group_length(int64_t{1} << 40);
  return properties;
}

std::shared_ptr<parquet::WriterProperties> ParquetProperties(const ParquetWriterOptions& options, const arrow::Schema& schema,
                                                             const arrow::RecordBatch* sample) {
  parquet::WriterProperties::Builder properties = ParquetPropertiesBuilder(options);
  if (sample != nullptr) {
    for (int i = 0; i < sample->num_columns(); ++i) ChooseEncoding(*sample->column(i), schema.field(i)->name(), CodecOf(options.codec), properties);
  }
  return properties.build();
}

}  // namespace millstream
