#include <cstdio>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/civil_time.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

[[noreturn]] void ThrowMalformedTime(std::string_view text, const std::string& to) {
  ThrowError(errors::kCastInvalidInput, {{"expression", "'" + std::string(text) + "'"}, {"sourceType", "\"STRING\""}, {"targetType", "\"" + to + "\""}});
}

// Spark's ANSI interval literal text: INTERVAL '1 02:03:04.5' DAY TO SECOND.
std::string DayTimeText(int64_t micros) {
  const bool negative = micros < 0;
  const uint64_t size = negative ? -static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  char text[64];
  std::snprintf(text, sizeof text, "%s%llu %02d:%02d:%02d", negative ? "-" : "", static_cast<unsigned long long>(size / kMicrosPerDay),
                static_cast<int>(size / 3600000000 % 24), static_cast<int>(size / 60000000 % 60), static_cast<int>(size / 1000000 % 60));
  return "INTERVAL '" + std::string(text) + FractionText(static_cast<int64_t>(size % 1000000)) + "' DAY TO SECOND";
}

}  // namespace

void DefineTextCasts(FunctionRegistry& registry) {
  Define(registry, "ms_string_to_date", [](std::string_view text, int32_t mode) -> std::optional<Date> {
    if (const auto days = ParseSparkDate(text)) return Date{*days};
    if (mode != kAnsiMode) return std::nullopt;
    ThrowMalformedTime(text, "DATE");
  });
  // An empty zone: the wall clock is meant, and a zone in the text is left aside.
  Define(registry, "ms_string_to_timestamp", [](std::string_view text, std::string_view zone, std::string_view to, int32_t mode) -> std::optional<Timestamp> {
    if (const auto micros = ParseSparkTimestamp(text, zone)) return Timestamp{*micros};
    if (mode != kAnsiMode) return std::nullopt;
    ThrowMalformedTime(text, std::string(to));
  });
  Define(registry, "ms_timestamp_to_string", [](Timestamp value) { return TimestampText(value.micros); });
  Define(registry, "ms_date_to_string", [](Date value) { return DateText(value.days); });
  Define(registry, "ms_day_time_to_string", [](int64_t micros) { return DayTimeText(micros); });
  Define(registry, "ms_year_month_to_string", [](int32_t months) {
    const bool negative = months < 0;
    const int64_t size = negative ? -static_cast<int64_t>(months) : months;
    return "INTERVAL '" + std::string(negative ? "-" : "") + std::to_string(size / 12) + "-" + std::to_string(size % 12) + "' YEAR TO MONTH";
  });
}

}  // namespace millstream::compute
