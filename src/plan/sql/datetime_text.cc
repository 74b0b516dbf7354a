#include "plan/sql/datetime_text.h"

#include <array>
#include <charconv>

namespace millstream {
namespace {

constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    while (!text_.empty() && IsSpace(text_.front())) text_.remove_prefix(1);
    while (!text_.empty() && IsSpace(text_.back())) text_.remove_suffix(1);
  }
  bool AtEnd() const { return text_.empty(); }
  char Peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // Between `min` and `max` digits.
  std::optional<int64_t> Digits(size_t min, size_t max) {
    size_t count = 0;
    int64_t value = 0;
    while (count < text_.size() && count < max && text_[count] >= '0' && text_[count] <= '9') value = value * 10 + (text_[count++] - '0');
    if (count < min) return std::nullopt;
    text_.remove_prefix(count);
    return value;
  }
  // Digits of a fraction, as microseconds; further digits are dropped.
  std::optional<int64_t> Fraction() {
    int64_t value = 0;
    size_t count = 0;
    for (; count < text_.size() && text_[count] >= '0' && text_[count] <= '9'; ++count) {
      if (count < 6) value = value * 10 + (text_[count] - '0');
    }
    if (count > 9) return std::nullopt;
    for (size_t i = count; i < 6; ++i) value *= 10;
    text_.remove_prefix(count);
    return value;
  }
  std::string_view rest() const { return text_; }

 private:
  static bool IsSpace(char c) { return static_cast<unsigned char>(c) <= ' '; }
  std::string_view text_;
};

bool IsLeap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

std::optional<int64_t> DaysOf(int64_t year, int64_t month, int64_t day) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return std::nullopt;
  if (day > kDays[static_cast<size_t>(month - 1)] + (month == 2 && IsLeap(year) ? 1 : 0)) return std::nullopt;
  // Days from civil, in eras of 400 years that begin in March.
  year -= month <= 2 ? 1 : 0;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// [+-]yyyy[yyy][-[m]m[-[d]d]]
std::optional<int64_t> ReadDate(Scanner& scan, bool& complete) {
  bool negative = scan.Take('-');
  if (!negative) scan.Take('+');
  auto year = scan.Digits(4, 7);
  if (!year) return std::nullopt;
  if (negative) *year = -*year;
  int64_t month = 1, day = 1;
  complete = false;
  if (scan.Take('-')) {
    auto digits = scan.Digits(1, 2);
    if (!digits) return std::nullopt;
    month = *digits;
    if (scan.Take('-')) {
      digits = scan.Digits(1, 2);
      if (!digits) return std::nullopt;
      day = *digits;
      complete = true;
    }
  }
  return DaysOf(*year, month, day);
}

// h:m[:s[.f]]
std::optional<int64_t> ReadTime(Scanner& scan) {
  auto hour = scan.Digits(1, 2);
  if (!hour || *hour > 23) return std::nullopt;
  int64_t minute = 0, second = 0, fraction = 0;
  if (scan.Take(':')) {
    auto digits = scan.Digits(1, 2);
    if (!digits || *digits > 59) return std::nullopt;
    minute = *digits;
    if (scan.Take(':')) {
      digits = scan.Digits(1, 2);
      if (!digits || *digits > 59) return std::nullopt;
      second = *digits;
      if (scan.Take('.')) {
        auto part = scan.Fraction();
        if (!part) return std::nullopt;
        fraction = *part;
      }
    }
  }
  return *hour * kHour + minute * kMinute + second * kSecond + fraction;
}

// "Z", "UTC", "GMT", "+1", "+01:30", "UTC+1"; nullopt: a name that only a time zone database knows.
std::optional<int64_t> OffsetOf(std::string_view zone) {
  if (zone == "Z" || zone == "UTC" || zone == "GMT" || zone == "UT") return 0;
  for (std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (zone.starts_with(prefix)) {
      zone.remove_prefix(prefix.size());
      break;
    }
  }
  Scanner scan(zone);
  bool negative = scan.Take('-');
  if (!negative && !scan.Take('+')) return std::nullopt;
  auto hours = scan.Digits(1, 2);
  if (!hours || *hours > 18) return std::nullopt;
  int64_t offset = *hours * kHour;
  if (!scan.AtEnd()) {
    scan.Take(':');
    auto minutes = scan.Digits(1, 2);
    if (!minutes || *minutes > 59 || !scan.AtEnd()) return std::nullopt;
    offset += *minutes * kMinute;
  }
  return negative ? -offset : offset;
}

}  // namespace

std::optional<int64_t> DateFromText(std::string_view text) {
  Scanner scan(text);
  bool complete = false;
  std::optional<int64_t> days = ReadDate(scan, complete);
  if (!days) return std::nullopt;
  bool time_follows = complete && (scan.Peek() == ' ' || scan.Peek() == 'T');
  return scan.AtEnd() || time_follows ? days : std::nullopt;
}

std::optional<TimestampText> TimestampFromText(std::string_view text) {
  Scanner scan(text);
  bool complete = false;
  std::optional<int64_t> days = ReadDate(scan, complete);
  if (!days || *days < -110'000'000 || *days > 110'000'000) return std::nullopt;
  TimestampText timestamp{.local_us = *days * kDay};
  if (scan.AtEnd()) return timestamp;
  if (!complete || (!scan.Take(' ') && !scan.Take('T'))) return std::nullopt;
  std::optional<int64_t> time = ReadTime(scan);
  if (!time || __builtin_add_overflow(timestamp.local_us, *time, &timestamp.local_us)) return std::nullopt;
  while (scan.Take(' ')) continue;
  if (scan.AtEnd()) return timestamp;
  timestamp.has_zone = true;
  timestamp.offset_us = OffsetOf(scan.rest());
  return timestamp;
}

std::optional<std::string> BytesFromHex(std::string_view text) {
  std::string bytes;
  std::string padded = (text.size() % 2 ? "0" : "") + std::string(text);
  for (size_t i = 0; i < padded.size(); i += 2) {
    unsigned value = 0;
    auto parsed = std::from_chars(padded.data() + i, padded.data() + i + 2, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != padded.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::optional<int64_t> MonthsFromText(std::string_view text) {
  Scanner scan(text);
  bool negative = scan.Take('-');
  if (!negative) scan.Take('+');
  auto years = scan.Digits(1, 9);
  if (!years || !scan.Take('-')) return std::nullopt;
  auto months = scan.Digits(1, 2);
  if (!months || *months > 11 || !scan.AtEnd()) return std::nullopt;
  int64_t total = *years * 12 + *months;
  return negative ? -total : total;
}

std::optional<int64_t> DayTimeFromText(std::string_view text, int first, int last) {
  static constexpr std::array<int64_t, 4> kUnits = {kDay, kHour, kMinute, kSecond};
  static constexpr std::array<int64_t, 4> kMax = {0, 23, 59, 59};
  Scanner scan(text);
  bool negative = scan.Take('-');
  if (!negative) scan.Take('+');
  int64_t total = 0;
  for (int unit = first; unit <= last; ++unit) {
    if (unit > first && !scan.Take(unit == 1 ? ' ' : ':')) return std::nullopt;
    auto digits = unit == first ? scan.Digits(1, 10) : scan.Digits(1, 2);
    size_t index = static_cast<size_t>(unit);
    if (!digits || (unit > first && *digits > kMax[index])) return std::nullopt;
    int64_t part = 0;
    if (__builtin_mul_overflow(*digits, kUnits[index], &part) || __builtin_add_overflow(total, part, &total)) return std::nullopt;
  }
  if (last == 3 && scan.Take('.')) {
    auto fraction = scan.Fraction();
    if (!fraction || __builtin_add_overflow(total, *fraction, &total)) return std::nullopt;
  }
  if (!scan.AtEnd()) return std::nullopt;
  return negative ? -total : total;
}

std::optional<int64_t> SecondsFromText(std::string_view text) {
  return DayTimeFromText(text.starts_with('.') ? "0" + std::string(text) : std::string(text), 3, 3);
}

}  // namespace millstream
