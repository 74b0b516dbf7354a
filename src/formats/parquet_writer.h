#pragma once

// parquet_writer.h   Rows → one Parquet file, durable, with page CRCs and the statistics that a table's log wants.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/fs.h"
#include "types/chunk_rows.h"
#include "types/data_type.h"
#include "types/row_stream.h"
#include "types/value.h"

namespace millstream {

// Of one leaf outside of arrays and maps; an array or a map counts as a leaf that has a null_count only.
struct ColumnStats {
  std::vector<std::string> path;  // {"s", "a"} for s.a
  DataType type;
  int64_t null_count = 0;
  std::optional<Value> min, max;  // nullopt: none (all null, no order, a NaN among floats, very long strings)
};

struct WrittenFile {
  std::string path;  // raw, absolute
  int64_t size_bytes = 0;
  int64_t rows = 0;
  std::vector<ColumnStats> columns;
};

struct ParquetWriterOptions {
  enum class Codec { kNone, kSnappy, kZstd } codec = Codec::kSnappy;
  int64_t row_group_bytes = int64_t{128} << 20;  // of the rows in memory, before encoding
  int stats_columns_max = 32;                    // leaves, from the first: delta.dataSkippingNumIndexedCols; -1: all
};

// A Parquet file on its way to its name. Not thread-safe. Abandoned (destroyed without Close), it leaves nothing behind.
class ParquetOutput {
 public:
  virtual ~ParquetOutput() = default;
  virtual int64_t bytes_so_far() const = 0;
  // Writes the footer, syncs the data and publishes the name (PendingFile::Publish); the directory is synced by the caller.
  virtual Result<WrittenFile> Close() = 0;
  // For the footer's key-value metadata; at most once for a key, before Close. Text only: readers of other languages check it.
  virtual void AddMetadata(std::string key, std::string value) = 0;
};

class ParquetWriter : public ParquetOutput {
 public:
  // A file to be published as `path`. `schema` is Spark's; batches must be ToArrowSchema(schema).
  static Result<std::unique_ptr<ParquetWriter>> Create(Fs& fs, std::string path, const StructType& schema, const ParquetWriterOptions& options);
  virtual Status Write(const arrow::RecordBatch& rows) = 0;
};

// A file of row groups that come encoded (ChunkRows), each of which becomes one of its own.
class ParquetChunkWriter : public ParquetOutput {
 public:
  static Result<std::unique_ptr<ParquetChunkWriter>> Create(Fs& fs, std::string path, const StructType& schema, const ParquetWriterOptions& options);
  // Whether rows can go into the file, together with what is there: a file has one codec and one kind of levels for a column.
  virtual bool Takes(const ChunkRows& rows) const = 0;
  // The columns of the schema, in its order, all of them encoded.
  virtual Status Write(const ChunkRows& rows) = 0;
};

// Encodes those columns of rows that are values.
Status EncodeValues(const StructType& schema, const ParquetWriterOptions& options, ChunkRows& rows);

}  // namespace millstream
