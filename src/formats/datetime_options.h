#pragma once

// datetime_options.h   Which texts are dates and timestamps, from the options dateFormat, timestampFormat, timestampNTZFormat and timeZone.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/option_table.h"
#include "formats/datetime_pattern.h"
#include "formats/time_zone.h"

namespace millstream {

// Immutable. Without a pattern Spark's default parsing applies (DateTimeUtils.stringToDate, stringToTimestamp).
class DateTimeOptions {
 public:
  // `default_zone`: the session's, unless the option timeZone names another.
  static Result<DateTimeOptions> From(const OptionValues& values, const std::string& default_zone);

  std::optional<int32_t> Date(std::string_view text) const;
  std::optional<int64_t> Timestamp(std::string_view text) const;
  std::optional<int64_t> TimestampNtz(std::string_view text) const;
  bool has_date_pattern() const { return date_.has_value(); }
  bool has_timestamp_pattern() const { return timestamp_.has_value(); }

 private:
  const TimeZone* zone_ = &TimeZone::Utc();
  std::optional<DateTimePattern> date_, timestamp_, ntz_;
};

}  // namespace millstream
