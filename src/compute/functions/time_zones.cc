#include <arrow/vendored/datetime.h>

#include <charconv>
#include <map>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/civil_time.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

namespace date = arrow_vendored::date;

// A fixed offset in seconds, or a region of the system's tz database.
struct Zone {
  bool found = false;
  int64_t fixed_seconds = 0;
  const date::time_zone* region = nullptr;
};

// "+8", "+08:00", "-0830", "+01:02:03".
std::optional<int64_t> FixedOffset(std::string_view text) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  std::string digits;
  int parts[3] = {0, 0, 0};
  if (text.find(':') != std::string_view::npos) {
    int part = 0;
    for (size_t begin = 0; part < 3 && begin <= text.size(); ++part) {
      const size_t end = std::min(text.find(':', begin), text.size());
      auto [rest, error] = std::from_chars(text.data() + begin, text.data() + end, parts[part]);
      if (error != std::errc() || rest != text.data() + end || end - begin > 2) return std::nullopt;
      begin = end + 1;
    }
  } else {
    if (text.size() > 6 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    digits = text.size() % 2 ? "0" + std::string(text) : std::string(text);
    for (size_t i = 0; i + 1 < digits.size(); i += 2) parts[i / 2] = (digits[i] - '0') * 10 + digits[i + 1] - '0';
  }
  const int64_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  if (parts[1] > 59 || parts[2] > 59 || seconds > 18 * 3600) return std::nullopt;
  return sign * seconds;
}

Zone FindZone(std::string_view name) {
  Zone zone;
  if (name == "UTC" || name == "Z" || name == "GMT" || name == "UT" || name == "Etc/UTC") {
    zone.found = true;
    return zone;
  }
  std::string_view offset = name;
  for (std::string_view prefix : {"UTC", "GMT", "UT"}) {
    if (offset.starts_with(prefix) && offset.size() > prefix.size() && (offset[prefix.size()] == '+' || offset[prefix.size()] == '-')) {
      offset.remove_prefix(prefix.size());
      break;
    }
  }
  if (const auto seconds = FixedOffset(offset)) {
    zone.found = true;
    zone.fixed_seconds = *seconds;
    return zone;
  }
  // Java's short names that Spark resolves by ZoneId.SHORT_IDS.
  static const std::map<std::string_view, std::string_view> kShort = {
      {"PST", "America/Los_Angeles"}, {"CST", "America/Chicago"}, {"EST", "-05:00"},        {"MST", "-07:00"},      {"HST", "-10:00"},
      {"JST", "Asia/Tokyo"},          {"IST", "Asia/Kolkata"},    {"CTT", "Asia/Shanghai"}, {"ECT", "Europe/Paris"}};
  if (auto found = kShort.find(name); found != kShort.end()) {
    if (const auto seconds = FixedOffset(found->second)) {
      zone.found = true;
      zone.fixed_seconds = *seconds;
      return zone;
    }
    name = found->second;
  }
  try {
    zone.region = date::locate_zone(name);
    zone.found = zone.region != nullptr;
  } catch (const std::exception&) {
    zone.found = false;
  }
  return zone;
}

// Names repeat from row to row; bounded since they may be data.
const Zone& CachedZone(std::string_view name) {
  thread_local std::map<std::string, Zone, std::less<>> zones;
  if (auto found = zones.find(name); found != zones.end()) return found->second;
  if (zones.size() > 1000) zones.clear();
  return zones.emplace(std::string(name), FindZone(name)).first->second;
}

[[noreturn]] void ThrowNoZone(std::string_view zone) { ThrowError(errors::kInvalidTimezone, {{"timeZone", std::string(zone)}}); }

}  // namespace

std::optional<int64_t> OffsetSeconds(int64_t instant_micros, std::string_view name) {
  const Zone& zone = CachedZone(name);
  if (!zone.found) return std::nullopt;
  if (!zone.region) return zone.fixed_seconds;
  const date::sys_seconds at{std::chrono::seconds(FloorDiv(instant_micros, kMicrosPerSecond))};
  return zone.region->get_info(at).offset.count();
}

std::optional<int64_t> InstantToWall(int64_t instant_micros, std::string_view zone) {
  const auto offset = OffsetSeconds(instant_micros, zone);
  if (!offset) return std::nullopt;
  return instant_micros + *offset * kMicrosPerSecond;
}

std::optional<int64_t> WallToInstant(int64_t wall_micros, std::string_view name) {
  const Zone& zone = CachedZone(name);
  if (!zone.found) return std::nullopt;
  if (!zone.region) return wall_micros - zone.fixed_seconds * kMicrosPerSecond;
  const date::local_seconds wall{std::chrono::seconds(FloorDiv(wall_micros, kMicrosPerSecond))};
  // In a gap the offset before it, by which the time comes out behind it; in an overlap the earlier.
  return wall_micros - zone.region->get_info(wall).first.offset.count() * kMicrosPerSecond;
}

void DefineTimeZones(FunctionRegistry& registry) {
  Define(registry, "ms_to_local", [](Timestamp instant, std::string_view zone) {
    const auto wall = InstantToWall(instant.micros, zone);
    if (!wall) ThrowNoZone(zone);
    return Timestamp{*wall};
  });
  Define(registry, "ms_from_local", [](Timestamp wall, std::string_view zone) {
    const auto instant = WallToInstant(wall.micros, zone);
    if (!instant) ThrowNoZone(zone);
    return Timestamp{*instant};
  });
}

}  // namespace millstream::compute
