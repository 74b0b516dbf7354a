#pragma once

// columnar_rows.h   Many files with columns of their own → rows of a schema: columns by name, converted where Spark's reader converts, the rest rescued.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "formats/columnar_file.h"
#include "formats/file_format.h"
#include "formats/scan_plan.h"

namespace millstream {

struct ColumnarOptions {
  bool ignore_missing_files = false, ignore_corrupt_files = false;
  // With rescue: a column whose name differs in case only is another column.
  bool case_sensitive_rescue = true;
  bool case_sensitive = false;  // of the session: as above, also without rescue
  bool rescues = false;         // what the schema does not name is kept: of two names that differ in case only, inference takes one
  CalendarRebase datetime_rebase = CalendarRebase::kCorrected;
  const TimeZone* zone = &TimeZone::Utc();  // of old timestamps
};

// What is particular to a format.
struct ColumnarKind {
  std::string name;
  bool has_row_index = false;     // its files know first_row_of their parts
  bool reads_empty_files = true;  // false: a file without bytes has no rows; true: it is none of this format
  // Error kFileNotFound, or FAILED_READ_FILE for a file that is none of this format.
  std::function<Result<std::shared_ptr<const ColumnarFile>>(const InputFile& file)> open;
  // A column that cannot be read as what the schema says. `column` is its name in the schema.
  std::function<Status(const InputFile& file, const ColumnarFile& opened, int index, const std::string& column, const DataType& to)> mismatch;
};

// True for an error that says that a file's bytes are not what they should be.
bool IsCorruptFile(const Status& status);

RowStreamPtr MakeColumnarRows(ColumnarKind kind, ColumnarOptions options, ScanPlan plan, FileScan scan, std::vector<InputFile> files,
                              std::shared_ptr<FileScanStats> stats);

}  // namespace millstream
