#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

// The moment that text, a date or a number means, as an instant.
Result<std::string> Instant(const FunctionCall& call, size_t argument) {
  return CastSql(call.sql, call.args[argument], call.types[argument], DataType::Timestamp(), call.mode);
}

// A formatter works on the clock on the wall.
Result<std::string> Wall(const FunctionCall& call, size_t argument) {
  if (call.Is(argument, TypeId::kTimestampNtz)) return call.args[argument];
  if (call.Is(argument, TypeId::kDate)) return "CAST(" + call.args[argument] + " AS TIMESTAMP)";
  MS_ASSIGN_OR_RETURN(std::string instant, Instant(call, argument));
  return call.sql.Local(instant, DataType::Timestamp());
}

Result<std::string> DateFormat(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string wall, Wall(call, 0));
  return "ms_date_format(" + wall + ", " + call.args[1] + ", " + call.sql.Zone() + ")";
}

// to_timestamp, to_date, unix_timestamp of text by a pattern. The answer of ms_parse_timestamp is an instant, given the zone of patterns without one.
std::string Parse(const FunctionCall& call, const std::string& zone) {
  return "ms_parse_timestamp(" + call.args[0] + ", " + call.args[1] + ", " + zone + ", " + call.Mode() + ")";
}

Result<std::string> ToTimestamp(const FunctionCall& call) {
  const bool ntz = call.type.id() == TypeId::kTimestampNtz;
  if (call.args.size() == 1 || !call.Is(0, TypeId::kString)) return CastSql(call.sql, call.args[0], call.types[0], call.type, call.mode);
  return Parse(call, ntz ? "'UTC'" : call.sql.Zone());
}

Result<std::string> ToDate(const FunctionCall& call) {
  if (call.args.size() == 1 || !call.Is(0, TypeId::kString)) return CastSql(call.sql, call.args[0], call.types[0], DataType::Date(), call.mode);
  return "CAST(" + Parse(call, "'UTC'") + " AS DATE)";
}

Result<std::string> UnixTimestamp(const FunctionCall& call) {
  if (call.args.empty()) return "ms_epoch_seconds(CAST(now() AS TIMESTAMP))";
  if (call.args.size() > 1 && call.Is(0, TypeId::kString)) return "ms_epoch_seconds(" + Parse(call, call.sql.Zone()) + ")";
  if (call.Is(0, TypeId::kString)) {
    return "ms_epoch_seconds(ms_parse_timestamp(" + call.args[0] + ", 'yyyy-MM-dd HH:mm:ss', " + call.sql.Zone() + ", " + call.Mode() + "))";
  }
  MS_ASSIGN_OR_RETURN(std::string instant, Instant(call, 0));
  return "ms_epoch_seconds(" + instant + ")";
}

Result<std::string> FromUnixtime(const FunctionCall& call) {
  const std::string pattern = call.args.size() > 1 ? call.args[1] : "'yyyy-MM-dd HH:mm:ss'";
  const std::string wall = call.sql.Local("ms_from_seconds(CAST(" + call.args[0] + " AS BIGINT))", DataType::Timestamp());
  return "ms_date_format(" + wall + ", " + pattern + ", " + call.sql.Zone() + ")";
}

// date_trunc(unit, timestamp) keeps the wall clock; trunc(date, unit) is of dates.
Result<std::string> DateTrunc(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string wall, Wall(call, 1));
  const std::string text = "ms_date_trunc(" + call.args[0] + ", " + wall + ")";
  return call.type.id() == TypeId::kTimestampNtz ? text : call.sql.FromLocal(text);
}

// Fields of an interval come from its number, those of a moment from the wall clock.
Result<std::string> Part(const FunctionCall& call, const std::string& unit) {
  if (call.Is(0, TypeId::kDayTimeInterval) || call.Is(0, TypeId::kYearMonthInterval)) {
    return "ms_interval_part(CAST(" + call.args[0] + " AS BIGINT), " + QuoteString(unit) + ")";
  }
  return "CAST(" + unit + "(" + call.sql.Local(call.args[0], call.types[0]) + ") AS " + TypeSql(call.type) + ")";
}

Result<std::string> Seconds(const FunctionCall& call) {
  const std::string micros = call.Is(0, TypeId::kDayTimeInterval)
                                 ? call.args[0] + " % 60000000"
                                 : "(epoch_us(" + call.sql.Local(call.args[0], call.types[0]) + ") % 60000000 + 60000000) % 60000000";
  return "CAST((" + micros + ") / CAST(1000000 AS DOUBLE) AS DECIMAL(8,6))";
}

template <const char* kUnit>
Result<std::string> PartOf(const FunctionCall& call) {
  return Part(call, kUnit);
}
constexpr char kYear[] = "year", kMonth[] = "month", kDay[] = "day", kHour[] = "hour", kMinute[] = "minute", kSecond[] = "second";

Result<std::string> Extract(const FunctionCall& call) {
  const auto* literal = call.exprs[0]->As<Literal>();
  const auto* unit = literal ? std::get_if<std::string>(&literal->value.held) : nullptr;
  if (!unit) return Status::Unsupported("extract with a field that is no literal");
  return "CAST(ms_extract(" + call.args[0] + ", " +
         (call.Is(1, TypeId::kDate) ? "CAST(" + call.args[1] + " AS TIMESTAMP)" : call.sql.Local(call.args[1], call.types[1])) + ") AS " + TypeSql(call.type) +
         ")";
}

Result<std::string> MakeTimestamp(const FunctionCall& call) {
  if (call.args.size() < 6) return Status::Unsupported(call.name + " of a date and a time");
  std::string text = "ms_make_timestamp(" + call.args[0] + ", " + call.args[1] + ", " + call.args[2] + ", " + call.args[3] + ", " + call.args[4] + ", CAST(" +
                     call.args[5] + " AS DECIMAL(18,6))::DOUBLE, " + call.Mode() + ")";
  if (call.type.id() == TypeId::kTimestampNtz) return text;
  return call.args.size() > 6 ? "ms_from_local(" + text + ", " + call.args[6] + ")" : call.sql.FromLocal(text);
}

// window(time, width, slide, start), lengths in microseconds: one struct, or the list of all that hold the moment (Spark's TimeWindowing).
Result<std::string> TimeWindow(const FunctionCall& call) {
  const auto length = [&](size_t argument) {
    const auto* literal = call.exprs[argument]->As<Literal>();
    const auto* us = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
    return us ? *us : 0;
  };
  const int64_t width = length(1), slide = length(2), start = length(3);
  if (width <= 0 || slide <= 0) return Status::Internal("a window without a length");
  const std::string us = "epoch_us(" + call.args[0] + ")", step = std::to_string(slide);
  const std::string past = "(((" + us + " - " + std::to_string(start) + ") % " + step + " + " + step + ") % " + step + ")";
  const auto window = [&](int64_t back_us) {
    return "struct_pack(f0 := ms_timestamp(" + us + " - " + past + " - " + std::to_string(back_us) + "), f1 := ms_timestamp(" + us + " - " + past + " + " +
           std::to_string(width - back_us) + "))";
  };
  if (call.type.id() != TypeId::kArray) return window(0);
  std::string list;
  for (int64_t back_us = 0; back_us < width; back_us += slide) list += (list.empty() ? "" : ", ") + window(back_us);
  if (width % slide == 0) return "[" + list + "]";
  return "list_filter([" + list + "], lambda w: w.f1 > " + call.args[0] + ")";
}

// session_window(time, gap): the session of this row alone.
Result<std::string> SessionWindow(const FunctionCall& call) {
  const std::string zone = call.Is(0, TypeId::kTimestampNtz) ? "'UTC'" : call.sql.Zone();
  return "struct_pack(f0 := " + call.args[0] + ", f1 := ms_add_interval(" + call.args[0] + ", " + call.args[1] + ", " + zone + "))";
}

}  // namespace

void AddDateFunctions(FunctionTable& table) {
  table.emitters["date_format"] = DateFormat;
  table.emitters["to_timestamp"] = table.emitters["try_to_timestamp"] = table.emitters["to_timestamp_ltz"] = table.emitters["to_timestamp_ntz"] = ToTimestamp;
  table.emitters["to_date"] = table.emitters["try_to_date"] = ToDate;
  table.emitters["unix_timestamp"] = table.emitters["to_unix_timestamp"] = UnixTimestamp;
  table.emitters["from_unixtime"] = FromUnixtime;
  table.emitters["date_trunc"] = DateTrunc;
  table.emitters["window"] = TimeWindow;
  table.emitters["session_window"] = SessionWindow;
  table.emitters["year"] = PartOf<kYear>;
  table.emitters["month"] = PartOf<kMonth>;
  table.emitters["day"] = table.emitters["dayofmonth"] = PartOf<kDay>;
  table.emitters["hour"] = PartOf<kHour>;
  table.emitters["minute"] = PartOf<kMinute>;
  table.emitters["second"] = PartOf<kSecond>;
  table.emitters["extract_seconds"] = Seconds;
  table.emitters["extract"] = table.emitters["date_part"] = table.emitters["datepart"] = Extract;
  table.emitters["make_timestamp"] = table.emitters["make_timestamp_ntz"] = table.emitters["make_timestamp_ltz"] = MakeTimestamp;
  static constexpr FunctionPattern kPatterns[] = {
      {"window_time", 1, "ms_timestamp(epoch_us(struct_extract({0}, 'f1')) - 1)"},
      {"dayofweek_iso", 1, "isodow({0l})"},
      {"yearofweek", 1, "isoyear({0l})"},
      {"interval_years", 1, "({0} // 12)"},
      {"interval_months", 1, "({0} % 12)"},
      {"interval_days", 1, "({0} // 86400000000)"},
      {"interval_hours", 1, "({0} // 3600000000 % 24)"},
      {"interval_minutes", 1, "({0} // 60000000 % 60)"},
      {"quarter", 1, "quarter({0l})"},
      {"dayofweek", 1, "(dayofweek({0l}) + 1)"},
      {"weekday", 1, "((dayofweek({0l}) + 6) % 7)"},
      {"dayofyear", 1, "dayofyear({0l})"},
      {"weekofyear", 1, "weekofyear({0l})"},
      {"dayname", 1, "strftime({0l}, '%a')"},
      {"monthname", 1, "strftime({0l}, '%b')"},
      {"date_add", 2, "ms_add_days({0}, CAST({1} AS INTEGER))"},
      {"dateadd", 2, "ms_add_days({0}, CAST({1} AS INTEGER))"},
      {"date_sub", 2, "ms_add_days({0}, -CAST({1} AS INTEGER))"},
      {"datediff", 2, "({0} - {1})"},
      {"date_diff", 2, "({0} - {1})"},
      {"add_months", 2, "ms_add_months({0}, CAST({1} AS INTEGER))"},
      {"months_between", 2, "ms_months_between({0l}, {1l}, true)"},
      {"months_between", 3, "ms_months_between({0l}, {1l}, {2})"},
      {"last_day", 1, "last_day({0})"},
      {"next_day", 2, "ms_next_day({0}, {1}, {m})"},
      {"trunc", 2, "ms_trunc_date({0}, {1})"},
      {"make_date", 3, "ms_make_date({0}, {1}, {2}, {m})"},
      {"unix_date", 1, "({0} - DATE '1970-01-01')"},
      {"date_from_unix_date", 1, "ms_date({0})"},
      {"unix_seconds", 1, "ms_epoch_seconds({0})"},
      {"unix_millis", 1, "ms_epoch_millis({0})"},
      {"unix_micros", 1, "epoch_us({0})"},
      {"timestamp_seconds", 1, "ms_timestamp(CAST(round(CAST({0} AS DECIMAL(38,6)) * 1000000) AS BIGINT))"},
      {"timestamp_millis", 1, "ms_timestamp(CAST({0} AS BIGINT) * 1000)"},
      {"timestamp_micros", 1, "ms_timestamp(CAST({0} AS BIGINT))"},
      {"from_utc_timestamp", 2, "ms_to_local({0}, {1})"},
      {"to_utc_timestamp", 2, "ms_from_local({0}, {1})"},
      {"timestampdiff", 3, "ms_timestampdiff({0}, {1l}, {2l})"},
      {"timestampadd", 3, "ms_timestampadd({0}, CAST({1} AS BIGINT), {2})"},
      {"make_dt_interval", 4, "ms_make_interval({0}, {1}, {2}, CAST({3} AS DOUBLE))"},
      {"make_ym_interval", 2, "({0} * 12 + {1})"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
}

}  // namespace millstream::compute
