#pragma once

// csv_options.h   The CSV reader's options (Spark's CSVOptions and Auto Loader's), checked.

#include <string>

#include "base/option_table.h"
#include "formats/datetime_options.h"
#include "formats/file_format.h"
#include "formats/parse_mode.h"

namespace millstream {

const OptionTable& CsvOptionTable();

struct CsvOptions {
  static Result<CsvOptions> From(const OptionMap& user, const FormatContext& context);

  enum class UnescapedQuote { kStopAtClosingQuote, kStopAtDelimiter, kSkipValue, kRaiseError };

  std::string separator;  // one byte or more
  char quote = '"';       // '\0': none
  char escape = '\\';
  char escape_of_escape = '\0';  // charToEscapeQuoteEscaping; '\0': none
  char comment = '\0';           // '\0': none
  UnescapedQuote unescaped_quote = UnescapedQuote::kStopAtDelimiter;
  bool header, enforce_schema, infer_types, prefer_date;
  bool ignore_leading_space, ignore_trailing_space;
  bool multi_line, ignore_missing_files, ignore_corrupt_files, ignore_case;
  int64_t columns_max, column_chars_max;  // column_chars_max -1: no limit
  int64_t skip_rows;
  std::string null_value, empty_value, nan_value, positive_infinity, negative_infinity;
  ParseMode mode;
  std::string corrupt_record_column, encoding, line_separator;
  double sampling_ratio;
  DateTimeOptions datetime;
};

}  // namespace millstream
