#pragma once

// chunk_rows.h   Rows that nobody has to look at, on their way from a file to a file of the same format: columns as the one has them, for a sink that can
// write them as they are. An ability beside RowStream, found by dynamic_cast; a stream or a sink without it works on values.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "types/data_type.h"
#include "types/row_stream.h"
#include "types/whole_files.h"

namespace millstream {

// A column of some rows, encoded. What it is, only they know that read and write it (formats/parquet_chunks.h).
class ColumnChunks {
 public:
  virtual ~ColumnChunks() = default;
  virtual int64_t null_count() const = 0;
};
using ColumnChunksPtr = std::shared_ptr<const ColumnChunks>;

struct ChunkRows {
  int64_t rows = 0;
  // As the stream's schema has them; those that no file has (constants, numbers of files) are values.
  std::vector<std::variant<ColumnChunksPtr, std::shared_ptr<arrow::Array>>> columns;
};

// What a sink can do with columns that are encoded.
struct ChunkWishes {
  // For each column of the stream the column of the table that it becomes: encoded, it must be just as a writer would make it for that. nullopt: the sink
  // must see the values.
  std::vector<std::optional<StructField>> columns;
  std::optional<std::string> codec;  // snappy, zstd or none: what the table insists on
  // Why files cannot come as a whole. Empty: they can, when their columns are those of `columns`, each under its name there; what they lack is null.
  std::string no_files_because = "the query computes its rows";
  std::shared_ptr<WholeFiles> files = nullptr;  // null: nobody wants that
};

// The next rows: of one of the kinds, and of none at the end.
struct SomeRows {
  RecordBatchPtr batch;
  std::optional<ChunkRows> chunks;
  std::optional<WholeFile> file = std::nullopt;

  bool is_end() const { return batch == nullptr && !chunks && !file; }
};

class DeliversChunks {
 public:
  virtual ~DeliversChunks() = default;
  // As RowStream::Next, with which it may be mixed.
  virtual Result<SomeRows> NextChunks(const ChunkWishes& wishes) = 0;
};

// The next of any stream.
Result<SomeRows> NextOf(RowStream& rows, const ChunkWishes& wishes);

}  // namespace millstream
