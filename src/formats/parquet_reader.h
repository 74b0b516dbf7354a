#pragma once

// parquet_reader.h   One Parquet file's row groups and columns → Arrow, with every page CRC that the file has verified.

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/columnar_file.h"
#include "storage/fs.h"
#include "types/chunk_rows.h"
#include "types/row_stream.h"

namespace parquet {
class FileMetaData;
}

namespace millstream {

namespace errors {
// A file that is not Parquet, is cut off, or does not say what its checksums say.
inline constexpr ErrorClass kParquetCorrupt{"FAILED_READ_FILE.NO_HINT", "KD001", ExceptionKind::kSpark,
                                            "Encountered error while reading file <path>: <reason>."};
}  // namespace errors

// Of one row group; typed as in ParquetFile::arrow_schema.
using ParquetRows = ColumnarRows;

// An open file: its footer is read and checked. Immutable and thread-safe; row groups may be read from several threads.
class ParquetFile {
 public:
  virtual ~ParquetFile() = default;
  // `size_bytes` as listed, to save a stat; nullopt: ask. Errors: kFileNotFound, FAILED_READ_FILE.
  static Result<std::shared_ptr<const ParquetFile>> Open(Fs& fs, const std::string& path, std::optional<int64_t> size_bytes = std::nullopt);
  static Result<std::shared_ptr<const ParquetFile>> Open(std::unique_ptr<ReadableFile> file, const std::string& path, std::optional<int64_t> size_bytes);

  virtual const std::string& path() const = 0;
  virtual int64_t rows() const = 0;
  virtual int row_groups() const = 0;
  virtual int64_t rows_of(int row_group) const = 0;
  // Index of the first row of a row group within the file.
  virtual int64_t first_row_of(int row_group) const = 0;
  // Top-level columns. A field's Parquet id is in its metadata under "PARQUET:field_id". INT96 is timestamp[us] without zone.
  virtual const ArrowSchemaPtr& arrow_schema() const = 0;
  // The leaf columns below a top-level one, by their numbers in `metadata().schema()`.
  virtual const std::vector<int>& leaves_of(int column) const = 0;
  virtual const parquet::FileMetaData& metadata() const = 0;
  // Of the footer's key-value metadata; nullopt: no such key.
  virtual std::optional<std::string> FooterValue(std::string_view key) const = 0;
  // `columns` are indexes into arrow_schema; with none, batches have no columns but their rows are counted.
  virtual Result<std::unique_ptr<ParquetRows>> ReadRowGroup(int row_group, const std::vector<int>& columns, int64_t batch_rows = 32768) const = 0;

  // A column of the file, as a column of a table.
  struct CopiedColumn {
    int index = 0;
    StructField as;
  };
  // The columns of a row group for a file that is written as ParquetWriter writes it, with the codec that is asked for (ChunkWishes). Empty: they cannot be
  // copied, or are too little to be a row group of their own.
  virtual Result<std::vector<ColumnChunksPtr>> CopyRowGroup(int row_group, const std::vector<CopiedColumn>& columns,
                                                            const std::optional<std::string>& codec) const = 0;
  // The file as a data file of a table with these columns, which are all of its own, or why it cannot be one (parquet_whole.h).
  virtual std::variant<WholeFile, std::string> AsWhole(const std::vector<CopiedColumn>& columns, const std::optional<std::string>& codec) const = 0;
};

}  // namespace millstream
