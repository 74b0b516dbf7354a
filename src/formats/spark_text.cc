#include "formats/spark_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/clock.h"

namespace millstream {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view TrimAll(std::string_view text) {
  auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

template <typename T>
std::optional<T> FromChars(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  std::string_view unsigned_text = text.substr(negative || (!text.empty() && text[0] == '+') ? 1 : 0);
  if (unsigned_text.empty() || !(IsDigit(unsigned_text[0]) || (unsigned_text[0] == '.' && unsigned_text.size() > 1))) return std::nullopt;
  T value = 0;
  auto [end, error] = std::from_chars(unsigned_text.data(), unsigned_text.data() + unsigned_text.size(), value);
  if (end != unsigned_text.data() + unsigned_text.size()) {
    // "1." and ".5" are fine for Java; a bare exponent is not.
    if (!(end + 1 == unsigned_text.data() + unsigned_text.size() && *end == '.')) return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: the decimal exponent of the first significant digit tells which.
    size_t exponent_at = unsigned_text.find_first_of("eE");
    std::string_view mantissa = unsigned_text.substr(0, exponent_at);
    int64_t exponent = 0;
    if (exponent_at != std::string_view::npos) {
      bool below = unsigned_text[exponent_at + 1] == '-';
      for (char c : unsigned_text.substr(exponent_at + 1)) {
        if (IsDigit(c)) exponent = std::min<int64_t>(exponent * 10 + (c - '0'), 1'000'000'000);
      }
      if (below) exponent = -exponent;
    }
    size_t point = std::min(mantissa.find('.'), mantissa.size());
    size_t first = mantissa.find_first_of("123456789");
    int64_t magnitude = first == std::string_view::npos ? -1 : static_cast<int64_t>(point) - static_cast<int64_t>(first) - (first < point ? 1 : 0);
    value = magnitude + exponent > 0 ? std::numeric_limits<T>::infinity() : 0;
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

template <typename T>
std::optional<T> ParseJavaFloating(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
  std::string_view bare = text;
  bool negative = false;
  if (!bare.empty() && (bare[0] == '-' || bare[0] == '+')) {
    negative = bare[0] == '-';
    bare.remove_prefix(1);
  }
  if (bare == "NaN") return std::numeric_limits<T>::quiet_NaN();
  if (bare == "Infinity") return negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  if (bare.size() > 1 && (bare.back() == 'd' || bare.back() == 'D' || bare.back() == 'f' || bare.back() == 'F')) text.remove_suffix(1);
  return FromChars<T>(text);
}

// The fields of a timestamp's text, before they are checked against the calendar.
struct TimestampFields {
  int64_t segments[9] = {1, 1, 1, 0, 0, 0, 0, 0, 0};
  std::string_view zone;
  bool has_zone = false;
  bool just_time = false;
};

bool ValidDigits(int segment, int digits) {
  if (segment == 6) return true;
  if (segment == 0) return digits >= 4 && digits <= 6;
  if (segment == 7) return digits <= 2;
  return digits > 0 && digits <= 2;
}

std::optional<TimestampFields> SplitTimestamp(std::string_view text) {
  text = TrimAll(text);
  if (text.empty()) return std::nullopt;
  TimestampFields out;
  int i = 0, digits = 0, fraction_digits = 0;
  int64_t current = 0;
  std::optional<int> year_sign;
  size_t j = 0;
  auto close = [&]() {
    if (!ValidDigits(i, digits)) return false;
    out.segments[i++] = current;
    current = 0;
    digits = 0;
    return true;
  };
  if (text[0] == '-' || text[0] == '+') {
    year_sign = text[0] == '-' ? -1 : 1;
    ++j;
  }
  for (; j < text.size(); ++j) {
    char b = text[j];
    if (IsDigit(b)) {
      if (i == 6) ++fraction_digits;
      // Nanoseconds are cut to microseconds; of another part so many digits are none, whatever they say.
      if (digits < (i == 6 ? 6 : 18)) current = current * 10 + (b - '0');
      if (++digits > 20 && i != 6) return std::nullopt;
      continue;
    }
    if (j == 0 && b == 'T') {
      out.just_time = true;
      i = 3;
    } else if (i < 2) {
      if (b == '-') {
        if (!close()) return std::nullopt;
      } else if (i == 0 && b == ':' && !year_sign) {
        out.just_time = true;
        if (!ValidDigits(3, digits)) return std::nullopt;
        out.segments[3] = current;
        current = 0;
        digits = 0;
        i = 4;
      } else {
        return std::nullopt;
      }
    } else if (i == 2) {
      if ((b != ' ' && b != 'T') || !close()) return std::nullopt;
    } else if (i == 3 || i == 4) {
      if (b != ':' || !close()) return std::nullopt;
    } else if (i == 5 && b == '.') {
      if (!close()) return std::nullopt;
    } else {
      if (!close()) return std::nullopt;
      if (i == 6) ++i;
      out.zone = TrimAll(text.substr(j));
      out.has_zone = true;
      break;
    }
  }
  if (!ValidDigits(i, digits)) return std::nullopt;
  out.segments[i] = current;
  for (int d = std::min(fraction_digits, 6); d < 6; ++d) out.segments[6] *= 10;
  out.segments[0] *= year_sign.value_or(1);
  return out;
}

std::optional<int64_t> LocalMicros(const TimestampFields& f, int64_t days_of_time_only) {
  if (f.segments[3] > 23 || f.segments[4] > 59 || f.segments[5] > 59) return std::nullopt;
  int64_t days = days_of_time_only;
  if (!f.just_time) {
    auto date = DaysFromDate(f.segments[0], static_cast<int>(f.segments[1]), static_cast<int>(f.segments[2]));
    if (!date) return std::nullopt;
    days = *date;
  }
  __int128 micros = (static_cast<__int128>(days) * 86400 + f.segments[3] * 3600 + f.segments[4] * 60 + f.segments[5]) * 1'000'000 + f.segments[6];
  if (micros > INT64_MAX || micros < INT64_MIN) return std::nullopt;
  return static_cast<int64_t>(micros);
}

// "2024-01-02T03:04:05[.fff]Z" and "2024-01-02 03:04:05", the forms that nearly all data has.
std::optional<int64_t> FastTimestamp(std::string_view t, bool* utc) {
  if (t.size() < 19 || t.size() > 27) return std::nullopt;
  auto two = [&](size_t at, int* value) {
    unsigned a = static_cast<unsigned>(t[at] - '0'), b = static_cast<unsigned>(t[at + 1] - '0');
    *value = static_cast<int>(a * 10 + b);
    return a <= 9 && b <= 9;
  };
  int century, year, month, day, hour, minute, second;
  if (!(two(0, &century) & two(2, &year) & two(5, &month) & two(8, &day) & two(11, &hour) & two(14, &minute) & two(17, &second))) return std::nullopt;
  if (t[4] != '-' || t[7] != '-' || (t[10] != ' ' && t[10] != 'T') || t[13] != ':' || t[16] != ':') return std::nullopt;
  size_t at = 19;
  int64_t fraction = 0;
  if (at < t.size() && t[at] == '.') {
    int digits = 0;
    for (++at; at < t.size() && IsDigit(t[at]) && digits < 6; ++at, ++digits) fraction = fraction * 10 + (t[at] - '0');
    for (; digits < 6; ++digits) fraction *= 10;
  }
  *utc = at + 1 == t.size() && t[at] == 'Z';
  if (!*utc && at != t.size()) return std::nullopt;
  auto days = DaysFromDate(century * 100 + year, month, day);
  if (!days || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return (int64_t{*days} * 86400 + hour * 3600 + minute * 60 + second) * 1'000'000 + fraction;
}

}  // namespace

std::optional<int64_t> ParseLong(std::string_view text) {
  size_t at = 0;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    at = 1;
  }
  if (at == text.size()) return std::nullopt;
  uint64_t value = 0;
  for (; at < text.size(); ++at) {
    unsigned digit = static_cast<unsigned char>(text[at]) - unsigned{'0'};
    if (digit > 9) return std::nullopt;
    if (value > (uint64_t{1} << 63) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > (uint64_t{1} << 63) - (negative ? 0 : 1)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - value : value);
}

std::optional<double> ParseJsonDouble(std::string_view text) {
  // Clinger's fast path: at most 2^53 as mantissa and a power of ten that a double holds exactly.
  static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char* p = text.data();
  const char* end = p + text.size();
  bool negative = p < end && *p == '-';
  if (negative) ++p;
  uint64_t mantissa = 0;
  const char* begin = p;
  while (p < end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
  int64_t digits = p - begin, fraction = 0;
  if (p < end && *p == '.' && digits > 0) {
    const char* point = ++p;
    while (p < end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
    fraction = p - point;
    digits += fraction;
  }
  if (p == end && digits > 0 && digits <= 15 && fraction <= 22) {
    double value = static_cast<double>(mantissa) / kPowers[fraction];
    return negative ? -value : value;
  }
  return FromChars<double>(text);
}
std::optional<float> ParseJsonFloat(std::string_view text) { return FromChars<float>(text); }
std::optional<double> ParseJavaDouble(std::string_view text) {
  if (!text.empty() && text.size() <= 16 && IsDigit(text.back()) && (IsDigit(text[0]) || text[0] == '-')) {
    if (auto value = ParseJsonDouble(text)) return value;
  }
  return ParseJavaFloating<double>(text);
}
std::optional<float> ParseJavaFloat(std::string_view text) { return ParseJavaFloating<float>(text); }

std::optional<BigDecimal> ParseBigDecimal(std::string_view text) {
  BigDecimal out;
  size_t at = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) out.negative = text[at++] == '-';
  bool any = false, point = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (IsDigit(c)) {
      any = true;
      if (point) ++out.scale;
      if (c != '0' || !out.digits.empty()) out.digits += c;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    std::optional<int64_t> exponent = ParseLong(text.substr(at + 1));
    if (!exponent || *exponent > INT32_MAX || *exponent < INT32_MIN) return std::nullopt;
    out.scale -= *exponent;
  }
  if (out.scale > INT32_MAX || out.scale < INT32_MIN) return std::nullopt;
  return out;
}

std::optional<__int128> ToUnscaled(const BigDecimal& number, int precision, int scale) {
  if (number.digits.empty()) return 0;
  int64_t shift = scale - number.scale;  // digits to add (> 0) or to round away (< 0)
  int64_t length = static_cast<int64_t>(number.digits.size());
  if (length + shift > precision) return std::nullopt;
  if (length + shift < 0) return 0;
  __int128 value = 0;
  int64_t kept = std::min(length, length + shift);
  for (int64_t i = 0; i < kept; ++i) value = value * 10 + (number.digits[static_cast<size_t>(i)] - '0');
  for (int64_t i = 0; i < shift; ++i) value *= 10;
  if (shift < 0 && number.digits[static_cast<size_t>(kept)] >= '5') ++value;
  // Rounding up may have made one digit more: 99.95 → 100.0.
  __int128 limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  if (value >= limit) return std::nullopt;
  return number.negative ? -value : value;
}

std::optional<__int128> ParseDecimal(std::string_view text, int precision, int scale) {
  const char* p = text.data();
  const char* end = p + text.size();
  bool negative = p < end && *p == '-';
  if (negative) ++p;
  if (end - p <= 17) {
    int64_t value = 0;
    int fraction = -1;
    for (; p < end; ++p) {
      if (IsDigit(*p)) {
        value = value * 10 + (*p - '0');
        if (fraction >= 0) ++fraction;
      } else if (*p == '.' && fraction < 0 && p + 1 < end) {
        fraction = 0;
      } else {
        break;
      }
    }
    int places = fraction < 0 ? 0 : fraction;
    if (p == end && !text.empty() && IsDigit(text.back()) && places <= scale) {
      static constexpr int64_t kTens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
      __int128 scaled = value;
      for (int more = scale - places; more > 0;) {
        int step = std::min(more, 9);
        scaled *= kTens[step];
        more -= step;
      }
      __int128 limit = 1;
      for (int more = precision; more > 0;) {
        int step = std::min(more, 9);
        limit *= kTens[step];
        more -= step;
      }
      if (scaled >= limit) return std::nullopt;
      return negative ? -scaled : scaled;
    }
  }
  std::optional<BigDecimal> number = ParseBigDecimal(text);
  if (!number) return std::nullopt;
  return ToUnscaled(*number, precision, scale);
}

std::optional<int32_t> DaysFromDate(int64_t year, int month, int day) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1 || year > 9'999'999 || year < -9'999'999) return std::nullopt;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return std::nullopt;
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  if (days > INT32_MAX || days < INT32_MIN) return std::nullopt;
  return static_cast<int32_t>(days);
}

std::optional<int32_t> StringToDate(std::string_view text) {
  text = TrimAll(text);
  if (text.empty()) return std::nullopt;
  auto valid = [](int segment, int digits) { return segment == 0 ? digits >= 4 && digits <= 7 : digits > 0 && digits <= 2; };
  int64_t segments[3] = {1, 1, 1};
  int sign = 1, i = 0, digits = 0;
  int64_t current = 0;
  size_t j = 0;
  if (text[0] == '-' || text[0] == '+') {
    sign = text[0] == '-' ? -1 : 1;
    ++j;
  }
  for (; j < text.size() && text[j] != ' ' && text[j] != 'T'; ++j) {
    if (i < 2 && text[j] == '-') {
      if (!valid(i, digits)) return std::nullopt;
      segments[i++] = current;
      current = digits = 0;
    } else {
      if (!IsDigit(text[j]) || ++digits > 7) return std::nullopt;
      current = current * 10 + (text[j] - '0');
    }
  }
  if (!valid(i, digits)) return std::nullopt;
  if (i < 2 && j < text.size()) return std::nullopt;
  segments[i] = current;
  return DaysFromDate(segments[0] * sign, static_cast<int>(segments[1]), static_cast<int>(segments[2]));
}

std::optional<int64_t> StringToTimestamp(std::string_view text, const TimeZone& zone) {
  bool utc = false;
  if (auto fast = FastTimestamp(text, &utc)) return utc ? *fast : zone.LocalToUtcMicros(*fast);
  auto fields = SplitTimestamp(text);
  if (!fields) return std::nullopt;
  const TimeZone* in = &zone;
  if (fields->has_zone && (in = TimeZone::Find(fields->zone)) == nullptr) return std::nullopt;
  // A time alone is of the day on which it is read, as in Spark.
  int64_t today = fields->just_time ? Clock::System().WallMillis() / 86'400'000 : 0;
  auto local = LocalMicros(*fields, today);
  if (!local) return std::nullopt;
  // Near the ends of time the zone's offset is taken a day earlier, so that nothing overflows on the way.
  constexpr int64_t kDay = 86'400'000'000;
  int64_t inside = std::clamp(*local, INT64_MIN + kDay, INT64_MAX - kDay), instant = 0;
  if (__builtin_sub_overflow(*local, inside - in->LocalToUtcMicros(inside), &instant)) return std::nullopt;
  return instant;
}

std::optional<int64_t> StringToTimestampNtz(std::string_view text) {
  auto fields = SplitTimestamp(text);
  if (!fields || fields->has_zone || fields->just_time) return std::nullopt;
  return LocalMicros(*fields, 0);
}

}  // namespace millstream
