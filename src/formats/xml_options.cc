#include "formats/xml_options.h"

#include <cstdlib>

#include "formats/formats_errors.h"

namespace millstream {

const OptionTable& XmlOptionTable() {
  using enum OptionType;
  static const OptionTable table(
      "xml", {{"attributePrefix", kString, "_", "What the names of columns that are attributes begin with.", "0.1"},
              {"charset", kString, "", "Another name of encoding.", "0.1"},
              {"columnNameOfCorruptRecord", kString, "_corrupt_record", "The column that holds the text of a record which cannot be read.", "0.1"},
              {"dateFormat", kString, "", "Pattern of dates; without one, yyyy-MM-dd.", "0.1"},
              {"encoding", kString, "UTF-8", "Encoding of files that do not say it themselves.", "0.1"},
              {"excludeAttribute", kBool, "false", "Attributes are left out.", "0.1"},
              {"ignoreCorruptFiles", kBool, "false", "Files that cannot be decompressed are left out and counted.", "0.1"},
              {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
              {"ignoreNamespace", kBool, "false", "Prefixes of names do not count.", "0.1"},
              {"ignoreSurroundingSpaces", kBool, "true", "White space around a value is no part of it.", "0.1"},
              {"inferSchema", kBool, "true", "Inference looks for types; otherwise all values are strings.", "0.1"},
              {"locale", kString, "en-US", "Language of dates and numbers; only en-US.", "0.1"},
              {"mode", kString, "PERMISSIVE", "PERMISSIVE, DROPMALFORMED or FAILFAST.", "0.1"},
              {"multiLine", kBool, "true", "Of no effect: records may always span lines.", "0.1"},
              {"nullValue", kString, "", "The text of null.", "0.1"},
              {"preferDate", kBool, "true", "Dates must be as yyyy-MM-dd; false: shorter forms, and dates with a time behind them, are dates too.", "0.1"},
              {"prefersDecimal", kBool, "false", "Inference makes numbers with a fraction decimals.", "0.1"},
              {"readerCaseSensitive", kBool, "true", "With rescuedDataColumn: elements whose names differ in case only are different.", "0.1"},
              {"rescuedDataColumn", kString, "", "The column that holds what fits no other column.", "0.1"},
              {"rowValidationXSDPath", kString, "", "Refused: records are not validated.", "0.1"},
              {"rowTag", kString, "", "The element that is a row.", "0.1"},
              {"samplingRatio", kString, "1.0", "The part of the records that inference looks at.", "0.1"},
              {"singleVariantColumn", kString, "", "The column that takes each record whole, as a VARIANT.", "0.5"},
              {"timeZone", kString, "", "Time zone of timestamps without one; by default the session's.", "0.1"},
              {"timestampFormat", kString, "", "Pattern of timestamps; without one, ISO 8601 and its shorter forms.", "0.1"},
              {"timestampNTZFormat", kString, "", "Pattern of timestamps without time zone.", "0.1"},
              {"treatEmptyValuesAsNulls", kBool, "false", "Of no effect in Spark 4; use nullValue.", "0.1"},
              {"valueTag", kString, "_VALUE", "The field that holds the text of an element which has attributes or children too.", "0.1"},
              {"wildcardColName", kString, "xs_any", "The column that holds, as XML, elements that no other column holds.", "0.1"}});
  return table;
}

Result<XmlOptions> XmlOptions::From(const OptionMap& user, const FormatContext& context) {
  if (user.contains("rowValidationXSDPath")) return Status::Unsupported("The option rowValidationXSDPath of XML", "Leave it out; records are not validated.");
  MS_ASSIGN_OR_RETURN(OptionValues values, XmlOptionTable().ParseKnown(user));
  if (values.Bool("preferDate") && !values.Has("dateFormat")) {
    // A date that is preferred must look like one: Spark sets its strict pattern then.
    OptionMap with_pattern = user;
    with_pattern["dateFormat"] = "yyyy-MM-dd";
    MS_ASSIGN_OR_RETURN(values, XmlOptionTable().ParseKnown(with_pattern));
  }
  MS_ASSIGN_OR_RETURN(DateTimeOptions datetime, DateTimeOptions::From(values, context.time_zone));
  XmlOptions out{.datetime = std::move(datetime)};
  auto text = [&](const char* name) { return values.String(name).value_or(""); };
  if (!user.contains("rowTag")) {
    return Status::Error(errors::kXmlRowTagMissing, {{"rowTag", "`rowTag`"}});
  }
  out.row_tag = text("rowTag");
  if (out.row_tag.empty()) return Status::IllegalArgument("requirement failed: 'rowTag' option should not be empty string.");
  if (out.row_tag.starts_with('<') || out.row_tag.ends_with('>'))
    return Status::IllegalArgument("requirement failed: 'rowTag' should not include angle brackets");
  auto given = [&](const char* name, const char* otherwise) { return user.contains(name) ? user.find(name)->second : std::string(otherwise); };
  out.attribute_prefix = given("attributePrefix", "_");
  out.value_tag = given("valueTag", "_VALUE");
  if (out.value_tag.empty()) return Status::IllegalArgument("requirement failed: 'valueTag' option should not be empty string.");
  if (out.value_tag == out.attribute_prefix) {
    return Status::IllegalArgument("requirement failed: 'valueTag' and 'attributePrefix' options should not be the same.");
  }
  if (user.contains("nullValue")) out.null_value = user.find("nullValue")->second;
  out.corrupt_record_column = given("columnNameOfCorruptRecord", "_corrupt_record");
  out.wildcard_column = given("wildcardColName", "xs_any");
  out.encoding = values.Has("encoding") ? text("encoding") : values.Has("charset") ? text("charset") : "UTF-8";
  out.exclude_attributes = values.Bool("excludeAttribute");
  out.ignore_surrounding_spaces = values.Bool("ignoreSurroundingSpaces");
  out.ignore_namespace = values.Bool("ignoreNamespace");
  out.types_variants = values.Bool("inferSchema");
  out.infer_schema = out.types_variants && context.infer_column_types;
  out.prefers_decimal = values.Bool("prefersDecimal");
  out.ignore_missing_files = values.Bool("ignoreMissingFiles");
  out.ignore_corrupt_files = values.Bool("ignoreCorruptFiles");
  out.case_sensitive = context.case_sensitive;
  out.ignore_case_of_names = !values.Bool("readerCaseSensitive");
  out.mode = ParseModeFromText(values.String("mode").value_or("PERMISSIVE"));
  const std::string ratio = values.String("samplingRatio").value_or("1.0");
  out.sampling_ratio = std::strtod(ratio.c_str(), nullptr);
  if (!(out.sampling_ratio > 0)) return Status::IllegalArgument("requirement failed: samplingRatio (" + ratio + ") should be greater than 0");
  return out;
}

std::string_view XmlOptions::Trimmed(std::string_view text) const {
  if (!ignore_surrounding_spaces) return text;
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace millstream
