#include "formats/csv_row_text.h"

#include <arrow/array/array_binary.h>

#include "formats/cell_text_writer.h"

namespace millstream {
namespace {

const OptionTable& CsvWriteOptionTable() {
  using enum OptionType;
  static const OptionTable table("csv", {{"charToEscapeQuoteEscaping", kString, "", "Escapes the escape character inside quotes.", "0.2"},
                                         {"delimiter", kString, "", "Another name of sep.", "0.2"},
                                         {"emptyValue", kString, "\"\"", "The text of an empty string.", "0.2"},
                                         {"escape", kString, "\\", "Stands before a quote inside a quoted value.", "0.2"},
                                         {"escapeQuotes", kBool, "true", "Values that hold quotes are quoted.", "0.2"},
                                         {"header", kBool, "false", "The first line names the columns.", "0.2"},
                                         {"ignoreLeadingWhiteSpace", kBool, "true", "White space before a value is not written.", "0.2"},
                                         {"ignoreTrailingWhiteSpace", kBool, "true", "White space behind a value is not written.", "0.2"},
                                         {"lineSep", kString, "\n", "Ends a record.", "0.2"},
                                         {"nullValue", kString, "", "The text of null.", "0.2"},
                                         {"quote", kString, "\"", "Encloses values that hold separators.", "0.2"},
                                         {"quoteAll", kBool, "false", "All values are quoted.", "0.2"},
                                         {"sep", kString, ",", "Stands between values.", "0.2"},
                                         {"timeZone", kString, "", "Time zone of timestamps; by default the session's.", "0.2"}});
  return table;
}

Result<char> OneChar(const OptionMap& user, const char* option, char otherwise) {
  auto found = user.find(option);
  if (found == user.end()) return otherwise;
  if (found->second.empty() || found->second == "\\u0000") return '\0';
  if (found->second.size() > 1) return Status::IllegalArgument(std::string(option) + " cannot be more than one character");
  return found->second[0];
}

bool IsSpace(char c) { return static_cast<unsigned char>(c) <= ' '; }

}  // namespace

Result<CsvWriteOptions> CsvWriteOptions::From(const OptionMap& user, const std::string& default_zone) {
  MS_ASSIGN_OR_RETURN(OptionValues values, CsvWriteOptionTable().ParseKnown(user));
  CsvWriteOptions out;
  // Empty texts count: nullValue = "" is a setting.
  auto text = [&](const char* name, std::string& into) {
    if (auto found = user.find(name); found != user.end()) into = found->second;
  };
  text("delimiter", out.separator);
  text("sep", out.separator);
  if (out.separator == "\\t") out.separator = "\t";
  if (out.separator.empty()) return Status::IllegalArgument("Delimiter cannot be empty string");
  text("nullValue", out.null_value);
  text("emptyValue", out.empty_value);
  text("lineSep", out.line_separator);
  MS_ASSIGN_OR_RETURN(out.quote, OneChar(user, "quote", '"'));
  MS_ASSIGN_OR_RETURN(out.escape, OneChar(user, "escape", '\\'));
  MS_ASSIGN_OR_RETURN(out.escape_of_escape, OneChar(user, "charToEscapeQuoteEscaping", out.escape == out.quote ? '\0' : out.escape));
  out.header = values.Bool("header");
  out.quote_all = values.Bool("quoteAll");
  out.escape_quotes = values.Bool("escapeQuotes");
  out.trim_leading = values.Bool("ignoreLeadingWhiteSpace");
  out.trim_trailing = values.Bool("ignoreTrailingWhiteSpace");
  const std::string zone = values.String("timeZone").value_or(default_zone);
  out.zone = TimeZone::Find(zone);
  if (out.zone == nullptr) return Status::IllegalArgument("The time zone '" + zone + "' is not known.");
  return out;
}

void CsvRowText::AppendHeader(std::string& out) const {
  for (size_t i = 0; i < schema_.size(); ++i) {
    if (i > 0) out += options_.separator;
    AppendText(schema_[i].name, out);
  }
  out += options_.line_separator;
}

void CsvRowText::AppendRow(const std::vector<std::shared_ptr<arrow::Array>>& columns, int64_t row, std::string& out) const {
  std::string scalar;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += options_.separator;
    const arrow::Array& array = *columns[i];
    if (array.IsNull(row)) {
      out += options_.null_value;
    } else if (schema_[i].type.id() == TypeId::kString) {
      AppendText(static_cast<const arrow::StringArray&>(array).GetView(row), out);
    } else {
      scalar.clear();
      AppendScalarText(array, row, schema_[i].type, *options_.zone, scalar);
      AppendText(scalar, out);
    }
  }
  out += options_.line_separator;
}

void CsvRowText::AppendText(std::string_view text, std::string& out) const {
  if (text.empty()) {
    out += options_.empty_value;
    return;
  }
  if (options_.trim_leading)
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  if (options_.trim_trailing)
    while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  const char quote = options_.quote;
  const bool quoted =
      quote != '\0' && (options_.quote_all || text.find('\n') != std::string_view::npos || text.find(options_.separator) != std::string_view::npos ||
                        (options_.escape_quotes && text.find(quote) != std::string_view::npos));
  if (!quoted) {
    out += text;
    return;
  }
  out += quote;
  for (char c : text) {
    if (c == quote) {
      if (options_.escape != '\0') out += options_.escape;
    } else if (c == options_.escape && options_.escape_of_escape != '\0') {
      out += options_.escape_of_escape;
    }
    out += c;
  }
  out += quote;
}

}  // namespace millstream
