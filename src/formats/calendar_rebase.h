#pragma once

// calendar_rebase.h   Days and times that were written in the hybrid calendar (Julian until 1582-10-04), as Spark before 3.0 and Hive did.

#include <arrow/array.h>

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "formats/time_zone.h"

namespace millstream {

// Spark's datetimeRebaseMode: as they are, from the hybrid calendar, or refused when the two calendars differ.
enum class CalendarRebase { kCorrected, kLegacy, kException };

// "CORRECTED", "LEGACY", "EXCEPTION". `option` is named in the error.
Result<CalendarRebase> ParseCalendarRebase(const std::string& option, const std::string& text);
// By what a file's writer says of itself: Spark from 3.0 on marks the files that it wrote in the hybrid calendar.
CalendarRebase RebaseOfWriter(const std::optional<std::string>& spark_version, bool marked_legacy, CalendarRebase asked);

// The proleptic Gregorian day with the same year, month and day.
int32_t RebasedDay(int32_t hybrid_day);
int64_t RebasedMicros(int64_t hybrid_micros, const TimeZone& zone);

// Dates and timestamps of an array, also within structs, lists and maps. kException: an error where the calendars differ.
Result<std::shared_ptr<arrow::Array>> Rebased(std::shared_ptr<arrow::Array> array, CalendarRebase mode, const TimeZone& zone, const std::string& path);

}  // namespace millstream
