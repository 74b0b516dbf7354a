#pragma once

// csv_schema_inference.h   Column types that hold all values, as Spark's CSVInferSchema finds them.

#include <string>
#include <string_view>
#include <vector>

#include "formats/csv_options.h"
#include "formats/csv_tokenizer.h"
#include "types/data_type.h"

namespace millstream {

// Where a type is looked for: without a pattern a date is yyyy-MM-dd alone; a reader of dates takes more.
bool LooksLikeDate(std::string_view text, const CsvOptions& options);

// Not thread-safe.
class CsvSchemaInference {
 public:
  explicit CsvSchemaInference(const CsvOptions& options) : options_(options) {}
  // Of each file's first record. `header`: it names the columns; otherwise they are _c0, _c1…
  void FirstRecord(const std::vector<CsvValue>& values, bool header);
  // Of all that are no header. `columns`: the names of this file's columns, from FirstRecord.
  void Record(const std::vector<CsvValue>& values);
  StructType Finish() const;
  const std::vector<std::string>& file_columns() const { return file_columns_; }

 private:
  DataType TypeOf(const DataType& so_far, std::string_view text) const;

  struct Column {
    std::string name;
    DataType type = DataType::Null();
  };
  const CsvOptions& options_;
  std::vector<Column> columns_;
  std::vector<std::string> file_columns_;
  std::vector<size_t> file_positions_;  // of this file's columns among all
};

// A header's names: trimmed of nothing, empty ones are _c<i>, equal ones get their position behind.
std::vector<std::string> CsvHeaderNames(const std::vector<CsvValue>& values, bool header, const CsvOptions& options);

}  // namespace millstream
