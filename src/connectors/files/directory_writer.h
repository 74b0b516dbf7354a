#pragma once

// directory_writer.h   Rows → files of a format below a directory, one for each partition and worker: durable when it returns, and named by nobody yet.

#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/sink_log.h"
#include "formats/row_file_format.h"

namespace millstream {

struct DirectoryWrite {
  std::string directory;  // raw; made when missing
  std::string format;
  OptionMap options;  // of the format; maxRecordsPerFile
  std::vector<std::string> partition_by;
  FormatContext context;
  int threads = 1;  // 1: rows keep their order, file by file
  // With no rows at all: a file that says what the columns are. Not where there are partitions.
  bool always_one_file = false;
};

struct DirectoryWritten {
  std::vector<SinkFile> files;
  std::vector<std::string> directories;  // in which they lie
  int64_t rows = 0;
};

// Column names of partitions, as `schema` has them. Errors: PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA, ALL_PARTITION_COLUMNS_NOT_ALLOWED, types without a place in
// the format.
Status CheckDirectoryWrite(const DirectoryWrite& write, const StructType& schema);

// After an error the files that have a name already are removed again.
Result<DirectoryWritten> WriteDirectory(Fs& fs, const DirectoryWrite& write, const StructType& schema, RowStream& rows);

}  // namespace millstream
