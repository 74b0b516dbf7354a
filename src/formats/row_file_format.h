#pragma once

// row_file_format.h   Rows → files of JSON, CSV, text, Parquet or Avro, as Spark writes them. One RowFileFormat for a query, one RowFileWriter for each file.

#include <cstdint>
#include <memory>
#include <string>

#include "base/option_table.h"
#include "formats/file_format.h"
#include "storage/fs.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

// Not thread-safe. Abandoned (destroyed without Close), it leaves nothing behind.
class RowFileWriter {
 public:
  virtual ~RowFileWriter() = default;
  // Batches have the columns of the format's schema, as ToArrowSchema makes them.
  virtual Status Write(const arrow::RecordBatch& rows) = 0;
  // Ends the file, syncs its bytes and publishes its name; the directory is synced by the caller. Returns the size.
  virtual Result<int64_t> Close() = 0;
};

// Thread-safe and immutable.
class RowFileFormat {
 public:
  virtual ~RowFileFormat() = default;
  // ".json", ".csv.gz", ".snappy.parquet": what a file's name ends with.
  virtual std::string extension() const = 0;
  // A file to be published as `path`, which must not be there.
  virtual Result<std::unique_ptr<RowFileWriter>> Create(Fs& fs, const std::string& path) const = 0;
};

// "json", "csv", "text", "parquet" or "avro" (any case) with the user's writer options. `schema`: the columns of the files, without partition columns.
// Errors: UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE, MILLSTREAM_UNSUPPORTED.
Result<std::shared_ptr<const RowFileFormat>> MakeRowFileFormat(const std::string& name, const OptionMap& options, const StructType& schema,
                                                               const FormatContext& context);
// True for the formats that MakeRowFileFormat takes.
bool IsWritableFileFormat(std::string_view name);

}  // namespace millstream
