#include "formats/json_options.h"

#include <cstdlib>

#include "base/ignore_case.h"

namespace millstream {

const OptionTable& JsonOptionTable() {
  using enum OptionType;
  static const OptionTable table(
      "json", {{"allowBackslashEscapingAnyCharacter", kBool, "false", "A backslash may stand before any character.", "0.1"},
               {"allowComments", kBool, "false", "Java and C++ style comments are skipped.", "0.1"},
               {"allowNonNumericNumbers", kBool, "true", "NaN, Infinity, -Infinity, +INF and -INF are numbers.", "0.1"},
               {"allowNumericLeadingZeros", kBool, "false", "Numbers may begin with zeros.", "0.1"},
               {"allowSingleQuotes", kBool, "true", "Single quotes are quotes too.", "0.1"},
               {"allowUnquotedControlChars", kBool, "false", "Strings may hold control characters as they are.", "0.1"},
               {"allowUnquotedFieldNames", kBool, "false", "Names of fields need no quotes.", "0.1"},
               {"columnNameOfCorruptRecord", kString, "_corrupt_record", "The column that holds the text of a record which cannot be read.", "0.1"},
               {"dateFormat", kString, "", "Pattern of dates; without one, yyyy-MM-dd and its shorter forms.", "0.1"},
               {"dropFieldIfAllNull", kBool, "false", "Inference leaves out fields that are always null.", "0.1"},
               {"encoding", kString, "UTF-8", "Encoding of the files.", "0.1"},
               {"charset", kString, "", "Another name of encoding.", "0.1"},
               {"ignoreCorruptFiles", kBool, "false", "Files that cannot be decompressed are left out and counted.", "0.1"},
               {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
               {"ignoreNullFields", kBool, "true", "Of writing only: null fields are not written.", "0.1"},
               {"inferTimestamp", kBool, "false", "Inference tries to read strings as timestamps.", "0.1"},
               {"lineSep", kString, "", "Ends a record; without one, \\n, \\r\\n and \\r.", "0.1"},
               {"locale", kString, "en-US", "Language of dates and numbers; only en-US.", "0.1"},
               {"mode", kString, "PERMISSIVE", "PERMISSIVE, DROPMALFORMED or FAILFAST.", "0.1"},
               {"multiLine", kBool, "false", "A record may span lines: each file is one JSON text.", "0.1"},
               {"prefersDecimal", kBool, "false", "Inference makes numbers with a fraction decimals.", "0.1"},
               {"primitivesAsString", kBool, "false", "Inference makes numbers and booleans strings.", "0.1"},
               {"readerCaseSensitive", kBool, "true", "Fields whose names differ in case only are different fields.", "0.1"},
               {"rescuedDataColumn", kString, "", "The column that holds what fits no other column.", "0.1"},
               {"samplingRatio", kString, "1.0", "The part of the records that inference looks at.", "0.1"},
               {"singleVariantColumn", kString, "", "The column that takes each record whole, as a VARIANT.", "0.1"},
               {"timeZone", kString, "", "Time zone of timestamps without one; by default the session's.", "0.1"},
               {"timestampFormat", kString, "", "Pattern of timestamps; without one, ISO 8601 and its shorter forms.", "0.1"},
               {"timestampNTZFormat", kString, "", "Pattern of timestamps without time zone.", "0.1"}});
  return table;
}

Result<JsonOptions> JsonOptions::From(const OptionMap& user, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, JsonOptionTable().ParseKnown(user));
  MS_ASSIGN_OR_RETURN(DateTimeOptions datetime, DateTimeOptions::From(values, context.time_zone));
  JsonOptions out{.datetime = std::move(datetime)};
  out.allow_comments = values.Bool("allowComments");
  out.allow_single_quotes = values.Bool("allowSingleQuotes");
  out.allow_unquoted_field_names = values.Bool("allowUnquotedFieldNames");
  out.allow_numeric_leading_zeros = values.Bool("allowNumericLeadingZeros");
  out.allow_backslash_escaping_any = values.Bool("allowBackslashEscapingAnyCharacter");
  out.allow_unquoted_control_chars = values.Bool("allowUnquotedControlChars");
  out.allow_non_numeric_numbers = values.Bool("allowNonNumericNumbers");
  out.primitives_as_string = values.Bool("primitivesAsString");
  out.prefers_decimal = values.Bool("prefersDecimal");
  out.drop_field_if_all_null = values.Bool("dropFieldIfAllNull");
  out.infer_timestamp = values.Bool("inferTimestamp");
  out.multi_line = values.Bool("multiLine");
  out.ignore_missing_files = values.Bool("ignoreMissingFiles");
  out.ignore_corrupt_files = values.Bool("ignoreCorruptFiles");
  out.ignore_case = !values.Bool("readerCaseSensitive");
  out.leaves_as_strings = !context.infer_column_types;
  out.mode = ParseModeFromText(values.String("mode").value_or("PERMISSIVE"));
  out.corrupt_record_column = values.String("columnNameOfCorruptRecord").value_or("_corrupt_record");
  out.encoding = values.String("encoding").value_or("UTF-8");
  if (values.Has("charset")) out.encoding = *values.String("charset");
  if (EqualsIgnoreCase(out.encoding, "UTF-8")) out.encoding = "UTF-8";
  if (out.encoding == "UTF8" || out.encoding == "utf8") out.encoding = "UTF-8";
  out.line_separator = values.String("lineSep").value_or("");
  if (values.Has("lineSep") && out.line_separator.empty()) return Status::IllegalArgument("requirement failed: 'lineSep' cannot be an empty string.");
  std::string ratio = values.String("samplingRatio").value_or("1.0");
  out.sampling_ratio = std::strtod(ratio.c_str(), nullptr);
  if (!(out.sampling_ratio > 0)) return Status::IllegalArgument("requirement failed: samplingRatio (" + ratio + ") should be greater than 0");
  return out;
}

}  // namespace millstream
