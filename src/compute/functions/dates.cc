#include <cmath>
#include <limits>
#include <string>

#include "base/calendar_interval.h"
#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/civil_time.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return upper;
}

// The same day in another month, or that month's last.
int64_t AddMonths(int64_t days, int64_t months) {
  const Civil civil = CivilOf(days);
  const int64_t total = civil.year * 12 + civil.month - 1 + months;
  const int64_t year = FloorDiv(total, 12);
  const int month = static_cast<int>(total - year * 12) + 1;
  return DaysOf(year, month, std::min(civil.day, DaysInMonth(year, month)));
}

struct Wall {
  int64_t days, micros;  // of the day
};
Wall Split(int64_t micros) {
  const int64_t days = FloorDiv(micros, kMicrosPerDay);
  return {days, micros - days * kMicrosPerDay};
}

double MonthsBetween(int64_t left, int64_t right, bool round_off) {
  const Wall a = Split(left), b = Split(right);
  const Civil from = CivilOf(a.days), to = CivilOf(b.days);
  const double months = static_cast<double>((from.year - to.year) * 12 + from.month - to.month);
  const bool both_last = from.day == DaysInMonth(from.year, from.month) && to.day == DaysInMonth(to.year, to.month);
  if (from.day == to.day || both_last) return months;
  const double seconds = static_cast<double>(from.day - to.day) * 86400 + static_cast<double>(a.micros / kMicrosPerSecond - b.micros / kMicrosPerSecond);
  const double result = months + seconds / (31.0 * 86400);
  return round_off ? std::round(result * 1e8) / 1e8 : result;
}

int64_t MondayOf(int64_t days) { return days - (((days + 3) % 7 + 7) % 7); }

// nullopt: no such unit. `days` is cut to the unit's first day; units below a day are not of dates.
std::optional<int64_t> TruncateDays(const std::string& unit, int64_t days) {
  const Civil civil = CivilOf(days);
  if (unit == "YEAR" || unit == "YYYY" || unit == "YY") return DaysOf(civil.year, 1, 1);
  if (unit == "QUARTER") return DaysOf(civil.year, (civil.month - 1) / 3 * 3 + 1, 1);
  if (unit == "MONTH" || unit == "MM" || unit == "MON") return DaysOf(civil.year, civil.month, 1);
  if (unit == "WEEK") return MondayOf(days);
  return std::nullopt;
}

int64_t UnitMicros(const std::string& unit) {
  if (unit == "DAY" || unit == "DD") return kMicrosPerDay;
  if (unit == "HOUR") return 3600 * kMicrosPerSecond;
  if (unit == "MINUTE") return 60 * kMicrosPerSecond;
  if (unit == "SECOND") return kMicrosPerSecond;
  if (unit == "MILLISECOND") return 1000;
  if (unit == "MICROSECOND") return 1;
  return 0;
}

// Monday is 0.
int DayOfWeek(const std::string& name) {
  static const char* const kNames[7][3] = {{"MO", "MON", "MONDAY"}, {"TU", "TUE", "TUESDAY"},  {"WE", "WED", "WEDNESDAY"}, {"TH", "THU", "THURSDAY"},
                                           {"FR", "FRI", "FRIDAY"}, {"SA", "SAT", "SATURDAY"}, {"SU", "SUN", "SUNDAY"}};
  for (int day = 0; day < 7; ++day) {
    for (const char* known : kNames[day]) {
      if (name == known) return day;
    }
  }
  return -1;
}

std::optional<double> Extract(const std::string& field, int64_t micros) {
  const Wall wall = Split(micros);
  const Civil civil = CivilOf(wall.days);
  auto is = [&](std::initializer_list<std::string_view> names) {
    for (std::string_view name : names) {
      if (field == name) return true;
    }
    return false;
  };
  if (is({"YEAR", "Y", "YEARS", "YR", "YRS"})) return civil.year;
  if (is({"QUARTER", "QTR"})) return (civil.month - 1) / 3 + 1;
  if (is({"MONTH", "MON", "MONS", "MONTHS"})) return civil.month;
  if (is({"DAY", "D", "DAYS"})) return civil.day;
  if (is({"DAYOFWEEK", "DOW"})) return ((wall.days + 4) % 7 + 7) % 7 + 1;
  if (is({"DAYOFWEEK_ISO", "DOW_ISO"})) return ((wall.days + 3) % 7 + 7) % 7 + 1;
  if (is({"DOY"})) return wall.days - DaysOf(civil.year, 1, 1) + 1;
  if (is({"WEEK", "W", "WEEKS", "YEAROFWEEK"})) {
    const int64_t thursday = MondayOf(wall.days) + 3;
    const int64_t year = CivilOf(thursday).year;
    return field == "YEAROFWEEK" ? year : (thursday - DaysOf(year, 1, 1)) / 7 + 1;
  }
  if (is({"HOUR", "H", "HOURS", "HR", "HRS"})) return wall.micros / (3600 * kMicrosPerSecond);
  if (is({"MINUTE", "M", "MIN", "MINS", "MINUTES"})) return wall.micros / (60 * kMicrosPerSecond) % 60;
  if (is({"SECOND", "S", "SEC", "SECONDS", "SECS"})) return static_cast<double>(wall.micros % (60 * kMicrosPerSecond)) / 1e6;
  return std::nullopt;
}

[[noreturn]] void ThrowDateField(const std::string& message) { ThrowError(errors::kDatetimeFieldOutOfBounds, {{"rangeMessage", message}}); }

std::optional<int64_t> MakeDays(int32_t year, int32_t month, int32_t day, int32_t mode) {
  std::string wrong;
  if (month < 1 || month > 12) {
    wrong = "Invalid value for MonthOfYear (valid values 1 - 12): " + std::to_string(month);
  } else if (day < 1 || day > 31) {
    wrong = "Invalid value for DayOfMonth (valid values 1 - 28/31): " + std::to_string(day);
  } else if (day > DaysInMonth(year, month)) {
    wrong = "Invalid date '" + std::to_string(year) + "-" + std::to_string(month) + "-" + std::to_string(day) + "'";
  }
  if (wrong.empty()) return DaysOf(year, month, day);
  if (mode == kAnsiMode) ThrowDateField(wrong);
  return std::nullopt;
}

}  // namespace

void DefineDates(FunctionRegistry& registry) {
  Define(registry, "ms_date", [](int32_t days) { return Date{days}; });
  Define(registry, "ms_timestamp", [](int64_t micros) { return Timestamp{micros}; });
  Define(registry, "ms_from_seconds", [](int64_t seconds) {
    int64_t micros = 0;
    if (__builtin_mul_overflow(seconds, kMicrosPerSecond, &micros))
      micros = seconds < 0 ? std::numeric_limits<int64_t>::min() + 2 : std::numeric_limits<int64_t>::max() - 1;
    return Timestamp{micros};
  });
  Define(registry, "ms_double_to_timestamp", [](double seconds) -> std::optional<Timestamp> {
    if (!std::isfinite(seconds)) return std::nullopt;
    return Timestamp{static_cast<int64_t>(seconds * 1e6)};
  });
  Define(registry, "ms_epoch_seconds", [](Timestamp at) { return FloorDiv(at.micros, kMicrosPerSecond); });
  Define(registry, "ms_epoch_millis", [](Timestamp at) { return FloorDiv(at.micros, 1000); });
  Define(registry, "ms_add_days", [](Date date, int32_t days) { return Date{date.days + days}; });
  Define(registry, "ms_add_months", [](Date date, int32_t months) { return Date{static_cast<int32_t>(AddMonths(date.days, months))}; });
  Define(registry, "ms_add_months", [](Timestamp at, int32_t months) {
    const Wall wall = Split(at.micros);
    return Timestamp{AddMonths(wall.days, months) * kMicrosPerDay + wall.micros};
  });
  // Months and days are the calendar's of the zone. Null where the text is no interval.
  Define(registry, "ms_add_interval", [](Timestamp at, std::string_view text, std::string_view zone) -> std::optional<Timestamp> {
    const std::optional<CalendarInterval> interval = ParseCalendarInterval(text);
    if (!interval) return std::nullopt;
    int64_t moved = at.micros;
    if (interval->months != 0 || interval->days != 0) {
      const std::optional<int64_t> local = InstantToWall(moved, zone);
      if (!local) return std::nullopt;
      const Wall wall = Split(*local);
      const std::optional<int64_t> back = WallToInstant((AddMonths(wall.days, interval->months) + interval->days) * kMicrosPerDay + wall.micros, zone);
      if (!back) return std::nullopt;
      moved = *back;
    }
    if (__builtin_add_overflow(moved, interval->us, &moved)) ThrowError(errors::kDatetimeOverflow, {{"operation", "add an interval to a timestamp"}});
    return Timestamp{moved};
  });
  Define(registry, "ms_shift", [](Timestamp at, int64_t micros) {
    int64_t moved = 0;
    if (__builtin_add_overflow(at.micros, micros, &moved)) ThrowError(errors::kDatetimeOverflow, {{"operation", "add an interval to a timestamp"}});
    return Timestamp{moved};
  });
  Define(registry, "ms_months_between", [](Timestamp a, Timestamp b, bool round_off) { return MonthsBetween(a.micros, b.micros, round_off); });
  Define(registry, "ms_months_between",
         [](Date a, Date b, bool round_off) { return MonthsBetween(a.days * kMicrosPerDay, b.days * kMicrosPerDay, round_off); });
  Define(registry, "ms_next_day", [](Date date, std::string_view name, int32_t mode) -> std::optional<Date> {
    const int day = DayOfWeek(Upper(name));
    if (day < 0) {
      if (mode == kAnsiMode) ThrowError(errors::kIllegalDayOfWeek, {{"string", std::string(name)}});
      return std::nullopt;
    }
    const int64_t today = ((date.days + 3) % 7 + 7) % 7;
    return Date{static_cast<int32_t>(date.days + (day - today + 6) % 7 + 1)};
  });
  Define(registry, "ms_trunc_date", [](Date date, std::string_view unit) -> std::optional<Date> {
    const auto days = TruncateDays(Upper(unit), date.days);
    if (!days) return std::nullopt;
    return Date{static_cast<int32_t>(*days)};
  });
  Define(registry, "ms_date_trunc", [](std::string_view unit_text, Timestamp at) -> std::optional<Timestamp> {
    const std::string unit = Upper(unit_text);
    if (const int64_t micros = UnitMicros(unit)) return Timestamp{FloorDiv(at.micros, micros) * micros};
    const auto days = TruncateDays(unit, Split(at.micros).days);
    if (!days) return std::nullopt;
    return Timestamp{*days * kMicrosPerDay};
  });
  Define(registry, "ms_extract", [](std::string_view field, Timestamp at) { return Extract(Upper(field), at.micros); });
  Define(registry, "ms_interval_part", [](int64_t value, std::string_view unit) -> std::optional<int64_t> {
    if (unit == "year") return value / 12;
    if (unit == "month") return value % 12;
    if (unit == "day") return value / kMicrosPerDay;
    if (unit == "hour") return value % kMicrosPerDay / (3600 * kMicrosPerSecond);
    if (unit == "minute") return value / (60 * kMicrosPerSecond) % 60;
    return value / kMicrosPerSecond % 60;
  });
  Define(registry, "ms_make_date", [](int32_t year, int32_t month, int32_t day, int32_t mode) -> std::optional<Date> {
    const auto days = MakeDays(year, month, day, mode);
    if (!days) return std::nullopt;
    return Date{static_cast<int32_t>(*days)};
  });
  Define(registry, "ms_make_timestamp",
         [](int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute, double second, int32_t mode) -> std::optional<Timestamp> {
           const auto days = MakeDays(year, month, day, mode);
           if (!days) return std::nullopt;
           if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
             if (mode == kAnsiMode) {
               ThrowDateField(hour < 0 || hour > 23 ? "Invalid value for HourOfDay (valid values 0 - 23): " + std::to_string(hour)
                              : minute < 0 || minute > 59
                                  ? "Invalid value for MinuteOfHour (valid values 0 - 59): " + std::to_string(minute)
                                  : "Invalid value for SecondOfMinute (valid values 0 - 59): " + std::to_string(static_cast<int>(second)));
             }
             return std::nullopt;
           }
           return Timestamp{*days * kMicrosPerDay + (hour * int64_t{3600} + minute * 60) * kMicrosPerSecond + std::llround(second * 1e6)};
         });
  Define(registry, "ms_make_interval", [](int32_t days, int32_t hours, int32_t minutes, double seconds) -> int64_t {
    return days * kMicrosPerDay + (hours * int64_t{3600} + minutes * int64_t{60}) * kMicrosPerSecond + std::llround(seconds * 1e6);
  });
  Define(registry, "ms_timestampdiff", [](std::string_view unit_text, Timestamp from, Timestamp to) -> std::optional<int64_t> {
    const std::string unit = Upper(unit_text);
    if (unit == "WEEK") return (to.micros - from.micros) / (7 * kMicrosPerDay);
    if (const int64_t micros = UnitMicros(unit)) return (to.micros - from.micros) / micros;
    const Wall a = Split(from.micros), b = Split(to.micros);
    const Civil start = CivilOf(a.days), end = CivilOf(b.days);
    int64_t months = (end.year - start.year) * 12 + end.month - start.month;
    const auto behind = [](const Civil& x, const Wall& xw, const Civil& y, const Wall& yw) {
      return x.day < y.day || (x.day == y.day && xw.micros < yw.micros);
    };
    if (months > 0 && behind(end, b, start, a)) --months;
    if (months < 0 && behind(start, a, end, b)) ++months;
    if (unit == "MONTH") return months;
    if (unit == "QUARTER") return months / 3;
    if (unit == "YEAR") return months / 12;
    return std::nullopt;
  });
  Define(registry, "ms_timestampadd", [](std::string_view unit_text, int64_t count, Timestamp at) -> std::optional<Timestamp> {
    const std::string unit = Upper(unit_text);
    if (unit == "WEEK") return Timestamp{at.micros + count * 7 * kMicrosPerDay};
    if (const int64_t micros = UnitMicros(unit)) return Timestamp{at.micros + count * micros};
    const int64_t months = unit == "MONTH" ? count : unit == "QUARTER" ? 3 * count : unit == "YEAR" ? 12 * count : 0;
    if (months == 0) return at;
    const Wall wall = Split(at.micros);
    return Timestamp{AddMonths(wall.days, months) * kMicrosPerDay + wall.micros};
  });
}

}  // namespace millstream::compute
