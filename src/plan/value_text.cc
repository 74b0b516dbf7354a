#include "plan/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace millstream {
namespace {

// Days since the epoch → proleptic Gregorian year, month, day (H. Hinnant's civil_from_days).
void CivilFromDays(int64_t days, int64_t& year, int& month, int& day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  year = yoe + era * 400 + (month <= 2);
}

}  // namespace

std::string DateText(int64_t days) {
  int64_t year;
  int month, day;
  CivilFromDays(days, year, month, day);
  if (year < 0 || year > 9999) return fmt::format("{}{:04}-{:02}-{:02}", year < 0 ? "-" : "+", std::abs(year), month, day);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

std::string TimestampText(int64_t micros) {
  constexpr int64_t kDay = 86400LL * 1000000;
  int64_t days = micros / kDay, rest = micros % kDay;
  if (rest < 0) rest += kDay, --days;
  std::string text = fmt::format("{} {:02}:{:02}:{:02}", DateText(days), rest / 3600000000LL, rest / 60000000 % 60, rest / 1000000 % 60);
  if (int64_t fraction = rest % 1000000) {
    std::string digits = fmt::format("{:06}", fraction);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text;
}

std::string DecimalText(DecimalValue value, int scale) {
  unsigned __int128 magnitude = value.unscaled < 0 ? -static_cast<unsigned __int128>(value.unscaled) : static_cast<unsigned __int128>(value.unscaled);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  } while (magnitude != 0);
  while (static_cast<int>(digits.size()) <= scale) digits += '0';
  std::reverse(digits.begin(), digits.end());
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return (value.unscaled < 0 ? "-" : "") + digits;
}

std::string DoubleText(double value, bool is_float) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  char buffer[64];
  auto scientific = is_float ? std::to_chars(buffer, buffer + sizeof(buffer), static_cast<float>(value), std::chars_format::scientific)
                             : std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(scientific.ptr - buffer));
  size_t e = text.find('e');
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  bool negative = text.starts_with('-');
  std::string digits;
  for (char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string result = negative ? "-" : "";
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) return result + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    while (static_cast<int>(digits.size()) < exponent + 2) digits += '0';
    return result + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." + digits.substr(static_cast<size_t>(exponent) + 1);
  }
  return result + digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1) : "0") + "E" + std::to_string(exponent);
}

std::string LiteralSql(const Value& value, const DataType& type) {
  if (value.is_null()) return "NULL";
  switch (type.id()) {
    case TypeId::kNull:
      return "NULL";
    case TypeId::kBoolean:
      return std::get<bool>(value.held) ? "true" : "false";
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return std::to_string(std::get<int64_t>(value.held));
    case TypeId::kFloat:
    case TypeId::kDouble:
      return DoubleText(std::get<double>(value.held), type.id() == TypeId::kFloat);
    case TypeId::kDecimal:
      return DecimalText(std::get<DecimalValue>(value.held), type.scale());
    case TypeId::kString:
      return std::get<std::string>(value.held);
    case TypeId::kBinary: {
      std::string hex = "X'";
      for (char c : std::get<std::string>(value.held)) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
      return hex + "'";
    }
    case TypeId::kDate:
      return "DATE '" + DateText(std::get<int64_t>(value.held)) + "'";
    case TypeId::kTimestamp:
      return "TIMESTAMP '" + TimestampText(std::get<int64_t>(value.held)) + "'";
    case TypeId::kTimestampNtz:
      return "TIMESTAMP_NTZ '" + TimestampText(std::get<int64_t>(value.held)) + "'";
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval: {
      int64_t amount = std::get<int64_t>(value.held);
      std::string sign = amount < 0 ? "-" : "";
      amount = std::abs(amount);
      if (type.id() == TypeId::kYearMonthInterval) return fmt::format("INTERVAL '{}{}-{}' YEAR TO MONTH", sign, amount / 12, amount % 12);
      std::string seconds = fmt::format("{:02}", amount / 1000000 % 60);
      if (int64_t fraction = amount % 1000000) {
        std::string digits = fmt::format("{:06}", fraction);
        digits.erase(digits.find_last_not_of('0') + 1);
        seconds += "." + digits;
      }
      return fmt::format("INTERVAL '{}{} {:02}:{:02}:{}' DAY TO SECOND", sign, amount / 86400000000LL, amount / 3600000000LL % 24, amount / 60000000 % 60,
                         seconds);
    }
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant: {
      std::string text;
      const auto& items = *std::get<std::shared_ptr<const std::vector<Value>>>(value.held);
      for (size_t i = 0; i < items.size(); ++i) {
        DataType item = type.id() == TypeId::kArray    ? type.element()
                        : type.id() == TypeId::kMap    ? (i % 2 ? type.value() : type.key())
                        : type.id() == TypeId::kStruct ? type.fields()[i].type
                                                       : DataType::Null();
        if (type.id() == TypeId::kStruct) text += (i ? ", " : "") + type.fields()[i].name + ", " + LiteralSql(items[i], item);
        if (type.id() != TypeId::kStruct) text += (i ? ", " : "") + LiteralSql(items[i], item);
      }
      return (type.id() == TypeId::kArray ? "ARRAY(" : type.id() == TypeId::kMap ? "MAP(" : "NAMED_STRUCT(") + text + ")";
    }
  }
  return "";
}

}  // namespace millstream
