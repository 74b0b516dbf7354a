#include "compute/functions/civil_time.h"

#include <array>
#include <cstdio>

namespace millstream::compute {

int64_t FloorDiv(int64_t value, int64_t by) { return value / by - (value % by != 0 && (value < 0) != (by < 0)); }

// After Howard Hinnant's chrono-compatible calendar algorithms: eras of 400 years that begin in March.
Civil CivilOf(int64_t days) {
  days += 719468;
  const int64_t era = FloorDiv(days, 146097);
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2), month, static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

int64_t DaysOf(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = FloorDiv(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int DaysInMonth(int64_t year, int month) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

namespace {

std::string_view Trim(std::string_view text) {
  auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes `low` to `high` digits off the front.
std::optional<int64_t> TakeDigits(std::string_view& text, size_t low, size_t high) {
  int64_t value = 0;
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
    if (++count > high) return std::nullopt;
    value = value * 10 + (text[count - 1] - '0');
  }
  if (count < low) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

struct DateParts {
  int64_t year = 1970;
  int month = 1, day = 1;
  bool whole = false;  // year, month and day were all there
};

std::optional<DateParts> TakeDate(std::string_view& text) {
  DateParts parts;
  const bool negative = TakeChar(text, '-');
  if (!negative) TakeChar(text, '+');
  const auto year = TakeDigits(text, 4, 7);
  if (!year) return std::nullopt;
  parts.year = negative ? -*year : *year;
  if (TakeChar(text, '-')) {
    const auto month = TakeDigits(text, 1, 2);
    if (!month || *month < 1 || *month > 12) return std::nullopt;
    parts.month = static_cast<int>(*month);
    if (TakeChar(text, '-')) {
      const auto day = TakeDigits(text, 1, 2);
      if (!day || *day < 1 || *day > DaysInMonth(parts.year, parts.month)) return std::nullopt;
      parts.day = static_cast<int>(*day);
      parts.whole = true;
    }
  }
  return parts;
}

std::optional<int64_t> TakeTime(std::string_view& text) {
  const auto hour = TakeDigits(text, 1, 2);
  if (!hour || *hour > 23) return std::nullopt;
  int64_t seconds = *hour * 3600, fraction = 0;
  if (!TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeDigits(text, 1, 2);
  if (!minute || *minute > 59) return std::nullopt;
  seconds += *minute * 60;
  if (TakeChar(text, ':')) {
    const auto second = TakeDigits(text, 1, 2);
    if (!second || *second > 59) return std::nullopt;
    seconds += *second;
    if (TakeChar(text, '.')) {
      int digits = 0;
      while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        if (digits++ < 6) fraction = fraction * 10 + (text[0] - '0');
        text.remove_prefix(1);
      }
      for (; digits < 6; ++digits) fraction *= 10;
    }
  }
  return seconds * kMicrosPerSecond + fraction;
}

}  // namespace

std::optional<int32_t> ParseSparkDate(std::string_view text) {
  text = Trim(text);
  const auto parts = TakeDate(text);
  if (!parts) return std::nullopt;
  if (!text.empty() && !(parts->whole && (text[0] == ' ' || text[0] == 'T'))) return std::nullopt;
  return static_cast<int32_t>(DaysOf(parts->year, parts->month, parts->day));
}

std::optional<int64_t> ParseSparkTimestamp(std::string_view text, std::string_view zone) {
  text = Trim(text);
  const auto parts = TakeDate(text);
  if (!parts) return std::nullopt;
  int64_t wall = DaysOf(parts->year, parts->month, parts->day) * kMicrosPerDay;
  std::string own_zone;
  if (!text.empty()) {
    if (!parts->whole || !(TakeChar(text, ' ') || TakeChar(text, 'T'))) return std::nullopt;
    if (!text.empty()) {
      const auto time = TakeTime(text);
      if (!time) return std::nullopt;
      wall += *time;
      own_zone = std::string(Trim(text));
    }
  }
  if (zone.empty()) {
    if (!own_zone.empty() && !WallToInstant(wall, own_zone)) return std::nullopt;
    return wall;
  }
  return WallToInstant(wall, own_zone.empty() ? zone : own_zone);
}

std::string DateText(int32_t days) {
  const Civil civil = CivilOf(days);
  char text[40];
  std::snprintf(text, sizeof text, "%s%04lld-%02d-%02d",
                civil.year < 0      ? "-"
                : civil.year > 9999 ? "+"
                                    : "",
                static_cast<long long>(civil.year < 0 ? -civil.year : civil.year), civil.month, civil.day);
  return text;
}

std::string FractionText(int64_t micros) {
  if (micros == 0) return "";
  char text[16];
  std::snprintf(text, sizeof text, ".%06d", static_cast<int>(micros));
  std::string shown(text);
  while (shown.back() == '0') shown.pop_back();
  return shown;
}

std::string TimestampText(int64_t wall_micros) {
  const int64_t days = FloorDiv(wall_micros, kMicrosPerDay);
  const int64_t rest = wall_micros - days * kMicrosPerDay;
  char text[32];
  std::snprintf(text, sizeof text, " %02d:%02d:%02d", static_cast<int>(rest / 3600000000), static_cast<int>(rest / 60000000 % 60),
                static_cast<int>(rest / 1000000 % 60));
  return DateText(static_cast<int32_t>(days)) + text + FractionText(rest % kMicrosPerSecond);
}

}  // namespace millstream::compute
