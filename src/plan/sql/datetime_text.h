#pragma once

// datetime_text.h   The texts inside DATE'…', TIMESTAMP'…', INTERVAL'…' and X'…'.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millstream {

// "2024", "2024-2", "2024-02-29", "2024-02-29T…": days since the epoch.
std::optional<int64_t> DateFromText(std::string_view text);

struct TimestampText {
  int64_t local_us = 0;  // as if in UTC
  bool has_zone = false;
  std::optional<int64_t> offset_us;  // of "Z", "+01:00"; unset for no zone and for names such as Europe/Paris
};
// "2024-01-02", "2024-01-02 03:04:05.123456", "2024-01-02T03:04:05Z".
std::optional<TimestampText> TimestampFromText(std::string_view text);

// "1F2e", "F": bytes; an odd first digit stands for a byte of its own.
std::optional<std::string> BytesFromHex(std::string_view text);

// "1-2" (YEAR TO MONTH) in months; "1 02:03:04.5" from unit `first` to `last` (0 day, 1 hour, 2 minute, 3 second) in microseconds.
std::optional<int64_t> MonthsFromText(std::string_view text);
std::optional<int64_t> DayTimeFromText(std::string_view text, int first, int last);
// "1.5" of a unit in microseconds.
std::optional<int64_t> SecondsFromText(std::string_view text);

}  // namespace millstream
