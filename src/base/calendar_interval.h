#pragma once

// calendar_interval.h   "10 minutes", "interval 1 day 2 hours": the lengths of time that windows, watermarks and triggers are written with
// (org.apache.spark.sql.catalyst.util.IntervalUtils.stringToInterval).

#include <cstdint>
#include <optional>
#include <string_view>

namespace millstream {

struct CalendarInterval {
  int64_t months = 0, days = 0, us = 0;

  // A day is 24 hours and a month 31 days (IntervalUtils.getDuration). nullopt: more than 64 bits hold.
  std::optional<int64_t> Micros() const;
};

// nullopt: not an interval.
std::optional<CalendarInterval> ParseCalendarInterval(std::string_view text);

}  // namespace millstream
