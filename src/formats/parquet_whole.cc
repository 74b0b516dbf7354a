#include "formats/parquet_whole.h"

#include <arrow/util/key_value_metadata.h>

#include <functional>

#include "formats/parquet_chunks.h"
#include "formats/parquet_reader.h"
#include "formats/parquet_stats.h"
#include "formats/source_file_column.h"

namespace millstream {
namespace {

bool HasFieldId(const parquet::schema::Node& node) {
  if (node.field_id() >= 0) return true;
  if (!node.is_group()) return false;
  const auto& group = static_cast<const parquet::schema::GroupNode&>(node);
  for (int i = 0; i < group.field_count(); ++i) {
    if (HasFieldId(*group.field(i))) return true;
  }
  return false;
}

bool IsCommonCodec(parquet::Compression::type codec, const std::optional<std::string>& wanted) {
  switch (codec) {
    case parquet::Compression::UNCOMPRESSED:
      return !wanted || *wanted == "none";
    case parquet::Compression::SNAPPY:
      return !wanted || *wanted == "snappy";
    case parquet::Compression::ZSTD:
      return !wanted || *wanted == "zstd";
    case parquet::Compression::GZIP:
      return !wanted;
    default:
      return false;
  }
}

std::string WhyNotChunk(const parquet::RowGroupMetaData& group, const parquet::ColumnChunkMetaData& chunk, int64_t data_end,
                        const std::optional<std::string>& codec) {
  const std::string name = chunk.path_in_schema()->ToDotString();
  if (chunk.crypto_metadata() != nullptr) return "column " + name + " is encrypted";
  if (!chunk.file_path().empty()) return "column " + name + " lies in another file";
  if (!IsCommonCodec(chunk.compression(), codec)) return "column " + name + " has another compression than the table's files";
  int64_t begin = chunk.data_page_offset();
  if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0) begin = std::min(begin, chunk.dictionary_page_offset());
  const int64_t size = chunk.total_compressed_size();
  constexpr int64_t kMagicBytes = 4;
  if (begin < kMagicBytes || size <= 0 || begin > data_end || size > data_end - begin) return "column " + name + " is not within the file";
  for (parquet::Encoding::type encoding : chunk.encodings()) {
    if (!IsKnownEncoding(encoding)) return "column " + name + " has an encoding that not all readers know";
  }
  const bool repeats = group.schema()->Column(group.schema()->ColumnIndex(name))->max_repetition_level() > 0;
  if (!repeats && chunk.num_values() != group.num_rows()) return "column " + name + " has another number of values than the file has rows";
  return "";
}

// Whether the statistics of all row groups say so.
bool HasNoNulls(const parquet::FileMetaData& file, int leaf) {
  for (int i = 0; i < file.num_row_groups(); ++i) {
    const auto statistics = file.RowGroup(i)->ColumnChunk(leaf)->statistics();
    if (!statistics || !statistics->HasNullCount() || statistics->null_count() != 0) return false;
  }
  return true;
}

}  // namespace

std::string WhyNotWhole(const parquet::FileMetaData& file, int64_t size_bytes, const std::vector<ParquetWholeColumn>& columns,
                        const std::optional<std::string>& codec) {
  if (file.num_rows() == 0) return "it has no rows";
  if (file.is_encryption_algorithm_set()) return "it is encrypted";
  if (static_cast<int>(columns.size()) != file.schema()->group_node()->field_count()) return "it has columns that the table does not take";
  if (file.key_value_metadata() != nullptr && file.key_value_metadata()->Contains(std::string(kSourceFilesKey))) {
    return "it is a data file of another table and names source files of its own";
  }
  for (const ParquetWholeColumn& column : columns) {
    if (column.leaves.empty()) return "column " + column.as.name + " is empty";
    const parquet::schema::Node& root = *file.schema()->GetColumnRoot(column.leaves[0]);
    if (HasFieldId(root)) return "its columns have field ids";
    const bool is_interval = column.as.type.id() == TypeId::kDayTimeInterval || column.as.type.id() == TypeId::kYearMonthInterval;
    if (is_interval || !IsWrittenAs(file, column.leaves[0], column.as)) {
      return "column " + root.name() + " is stored otherwise than column " + column.as.name + " " + column.as.type.Sql() + " of the table";
    }
    if (column.as.nullable || root.is_required()) continue;
    if (root.is_group() || !HasNoNulls(file, column.leaves[0])) return "column " + column.as.name + " may be null";
  }
  constexpr int64_t kTailBytes = 8;
  const int64_t data_end = size_bytes - kTailBytes - static_cast<int64_t>(file.size());
  for (int i = 0; i < file.num_row_groups(); ++i) {
    const auto group = file.RowGroup(i);
    if (group->num_rows() == 0) return "it has a row group without rows";
    for (int leaf = 0; leaf < group->num_columns(); ++leaf) {
      if (std::string why = WhyNotChunk(*group, *group->ColumnChunk(leaf), data_end, codec); !why.empty()) return why;
    }
  }
  return "";
}

Result<WrittenFile> MeasureWhole(Fs& fs, const std::string& path, const StructType& schema, int stats_columns_max) {
  MS_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(path));
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const ParquetFile> file, ParquetFile::Open(fs, path, info.size_bytes));
  WrittenFile measured{.path = path, .size_bytes = info.size_bytes, .rows = file->rows(), .columns = {}};
  try {
    measured.columns = CollectFooterStats(file->metadata(), schema, stats_columns_max);
  } catch (const std::exception& error) {
    return Status::Error(errors::kParquetCorrupt, {{"path", path}, {"reason", error.what()}});
  }
  return measured;
}

}  // namespace millstream
