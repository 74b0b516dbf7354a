#pragma once

// parquet_chunks.h   Column chunks that go from one Parquet file to another as they are. Each is read to its end first, decompressed and decoded, so that what
// is broken is found while the source is still there; its statistics are counted, not believed. Only for what reads and writes Parquet in this room.

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>
#include <parquet/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/parquet_writer.h"
#include "types/chunk_rows.h"

namespace millstream {

// One column chunk: its pages with their headers, each with a CRC.
struct ParquetLeaf {
  std::vector<std::shared_ptr<arrow::Buffer>> pages;  // pieces, one after another
  int64_t bytes = 0, uncompressed_bytes = 0;          // with the headers
  int64_t dictionary_bytes = 0;                       // of the dictionary's page, which comes first; 0: none
  int64_t values = 0;                                 // with nulls
  parquet::Compression::type codec = parquet::Compression::UNCOMPRESSED;
  std::map<parquet::Encoding::type, int32_t> dictionary_encodings, data_encodings;  // pages
  parquet::EncodedStatistics statistics;
  bool has_nan = false;
};

// A top-level column of a row group.
class ParquetColumn : public ColumnChunks {
 public:
  int64_t null_count() const override { return nulls; }

  bool is_required = false;  // the file says that nothing is null, and has no levels for it
  int64_t nulls = 0;
  std::vector<ParquetLeaf> leaves;
};

// A row group of an open file.
struct ParquetGroup {
  const std::string& path;
  std::shared_ptr<arrow::io::RandomAccessFile> source;
  int64_t size_bytes = 0;
  std::shared_ptr<parquet::FileMetaData> metadata;
  int index = 0;
};

// Whether a top-level column (that of the leaf `first_leaf`) has the names, types and levels that ParquetWriter would give `as`; but it may be REQUIRED.
bool IsWrittenAs(const parquet::FileMetaData& metadata, int first_leaf, const StructField& as);
// Encodings that every reader knows.
bool IsKnownEncoding(parquet::Encoding::type encoding);

// Whether the chunks of a column, `leaves`, are as ParquetWriter would make them for `as`: types, names, levels, and a codec and encodings that all readers
// know.
bool CanCopyChunks(const ParquetGroup& group, const std::vector<int>& leaves, const StructField& as, const std::optional<std::string>& codec);

// nullptr: pages of a kind that is not copied; without `takes_uncompressed` also values that are not compressed and would become smaller by it. Error:
// FAILED_READ_FILE for what cannot be decoded.
Result<std::shared_ptr<const ParquetColumn>> ReadChunks(const ParquetGroup& group, const std::vector<int>& leaves, bool takes_uncompressed);

// Values in the same form.
Result<std::shared_ptr<const ParquetColumn>> EncodeColumn(const StructField& field, const std::shared_ptr<arrow::Array>& values,
                                                          const ParquetWriterOptions& options);

}  // namespace millstream
