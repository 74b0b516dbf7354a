#include "formats/parquet_reader.h"

#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "formats/parquet_chunks.h"
#include "formats/parquet_io.h"
#include "formats/parquet_variants.h"
#include "formats/parquet_whole.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

Status Corrupt(const std::string& path, const std::string& reason) { return Status::Error(errors::kParquetCorrupt, {{"path", path}, {"reason", reason}}); }

// A file of many small row groups is read slowly: what is less is decoded and written together with other rows. A row group is in memory as a whole while
// it is copied: what is more is decoded, piece by piece.
constexpr int64_t kCopiedBytesMin = int64_t{1} << 20, kCopiedBytesMax = int64_t{256} << 20, kCopiedRowsMax = int64_t{16} << 20;

// Runs `body`, which calls the Parquet library, and turns what it throws into a Status.
template <typename Body>
auto Guarded(const std::string& path, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return Corrupt(path, error.what());
  }
}

parquet::ReaderProperties ReadProperties() {
  parquet::ReaderProperties properties = parquet::default_reader_properties();
  properties.set_page_checksum_verification(true);
  return properties;
}

parquet::ArrowReaderProperties ArrowProperties() {
  parquet::ArrowReaderProperties properties;
  properties.set_use_threads(false);
  properties.set_pre_buffer(false);
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  return properties;
}

class OpenParquetFile : public ParquetFile, public std::enable_shared_from_this<OpenParquetFile> {
 public:
  OpenParquetFile(std::string path, std::shared_ptr<ReadableFile> file, int64_t size) : path_(std::move(path)), file_(std::move(file)), size_(size) {}

  Status ReadFooter() {
    return Guarded(path_, [&]() -> Status {
      auto reader = parquet::ParquetFileReader::Open(std::make_shared<ReadableFileSource>(file_, size_), ReadProperties());
      metadata_ = reader->metadata();
      auto made = parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader), ArrowProperties());
      if (!made.ok()) return Corrupt(path_, made.status().ToString());
      arrow::Status status = (*made)->GetSchema(&schema_);
      if (!status.ok()) return Corrupt(path_, status.ToString());
      MS_ASSIGN_OR_RETURN(schema_, MarkVariants(schema_, *metadata_));
      return MapColumns();
    });
  }

  const std::string& path() const override { return path_; }
  int64_t rows() const override { return metadata_->num_rows(); }
  int row_groups() const override { return metadata_->num_row_groups(); }
  int64_t rows_of(int row_group) const override { return first_row_[row_group + 1] - first_row_[row_group]; }
  int64_t first_row_of(int row_group) const override { return first_row_[row_group]; }
  const ArrowSchemaPtr& arrow_schema() const override { return schema_; }
  const std::vector<int>& leaves_of(int column) const override { return leaves_[static_cast<size_t>(column)]; }
  const parquet::FileMetaData& metadata() const override { return *metadata_; }
  std::optional<std::string> FooterValue(std::string_view key) const override {
    const auto& pairs = metadata_->key_value_metadata();
    const int at = pairs == nullptr ? -1 : pairs->FindKey(key);
    return at < 0 ? std::nullopt : std::optional<std::string>(pairs->value(at));
  }
  Result<std::unique_ptr<ParquetRows>> ReadRowGroup(int row_group, const std::vector<int>& columns, int64_t batch_rows) const override;
  Result<std::vector<ColumnChunksPtr>> CopyRowGroup(int row_group, const std::vector<CopiedColumn>& columns,
                                                    const std::optional<std::string>& codec) const override;
  std::variant<WholeFile, std::string> AsWhole(const std::vector<CopiedColumn>& columns, const std::optional<std::string>& codec) const override;

 private:
  // Leaf columns below each top-level column, and where each row group starts.
  Status MapColumns() {
    const parquet::SchemaDescriptor& descriptor = *metadata_->schema();
    leaves_.resize(schema_->num_fields());
    for (int leaf = 0; leaf < descriptor.num_columns(); ++leaf) {
      const parquet::schema::Node* root = descriptor.GetColumnRoot(leaf);
      int top = descriptor.group_node()->FieldIndex(*root);
      if (top < 0 || top >= schema_->num_fields()) return Corrupt(path_, "a column has no place in the schema");
      leaves_[top].push_back(leaf);
    }
    first_row_.push_back(0);
    for (int i = 0; i < metadata_->num_row_groups(); ++i) {
      int64_t rows = metadata_->RowGroup(i)->num_rows();
      if (rows < 0 || first_row_.back() > metadata_->num_rows() - rows) return Corrupt(path_, "row groups and file disagree about the number of rows");
      first_row_.push_back(first_row_.back() + rows);
    }
    if (first_row_.back() != metadata_->num_rows()) return Corrupt(path_, "row groups and file disagree about the number of rows");
    return Status();
  }

  std::string path_;
  std::shared_ptr<ReadableFile> file_;
  int64_t size_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  ArrowSchemaPtr schema_;
  std::vector<std::vector<int>> leaves_;
  std::vector<int64_t> first_row_;
};

class RowGroupRows : public ParquetRows {
 public:
  RowGroupRows(std::shared_ptr<const OpenParquetFile> file, int row_group, std::unique_ptr<parquet::arrow::FileReader> reader,
               std::unique_ptr<arrow::RecordBatchReader> batches, std::vector<int> order, std::vector<int> columns)
      : file_(std::move(file)),
        rows_left_(file_->rows_of(row_group)),
        reader_(std::move(reader)),
        batches_(std::move(batches)),
        order_(std::move(order)),
        columns_(std::move(columns)) {}

  Result<RecordBatchPtr> Next() override {
    return Guarded(file_->path(), [&]() -> Result<RecordBatchPtr> {
      std::shared_ptr<arrow::RecordBatch> batch;
      arrow::Status status = batches_->ReadNext(&batch);
      if (!status.ok()) return Corrupt(file_->path(), status.message());
      if (!batch) {
        if (rows_left_ != 0) return Corrupt(file_->path(), "a row group ends early");
        return RecordBatchPtr();
      }
      rows_left_ -= batch->num_rows();
      if (rows_left_ < 0) return Corrupt(file_->path(), "a row group has more rows than its footer says");
      // The library delivers columns in file order.
      std::vector<std::shared_ptr<arrow::Array>> columns;
      arrow::FieldVector fields;
      for (size_t i = 0; i < order_.size(); ++i) {
        const auto& field = file_->arrow_schema()->field(columns_[i]);
        MS_ASSIGN_OR_RETURN(auto column, ToVariants(batch->column(order_[i]), field->type(), field->name()));
        fields.push_back(batch->schema()->field(order_[i])->WithType(column->type()));
        columns.push_back(std::move(column));
      }
      return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch->num_rows(), std::move(columns));
    });
  }

 private:
  std::shared_ptr<const OpenParquetFile> file_;
  int64_t rows_left_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;  // outlives batches_
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::vector<int> order_;    // per column that is asked for: its place in the batches
  std::vector<int> columns_;  // the same: its place in the file
};

// Rows without columns: count(*).
class CountedRows : public ParquetRows {
 public:
  CountedRows(int64_t rows, int64_t batch_rows) : rows_(rows), batch_rows_(batch_rows) {}
  Result<RecordBatchPtr> Next() override {
    if (rows_ == 0) return RecordBatchPtr();
    int64_t rows = std::min(rows_, batch_rows_);
    rows_ -= rows;
    return arrow::RecordBatch::Make(arrow::schema({}), rows, std::vector<std::shared_ptr<arrow::Array>>{});
  }

 private:
  int64_t rows_, batch_rows_;
};

Result<std::unique_ptr<ParquetRows>> OpenParquetFile::ReadRowGroup(int row_group, const std::vector<int>& columns, int64_t batch_rows) const {
  if (columns.empty()) return std::unique_ptr<ParquetRows>(std::make_unique<CountedRows>(rows_of(row_group), batch_rows));
  return Guarded(path_, [&]() -> Result<std::unique_ptr<ParquetRows>> {
    std::vector<int> wanted = columns;
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<int> leaves, order;
    for (int column : wanted) leaves.insert(leaves.end(), leaves_[column].begin(), leaves_[column].end());
    for (int column : columns) order.push_back(static_cast<int>(std::lower_bound(wanted.begin(), wanted.end(), column) - wanted.begin()));
    parquet::ReaderProperties properties = ReadProperties();
    auto file = parquet::ParquetFileReader::Open(std::make_shared<ReadableFileSource>(file_, size_), properties, metadata_);
    auto reader = parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(file), ArrowProperties());
    if (!reader.ok()) return Corrupt(path_, reader.status().message());
    (*reader)->set_batch_size(batch_rows);
    auto batches = (*reader)->GetRecordBatchReader({row_group}, leaves);
    if (!batches.ok()) return Corrupt(path_, batches.status().message());
    return std::unique_ptr<ParquetRows>(
        std::make_unique<RowGroupRows>(shared_from_this(), row_group, std::move(*reader), std::move(*batches), std::move(order), columns));
  });
}

Result<std::vector<ColumnChunksPtr>> OpenParquetFile::CopyRowGroup(int row_group, const std::vector<CopiedColumn>& columns,
                                                                   const std::optional<std::string>& codec) const {
  const ParquetGroup group{
      .path = path_, .source = std::make_shared<ReadableFileSource>(file_, size_), .size_bytes = size_, .metadata = metadata_, .index = row_group};
  std::vector<ColumnChunksPtr> copied;
  const Status read = Guarded(path_, [&]() -> Status {
    int64_t bytes = 0;
    for (const CopiedColumn& column : columns) {
      if (!CanCopyChunks(group, leaves_[column.index], column.as, codec)) return Status();
      for (int leaf : leaves_[column.index]) bytes += metadata_->RowGroup(row_group)->ColumnChunk(leaf)->total_compressed_size();
    }
    if (bytes < kCopiedBytesMin || bytes > kCopiedBytesMax || rows_of(row_group) == 0 || rows_of(row_group) > kCopiedRowsMax) return Status();
    for (const CopiedColumn& column : columns) {
      MS_ASSIGN_OR_RETURN(std::shared_ptr<const ParquetColumn> chunks, ReadChunks(group, leaves_[column.index], codec == "none"));
      if (chunks == nullptr) {
        copied.clear();
        return Status();
      }
      copied.push_back(std::move(chunks));
    }
    return Status();
  });
  if (!read.ok()) return read;
  return copied;
}

std::variant<WholeFile, std::string> OpenParquetFile::AsWhole(const std::vector<CopiedColumn>& columns, const std::optional<std::string>& codec) const {
  try {
    std::vector<ParquetWholeColumn> checked;
    for (const CopiedColumn& column : columns) checked.push_back({leaves_[column.index], column.as});
    if (std::string why = WhyNotWhole(*metadata_, size_, checked, codec); !why.empty()) return why;
    constexpr std::string_view kMagic = "PAR1";
    std::string magic(kMagic.size(), '\0');
    Result<int64_t> read = file_->ReadAt(0, static_cast<int64_t>(magic.size()), magic.data());
    if (!read.ok() || magic != kMagic) return "it does not begin as a Parquet file does";
    Result<FileInfo> info = file_->Stat();
    if (!info.ok() || info->size_bytes != size_) return "it changes";
    return WholeFile{.path = path_, .rows = rows(), .size_bytes = size_, .modified_ns = info->modified_ns, .inode = info->inode, .device = info->device};
  } catch (const std::exception& error) {
    return "its footer cannot be read: " + std::string(error.what());
  }
}

}  // namespace

Result<std::shared_ptr<const ParquetFile>> ParquetFile::Open(Fs& fs, const std::string& path, std::optional<int64_t> size_bytes) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  return Open(std::move(file), path, size_bytes);
}

Result<std::shared_ptr<const ParquetFile>> ParquetFile::Open(std::unique_ptr<ReadableFile> file, const std::string& path, std::optional<int64_t> size_bytes) {
  if (!size_bytes) {
    MS_ASSIGN_OR_RETURN(FileInfo info, file->Stat());
    size_bytes = info.size_bytes;
  }
  auto opened = std::make_shared<OpenParquetFile>(path, std::shared_ptr<ReadableFile>(std::move(file)), *size_bytes);
  MS_RETURN_IF_ERROR(opened->ReadFooter());
  return std::shared_ptr<const ParquetFile>(std::move(opened));
}

}  // namespace millstream
