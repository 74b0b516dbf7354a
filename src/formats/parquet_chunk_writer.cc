#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>

#include <set>

#include "formats/parquet_chunks.h"
#include "formats/parquet_io.h"
#include "formats/parquet_properties.h"
#include "formats/parquet_stats.h"
#include "formats/parquet_writer.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int kRowGroupsMax = 1000;
constexpr char kMagic[] = "PAR1";

// What a file has once for all its row groups: of each column whether it can have nulls, and the codecs of its leaves.
struct Shape {
  std::vector<bool> required;
  std::vector<parquet::Compression::type> codecs;

  bool operator==(const Shape&) const = default;
};

const ParquetColumn& Chunks(const ColumnChunksPtr& column) { return static_cast<const ParquetColumn&>(*column); }

class ChunkWriter : public ParquetChunkWriter {
 public:
  ChunkWriter(std::string path, const StructType& schema, const ParquetWriterOptions& options, std::unique_ptr<PendingFile> file)
      : path_(std::move(path)), schema_(schema), options_(options), file_(std::move(file)), null_counts_(schema.size()) {}

  int64_t bytes_so_far() const override { return file_->size_bytes(); }

  void AddMetadata(std::string key, std::string value) override {
    if (footer_metadata_ == nullptr) footer_metadata_ = std::make_shared<arrow::KeyValueMetadata>();
    footer_metadata_->Append(std::move(key), std::move(value));
  }

  bool Takes(const ChunkRows& rows) const override { return builder_ == nullptr || (groups_ < kRowGroupsMax && ShapeOf(rows) == shape_); }

  Status Write(const ChunkRows& rows) override {
    if (rows.columns.size() != schema_.size()) return Status::Internal("rows for " + path_ + " do not have the file's columns");
    try {
      if (builder_ == nullptr) MS_RETURN_IF_ERROR(Start(ShapeOf(rows)));
      return WriteGroup(rows);
    } catch (const std::exception& error) {
      return Failed(error.what());
    }
  }

  Result<WrittenFile> Close() override {
    WrittenFile written{.path = path_, .size_bytes = 0, .rows = rows_, .columns = {}};
    try {
      if (builder_ == nullptr) return Status::Internal(path_ + " has no row groups");
      const std::unique_ptr<parquet::FileMetaData> metadata = builder_->Finish(footer_metadata_);
      parquet::WriteFileMetaData(*metadata, stream_.get());
      if (!stream_->error().ok()) return stream_->error();
      written.columns = CollectStats(*metadata, schema_, null_counts_, with_nan_, options_.stats_columns_max);
    } catch (const std::exception& error) {
      return Failed(error.what());
    }
    written.size_bytes = file_->size_bytes();
    MS_RETURN_IF_ERROR(file_->Publish(path_));
    return written;
  }

 private:
  static Shape ShapeOf(const ChunkRows& rows) {
    Shape shape;
    for (const auto& column : rows.columns) {
      const ParquetColumn& chunks = Chunks(std::get<ColumnChunksPtr>(column));
      shape.required.push_back(chunks.is_required);
      for (const ParquetLeaf& leaf : chunks.leaves) shape.codecs.push_back(leaf.codec);
    }
    return shape;
  }

  Status Start(Shape shape) {
    shape_ = std::move(shape);
    arrow::FieldVector fields = ParquetFileSchema(schema_)->fields();
    for (size_t i = 0; i < fields.size(); ++i) fields[i] = fields[i]->WithNullable(!shape_.required[i]);
    const ArrowSchemaPtr schema = arrow::schema(std::move(fields));
    parquet::WriterProperties::Builder builder = ParquetPropertiesBuilder(options_);
    const auto made = parquet::arrow::ToParquetSchema(schema.get(), *builder.build(), &descriptor_);
    if (!made.ok()) return Failed(made.message());
    for (size_t i = 0; i < shape_.codecs.size(); ++i) builder.compression(descriptor_->Column(static_cast<int>(i))->path(), shape_.codecs[i]);
    properties_ = builder.build();
    builder_ = parquet::FileMetaDataBuilder::Make(descriptor_.get(), properties_);
    stream_ = std::make_shared<PendingFileStream>(*file_);
    return Append(kMagic, sizeof(kMagic) - 1);
  }

  Status WriteGroup(const ChunkRows& rows) {
    parquet::RowGroupMetaDataBuilder* group = builder_->AppendRowGroup();
    group->set_num_rows(rows.rows);
    int64_t uncompressed = 0;
    int leaf_at = 0;
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      const ParquetColumn& column = Chunks(std::get<ColumnChunksPtr>(rows.columns[i]));
      null_counts_[i] += column.nulls;
      for (const ParquetLeaf& leaf : column.leaves) {
        const int64_t begin = *stream_->Tell();
        for (const auto& piece : leaf.pages) MS_RETURN_IF_ERROR(Append(piece->data(), piece->size()));
        parquet::ColumnChunkMetaDataBuilder* chunk = group->NextColumnChunk();
        chunk->SetStatistics(leaf.statistics);
        const bool has_dictionary = leaf.dictionary_bytes > 0;
        chunk->Finish(leaf.values, has_dictionary ? begin : -1, /*index_page_offset=*/-1, begin + leaf.dictionary_bytes, leaf.bytes, leaf.uncompressed_bytes,
                      has_dictionary, /*dictionary_fallback=*/false, leaf.dictionary_encodings, leaf.data_encodings);
        if (leaf.has_nan) with_nan_.insert(leaf_at);
        ++leaf_at;
        uncompressed += leaf.uncompressed_bytes;
      }
    }
    group->Finish(uncompressed, static_cast<int16_t>(groups_));
    ++groups_;
    rows_ += rows.rows;
    return Status();
  }

  Status Append(const void* data, int64_t size) {
    if (stream_->Write(data, size).ok()) return Status();
    return stream_->error();
  }

  Status Failed(const std::string& reason) const {
    if (stream_ && !stream_->error().ok()) return stream_->error();
    return Status::Internal("writing " + path_ + ": " + reason);
  }

  const std::string path_;
  const StructType schema_;
  const ParquetWriterOptions options_;
  std::unique_ptr<PendingFile> file_;
  std::shared_ptr<PendingFileStream> stream_;
  Shape shape_;  // valid once there is a builder
  std::shared_ptr<parquet::SchemaDescriptor> descriptor_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::FileMetaDataBuilder> builder_;  // null: nothing is written
  std::shared_ptr<arrow::KeyValueMetadata> footer_metadata_;
  std::vector<int64_t> null_counts_;
  std::set<int> with_nan_;
  int groups_ = 0;
  int64_t rows_ = 0;
};

}  // namespace

Status EncodeValues(const StructType& schema, const ParquetWriterOptions& options, ChunkRows& rows) {
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    const auto* values = std::get_if<std::shared_ptr<arrow::Array>>(&rows.columns[i]);
    if (values == nullptr) continue;
    MS_ASSIGN_OR_RETURN(ColumnChunksPtr column, EncodeColumn(schema[i], *values, options));
    rows.columns[i] = std::move(column);
  }
  return Status();
}

Result<std::unique_ptr<ParquetChunkWriter>> ParquetChunkWriter::Create(Fs& fs, std::string path, const StructType& schema,
                                                                       const ParquetWriterOptions& options) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(std::string(ParentPath(path))));
  return std::unique_ptr<ParquetChunkWriter>(std::make_unique<ChunkWriter>(std::move(path), schema, options, std::move(file)));
}

}  // namespace millstream
