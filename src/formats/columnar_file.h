#pragma once

// columnar_file.h   Files that say themselves which columns they have: Parquet, ORC, Avro. Opened once, read part by part from several threads.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "formats/calendar_rebase.h"
#include "types/chunk_rows.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

// The batches of one part, in file order. Not thread-safe.
class ColumnarRows {
 public:
  virtual ~ColumnarRows() = default;
  // nullptr at the end. Columns as asked for, in that order.
  virtual Result<RecordBatchPtr> Next() = 0;
};

// Immutable and thread-safe.
class ColumnarFile {
 public:
  virtual ~ColumnarFile() = default;
  // Top-level columns.
  virtual const ArrowSchemaPtr& arrow_schema() const = 0;
  // The same as Spark's inference has it.
  virtual Result<StructType> SparkSchema() const;
  // Why the file's schema cannot be inferred although some columns can be read: a column has no Spark type, and is null in arrow_schema.
  virtual Status InferrableSchema() const { return Status(); }
  // Row groups, stripes, runs of blocks: what different threads can read.
  virtual int parts() const = 0;
  // Known without reading, of files that can be copied or whose rows are numbered: how many a part has, and those before it.
  virtual int64_t rows_of(int /*part*/) const { return 0; }
  virtual int64_t first_row_of(int /*part*/) const { return 0; }

  struct Column {
    int index = 0;                    // in arrow_schema
    std::optional<DataType> as = {};  // what the values become in the end; a file may leave that to the caller's cast
  };
  virtual Result<std::unique_ptr<ColumnarRows>> ReadPart(int part, const std::vector<Column>& columns, int64_t batch_rows) const = 0;

  // The columns of a part as a file of the same format wants them, one for each of `columns` with what it becomes; empty: they have to be read.
  virtual Result<std::vector<ColumnChunksPtr>> CopyPart(int /*part*/, const std::vector<std::pair<int, StructField>>& /*columns*/,
                                                        const std::optional<std::string>& /*codec*/) const {
    return std::vector<ColumnChunksPtr>();
  }

  // The file as one of a table that has `columns` (all of the file's columns, each with what it becomes), or why it cannot be one.
  virtual std::variant<WholeFile, std::string> AsWhole(const std::vector<std::pair<int, StructField>>& /*columns*/,
                                                       const std::optional<std::string>& /*codec*/) const {
    return "only Parquet files are taken as they are";
  }

  // Whether values of a column may become values of `to`, as Spark's reader of this format decides it.
  virtual bool CanReadAs(int column, const DataType& to) const = 0;
  // Whether days and times of this file are in the calendar of old. `asked`: what the user says of files that do not say it.
  virtual CalendarRebase DatetimeRebase(CalendarRebase asked) const { return asked; }
};

}  // namespace millstream
