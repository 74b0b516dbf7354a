#pragma once

// xml_options.h   The XML reader's options (Spark's XmlOptions and Auto Loader's), checked.

#include <optional>
#include <string>

#include "base/option_table.h"
#include "formats/datetime_options.h"
#include "formats/file_format.h"
#include "formats/parse_mode.h"

namespace millstream {

const OptionTable& XmlOptionTable();

struct XmlOptions {
  static Result<XmlOptions> From(const OptionMap& user, const FormatContext& context);

  std::string row_tag, attribute_prefix, value_tag, corrupt_record_column, encoding, wildcard_column;
  std::optional<std::string> null_value;
  bool exclude_attributes, ignore_surrounding_spaces, ignore_namespace, infer_schema, prefers_decimal;
  bool types_variants;  // numbers and booleans in a VARIANT are no strings
  bool ignore_missing_files, ignore_corrupt_files;
  bool case_sensitive;        // names of elements
  bool ignore_case_of_names;  // with rescue: names that differ in case only are the same
  ParseMode mode;
  double sampling_ratio;
  DateTimeOptions datetime;

  // The name of an element or attribute, with or without its namespace's prefix.
  std::string_view NameOf(std::string_view written) const { return ignore_namespace ? written.substr(written.rfind(':') + 1) : written; }
  // Without white space around it, where that is asked for.
  std::string_view Trimmed(std::string_view text) const;
};

}  // namespace millstream
