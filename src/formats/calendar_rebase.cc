#include "formats/calendar_rebase.h"

#include <algorithm>
#include <cstdlib>

#include "formats/datetime_columns.h"
#include "formats/formats_errors.h"
#include "formats/spark_text.h"
#include "storage/fs.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int32_t kFirstGregorianDay = -141427;                // 1582-10-15
constexpr int64_t kLastSwitchMicros = -2'208'988'800'000'000;  // 1900-01-01T00:00:00Z: until then zones may differ too
constexpr int64_t kJulianEpochDay = -719164;                   // 0001-01-01 of the Julian calendar
constexpr int64_t kDayMicros = int64_t{86400} * 1'000'000;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

}  // namespace

Result<CalendarRebase> ParseCalendarRebase(const std::string& option, const std::string& text) {
  if (text == "CORRECTED") return CalendarRebase::kCorrected;
  if (text == "LEGACY") return CalendarRebase::kLegacy;
  if (text == "EXCEPTION") return CalendarRebase::kException;
  return Status::IllegalArgument("The option " + option + " must be EXCEPTION, LEGACY or CORRECTED, not \"" + text + "\".");
}

CalendarRebase RebaseOfWriter(const std::optional<std::string>& spark_version, bool marked_legacy, CalendarRebase asked) {
  if (!spark_version) return asked;
  const bool before_three = std::atoi(spark_version->c_str()) < 3;
  return before_three || marked_legacy ? CalendarRebase::kLegacy : CalendarRebase::kCorrected;
}

int32_t RebasedDay(int32_t hybrid_day) {
  if (hybrid_day >= kFirstGregorianDay) return hybrid_day;
  // Year, month and day in the Julian calendar, whose leap years come every four years. Years begin in March, so that the leap day is the last.
  const int64_t day = int64_t{hybrid_day} - kJulianEpochDay + 306;  // since 0000-03-01
  const int64_t cycle = FloorDiv(day, 1461), of_cycle = day - cycle * 1461;
  const int64_t of_four = std::min<int64_t>(of_cycle / 365, 3), of_year = of_cycle - of_four * 365;
  const int64_t shifted = (5 * of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  const int day_of_month = static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1);
  const int64_t year = cycle * 4 + of_four + (month <= 2 ? 1 : 0);
  if (auto gregorian = DaysFromDate(year, month, day_of_month)) return *gregorian;
  return DaysFromDate(year, 3, 1).value_or(hybrid_day);  // a 29th of February that the Gregorian calendar lacks
}

int64_t RebasedMicros(int64_t hybrid_micros, const TimeZone& zone) {
  const int64_t local = hybrid_micros + zone.OffsetSecondsAt(hybrid_micros) * 1'000'000;
  const int64_t day = FloorDiv(local, kDayMicros), of_day = local - day * kDayMicros;
  return zone.LocalToUtcMicros(int64_t{RebasedDay(static_cast<int32_t>(day))} * kDayMicros + of_day);
}

Result<std::shared_ptr<arrow::Array>> Rebased(std::shared_ptr<arrow::Array> array, CalendarRebase mode, const TimeZone& zone, const std::string& path) {
  if (mode == CalendarRebase::kCorrected) return array;
  auto refuse = [&]() { return Status::Error(errors::kAncientDatetime, {{"path", UriFromPath(path)}}); };
  DatetimeMap map;
  map.days = [&](int32_t day) -> Result<int32_t> {
    if (day >= kFirstGregorianDay) return day;
    if (mode == CalendarRebase::kException) return refuse();
    return RebasedDay(day);
  };
  map.micros = [&](int64_t micros) -> Result<int64_t> {
    if (micros >= kLastSwitchMicros) return micros;
    if (mode == CalendarRebase::kException) return refuse();
    return RebasedMicros(micros, zone);
  };
  // Wall-clock times without zone did not exist when the calendar was another one.
  map.from = map.to = ToArrowType(DataType::Timestamp());
  return MapDatetimes(array, map);
}

}  // namespace millstream
