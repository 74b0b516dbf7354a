#pragma once

// time_zone.h   Zone ids as java.time.ZoneId.of takes them, and the offset of a wall-clock time in them.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

// Immutable. Rules come from the system's zoneinfo files; times after the last tabulated transition use the file's footer rule.
class TimeZone {
 public:
  // "UTC", "Z", "+01:00", "+1", "GMT+2", "Europe/Paris", "PST"… nullptr: no such zone. Answers are cached for the life of the process.
  static const TimeZone* Find(std::string_view id);
  static const TimeZone& Utc();

  // Wall-clock microseconds → instant, as LocalDateTime.atZone does: in a gap the time moves forward, in an overlap the earlier offset counts.
  int64_t LocalToUtcMicros(int64_t local_us) const;
  // What the wall clock is ahead of UTC at an instant.
  int64_t OffsetSecondsAt(int64_t utc_us) const;

 private:
  struct Transition {
    int64_t at_s = 0;      // instant
    int32_t before_s = 0;  // offset until then
    int32_t after_s = 0;   // offset from then on
  };
  static const TimeZone* Load(const std::string& region);
  int64_t fixed_s_ = 0;                  // offset when there are no transitions
  std::vector<Transition> transitions_;  // ascending
};

}  // namespace millstream
