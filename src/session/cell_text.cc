#include "session/cell_text.h"

#include <arrow/array.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "formats/variant_json.h"

namespace millstream {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// The shortest text that reads back as the same number, in Java's layout.
template <typename Float>
std::string JavaText(Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  char buffer[64];
  auto scientific = [&](auto... precision) {
    auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), std::abs(value), std::chars_format::scientific, precision...);
    return std::string_view(buffer, static_cast<size_t>(end - buffer));
  };
  std::string_view shortest = scientific();
  std::string text(shortest);
  if (text.find('.') == std::string::npos) {
    // Java always shows two digits, and the second is the true one: 4.9E-324, not 5.0E-324.
    std::string two_digits(scientific(1));
    Float back{};
    std::from_chars(two_digits.data(), two_digits.data() + two_digits.size(), back);
    if (back == std::abs(value)) text = two_digits;
  }
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits = text.substr(0, 1);
  if (text[1] == '.') digits += text.substr(2, e - 2);
  if (digits.size() == 2 && digits[1] == '0') digits.pop_back();
  std::string out = value < 0 ? "-" : "";
  if (exponent >= 7 || exponent < -3) {
    std::string fraction = digits.substr(1);
    return out + digits[0] + "." + (fraction.empty() ? "0" : fraction) + "E" + std::to_string(exponent);
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  std::string fraction = digits.substr(whole);
  return out + digits.substr(0, whole) + "." + (fraction.empty() ? "0" : fraction);
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a ^ b) < 0); }

void AppendDate(int64_t days, std::string& out) {
  // The civil-from-days algorithm in 64 bits: std::chrono::year holds 16.
  int64_t z = days + 719468;
  const int64_t era = FloorDiv(z, 146097);
  const int64_t of_era = z - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t mp = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * mp + 2) / 5 + 1;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2);
  if (year < 0) {
    fmt::format_to(std::back_inserter(out), "-{:04}-{:02}-{:02}", -year, month, day);
  } else {
    fmt::format_to(std::back_inserter(out), "{}{:04}-{:02}-{:02}", year > 9999 ? "+" : "", year, month, day);
  }
}

// "04.5": seconds with as many digits of the fraction as there are.
void AppendSeconds(int64_t seconds, int64_t micros, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{:02}", seconds);
  if (micros == 0) return;
  std::string fraction = fmt::format("{:06}", micros);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  out += "." + fraction;
}

void AppendTimestamp(int64_t local_us, std::string& out) {
  const int64_t days = FloorDiv(local_us, kMicrosPerDay);
  const int64_t of_day = local_us - days * kMicrosPerDay;
  AppendDate(days, out);
  const int64_t seconds = of_day / kMicrosPerSecond;
  fmt::format_to(std::back_inserter(out), " {:02}:{:02}:", seconds / 3600, seconds / 60 % 60);
  AppendSeconds(seconds % 60, of_day % kMicrosPerSecond, out);
}

void AppendDayTime(int64_t us, std::string& out) {
  out += "INTERVAL '";
  if (us < 0) out += '-';
  // The smallest value has no positive twin.
  const uint64_t magnitude = us < 0 ? 0 - static_cast<uint64_t>(us) : static_cast<uint64_t>(us);
  const int64_t days = static_cast<int64_t>(magnitude / kMicrosPerDay), rest = static_cast<int64_t>(magnitude % kMicrosPerDay);
  const int64_t seconds = rest / kMicrosPerSecond;
  fmt::format_to(std::back_inserter(out), "{} {:02}:{:02}:", days, seconds / 3600, seconds / 60 % 60);
  AppendSeconds(seconds % 60, rest % kMicrosPerSecond, out);
  out += "' DAY TO SECOND";
}

void AppendYearMonth(int64_t months, std::string& out) {
  const int64_t magnitude = months < 0 ? -months : months;
  fmt::format_to(std::back_inserter(out), "INTERVAL '{}{}-{}' YEAR TO MONTH", months < 0 ? "-" : "", magnitude / 12, magnitude % 12);
}

void AppendBinary(std::string_view bytes, std::string& out) {
  out += '[';
  for (size_t i = 0; i < bytes.size(); ++i) fmt::format_to(std::back_inserter(out), "{}{:02X}", i == 0 ? "" : " ", static_cast<unsigned char>(bytes[i]));
  out += ']';
}

// Arrow's own text turns to exponents for small numbers; Spark's never does.
void AppendDecimal(const uint8_t* bytes, int scale, std::string& out) {
  std::string digits = arrow::Decimal128(bytes).ToIntegerString();
  if (digits[0] == '-') {
    out += '-';
    digits.erase(0, 1);
  }
  const size_t fraction = static_cast<size_t>(scale);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  if (fraction > 0) digits.insert(digits.size() - fraction, ".");
  out += digits;
}

template <typename ArrayType>
auto ValueAt(const arrow::Array& array, int64_t row) {
  return static_cast<const ArrayType&>(array).Value(row);
}
std::string_view BytesAt(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::LARGE_STRING || array.type_id() == arrow::Type::LARGE_BINARY)
    return static_cast<const arrow::LargeBinaryArray&>(array).GetView(row);
  return static_cast<const arrow::BinaryArray&>(array).GetView(row);
}

Status AppendElements(const arrow::Array& values, int64_t from, int64_t to, const DataType& type, const TimeZone& zone, std::string& out) {
  out += '[';
  for (int64_t i = from; i < to; ++i) {
    if (i > from) out += ", ";
    MS_RETURN_IF_ERROR(AppendCellText(values, i, type, zone, out));
  }
  out += ']';
  return Status();
}

Status AppendVariant(const arrow::StructArray& variants, int64_t row, const TimeZone& zone, std::string& out) {
  return AppendVariantText({BytesAt(*variants.field(0), row), BytesAt(*variants.field(1), row)}, zone, out);
}

}  // namespace

std::string JavaDoubleText(double value) { return JavaText(value); }
std::string JavaFloatText(float value) { return JavaText(value); }

int64_t UtcToLocalMicros(int64_t utc_us, const TimeZone& zone) {
  // The zone answers the other direction. Far enough on both sides of the instant, its offsets before and after any change of clocks are
  // known; the one after is tried first, because a time in a gap would also answer to the one before.
  constexpr int64_t kFar = 26 * 3600 * kMicrosPerSecond;
  auto offset_near = [&](int64_t local_us) { return local_us - zone.LocalToUtcMicros(local_us); };
  const int64_t before = offset_near(utc_us - kFar), after = offset_near(utc_us + kFar);
  if (before == after || zone.LocalToUtcMicros(utc_us + after) == utc_us) return utc_us + after;
  return zone.LocalToUtcMicros(utc_us + before) == utc_us ? utc_us + before : utc_us + after;
}

Status AppendCellText(const arrow::Array& array, int64_t row, const DataType& type, const TimeZone& zone, std::string& out) {
  if (array.IsNull(row)) {
    out += "NULL";
    return Status();
  }
  switch (type.id()) {
    case TypeId::kNull:
      out += "NULL";
      return Status();
    case TypeId::kBoolean:
      out += ValueAt<arrow::BooleanArray>(array, row) ? "true" : "false";
      return Status();
    case TypeId::kByte:
      out += std::to_string(ValueAt<arrow::Int8Array>(array, row));
      return Status();
    case TypeId::kShort:
      out += std::to_string(ValueAt<arrow::Int16Array>(array, row));
      return Status();
    case TypeId::kInteger:
      out += std::to_string(ValueAt<arrow::Int32Array>(array, row));
      return Status();
    case TypeId::kLong:
      out += std::to_string(ValueAt<arrow::Int64Array>(array, row));
      return Status();
    case TypeId::kFloat:
      out += JavaFloatText(ValueAt<arrow::FloatArray>(array, row));
      return Status();
    case TypeId::kDouble:
      out += JavaDoubleText(ValueAt<arrow::DoubleArray>(array, row));
      return Status();
    case TypeId::kDecimal:
      AppendDecimal(static_cast<const arrow::Decimal128Array&>(array).GetValue(row), type.scale(), out);
      return Status();
    case TypeId::kString:
      out += BytesAt(array, row);
      return Status();
    case TypeId::kBinary:
      AppendBinary(BytesAt(array, row), out);
      return Status();
    case TypeId::kDate:
      AppendDate(ValueAt<arrow::Date32Array>(array, row), out);
      return Status();
    case TypeId::kTimestamp:
      AppendTimestamp(UtcToLocalMicros(ValueAt<arrow::TimestampArray>(array, row), zone), out);
      return Status();
    case TypeId::kTimestampNtz:
      AppendTimestamp(ValueAt<arrow::TimestampArray>(array, row), out);
      return Status();
    case TypeId::kDayTimeInterval:
      AppendDayTime(ValueAt<arrow::DurationArray>(array, row), out);
      return Status();
    case TypeId::kYearMonthInterval:
      AppendYearMonth(ValueAt<arrow::MonthIntervalArray>(array, row), out);
      return Status();
    case TypeId::kArray: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      return AppendElements(*list.values(), list.value_offset(row), list.value_offset(row) + list.value_length(row), type.element(), zone, out);
    }
    case TypeId::kMap: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      const int64_t from = map.value_offset(row), to = from + map.value_length(row);
      out += '{';
      for (int64_t i = from; i < to; ++i) {
        if (i > from) out += ", ";
        MS_RETURN_IF_ERROR(AppendCellText(*map.keys(), i, type.key(), zone, out));
        out += " -> ";
        MS_RETURN_IF_ERROR(AppendCellText(*map.items(), i, type.value(), zone, out));
      }
      out += '}';
      return Status();
    }
    case TypeId::kStruct: {
      const auto& record = static_cast<const arrow::StructArray&>(array);
      out += '{';
      for (size_t i = 0; i < type.fields().size(); ++i) {
        if (i > 0) out += ", ";
        MS_RETURN_IF_ERROR(AppendCellText(*record.field(static_cast<int>(i)), row, type.fields()[i].type, zone, out));
      }
      out += '}';
      return Status();
    }
    case TypeId::kVariant:
      return AppendVariant(static_cast<const arrow::StructArray&>(array), row, zone, out);
  }
  return Status::Internal("unknown type");
}

}  // namespace millstream
