#include "delta/value_text.h"

#include <arrow/array.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "delta/action_json.h"
#include "delta/delta_errors.h"

namespace millstream {
namespace {

constexpr int64_t kDayMicros = int64_t{86400} * 1000000;
constexpr size_t kStatsChars = 32;
constexpr char kLargestChar[] = "\xF4\x8F\xBF\xBF";  // U+10FFFF

struct Civil {
  int64_t year;
  int month, day;
};

// Days since 1970-01-01 ↔ the proleptic Gregorian calendar (H. Hinnant's algorithm).
Civil CivilFromDays(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2), month, static_cast<int>(doy - (153 * mp + 2) / 5 + 1)};
}

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t yoe = year - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

// "2026-01-02<separator>03:04:05" and the fraction with `digits` digits.
std::optional<std::string> TimestampText(int64_t micros, char separator, int digits) {
  int64_t days = FloorDiv(micros, kDayMicros), in_day = micros - days * kDayMicros;
  std::optional<std::string> date = LogDateText(days);
  if (!date) return std::nullopt;
  int64_t seconds = in_day / 1000000, fraction = in_day % 1000000;
  std::string text = fmt::format("{}{}{:02}:{:02}:{:02}", *date, separator, seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (digits == 3) return text + fmt::format(".{:03}", fraction / 1000);
  return text + fmt::format(".{:06}", fraction);
}

std::string FloatText(double number, bool is_single) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::string text = is_single ? fmt::format("{}", static_cast<float>(number)) : fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Well-formed UTF-8: no overlong forms, no surrogates.
bool IsUtf8(std::string_view text) {
  auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (size_t i = 0; i < text.size();) {
    unsigned lead = at(i);
    size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    if (length == 0) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((at(i + k) & 0xC0) != 0x80) return false;
    }
    unsigned second = at(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    i += length;
  }
  return true;
}

size_t CharLength(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// Bytes of the first `chars` characters of valid UTF-8.
size_t PrefixBytes(std::string_view text, size_t chars) {
  size_t at = 0;
  for (; chars > 0 && at < text.size(); --chars) at += CharLength(static_cast<unsigned char>(text[at]));
  return std::min(at, text.size());
}

std::optional<std::string> StringBound(const std::string& text, bool is_max) {
  if (!IsUtf8(text)) return std::nullopt;
  size_t bytes = PrefixBytes(text, kStatsChars);
  std::string json;
  if (bytes == text.size() || !is_max) {
    AppendJsonString(json, std::string_view(text).substr(0, bytes));
    return json;
  }
  // The cut maximum must not be below the whole one: it ends in the largest character there is.
  while (std::string_view(text).substr(bytes).starts_with(kLargestChar)) bytes += 4;
  if (bytes > kStatsChars * 8) return std::nullopt;
  AppendJsonString(json, text.substr(0, bytes) + (bytes < text.size() ? kLargestChar : ""));
  return json;
}

// A bound as JSON; nullopt: it cannot be said.
std::optional<std::string> BoundJson(const Value& value, const DataType& type, bool is_max) {
  switch (type.id()) {
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return std::to_string(std::get<int64_t>(value.held));
    case TypeId::kFloat:
    case TypeId::kDouble: {
      double number = std::get<double>(value.held);
      if (!std::isfinite(number)) return std::nullopt;
      return FloatText(number, type.id() == TypeId::kFloat);
    }
    case TypeId::kDecimal:
      return LogDecimalText(std::get<DecimalValue>(value.held).unscaled, type.scale());
    case TypeId::kString:
      return StringBound(std::get<std::string>(value.held), is_max);
    case TypeId::kDate: {
      std::optional<std::string> text = LogDateText(std::get<int64_t>(value.held));
      return text ? std::optional('"' + *text + '"') : std::nullopt;
    }
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz: {
      int64_t micros = std::get<int64_t>(value.held);
      // Statistics have milliseconds: the maximum is rounded up.
      if (is_max && micros <= INT64_MAX - 999) micros += 999;
      std::optional<std::string> text = TimestampText(micros, 'T', 3);
      if (!text) return std::nullopt;
      return '"' + *text + (type.id() == TypeId::kTimestamp ? "Z\"" : "\"");
    }
    default:
      return std::nullopt;
  }
}

// Columns of one struct level, in order of their names within `columns`; leaves below are grouped by their first name.
void AppendTree(std::string& json, const std::vector<std::pair<const std::vector<std::string>*, std::string>>& leaves, size_t begin, size_t end, size_t depth) {
  json += '{';
  for (size_t at = begin; at < end;) {
    if (at > begin) json += ',';
    const std::string& name = (*leaves[at].first)[depth];
    AppendJsonString(json, name);
    json += ':';
    if (leaves[at].first->size() == depth + 1) {
      json += leaves[at++].second;
      continue;
    }
    size_t next = at;
    while (next < end && leaves[next].first->size() > depth + 1 && (*leaves[next].first)[depth] == name) ++next;
    AppendTree(json, leaves, at, next, depth + 1);
    at = next;
  }
  json += '}';
}

Status BadPartitionValue(const std::string& text, const DataType& type) {
  return Status::Error(errors::kDeltaLogCorrupt, {{"path", "a partition value"}, {"reason", "'" + text + "' is not a value of type " + type.Sql()}});
}

// Digits at `at`, moved on; nullopt: none.
std::optional<int64_t> TakeDigits(std::string_view text, size_t& at, size_t digits_max) {
  size_t begin = at;
  int64_t number = 0;
  while (at < text.size() && at - begin < digits_max && text[at] >= '0' && text[at] <= '9') number = number * 10 + (text[at++] - '0');
  return at == begin ? std::nullopt : std::optional(number);
}

std::optional<int64_t> ParseDays(std::string_view text, size_t& at) {
  auto year = TakeDigits(text, at, 6);
  if (!year || at >= text.size() || text[at++] != '-') return std::nullopt;
  auto month = TakeDigits(text, at, 2);
  if (!month || *month < 1 || *month > 12 || at >= text.size() || text[at++] != '-') return std::nullopt;
  auto day = TakeDigits(text, at, 2);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  return DaysFromCivil(*year, static_cast<int>(*month), static_cast<int>(*day));
}

std::optional<int64_t> ParseMicros(std::string_view text) {
  size_t at = 0;
  auto days = ParseDays(text, at);
  if (!days) return std::nullopt;
  int64_t micros = *days * kDayMicros;
  if (at == text.size()) return micros;
  if (text[at] != ' ' && text[at] != 'T') return std::nullopt;
  ++at;
  int64_t unit = int64_t{3600} * 1000000;
  for (int part = 0; part < 3; ++part, unit /= 60) {
    if (part > 0 && (at >= text.size() || text[at++] != ':')) return std::nullopt;
    auto number = TakeDigits(text, at, 2);
    if (!number) return std::nullopt;
    micros += *number * unit;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    size_t begin = at;
    auto fraction = TakeDigits(text, at, 9);
    if (!fraction) return std::nullopt;
    int64_t value = *fraction;
    for (size_t digits = at - begin; digits < 6; ++digits) value *= 10;
    for (size_t digits = at - begin; digits > 6; --digits) value /= 10;
    micros += value;
  }
  if (at < text.size() && text[at] == 'Z') return at + 1 == text.size() ? std::optional(micros) : std::nullopt;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    int64_t sign = text[at++] == '+' ? 1 : -1;
    auto hours = TakeDigits(text, at, 2);
    if (at < text.size() && text[at] == ':') ++at;
    auto minutes = TakeDigits(text, at, 2);
    if (!hours || at != text.size()) return std::nullopt;
    return micros - sign * (*hours * 60 + minutes.value_or(0)) * 60 * 1000000;
  }
  return at == text.size() ? std::optional(micros) : std::nullopt;
}

std::optional<__int128> ParseDecimal(std::string_view text, int scale) {
  bool negative = text.starts_with("-");
  if (negative || text.starts_with("+")) text.remove_prefix(1);
  __int128 unscaled = 0;
  int after_point = -1, digits = 0;
  for (char c : text) {
    if (c == '.' && after_point < 0) {
      after_point = 0;
    } else if (c >= '0' && c <= '9' && ++digits <= 38) {
      if (after_point >= scale) {
        if (c != '0') return std::nullopt;
        continue;
      }
      unscaled = unscaled * 10 + (c - '0');
      if (after_point >= 0) ++after_point;
    } else {
      return std::nullopt;
    }
  }
  if (digits == 0) return std::nullopt;
  for (int i = std::max(after_point, 0); i < scale; ++i) unscaled *= 10;
  return negative ? -unscaled : unscaled;
}

}  // namespace

std::optional<std::string> LogDateText(int64_t days) {
  Civil civil = CivilFromDays(days);
  if (civil.year < 1 || civil.year > 9999) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day);
}

std::string LogDecimalText(__int128 unscaled, int scale) {
  bool negative = unscaled < 0;
  unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(unscaled) : static_cast<unsigned __int128>(unscaled);
  std::string digits;
  for (; rest != 0 || static_cast<int>(digits.size()) <= scale; rest /= 10) digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  std::string text = negative ? "-" : "";
  for (int i = static_cast<int>(digits.size()) - 1; i >= 0; --i) {
    text += digits[i];
    if (i == scale && scale > 0) text += '.';
  }
  return text;
}

Result<std::optional<std::string>> PartitionText(const arrow::Array& array, int64_t row, const DataType& type) {
  using Text = std::optional<std::string>;
  if (array.IsNull(row)) return Text();
  auto day_error = [&] { return Status::Unsupported("A partition value before year 1 or after year 9999"); };
  switch (type.id()) {
    case TypeId::kBoolean:
      return Text(static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false");
    case TypeId::kByte:
      return Text(std::to_string(static_cast<const arrow::Int8Array&>(array).Value(row)));
    case TypeId::kShort:
      return Text(std::to_string(static_cast<const arrow::Int16Array&>(array).Value(row)));
    case TypeId::kInteger:
      return Text(std::to_string(static_cast<const arrow::Int32Array&>(array).Value(row)));
    case TypeId::kLong:
      return Text(std::to_string(static_cast<const arrow::Int64Array&>(array).Value(row)));
    case TypeId::kFloat:
      return Text(FloatText(static_cast<const arrow::FloatArray&>(array).Value(row), true));
    case TypeId::kDouble:
      return Text(FloatText(static_cast<const arrow::DoubleArray&>(array).Value(row), false));
    case TypeId::kDecimal: {
      __int128 unscaled;
      std::memcpy(&unscaled, static_cast<const arrow::Decimal128Array&>(array).GetValue(row), sizeof(unscaled));
      return Text(LogDecimalText(unscaled, type.scale()));
    }
    case TypeId::kString:
    case TypeId::kBinary: {
      std::string_view text = static_cast<const arrow::BinaryArray&>(array).GetView(row);
      if (text.empty()) return Text();
      if (!IsUtf8(text)) return Status::Unsupported("A partition value that is not UTF-8");
      return Text(std::string(text));
    }
    case TypeId::kDate: {
      Text text = LogDateText(static_cast<const arrow::Date32Array&>(array).Value(row));
      return text ? Result<Text>(text) : day_error();
    }
    case TypeId::kTimestamp: {
      Text text = TimestampText(static_cast<const arrow::TimestampArray&>(array).Value(row), 'T', 6);
      return text ? Result<Text>(Text(*text + "Z")) : day_error();
    }
    case TypeId::kTimestampNtz: {
      Text text = TimestampText(static_cast<const arrow::TimestampArray&>(array).Value(row), ' ', 6);
      return text ? Result<Text>(text) : day_error();
    }
    case TypeId::kNull:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      break;
  }
  return Status::Unsupported("Partitioning by a column of type " + type.Sql());
}

Result<Value> ParsePartitionText(const std::string& text, const DataType& type) {
  switch (type.id()) {
    case TypeId::kBoolean:
      if (text == "true" || text == "false") return Value{text == "true"};
      return BadPartitionValue(text, type);
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong: {
      int64_t number = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) return BadPartitionValue(text, type);
      return Value{number};
    }
    case TypeId::kFloat:
    case TypeId::kDouble: {
      if (text == "NaN") return Value{std::nan("")};
      if (text == "Infinity") return Value{HUGE_VAL};
      if (text == "-Infinity") return Value{-HUGE_VAL};
      double number = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) return BadPartitionValue(text, type);
      return Value{number};
    }
    case TypeId::kDecimal: {
      auto unscaled = ParseDecimal(text, type.scale());
      if (!unscaled) return BadPartitionValue(text, type);
      return Value{DecimalValue{*unscaled}};
    }
    case TypeId::kString:
    case TypeId::kBinary:
      return Value{text};
    case TypeId::kDate: {
      size_t at = 0;
      auto days = ParseDays(text, at);
      if (!days || at != text.size()) return BadPartitionValue(text, type);
      return Value{*days};
    }
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz: {
      auto micros = ParseMicros(text);
      if (!micros) return BadPartitionValue(text, type);
      return Value{*micros};
    }
    case TypeId::kNull:
      return Value{};
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      break;
  }
  return BadPartitionValue(text, type);
}

std::string PartitionDirectory(std::string_view column, const std::optional<std::string>& value) {
  auto escaped = [](std::string_view text) {
    std::string out;
    for (char c : text) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7F || std::string_view("\"#%'*/:=?\\{[]^").find(c) != std::string_view::npos) {
        out += fmt::format("%{:02X}", byte);
      } else {
        out += c;
      }
    }
    return out;
  };
  return escaped(column) + "=" + (value ? escaped(*value) : "__HIVE_DEFAULT_PARTITION__");
}

std::string StatsJson(int64_t rows, const std::vector<ColumnStats>& columns) {
  using Leaves = std::vector<std::pair<const std::vector<std::string>*, std::string>>;
  Leaves min, max, nulls;
  for (const ColumnStats& column : columns) {
    auto add_bound = [&](Leaves& leaves, const std::optional<Value>& bound, bool is_max) {
      if (!bound) return;
      if (std::optional<std::string> json = BoundJson(*bound, column.type, is_max)) leaves.emplace_back(&column.path, std::move(*json));
    };
    add_bound(min, column.min, false);
    add_bound(max, column.max, true);
    nulls.emplace_back(&column.path, std::to_string(column.null_count));
  }
  std::string json = "{\"numRecords\":" + std::to_string(rows) + ",\"minValues\":";
  AppendTree(json, min, 0, min.size(), 0);
  json += ",\"maxValues\":";
  AppendTree(json, max, 0, max.size(), 0);
  json += ",\"nullCount\":";
  AppendTree(json, nulls, 0, nulls.size(), 0);
  return json + "}";
}

}  // namespace millstream
