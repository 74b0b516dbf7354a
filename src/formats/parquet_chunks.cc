#include "formats/parquet_chunks.h"

#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <libdeflate.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <cmath>

#include "formats/parquet_io.h"
#include "formats/parquet_page_header.h"
#include "formats/parquet_properties.h"
#include "formats/parquet_reader.h"
#include "formats/parquet_snappy.h"
#include "formats/parquet_variants.h"
#include "formats/string_bounds.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kValuesPerRead = 4096;
constexpr size_t kStatisticsBytesMax = 4096;  // as the library's writer
constexpr size_t kSampleBytes = 64 << 10;

// A part of a file that is in memory; the rest is read when somebody asks for it (the library reads a little more of files of old).
class ChunkSource : public arrow::io::RandomAccessFile {
 public:
  ChunkSource(std::shared_ptr<arrow::io::RandomAccessFile> file, int64_t begin, std::shared_ptr<arrow::Buffer> bytes)
      : file_(std::move(file)), begin_(begin), bytes_(std::move(bytes)) {}
  ~ChunkSource() override = default;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override {
    if (!Holds(position, size)) return file_->ReadAt(position, size, out);
    std::copy_n(bytes_->data() + (position - begin_), size, static_cast<uint8_t*>(out));
    return size;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override {
    if (!Holds(position, size)) return file_->ReadAt(position, size);
    return arrow::SliceBuffer(bytes_, position - begin_, size);
  }
  arrow::Result<int64_t> Read(int64_t, void*) override { return arrow::Status::NotImplemented("reading without a position"); }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t) override { return arrow::Status::NotImplemented("reading without a position"); }
  arrow::Status Seek(int64_t) override { return arrow::Status::NotImplemented("seeking"); }
  arrow::Result<int64_t> Tell() const override { return 0; }
  arrow::Result<int64_t> GetSize() override { return file_->GetSize(); }
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }

 private:
  bool Holds(int64_t position, int64_t size) const {
    return position >= begin_ && size >= 0 && size <= bytes_->size() && position - begin_ <= bytes_->size() - size;
  }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  int64_t begin_;
  std::shared_ptr<arrow::Buffer> bytes_;
};

// Whether it says no more than the physical type does: DuckDB and others write INT(64, signed) where Spark and we write nothing.
bool SaysNothing(const parquet::LogicalType& type, parquet::Type::type physical) {
  if (type.is_none()) return true;
  if (!type.is_int()) return false;
  const auto& number = static_cast<const parquet::IntLogicalType&>(type);
  return number.is_signed() && number.bit_width() == (physical == parquet::Type::INT64 ? 64 : 32);
}

bool SameLogicalType(const parquet::schema::Node& is, const parquet::schema::Node& wanted) {
  const auto &logical = is.logical_type(), &wanted_logical = wanted.logical_type();
  if (logical == nullptr || wanted_logical == nullptr) return logical == wanted_logical;
  if (logical->Equals(*wanted_logical)) return true;
  if (is.is_group() || wanted.is_group()) return false;
  auto physical = [](const parquet::schema::Node& node) { return static_cast<const parquet::schema::PrimitiveNode&>(node).physical_type(); };
  return SaysNothing(*logical, physical(is)) && SaysNothing(*wanted_logical, physical(wanted));
}

bool SameNode(const parquet::schema::Node& is, const parquet::schema::Node& wanted, bool is_top) {
  if (is.name() != wanted.name() || is.is_group() != wanted.is_group()) return false;
  const bool narrower = is_top && is.is_required() && wanted.is_optional();
  if (is.repetition() != wanted.repetition() && !narrower) return false;
  if (!SameLogicalType(is, wanted)) return false;
  if (is.is_group()) {
    const auto &group = static_cast<const parquet::schema::GroupNode&>(is), &wanted_group = static_cast<const parquet::schema::GroupNode&>(wanted);
    if (group.field_count() != wanted_group.field_count()) return false;
    for (int i = 0; i < group.field_count(); ++i) {
      if (!SameNode(*group.field(i), *wanted_group.field(i), false)) return false;
    }
    return true;
  }
  const auto &leaf = static_cast<const parquet::schema::PrimitiveNode&>(is), &wanted_leaf = static_cast<const parquet::schema::PrimitiveNode&>(wanted);
  if (leaf.physical_type() != wanted_leaf.physical_type()) return false;
  return leaf.physical_type() != parquet::Type::FIXED_LEN_BYTE_ARRAY || leaf.type_length() == wanted_leaf.type_length();
}

bool IsWantedCodec(parquet::Compression::type codec, const std::optional<std::string>& wanted) {
  switch (codec) {
    case parquet::Compression::UNCOMPRESSED:
      return true;  // ReadChunks looks at the values
    case parquet::Compression::SNAPPY:
      return !wanted || *wanted == "snappy";
    case parquet::Compression::ZSTD:
      return !wanted || *wanted == "zstd";
    default:
      return false;
  }
}

// Where the pages of a chunk are in its file.
struct Extent {
  int64_t begin = 0, size = 0;
};

std::optional<Extent> ExtentOf(const parquet::ColumnChunkMetaData& chunk, int64_t file_size) {
  Extent extent{.begin = chunk.data_page_offset(), .size = chunk.total_compressed_size()};
  if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0) extent.begin = std::min(extent.begin, chunk.dictionary_page_offset());
  if (extent.begin < 0 || extent.size <= 0 || extent.begin > file_size || extent.size > file_size - extent.begin) return std::nullopt;
  return extent;
}

// What reading a chunk to its end has counted.
struct Counted {
  int64_t levels = 0, rows = 0, nulls_at_top = 0;
};

class Decoding {
 public:
  Decoding(parquet::ColumnReader& reader, int64_t values_max)
      : reader_(reader), descriptor_(*reader.descr()), values_max_(values_max), definitions_(kValuesPerRead), repetitions_(kValuesPerRead) {}

  const Counted& counted() const { return counted_; }

  template <typename DType>
  void Run(ParquetLeaf& leaf) {
    using T = typename DType::c_type;
    auto& reader = static_cast<parquet::TypedColumnReader<DType>&>(reader_);
    std::shared_ptr<parquet::TypedStatistics<DType>> statistics;
    if (descriptor_.sort_order() != parquet::SortOrder::UNKNOWN) statistics = parquet::MakeStatistics<DType>(&descriptor_);
    int64_t values = 0;
    StringBounds bounds;
    auto count = [&](const T* read, int64_t number) {
      values += number;
      if constexpr (std::is_floating_point_v<T>) {
        int64_t nans = 0;  // without a way out, so that it is done eight at a time
        for (int64_t i = 0; i < number; ++i) nans += std::isnan(read[i]);
        leaf.has_nan = leaf.has_nan || nans > 0;
      }
      if (!statistics || number == 0) return;
      if constexpr (std::is_same_v<T, parquet::ByteArray>) {
        if (descriptor_.sort_order() == parquet::SortOrder::UNSIGNED) return bounds.Add(number, [read](int64_t i) { return std::string_view(read[i]); });
      }
      statistics->Update(read, number, 0);
    };
    if (reader.GetExposedEncoding() == parquet::ExposedEncoding::DICTIONARY) {
      std::vector<int32_t> indexes(kValuesPerRead);
      const T* dictionary = nullptr;
      int32_t size = 0;
      int64_t number = 0;
      std::vector<uint8_t> used;
      while (reader.HasNext()) {
        const int64_t levels =
            reader.ReadBatchWithDictionary(kValuesPerRead, definitions_.data(), repetitions_.data(), indexes.data(), &number, &dictionary, &size);
        Levels(levels);
        if (used.size() < static_cast<size_t>(size)) used.resize(static_cast<size_t>(size));
        for (int64_t i = 0; i < number; ++i) {
          const auto index = static_cast<uint32_t>(indexes[static_cast<size_t>(i)]);
          if (index >= used.size()) throw parquet::ParquetException("an index beyond the dictionary");
          used[index] = 1;
        }
        values += number;
      }
      const int64_t all = values;
      for (size_t i = 0; i < used.size(); ++i) {
        if (used[i] != 0) count(dictionary + i, 1);
      }
      values = all;
    } else {
      std::unique_ptr<T[]> read(new T[kValuesPerRead]);
      int64_t number = 0;
      while (reader.HasNext()) {
        const int64_t levels = reader.ReadBatch(kValuesPerRead, definitions_.data(), repetitions_.data(), read.get(), &number);
        Levels(levels);
        count(read.get(), number);
      }
    }
    if constexpr (std::is_same_v<T, parquet::ByteArray>) {
      if (bounds.least()) {
        const T both[] = {T(*bounds.least()), T(*bounds.greatest())};
        statistics->Update(both, 2, 0);
      }
    }
    if (statistics) {
      leaf.statistics = statistics->Encode();
      leaf.statistics.set_is_signed(descriptor_.sort_order() == parquet::SortOrder::SIGNED);
      leaf.statistics.ApplyStatSizeLimits(kStatisticsBytesMax);
    }
    leaf.statistics.set_null_count(counted_.levels - values);
    leaf.statistics.all_null_value = values == 0;
  }

 private:
  void Levels(int64_t levels) {
    counted_.levels += levels;
    if (levels <= 0 || counted_.levels > values_max_) throw parquet::ParquetException("a column chunk has other values than its footer says");
    const bool repeats = descriptor_.max_repetition_level() > 0;
    const auto* definition = definitions_.data();
    const auto* repetition = repetitions_.data();
    counted_.rows += repeats ? std::count(repetition, repetition + levels, int16_t{0}) : levels;
    if (descriptor_.max_definition_level() == 0) return;
    if (!repeats) {
      counted_.nulls_at_top += std::count(definition, definition + levels, int16_t{0});
      return;
    }
    for (int64_t i = 0; i < levels; ++i) counted_.nulls_at_top += repetition[i] == 0 && definition[i] == 0;
  }

  parquet::ColumnReader& reader_;
  const parquet::ColumnDescriptor& descriptor_;
  const int64_t values_max_;
  std::vector<int16_t> definitions_, repetitions_;
  Counted counted_;
};

Counted Decode(parquet::ColumnReader& reader, int64_t values_max, ParquetLeaf& leaf) {
  Decoding decoding(reader, values_max);
  switch (reader.type()) {
    case parquet::Type::BOOLEAN:
      decoding.Run<parquet::BooleanType>(leaf);
      break;
    case parquet::Type::INT32:
      decoding.Run<parquet::Int32Type>(leaf);
      break;
    case parquet::Type::INT64:
      decoding.Run<parquet::Int64Type>(leaf);
      break;
    case parquet::Type::FLOAT:
      decoding.Run<parquet::FloatType>(leaf);
      break;
    case parquet::Type::DOUBLE:
      decoding.Run<parquet::DoubleType>(leaf);
      break;
    case parquet::Type::BYTE_ARRAY:
      decoding.Run<parquet::ByteArrayType>(leaf);
      break;
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      decoding.Run<parquet::FLBAType>(leaf);
      break;
    default:
      throw parquet::ParquetException("a type that is not copied");
  }
  return decoding.counted();
}

// The pages of a chunk into `leaf`, with CRCs. False: there is something that is not copied.
bool TakePages(const std::shared_ptr<arrow::Buffer>& chunk, ParquetLeaf& leaf) {
  int64_t at = 0;
  bool has_data = false;
  while (at < chunk->size()) {
    const std::string_view rest(reinterpret_cast<const char*>(chunk->data()) + at, static_cast<size_t>(chunk->size() - at));
    const std::optional<ParquetPageHeader> header = ParsePageHeader(rest);
    if (!header || header->compressed_bytes > static_cast<int64_t>(rest.size() - header->header_bytes)) return false;
    const auto encoding = static_cast<parquet::Encoding::type>(header->encoding);
    if (header->encoding < 0 || !IsKnownEncoding(encoding)) return false;
    const auto header_bytes = static_cast<int64_t>(header->header_bytes);
    const int64_t page_bytes = header_bytes + header->compressed_bytes;
    int64_t taken = page_bytes;
    if (!header->crc && header->crc_place > 0) {
      const uint32_t crc = libdeflate_crc32(0, rest.data() + header_bytes, static_cast<size_t>(header->compressed_bytes));
      std::string with_crc = WithCrc(rest.substr(0, header->header_bytes), *header, crc);
      taken = static_cast<int64_t>(with_crc.size()) + header->compressed_bytes;
      leaf.pages.push_back(arrow::Buffer::FromString(std::move(with_crc)));
      leaf.pages.push_back(arrow::SliceBuffer(chunk, at + header_bytes, header->compressed_bytes));
    } else {
      leaf.pages.push_back(arrow::SliceBuffer(chunk, at, page_bytes));
    }
    if (header->type == ParquetPageHeader::kDictionary) {
      if (at > 0) return false;
      leaf.dictionary_bytes = taken;
      ++leaf.dictionary_encodings[encoding];
    } else if (header->type == ParquetPageHeader::kData || header->type == ParquetPageHeader::kDataV2) {
      ++leaf.data_encodings[encoding];
      has_data = true;
    } else {
      return false;
    }
    leaf.bytes += taken;
    leaf.uncompressed_bytes += taken - header->compressed_bytes + header->uncompressed_bytes;
    at += page_bytes;
  }
  return has_data;
}

// A reader of the column `leaf`, whose pages are `bytes` and begin at `begin` of the file.
std::shared_ptr<parquet::ColumnReader> OpenChunk(const ParquetGroup& group, int leaf, int64_t begin, const std::shared_ptr<arrow::Buffer>& bytes,
                                                 parquet::Compression::type codec) {
  parquet::ReaderProperties properties = parquet::default_reader_properties();
  properties.set_page_checksum_verification(true);
  if (codec == parquet::Compression::SNAPPY) return OpenSnappyChunk(*group.metadata, group.index, leaf, bytes, properties);
  const auto file = parquet::ParquetFileReader::Open(std::make_shared<ChunkSource>(group.source, begin, bytes), properties, group.metadata);
  return file->RowGroup(group.index)->ColumnWithExposeEncoding(leaf, parquet::ExposedEncoding::DICTIONARY);
}

Status Corrupt(const std::string& path, const std::string& reason) { return Status::Error(errors::kParquetCorrupt, {{"path", path}, {"reason", reason}}); }

}  // namespace

bool IsKnownEncoding(parquet::Encoding::type encoding) {
  switch (encoding) {
    case parquet::Encoding::PLAIN:
    case parquet::Encoding::PLAIN_DICTIONARY:
    case parquet::Encoding::RLE:
    case parquet::Encoding::BIT_PACKED:  // named by parquet-java for levels that are not there
    case parquet::Encoding::DELTA_BINARY_PACKED:
    case parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY:
    case parquet::Encoding::DELTA_BYTE_ARRAY:
    case parquet::Encoding::RLE_DICTIONARY:
      return true;
    default:
      return false;
  }
}

bool IsWrittenAs(const parquet::FileMetaData& metadata, int first_leaf, const StructField& as) {
  parquet::schema::NodePtr wanted;
  const ArrowSchemaPtr schema = ParquetFileSchema(StructType({as}));
  // A variant may be shredded, which only its reader knows.
  if (!schema->field(0)->type()->Equals(*ToArrowType(as.type))) return false;
  const auto properties = ParquetPropertiesBuilder({}).build();
  if (!parquet::arrow::FieldToNode(schema->field(0), *properties, *parquet::default_arrow_writer_properties(), &wanted).ok()) return false;
  return SameNode(*metadata.schema()->GetColumnRoot(first_leaf), *wanted, true);
}

bool CanCopyChunks(const ParquetGroup& group, const std::vector<int>& leaves, const StructField& as, const std::optional<std::string>& codec) {
  if (leaves.empty() || !IsWrittenAs(*group.metadata, leaves[0], as)) return false;
  auto row_group = group.metadata->RowGroup(group.index);
  for (int leaf : leaves) {
    auto chunk = row_group->ColumnChunk(leaf);
    if (chunk->crypto_metadata() != nullptr || !IsWantedCodec(chunk->compression(), codec) || !ExtentOf(*chunk, group.size_bytes)) return false;
    for (parquet::Encoding::type encoding : chunk->encodings()) {
      if (!IsKnownEncoding(encoding)) return false;
    }
  }
  return true;
}

Result<std::shared_ptr<const ParquetColumn>> ReadChunks(const ParquetGroup& group, const std::vector<int>& leaves, bool takes_uncompressed) {
  using Columns = Result<std::shared_ptr<const ParquetColumn>>;
  try {
    auto row_group = group.metadata->RowGroup(group.index);
    auto column = std::make_shared<ParquetColumn>();
    column->is_required = group.metadata->schema()->GetColumnRoot(leaves[0])->is_required();
    for (int index : leaves) {
      auto chunk = row_group->ColumnChunk(index);
      const std::optional<Extent> extent = ExtentOf(*chunk, group.size_bytes);
      if (!extent) return Corrupt(group.path, "a column chunk is not within the file");
      arrow::Result<std::shared_ptr<arrow::Buffer>> bytes = group.source->ReadAt(extent->begin, extent->size);
      if (!bytes.ok()) return Corrupt(group.path, bytes.status().message());
      if ((*bytes)->size() != extent->size) return Corrupt(group.path, "the file ends within a column chunk");
      ParquetLeaf leaf;
      leaf.codec = chunk->compression();
      if (!TakePages(*bytes, leaf)) return std::shared_ptr<const ParquetColumn>();
      if (leaf.codec == parquet::Compression::UNCOMPRESSED && !takes_uncompressed) {
        const auto sample = static_cast<size_t>(std::min<int64_t>((*bytes)->size(), kSampleBytes));
        if (IsWorthCompressing({reinterpret_cast<const char*>((*bytes)->data()), sample}, parquet::Compression::SNAPPY)) {
          return std::shared_ptr<const ParquetColumn>();
        }
      }
      auto reader = OpenChunk(group, index, extent->begin, *bytes, leaf.codec);
      const Counted counted = Decode(*reader, chunk->num_values(), leaf);
      if (counted.levels != chunk->num_values() || counted.rows != row_group->num_rows()) {
        return Corrupt(group.path, "a column chunk has other values than its footer says");
      }
      leaf.values = counted.levels;
      if (column->leaves.empty() && !column->is_required) column->nulls = counted.nulls_at_top;
      column->leaves.push_back(std::move(leaf));
    }
    return std::shared_ptr<const ParquetColumn>(std::move(column));
  } catch (const std::exception& error) {
    return Columns(Corrupt(group.path, error.what()));
  }
}

Result<std::shared_ptr<const ParquetColumn>> EncodeColumn(const StructField& field, const std::shared_ptr<arrow::Array>& values,
                                                          const ParquetWriterOptions& options) {
  ArrowSchemaPtr schema = ParquetFileSchema(StructType({field}));
  // A dictionary becomes one of the file, and the column is of its values.
  if (values->type_id() == arrow::Type::DICTIONARY) schema = arrow::schema({schema->field(0)->WithType(values->type())});
  const RecordBatchPtr batch = arrow::RecordBatch::Make(schema, values->length(), {AnnotateVariants(values, schema->field(0)->type())});
  auto encode = [&]() -> arrow::Result<std::shared_ptr<arrow::Buffer>> {
    ARROW_ASSIGN_OR_RAISE(auto stream, arrow::io::BufferOutputStream::Create());
    ARROW_ASSIGN_OR_RAISE(auto writer, parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream,
                                                                        ParquetPropertiesBuilder(options).build(), parquet::default_arrow_writer_properties()));
    ARROW_RETURN_NOT_OK(writer->NewBufferedRowGroup());
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
    ARROW_RETURN_NOT_OK(writer->Close());
    return stream->Finish();
  };
  arrow::Result<std::shared_ptr<arrow::Buffer>> file = arrow::Status::UnknownError("");
  std::shared_ptr<parquet::FileMetaData> metadata;
  auto source = std::shared_ptr<arrow::io::BufferReader>();
  try {
    file = encode();
    if (!file.ok()) return FromArrowStatus(file.status(), "while encoding the column " + field.name);
    source = std::make_shared<arrow::io::BufferReader>(*file);
    metadata = parquet::ReadMetaData(source);
  } catch (const std::exception& error) {
    return Status::Internal("encoding the column " + field.name + ": " + error.what());
  }
  std::vector<int> leaves(static_cast<size_t>(metadata->num_columns()));
  for (size_t i = 0; i < leaves.size(); ++i) leaves[i] = static_cast<int>(i);
  const ParquetGroup group{.path = field.name, .source = source, .size_bytes = (*file)->size(), .metadata = metadata, .index = 0};
  return ReadChunks(group, leaves, /*takes_uncompressed=*/true);
}

}  // namespace millstream
