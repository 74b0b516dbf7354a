#pragma once

// xml_record_parser.h   XML elements → rows of a schema, value for value as Spark's StaxXmlParser makes them, also where it goes astray.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "formats/xml_reader.h"
#include "formats/xml_value.h"
#include "formats/xml_variant.h"

namespace millstream {

struct XmlRowShape {
  StructType schema;    // of the row
  bool rescue = false;  // what does not fit is rescued instead of making the record bad
  bool collect_new_fields = false;
  std::optional<size_t> variant_field = std::nullopt;  // of the schema, which takes each record whole
  bool is_single_variant = false;                      // records are read so, also when that field is not wanted
};

// Not thread-safe.
class XmlRecordParser {
 public:
  XmlRecordParser(const XmlOptions& options, const XmlRowShape& shape) : options_(options), shape_(shape), variants_(options) {}

  enum class Outcome {
    kRow,      // values() is the row
    kPartial,  // something does not fit; values() is what Spark keeps of the row
    kBroken,   // no row, and the file is given up
  };
  // The record whose start tag comes next, or what is malformed instead of one. Error: the file cannot be read.
  Result<Outcome> Record(XmlReader& reader);
  const std::vector<XmlValue>& values() const { return values_; }
  const std::string& reason() const { return reason_; }
  // With rescue: what no field holds; null when there is nothing.
  const nlohmann::ordered_json& rescued() const { return rescued_; }
  const std::vector<std::string>& new_fields() const { return new_fields_; }

 private:
  // kBad: Spark throws something that the enclosing object catches. kMalformed: the reader can go no further.
  enum class Step { kOk, kBad, kMalformed };

  Result<Step> Field(XmlReader& reader, const DataType& type, const std::string& name, const std::vector<XmlAttribute>& attributes, XmlValue* value);
  Result<Step> Object(XmlReader& reader, const StructType& schema, std::vector<XmlValue>* row, bool is_root);
  Result<Step> Child(XmlReader& reader, const StructType& schema, const XmlEvent& start, std::vector<XmlValue>* row);
  Result<Step> ObjectWithAttributes(XmlReader& reader, const StructType& schema, const std::string& name, const std::vector<XmlAttribute>& attributes,
                                    XmlValue* value);
  Result<Step> Map(XmlReader& reader, const DataType& value_type, const std::vector<XmlAttribute>& attributes, XmlValue* value);
  Result<Step> Variant(XmlReader& reader, const std::vector<XmlAttribute>& attributes, XmlValue* value);
  Result<Step> Structure(XmlReader& reader, const std::string& name, std::string* text);
  Result<Step> SkipEnd(XmlReader& reader, const std::string& name);
  Result<Step> SkipChildren(XmlReader& reader, const std::string& name);
  bool Attributes(const std::vector<XmlAttribute>& attributes, const StructType& schema, std::vector<XmlValue>* row);
  bool ValueTag(const std::string& text, const StructType& schema, std::vector<XmlValue>* row);
  bool Scalar(std::string_view text, const DataType& type, XmlValue* value);
  std::optional<size_t> IndexOf(const StructType& schema, std::string_view name) const;
  Step Bad(std::string reason);
  Step Malformed(const XmlEvent& event);
  void Rescue(const std::string& name, std::string text);

  const XmlOptions& options_;
  const XmlRowShape shape_;
  std::vector<XmlValue> values_;
  std::string reason_;
  nlohmann::ordered_json rescued_;
  std::vector<std::string> path_;  // of the element under way, below the row
  std::vector<std::string> new_fields_;
  int64_t record_begin_ = 0;
  XmlVariantParser variants_;
};

}  // namespace millstream
