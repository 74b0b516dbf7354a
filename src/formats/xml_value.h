#pragma once

// xml_value.h   A value of a row under way. Rows of XML are put together out of order (the last of equal elements counts), so they are kept until whole.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/column_builder.h"
#include "formats/xml_options.h"

namespace millstream {

struct XmlValue {
  enum class Kind { kNull, kInteger, kFloating, kDecimal, kBytes, kBoolean, kMany };
  Kind kind = Kind::kNull;
  int64_t integer = 0;  // also of dates, timestamps and booleans
  double floating = 0;
  __int128 decimal = 0;
  std::string bytes;
  std::vector<XmlValue> many;     // of structs: the fields; of lists: the elements; of maps: the values; of variants: value and metadata
  std::vector<std::string> keys;  // of maps

  bool is_null() const { return kind == Kind::kNull; }
  static XmlValue Many(size_t count = 0) {
    XmlValue value;
    value.kind = Kind::kMany;
    value.many.resize(count);
    return value;
  }
  void AppendTo(ColumnBuilder& out) const;
};

// What an element's or an attribute's text is as a value of a type that is not nested; decides as Spark's StaxXmlParser.convertTo. False: it is none.
bool XmlScalar(std::string_view text, const DataType& type, const XmlOptions& options, XmlValue* value);

}  // namespace millstream
