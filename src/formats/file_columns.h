#pragma once

// file_columns.h   Columns that say the same for all rows of a file: partition values and _metadata.

#include <arrow/array.h>

#include <memory>
#include <vector>

#include "base/status.h"
#include "formats/file_format.h"
#include "formats/time_zone.h"

namespace millstream {

// `rows` rows of files[file], in the order of the batch.
struct FileRun {
  int32_t file = 0;
  int64_t rows = 0;
  int64_t first_row = 0;  // its place in the file, for formats with a row index
};

// kDictionaries: its strings are dictionaries with a value a file, for who takes single fields.
enum class MetadataForm { kPlain, kDictionaries };
std::shared_ptr<arrow::Array> MetadataArray(const std::vector<InputFile>& files, const std::vector<FileRun>& runs, bool has_row_index,
                                            MetadataForm form = MetadataForm::kPlain);
// kSourceFileColumn of `rows` rows.
std::shared_ptr<arrow::Array> SourceFileArray(const std::vector<FileRun>& runs, int64_t rows);
// Error: a partition value that is none of its column's type.
Result<std::shared_ptr<arrow::Array>> PartitionArray(const StructField& column, const std::vector<InputFile>& files, const std::vector<FileRun>& runs,
                                                     const TimeZone& zone);

}  // namespace millstream
