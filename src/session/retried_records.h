#pragma once

// retried_records.h   Rows of a quarantine table as records that are parsed once more.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/file_format.h"
#include "types/row_stream.h"

namespace millstream {

struct RetriedRecord {
  std::string file_path;
  int64_t modified_us = 0, byte_offset = 0, byte_length = 0;
  bool has_range = true;           // else: no byte range is known
  bool is_row = false;             // `raw` is a row of the target as JSON
  std::optional<std::string> raw;  // as the table has it
  bool is_truncated = false;
  std::string target, format, loader;  // target: empty, its rows are not the file's
  int64_t load_id = 0;
  std::string header;  // of CSV
  OptionMap options;   // of the reader, those of the record alone left out
  std::map<std::string, std::optional<std::string>> partition_values;

  // Filled by the retry.
  bool is_good = false;
  std::string error_class, reason;  // of one that is still bad
};

// What a query must select for RecordsOf, in order.
inline constexpr char kRetriedColumns[] =
    "file_path, file_modification_time, byte_offset, byte_length, raw, raw_truncated, target, format, options, loader, load_id";
Result<std::vector<RetriedRecord>> RecordsOf(const std::vector<RecordBatchPtr>& rows);

// Records with one target, loader's kind, format and options: parsed together.
struct RetryGroup {
  std::string target, format;
  bool is_copy = false, is_row = false;
  OptionMap options, overrides;  // `options` have the overrides in them
  std::vector<RetriedRecord*> records;
};
// `overrides`: the user's.
std::vector<RetryGroup> GroupRecords(std::vector<RetriedRecord>& records, const OptionMap& overrides);

struct RetriedRows {
  StructType schema;  // ends in kSourceFileColumn, which is the place of the row's record in `records`
  std::vector<RetriedRecord*> records;
  std::vector<RecordBatchPtr> batches;
};
// The rows of the group's good records; is_good, error_class and reason of all are set. `table`: the target's schema; `adds_columns`: fields that it lacks are
// columns of the result. Records of COPY INTO have the types that COPY INTO would find in them; those of streams have the table's; of rows the single values
// are texts, to be cast.
Result<RetriedRows> ParseGroup(RetryGroup& group, const StructType& table, bool adds_columns, FormatContext context);

}  // namespace millstream
