#include "formats/datetime_options.h"

#include "formats/spark_text.h"

namespace millstream {

Result<DateTimeOptions> DateTimeOptions::From(const OptionValues& values, const std::string& default_zone) {
  DateTimeOptions out;
  std::string zone = values.String("timeZone").value_or(default_zone);
  out.zone_ = TimeZone::Find(zone);
  if (out.zone_ == nullptr) return Status::IllegalArgument("Unknown time-zone ID: " + zone);
  auto pattern = [&](std::string_view option, std::optional<DateTimePattern>* to) -> Status {
    std::optional<std::string> text = values.String(option);
    if (!text || text->empty()) return Status::Ok();
    MS_ASSIGN_OR_RETURN(*to, DateTimePattern::Compile(*text));
    return Status::Ok();
  };
  MS_RETURN_IF_ERROR(pattern("dateFormat", &out.date_));
  MS_RETURN_IF_ERROR(pattern("timestampFormat", &out.timestamp_));
  MS_RETURN_IF_ERROR(pattern("timestampNTZFormat", &out.ntz_));
  return out;
}

std::optional<int32_t> DateTimeOptions::Date(std::string_view text) const {
  if (!date_) return StringToDate(text);
  auto parsed = date_->Parse(text);
  if (!parsed) return std::nullopt;
  return parsed->days;
}

std::optional<int64_t> DateTimeOptions::Timestamp(std::string_view text) const {
  if (!timestamp_) return StringToTimestamp(text, *zone_);
  auto parsed = timestamp_->Parse(text);
  if (!parsed) return std::nullopt;
  if (parsed->offset_s) return parsed->local_us - int64_t{*parsed->offset_s} * 1'000'000;
  return (parsed->zone ? parsed->zone : zone_)->LocalToUtcMicros(parsed->local_us);
}

std::optional<int64_t> DateTimeOptions::TimestampNtz(std::string_view text) const {
  if (!ntz_) return StringToTimestampNtz(text);
  auto parsed = ntz_->Parse(text);
  if (!parsed || parsed->offset_s || parsed->zone) return std::nullopt;
  return parsed->local_us;
}

}  // namespace millstream
