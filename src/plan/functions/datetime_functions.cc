// Dates and times.

#include "plan/coercion.h"
#include "plan/functions/signatures.h"

namespace millstream {
namespace {

struct Row {
  std::vector<std::string> names;
  int min, max;
  const char *params, *result;
};

// to_timestamp of a string or a time; try_to_… never fail.
Result<TypedCall> ToTimestamp(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) {
  DataType from = TypeOf(*args[0]);
  if (args.size() == 1 && function.name == "to_timestamp") {
    ExprPtr cast = CastTo(args[0], DataType::Timestamp(), ModeOf(conf));
    return TypedCall{{cast}, DataType::Timestamp(), true};
  }
  DataType type = function.name == "to_timestamp_ntz" ? DataType::TimestampNtz() : DataType::Timestamp();
  if (from.id() != TypeId::kDate && from.id() != TypeId::kTimestamp && from.id() != TypeId::kTimestampNtz) {
    MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 's', conf));
  }
  if (args.size() > 1) {
    MS_ASSIGN_OR_RETURN(args[1], Implicit(function, args, 1, 's', conf));
  }
  return TypedCall{std::move(args), type, true};
}

// unix_timestamp(string|date|timestamp[, format]).
Result<TypedCall> UnixTimestamp(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) {
  if (!args.empty() && TypeOf(*args[0]).id() != TypeId::kString) {
    MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'T', conf));
  }
  bool nullable = args.empty() ? false : TypeOf(*args[0]).id() == TypeId::kString ? true : AnyNullable(args);
  return TypedCall{std::move(args), DataType::Long(), nullable};
}

// make_date, make_timestamp: parts that make no date are an error by ANSI, null otherwise.
FunctionDef::Rule Make(const char* params, const char* result) {
  return [=](const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) -> Result<TypedCall> {
    MS_ASSIGN_OR_RETURN(TypedCall typed, Signature(params, result)(function, std::move(args), conf));
    typed.nullable = typed.nullable || !conf.ansi;
    return typed;
  };
}

// window(time, "10 minutes"[, slide[, start]]) → struct<start, end>. Tumbling windows only are computed so far.
Result<TypedCall> TimeWindow(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'T', conf));
  if (args.size() > 2 && StringLiteral(*args[2]) != StringLiteral(*args[1]))
    return Status::Unsupported("A sliding window", "Use a tumbling window: window(time, \"10 minutes\").");
  DataType time = TypeOf(*args[0]);
  return TypedCall{std::move(args), DataType::Struct(StructType({{"start", time}, {"end", time}})), false};
}

}  // namespace

void AddDateTimeFunctions(FunctionTable& table) {
  static const std::vector<Row> rows = {
      {{"year"}, 1, 1, "D", "i"},
      {{"quarter"}, 1, 1, "D", "i"},
      {{"month"}, 1, 1, "D", "i"},
      {{"day", "dayofmonth"}, 1, 1, "D", "i"},
      {{"dayofweek"}, 1, 1, "D", "i"},
      {{"weekday"}, 1, 1, "D", "i"},
      {{"dayofyear"}, 1, 1, "D", "i"},
      {{"weekofyear"}, 1, 1, "D", "i"},
      {{"hour"}, 1, 1, "T", "i"},
      {{"minute"}, 1, 1, "T", "i"},
      {{"second"}, 1, 1, "T", "i"},
      {{"date_add", "dateadd"}, 2, 2, "Di", "D"},
      {{"date_sub"}, 2, 2, "Di", "D"},
      {{"datediff", "date_diff"}, 2, 2, "DD", "i"},
      {{"add_months"}, 2, 2, "Di", "D"},
      {{"months_between"}, 2, 3, "TTb", "d"},
      {{"last_day"}, 1, 1, "D", "D"},
      {{"next_day"}, 2, 2, "Ds", "D?"},
      {{"trunc"}, 2, 2, "Ds", "D?"},
      {{"date_trunc"}, 2, 2, "sT", "T?"},
      {{"date_format"}, 2, 2, "Ts", "s"},
      {{"to_date"}, 1, 2, "?s", "D?"},
      {{"try_to_date"}, 1, 2, "?s", "D?"},
      {{"from_unixtime"}, 1, 2, "ls", "s?"},
      {{"timestampadd"}, 3, 3, "slT", "2"},
      {{"timestampdiff"}, 3, 3, "sTT", "l"},
      {{"timestamp_seconds"}, 1, 1, "n", "T"},
      {{"timestamp_millis"}, 1, 1, "l", "T"},
      {{"timestamp_micros"}, 1, 1, "l", "T"},
      {{"unix_seconds"}, 1, 1, "T", "l"},
      {{"unix_millis"}, 1, 1, "T", "l"},
      {{"unix_micros"}, 1, 1, "T", "l"},
      {{"unix_date"}, 1, 1, "D", "i"},
      {{"date_from_unix_date"}, 1, 1, "i", "D"},
      {{"from_utc_timestamp"}, 2, 2, "Ts", "T"},
      {{"to_utc_timestamp"}, 2, 2, "Ts", "T"},
      {{"dayname"}, 1, 1, "D", "s"},
      {{"monthname"}, 1, 1, "D", "s"},
      {{"extract", "date_part", "datepart"}, 2, 2, "s?", "i"},
      {{"convert_timezone"}, 2, 3, "ss?", "N"},
  };
  for (const Row& row : rows) {
    table.push_back(
        {row.names,
         {.name = row.names[0], .kind = FunctionDef::Kind::kScalar, .args_min = row.min, .args_max = row.max, .rule = Signature(row.params, row.result)}});
  }
  auto add = [&](std::vector<std::string> names, int min, int max, FunctionDef::Rule rule) {
    FunctionDef def{.name = names[0], .kind = FunctionDef::Kind::kScalar, .args_min = min, .args_max = max, .rule = std::move(rule)};
    table.push_back({std::move(names), std::move(def)});
  };
  for (const char* name : {"to_timestamp", "try_to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz"}) add({name}, 1, 2, ToTimestamp);
  add({"unix_timestamp", "to_unix_timestamp"}, 0, 2, UnixTimestamp);
  add({"make_date"}, 3, 3, Make("iii", "D"));
  add({"make_timestamp"}, 6, 7, Make("iiiiids", "T"));
  add({"make_timestamp_ntz"}, 6, 6, Make("iiiiid", "N"));
  add({"make_timestamp_ltz"}, 6, 7, Make("iiiiids", "T"));
  // Seconds with their fraction; of an interval, what is left of the minute.
  add({"extract_seconds"}, 1, 1, [](const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) -> Result<TypedCall> {
    if (TypeOf(*args[0]).id() != TypeId::kDayTimeInterval) {
      MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'T', conf));
    }
    bool nullable = AnyNullable(args);
    return TypedCall{std::move(args), DataType::Decimal(8, 6), nullable};
  });
  // Fields of intervals.
  for (const char* name : {"interval_years", "interval_months", "interval_days", "interval_hours", "interval_minutes"}) {
    add({name}, 1, 1, [](const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf&) -> Result<TypedCall> {
      const std::string& field = function.name;
      const bool of_months = field == "interval_years" || field == "interval_months";
      if (TypeOf(*args[0]).id() != (of_months ? TypeId::kYearMonthInterval : TypeId::kDayTimeInterval)) {
        return WrongType(function, args, 0, of_months ? "\"INTERVAL YEAR TO MONTH\"" : "\"INTERVAL DAY TO SECOND\"");
      }
      bool nullable = AnyNullable(args);
      return TypedCall{std::move(args), field == "interval_years" || field == "interval_days" ? DataType::Integer() : DataType::Byte(), nullable};
    });
  }
  add({"dayofweek_iso"}, 1, 1, Signature("D", "i"));
  add({"yearofweek"}, 1, 1, Signature("D", "i"));
  add({"window"}, 2, 4, TimeWindow);
}

}  // namespace millstream
