#include "formats/csv_options.h"

#include <cstdlib>

#include "base/ignore_case.h"

namespace millstream {

const OptionTable& CsvOptionTable() {
  using enum OptionType;
  static const OptionTable table(
      "csv", {{"charToEscapeQuoteEscaping", kString, "", "Escapes the escape character in front of a quote.", "0.1"},
              {"charset", kString, "", "Another name of encoding.", "0.1"},
              {"columnNameOfCorruptRecord", kString, "_corrupt_record", "The column that holds the text of a record which cannot be read.", "0.1"},
              {"comment", kString, "", "Lines that begin with this character are skipped.", "0.1"},
              {"dateFormat", kString, "", "Pattern of dates; without one, yyyy-MM-dd and its shorter forms.", "0.1"},
              {"delimiter", kString, "", "Another name of sep.", "0.1"},
              {"emptyValue", kString, "", "What an empty quoted value is read as.", "0.1"},
              {"encoding", kString, "UTF-8", "Encoding of the files.", "0.1"},
              {"enforceSchema", kBool, "true", "Columns go by position; false: the header must name them in order.", "0.1"},
              {"escape", kString, "\\", "Makes a quote inside a quoted value part of it.", "0.1"},
              {"header", kBool, "false", "The first line of each file names the columns.", "0.1"},
              {"ignoreCorruptFiles", kBool, "false", "Files that cannot be decompressed are left out and counted.", "0.1"},
              {"ignoreLeadingWhiteSpace", kBool, "false", "White space before a value is no part of it.", "0.1"},
              {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
              {"ignoreTrailingWhiteSpace", kBool, "false", "White space behind a value is no part of it.", "0.1"},
              {"inferSchema", kBool, "false", "Inference looks for types; otherwise all columns are strings.", "0.1"},
              {"lineSep", kString, "", "Ends a record; without one, \\n, \\r\\n and \\r.", "0.1"},
              {"locale", kString, "en-US", "Language of dates and numbers; only en-US.", "0.1"},
              {"maxCharsPerColumn", kInt, "-1", "The longest value allowed; -1: no limit.", "0.1"},
              {"maxColumns", kInt, "20480", "The most columns that a record may have.", "0.1"},
              {"mode", kString, "PERMISSIVE", "PERMISSIVE, DROPMALFORMED or FAILFAST.", "0.1"},
              {"multiLine", kBool, "false", "A quoted value may hold line ends.", "0.1"},
              {"nanValue", kString, "NaN", "The text of NaN.", "0.1"},
              {"negativeInf", kString, "-Inf", "The text of minus infinity.", "0.1"},
              {"nullValue", kString, "", "The text of null.", "0.1"},
              {"positiveInf", kString, "Inf", "The text of infinity.", "0.1"},
              {"preferDate", kBool, "true", "Inference takes a date for a date, not for a timestamp.", "0.1"},
              {"quote", kString, "\"", "Encloses values that hold separators; empty: none does.", "0.1"},
              {"readerCaseSensitive", kBool, "true", "Columns whose names differ in case only are different columns.", "0.1"},
              {"rescuedDataColumn", kString, "", "The column that holds what fits no other column.", "0.1"},
              {"samplingRatio", kString, "1.0", "The part of the records that inference looks at.", "0.1"},
              {"sep", kString, ",", "Stands between values; may be several characters.", "0.1"},
              {"singleVariantColumn", kString, "", "The column that takes each record whole, as a VARIANT.", "0.5"},
              {"skipRows", kInt, "0", "Lines at the start of each file that are no records.", "0.1"},
              {"timeZone", kString, "", "Time zone of timestamps without one; by default the session's.", "0.1"},
              {"timestampFormat", kString, "", "Pattern of timestamps; without one, ISO 8601 and its shorter forms.", "0.1"},
              {"timestampNTZFormat", kString, "", "Pattern of timestamps without time zone.", "0.1"},
              {"unescapedQuoteHandling", kString, "STOP_AT_DELIMITER", "What an unescaped quote inside a quoted value means.", "0.1"}});
  return table;
}

namespace {

// One character, as Spark's CSVOptions.getChar takes it.
Result<char> OneChar(const OptionValues& values, const std::string& option) {
  std::string text = values.String(option).value_or("");
  if (text.empty()) return '\0';
  if (text == "\\u0000") return '\0';
  if (text.size() > 1) return Status::IllegalArgument(option + " cannot be more than one character");
  return text[0];
}

// "\t" written as two characters, and its like.
Result<std::string> Separator(const std::string& written) {
  if (written.empty()) return Status::IllegalArgument("Delimiter cannot be empty string");
  if (written == "\\") return Status::IllegalArgument("Single backslash is prohibited. It has special meaning as beginning of an escape sequence.");
  std::string out;
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\' || i + 1 == written.size()) {
      out += written[i];
      continue;
    }
    char c = written[++i];
    constexpr std::string_view kLetters = "trbf\"'\\", kMeant = "\t\r\b\f\"'\\";
    if (size_t at = kLetters.find(c); at != std::string_view::npos) {
      out += kMeant[at];
    } else if (written.compare(i, 5, "u0000") == 0) {
      out += '\0';
      i += 4;
    } else {
      return Status::IllegalArgument("Unsupported special character for delimiter: \\" + std::string(1, c));
    }
  }
  return out;
}

}  // namespace

Result<CsvOptions> CsvOptions::From(const OptionMap& user, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, CsvOptionTable().ParseKnown(user));
  MS_ASSIGN_OR_RETURN(DateTimeOptions datetime, DateTimeOptions::From(values, context.time_zone));
  CsvOptions out{.datetime = std::move(datetime)};
  MS_ASSIGN_OR_RETURN(out.separator, Separator(*values.String(values.Has("delimiter") && !values.Has("sep") ? "delimiter" : "sep")));
  MS_ASSIGN_OR_RETURN(out.quote, OneChar(values, "quote"));
  MS_ASSIGN_OR_RETURN(out.escape, OneChar(values, "escape"));
  MS_ASSIGN_OR_RETURN(out.comment, OneChar(values, "comment"));
  MS_ASSIGN_OR_RETURN(out.escape_of_escape, OneChar(values, "charToEscapeQuoteEscaping"));
  // Univocity's rule: an escape that is not the quote is escaped by itself.
  if (!values.Has("charToEscapeQuoteEscaping") && out.escape != out.quote) out.escape_of_escape = out.escape;
  std::string handling = values.String("unescapedQuoteHandling").value_or("");
  for (char& c : handling) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (handling == "STOP_AT_DELIMITER") {
    out.unescaped_quote = UnescapedQuote::kStopAtDelimiter;
  } else if (handling == "STOP_AT_CLOSING_QUOTE") {
    out.unescaped_quote = UnescapedQuote::kStopAtClosingQuote;
  } else if (handling == "BACK_TO_DELIMITER") {
    return Status::Unsupported("unescapedQuoteHandling BACK_TO_DELIMITER", "Use STOP_AT_DELIMITER.");
  } else if (handling == "SKIP_VALUE") {
    out.unescaped_quote = UnescapedQuote::kSkipValue;
  } else if (handling == "RAISE_ERROR") {
    out.unescaped_quote = UnescapedQuote::kRaiseError;
  } else {
    return Status::IllegalArgument("No enum constant com.univocity.parsers.csv.UnescapedQuoteHandling." + handling);
  }
  out.header = values.Bool("header");
  out.enforce_schema = values.Bool("enforceSchema");
  out.infer_types = values.Bool("inferSchema");
  out.prefer_date = values.Bool("preferDate");
  out.ignore_leading_space = values.Bool("ignoreLeadingWhiteSpace");
  out.ignore_trailing_space = values.Bool("ignoreTrailingWhiteSpace");
  out.multi_line = values.Bool("multiLine");
  out.ignore_missing_files = values.Bool("ignoreMissingFiles");
  out.ignore_corrupt_files = values.Bool("ignoreCorruptFiles");
  out.ignore_case = !values.Bool("readerCaseSensitive");
  out.columns_max = values.Int("maxColumns").value_or(20480);
  out.column_chars_max = values.Int("maxCharsPerColumn").value_or(-1);
  out.skip_rows = values.Int("skipRows").value_or(0);
  out.null_value = values.String("nullValue").value_or("");
  out.empty_value = values.String("emptyValue").value_or("");
  out.nan_value = values.String("nanValue").value_or("NaN");
  out.positive_infinity = values.String("positiveInf").value_or("Inf");
  out.negative_infinity = values.String("negativeInf").value_or("-Inf");
  out.mode = ParseModeFromText(values.String("mode").value_or("PERMISSIVE"));
  out.corrupt_record_column = values.String("columnNameOfCorruptRecord").value_or("_corrupt_record");
  out.encoding = values.String("encoding").value_or("UTF-8");
  if (values.Has("charset")) out.encoding = *values.String("charset");
  if (EqualsIgnoreCase(out.encoding, "UTF-8") || EqualsIgnoreCase(out.encoding, "UTF8")) out.encoding = "UTF-8";
  out.line_separator = values.String("lineSep").value_or("");
  std::string ratio = values.String("samplingRatio").value_or("1.0");
  out.sampling_ratio = std::strtod(ratio.c_str(), nullptr);
  return out;
}

}  // namespace millstream
