#include "formats/cell_text_writer.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>

#include <cmath>
#include <cstdio>
#include <cstring>

#include "formats/json_scanner.h"
#include "formats/variant_json.h"
#include "types/java_number.h"

namespace millstream {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct Civil {
  int64_t year = 0;
  int month = 0, day = 0;
};

// Howard Hinnant's civil_from_days.
Civil CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = FloorDiv(days, 146097);
  const int64_t doe = days - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, static_cast<int>(doy - (153 * mp + 2) / 5 + 1)};
}

void AppendPadded(int64_t number, int digits, std::string& out) {
  char buffer[20];
  for (int i = digits - 1; i >= 0; --i, number /= 10) buffer[i] = static_cast<char>('0' + number % 10);
  out.append(buffer, static_cast<size_t>(digits));
}

void AppendClock(int64_t of_day_us, std::string& out) {
  AppendPadded(of_day_us / 3'600'000'000, 2, out);
  out += ':';
  AppendPadded(of_day_us / 60'000'000 % 60, 2, out);
  out += ':';
  AppendPadded(of_day_us / 1'000'000 % 60, 2, out);
}

void AppendBase64(std::string_view bytes, std::string& out) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
}

std::string_view BytesOf(const arrow::Array& array, int64_t row) { return static_cast<const arrow::BinaryArray&>(array).GetView(row); }

template <typename Array>
int64_t IntegerOf(const arrow::Array& array, int64_t row) {
  return static_cast<const Array&>(array).Value(row);
}

}  // namespace

void AppendIsoDate(int64_t days, std::string& out) {
  const Civil civil = CivilFromDays(days);
  if (civil.year < 0) out += '-';
  if (civil.year > 9999) out += '+';
  const int64_t year = std::abs(civil.year);
  AppendPadded(year, year > 99999 ? 6 : year > 9999 ? 5 : 4, out);
  out += '-';
  AppendPadded(civil.month, 2, out);
  out += '-';
  AppendPadded(civil.day, 2, out);
}

void AppendIsoTimestamp(int64_t micros, const TimeZone* zone, std::string& out) {
  const int64_t offset_s = zone == nullptr ? 0 : zone->OffsetSecondsAt(micros);
  const int64_t wall = micros + offset_s * 1'000'000;
  const int64_t days = FloorDiv(wall, kDayUs), of_day = wall - days * kDayUs;
  AppendIsoDate(days, out);
  out += 'T';
  AppendClock(of_day, out);
  out += '.';
  AppendPadded(of_day / 1000 % 1000, 3, out);
  if (zone == nullptr) return;
  if (offset_s == 0) {
    out += 'Z';
    return;
  }
  const int64_t size = std::abs(offset_s);
  out += offset_s < 0 ? '-' : '+';
  AppendPadded(size / 3600, 2, out);
  out += ':';
  AppendPadded(size / 60 % 60, 2, out);
}

void AppendPlainTimestamp(int64_t micros, const TimeZone* zone, std::string& out) {
  const int64_t wall = micros + (zone == nullptr ? 0 : zone->OffsetSecondsAt(micros) * 1'000'000);
  const int64_t days = FloorDiv(wall, kDayUs), of_day = wall - days * kDayUs;
  AppendIsoDate(days, out);
  out += ' ';
  AppendClock(of_day, out);
  if (const int64_t fraction = of_day % 1'000'000; fraction != 0) {
    out += '.';
    AppendPadded(fraction, 6, out);
    out.erase(out.find_last_not_of('0') + 1);
  }
}

void AppendBigDecimal(__int128 unscaled, int scale, std::string& out) {
  const bool negative = unscaled < 0;
  std::string digits;
  for (unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled); rest > 0; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  if (digits.empty()) digits = "0";
  if (negative) out += '-';
  if (scale == 0) {
    out += digits;
    return;
  }
  const int exponent = static_cast<int>(digits.size()) - 1 - scale;
  if (exponent < -6) {
    out += digits[0];
    if (digits.size() > 1) out += '.' + digits.substr(1);
    out += 'E' + std::to_string(exponent);
    return;
  }
  if (static_cast<int>(digits.size()) <= scale) digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
  out.append(digits, 0, digits.size() - static_cast<size_t>(scale));
  out += '.';
  out.append(digits, digits.size() - static_cast<size_t>(scale));
}

void AppendScalarText(const arrow::Array& array, int64_t row, const DataType& type, const TimeZone& zone, std::string& out) {
  auto integer = [&](int64_t number) {
    char buffer[24];
    out.append(buffer, static_cast<size_t>(std::snprintf(buffer, sizeof buffer, "%lld", static_cast<long long>(number))));
  };
  switch (type.id()) {
    case TypeId::kBoolean:
      out += static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
      return;
    case TypeId::kByte:
      return integer(IntegerOf<arrow::Int8Array>(array, row));
    case TypeId::kShort:
      return integer(IntegerOf<arrow::Int16Array>(array, row));
    case TypeId::kInteger:
      return integer(IntegerOf<arrow::Int32Array>(array, row));
    case TypeId::kLong:
      return integer(IntegerOf<arrow::Int64Array>(array, row));
    case TypeId::kFloat:
      out += JavaFloat(static_cast<const arrow::FloatArray&>(array).Value(row));
      return;
    case TypeId::kDouble:
      out += JavaDouble(static_cast<const arrow::DoubleArray&>(array).Value(row));
      return;
    case TypeId::kDecimal: {
      __int128 unscaled = 0;
      std::memcpy(&unscaled, static_cast<const arrow::Decimal128Array&>(array).GetValue(row), sizeof unscaled);
      AppendBigDecimal(unscaled, type.scale(), out);
      return;
    }
    case TypeId::kDate:
      AppendIsoDate(IntegerOf<arrow::Date32Array>(array, row), out);
      return;
    case TypeId::kTimestamp:
      AppendIsoTimestamp(IntegerOf<arrow::TimestampArray>(array, row), &zone, out);
      return;
    case TypeId::kTimestampNtz:
      AppendIsoTimestamp(IntegerOf<arrow::TimestampArray>(array, row), nullptr, out);
      return;
    case TypeId::kNull:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kVariant:
      MS_CHECK_MSG(false, "no scalar with a text");
  }
}

JsonRowText::JsonRowText(const StructType& schema, JsonTextOptions options) : schema_(schema), options_(options) {
  for (const StructField& field : schema_) {
    std::string key;
    AppendJsonString(field.name, &key);
    keys_.push_back(key + ":");
  }
}

void JsonRowText::AppendRow(const std::vector<std::shared_ptr<arrow::Array>>& columns, int64_t row, std::string& out) const {
  out += '{';
  bool first = true;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]->IsNull(row) && !options_.keep_nulls) continue;
    if (!first) out += ',';
    first = false;
    out += keys_[i];
    AppendValue(*columns[i], row, schema_[i].type, out);
  }
  out += '}';
}

// Recursion ends where the type does, whose depth is limited.
void JsonRowText::AppendValue(const arrow::Array& array, int64_t row, const DataType& type, std::string& out) const {
  if (array.IsNull(row)) {
    out += "null";
    return;
  }
  switch (type.id()) {
    case TypeId::kString:
      AppendJsonString(BytesOf(array, row), &out);
      return;
    case TypeId::kBinary:
      out += '"';
      AppendBase64(BytesOf(array, row), out);
      out += '"';
      return;
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      out += '"';
      AppendScalarText(array, row, type, *options_.zone, out);
      out += '"';
      return;
    case TypeId::kFloat:
    case TypeId::kDouble: {
      const size_t at = out.size();
      AppendScalarText(array, row, type, *options_.zone, out);
      // NaN and the infinities are no JSON numbers.
      if (const char last = out.back(); last == 'N' || last == 'y') {
        out.insert(at, 1, '"');
        out += '"';
      }
      return;
    }
    case TypeId::kArray: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      out += '[';
      for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
        if (i > list.value_offset(row)) out += ',';
        AppendValue(*list.values(), i, type.element(), out);
      }
      out += ']';
      return;
    }
    case TypeId::kMap: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      out += '{';
      for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
        if (i > map.value_offset(row)) out += ',';
        std::string key;
        AppendValue(*map.keys(), i, type.key(), key);
        out += key.starts_with('"') ? key : '"' + key + '"';
        out += ':';
        AppendValue(*map.items(), i, type.value(), out);
      }
      out += '}';
      return;
    }
    case TypeId::kStruct: {
      const auto& group = static_cast<const arrow::StructArray&>(array);
      out += '{';
      bool first = true;
      for (size_t i = 0; i < type.fields().size(); ++i) {
        // field() already counts from the struct's own offset.
        const std::shared_ptr<arrow::Array> field = group.field(static_cast<int>(i));
        if (field->IsNull(row) && !options_.keep_nulls) continue;
        if (!first) out += ',';
        first = false;
        AppendJsonString(type.fields()[i].name, &out);
        out += ':';
        AppendValue(*field, row, type.fields()[i].type, out);
      }
      out += '}';
      return;
    }
    case TypeId::kNull:
      out += "null";
      return;
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kDecimal:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      AppendScalarText(array, row, type, *options_.zone, out);
      return;
    case TypeId::kVariant: {
      const auto& variant = static_cast<const arrow::StructArray&>(array);
      if (!AppendVariantJson({BytesOf(*variant.field(0), row), BytesOf(*variant.field(1), row)}, *options_.zone, out).ok()) out += "null";
    }
  }
}

}  // namespace millstream
