#pragma once

// json_options.h   The JSON reader's options (Spark's JSONOptions and Auto Loader's), checked.

#include <string>

#include "base/option_table.h"
#include "formats/datetime_options.h"
#include "formats/file_format.h"
#include "formats/parse_mode.h"

namespace millstream {

const OptionTable& JsonOptionTable();

struct JsonOptions {
  static Result<JsonOptions> From(const OptionMap& user, const FormatContext& context);

  bool allow_comments, allow_single_quotes, allow_unquoted_field_names, allow_numeric_leading_zeros, allow_backslash_escaping_any, allow_unquoted_control_chars,
      allow_non_numeric_numbers;
  bool primitives_as_string, prefers_decimal, drop_field_if_all_null, infer_timestamp;
  bool multi_line, ignore_missing_files, ignore_corrupt_files;
  bool ignore_case;        // names of fields match whatever their case
  bool leaves_as_strings;  // inference: Auto Loader without inferColumnTypes
  ParseMode mode;
  std::string corrupt_record_column, encoding, line_separator;
  double sampling_ratio;
  DateTimeOptions datetime;
};

}  // namespace millstream
