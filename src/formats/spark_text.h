#pragma once

// spark_text.h   Text → values, deciding exactly as Spark's readers do: DateTimeUtils, UTF8String, java.math.BigDecimal, Double.parseDouble.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "formats/time_zone.h"

namespace millstream {

// java.lang.Long.parseLong: optional sign, digits only.
std::optional<int64_t> ParseLong(std::string_view text);
// A number as JSON writes it (no white space, no suffix); too large is infinite. nullopt: not a number.
std::optional<double> ParseJsonDouble(std::string_view text);
std::optional<float> ParseJsonFloat(std::string_view text);
// java.lang.Double.parseDouble: white space around, "NaN", "Infinity", suffixes d and f.
std::optional<double> ParseJavaDouble(std::string_view text);
std::optional<float> ParseJavaFloat(std::string_view text);

// A parsed decimal number: digits × 10^-scale.
struct BigDecimal {
  bool negative = false;
  std::string digits;  // without leading zeros; empty: zero
  int64_t scale = 0;
  int precision() const { return digits.empty() ? 1 : static_cast<int>(digits.size()); }
};
// java.math.BigDecimal(String). nullopt: not a number.
std::optional<BigDecimal> ParseBigDecimal(std::string_view text);
// Rounded half up to `scale`; nullopt: needs more than `precision` digits.
std::optional<__int128> ToUnscaled(const BigDecimal& number, int precision, int scale);
// Both steps at once, fast for ordinary numbers.
std::optional<__int128> ParseDecimal(std::string_view text, int precision, int scale);

// Days since the epoch of a proleptic Gregorian date; nullopt: no such day.
std::optional<int32_t> DaysFromDate(int64_t year, int month, int day);

// DateTimeUtils.stringToDate: "2020", "2020-1", "2020-01-02", then optionally ' ' or 'T' and anything.
std::optional<int32_t> StringToDate(std::string_view text);
// DateTimeUtils.stringToTimestamp. Text without a zone is in `zone`.
std::optional<int64_t> StringToTimestamp(std::string_view text, const TimeZone& zone);
// DateTimeUtils.stringToTimestampWithoutTimeZone; a zone in the text is refused.
std::optional<int64_t> StringToTimestampNtz(std::string_view text);

}  // namespace millstream
