#pragma once

// csv_row_text.h   A row as a line of CSV, with the quotes and escapes that Spark's writer (univocity) puts.

#include <arrow/array.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/option_table.h"
#include "formats/time_zone.h"
#include "types/data_type.h"

namespace millstream {

struct CsvWriteOptions {
  std::string separator = ",", null_value, empty_value = "\"\"", line_separator = "\n";
  char quote = '"', escape = '\\', escape_of_escape = '\\';  // '\0': none
  bool header = false, quote_all = false, escape_quotes = true, trim_leading = true, trim_trailing = true;
  const TimeZone* zone = &TimeZone::Utc();

  static Result<CsvWriteOptions> From(const OptionMap& user, const std::string& default_zone);
};

class CsvRowText {
 public:
  CsvRowText(const StructType& schema, CsvWriteOptions options) : schema_(schema), options_(std::move(options)) {}
  void AppendHeader(std::string& out) const;
  void AppendRow(const std::vector<std::shared_ptr<arrow::Array>>& columns, int64_t row, std::string& out) const;

 private:
  void AppendText(std::string_view text, std::string& out) const;

  const StructType schema_;
  const CsvWriteOptions options_;
};

}  // namespace millstream
