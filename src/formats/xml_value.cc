#include "formats/xml_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/spark_text.h"

namespace millstream {
namespace {

std::string WithoutCommas(std::string_view text) {
  std::string plain(text);
  std::erase(plain, ',');
  return plain;
}

// java.text.NumberFormat of locale US: as much of the text as is a number, with commas between digits.
std::optional<double> LeadingNumber(std::string_view text) {
  std::string plain;
  size_t at = 0;
  auto digits = [&](bool commas) {
    const size_t before = plain.size();
    for (; at < text.size(); ++at) {
      if (text[at] >= '0' && text[at] <= '9') {
        plain += text[at];
      } else if (!commas || text[at] != ',' || plain.size() == before) {
        break;
      }
    }
    return plain.size() > before;
  };
  if (at < text.size() && text[at] == '-') plain += text[at++];
  if (text.substr(at).starts_with("\xE2\x88\x9E")) return plain.empty() ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  bool any = digits(true);
  if (at < text.size() && text[at] == '.') {
    plain += text[at++];
    any |= digits(false);
  }
  if (!any) return std::nullopt;
  if (at + 1 < text.size() && text[at] == 'E') {
    const size_t mantissa = plain.size(), mark = at++;
    plain += 'E';
    if (at < text.size() && text[at] == '-') plain += text[at++];
    if (!digits(false)) {
      plain.resize(mantissa);
      at = mark;
    }
  }
  return ParseJavaDouble(plain);
}

bool Integer(std::string_view text, int64_t min, int64_t max, XmlValue* value) {
  auto number = ParseLong(text);
  if (!number || *number < min || *number > max) return false;
  value->kind = XmlValue::Kind::kInteger;
  value->integer = *number;
  return true;
}

// Spark takes the sign off, parses what is left, which may have a sign of its own, and puts the sign back.
std::string_view TakeSign(std::string_view text, bool* negative) {
  *negative = text.starts_with('-');
  return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

template <typename T>
bool SignedInteger(std::string_view text, XmlValue* value) {
  bool negative = false;
  if (!Integer(TakeSign(text, &negative), std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), value)) return false;
  if (negative) value->integer = static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(static_cast<T>(value->integer)));
  return true;
}

bool SignedFloating(std::string_view text, bool single, XmlValue* value) {
  bool negative = false;
  text = TakeSign(text, &negative);
  std::optional<double> number;
  if (single) {
    if (auto parsed = ParseJavaFloat(text)) number = *parsed;
  } else {
    number = ParseJavaDouble(text);
  }
  if (!number) number = LeadingNumber(text);
  if (!number) return false;
  value->kind = XmlValue::Kind::kFloating;
  value->floating = negative ? -*number : *number;
  return true;
}

template <typename T>
bool Time(std::optional<T> found, XmlValue* value) {
  if (!found) return false;
  value->kind = XmlValue::Kind::kInteger;
  value->integer = *found;
  return true;
}

bool Boolean(std::string_view text, XmlValue* value) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  value->kind = XmlValue::Kind::kBoolean;
  value->integer = lower == "true" || lower == "1" ? 1 : 0;
  return value->integer == 1 || lower == "false" || lower == "0";
}

}  // namespace

bool XmlScalar(std::string_view text, const DataType& type, const XmlOptions& options, XmlValue* value) {
  text = options.Trimmed(text);
  *value = XmlValue();
  if (options.null_value && text == *options.null_value) return true;
  switch (type.id()) {
    case TypeId::kNull:
      return true;
    case TypeId::kBoolean:
      return Boolean(text, value);
    case TypeId::kByte:
      return Integer(text, INT8_MIN, INT8_MAX, value);
    case TypeId::kShort:
      return Integer(text, INT16_MIN, INT16_MAX, value);
    case TypeId::kInteger:
      return SignedInteger<int32_t>(text, value);
    case TypeId::kLong:
      return SignedInteger<int64_t>(text, value);
    case TypeId::kFloat:
      return SignedFloating(text, true, value);
    case TypeId::kDouble:
      return SignedFloating(text, false, value);
    case TypeId::kDecimal: {
      auto number = ParseDecimal(WithoutCommas(text), type.precision(), type.scale());
      if (!number) return false;
      value->kind = XmlValue::Kind::kDecimal;
      value->decimal = *number;
      return true;
    }
    case TypeId::kString:
      value->kind = XmlValue::Kind::kBytes;
      value->bytes = text;
      return true;
    case TypeId::kDate:
      return Time(options.datetime.Date(text), value);
    case TypeId::kTimestamp:
      return Time(options.datetime.Timestamp(text), value);
    case TypeId::kTimestampNtz:
      return Time(options.datetime.TimestampNtz(text), value);
    case TypeId::kBinary:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return false;
  }
  return false;
}

void XmlValue::AppendTo(ColumnBuilder& out) const {
  switch (kind) {
    case Kind::kNull:
      return out.AppendNull();
    case Kind::kInteger:
      return out.AppendInteger(integer);
    case Kind::kFloating:
      if (out.type().id() == TypeId::kFloat) return out.AppendFixed(static_cast<float>(floating));
      return out.AppendFixed(floating);
    case Kind::kDecimal:
      return out.AppendFixed(decimal);
    case Kind::kBytes:
      return out.AppendBytes(bytes);
    case Kind::kBoolean:
      return out.AppendFixed(static_cast<uint8_t>(integer));
    case Kind::kMany:
      break;
  }
  if (out.type().id() == TypeId::kStruct || out.type().id() == TypeId::kVariant) {
    for (size_t i = 0; i < many.size(); ++i) many[i].AppendTo(out.child(i));
    return out.CloseStruct();
  }
  const bool is_map = out.type().id() == TypeId::kMap;
  for (size_t i = 0; i < many.size(); ++i) {
    if (is_map) out.child(0).AppendBytes(keys[i]);
    many[i].AppendTo(out.child(is_map ? 1 : 0));
  }
  out.CloseList();
}

}  // namespace millstream
