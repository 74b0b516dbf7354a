#pragma once

// civil_time.h   Days and microseconds as people write them: the proleptic Gregorian calendar, Spark's lenient texts, and time zones.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millstream::compute {

inline constexpr int64_t kMicrosPerSecond = 1000000;
inline constexpr int64_t kMicrosPerDay = 86400 * kMicrosPerSecond;

struct Civil {
  int64_t year;
  int month, day;
};
Civil CivilOf(int64_t days);
int64_t DaysOf(int64_t year, int month, int day);
int DaysInMonth(int64_t year, int month);
int64_t FloorDiv(int64_t value, int64_t by);

// "yyyy-[m]m-[d]d", shortened or with anything after a blank or T.
std::optional<int32_t> ParseSparkDate(std::string_view text);
// Date, time, fraction and zone, all but the year optional, as Spark's cast takes them. `zone` is that of a text without one; when empty, a zone in
// the text is left aside. Microseconds since the epoch.
std::optional<int64_t> ParseSparkTimestamp(std::string_view text, std::string_view zone);

std::string DateText(int32_t days);
std::string TimestampText(int64_t wall_micros);
// ".5" for 500000, "" for 0.
std::string FractionText(int64_t micros);

// Region names, UTC, GMT, Z, +08:00, GMT+8 … nullopt: there is no such zone.
std::optional<int64_t> InstantToWall(int64_t instant_micros, std::string_view zone);
// A wall time that a clock change skips is moved on by the gap, one that it repeats is the earlier: Java's ZonedDateTime.of.
std::optional<int64_t> WallToInstant(int64_t wall_micros, std::string_view zone);
// "+02:00"'s seconds, at that instant.
std::optional<int64_t> OffsetSeconds(int64_t instant_micros, std::string_view zone);

}  // namespace millstream::compute
