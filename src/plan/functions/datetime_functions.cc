// Dates and times.

#include <cstdlib>

#include "base/calendar_interval.h"
#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

constexpr int64_t kOverlappingWindowsMax = 10000;

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

// A length of time of window() in microseconds.
Result<int64_t> WindowLength(const FunctionDef& function, const std::vector<ExprPtr>& args, size_t index) {
  const auto* number = args[index]->As<Literal>();
  if (number && (number->type.id() == TypeId::kLong || number->type.id() == TypeId::kDayTimeInterval)) {
    if (const auto* us = std::get_if<int64_t>(&number->value.held)) return *us;
  }
  const std::optional<std::string> text = StringLiteral(*args[index]);
  if (!text) return WrongType(function, args, index, "a foldable \"STRING\" or \"INTERVAL\"");
  const std::optional<CalendarInterval> interval = ParseCalendarInterval(*text);
  if (!interval) {
    return Status::Error({"CANNOT_PARSE_INTERVAL", "22006", ExceptionKind::kAnalysis,
                          "Unable to parse <intervalString>. Please ensure that the value provided is in a valid format for defining an interval. You can "
                          "reference the documentation for the correct format."},
                         {{"intervalString", "'" + *text + "'"}});
  }
  if (interval->months != 0) {
    return Status::Error({"_LEGACY_ERROR_TEMP_3231", "", ExceptionKind::kIllegalArgument, "Intervals greater than a month is not supported (<interval>)."},
                         {{"interval", *text}});
  }
  return interval->Micros().value_or(0);
}

Status WindowConstraint(const FunctionDef& function, const std::vector<ExprPtr>& args, std::string left, int64_t left_us, const char* constraint,
                        std::string right, const std::string& right_us) {
  return Status::Error({"DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", "42K09", ExceptionKind::kAnalysis,
                        "Cannot resolve \"<sqlExpr>\" due to data type mismatch: The <leftExprName>(<leftExprValue>) must be <constraint> the "
                        "<rightExprName>(<rightExprValue>)."},
                       {{"sqlExpr", CallText(function, args)},
                        {"leftExprName", "`" + left + "`"},
                        {"leftExprValue", std::to_string(left_us) + "L"},
                        {"constraint", constraint},
                        {"rightExprName", right.empty() ? "" : "`" + right + "`"},
                        {"rightExprValue", right_us}});
}

// A window in the place of a time stands for its last moment.
Status TakeMomentOfWindow(std::vector<ExprPtr>& args, const AnalyzerConf& conf) {
  if (TypeOf(*args[0]).id() != TypeId::kStruct) return Status();
  const FunctionDef* moment = FindFunction("window_time");
  MS_ASSIGN_OR_RETURN(TypedCall typed, moment->rule(*moment, {args[0]}, conf));
  args[0] = MakeExpr(Call{moment, std::move(typed.args), typed.type, typed.nullable, ModeOf(conf)});
  return Status();
}

// window(time, width[, slide[, start]]) → struct<start, end>: the analyzer makes a row of each window that holds the moment (time_windows.cc). Lengths become
// microseconds.
Result<TypedCall> TimeWindow(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) {
  MS_RETURN_IF_ERROR(TakeMomentOfWindow(args, conf));
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'T', conf));
  MS_ASSIGN_OR_RETURN(const int64_t width, WindowLength(function, args, 1));
  int64_t slide = width, start = 0;
  if (args.size() > 2) {
    MS_ASSIGN_OR_RETURN(slide, WindowLength(function, args, 2));
  }
  if (args.size() > 3) {
    MS_ASSIGN_OR_RETURN(start, WindowLength(function, args, 3));
  }
  const std::string width_text = std::to_string(width) + "L", slide_text = std::to_string(slide) + "L";
  for (const auto& [name, us] : {std::pair{"window_duration", width}, std::pair{"slide_duration", slide}}) {
    if (us > 0) continue;
    args.resize(1);
    for (const int64_t length : {width, slide, start}) args.push_back(MakeExpr(Literal{{length}, DataType::Long()}));
    return Status::Error(
        {"DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", "42K09", ExceptionKind::kAnalysis,
         "Cannot resolve \"<sqlExpr>\" due to data type mismatch: The <exprName> must be between <valueRange> (current value = <currentValue>)."},
        {{"sqlExpr", CallText(function, args)},
         {"exprName", "`" + std::string(name) + "`"},
         {"valueRange", "(0, 9223372036854775807]"},
         {"currentValue", std::to_string(us) + "L"}});
  }
  if (slide > width) return WindowConstraint(function, args, "slide_duration", slide, "<=", "window_duration", width_text);
  if (std::abs(start) >= slide) return WindowConstraint(function, args, "abs(start_time)", std::abs(start), "<", "slide_duration", slide_text);
  if ((width + slide - 1) / slide > kOverlappingWindowsMax) return Status::Unsupported("A window that overlaps more than 10000 others");
  const DataType time = TypeOf(*args[0]);
  args.resize(1);
  for (const int64_t us : {width, slide, start}) args.push_back(MakeExpr(Literal{{us}, DataType::Long()}));
  DataType window = DataType::Struct(StructType({{"start", time}, {"end", time}}));
  return TypedCall{std::move(args), std::move(window), false};
}

// session_window(time, gap) → struct<start, end>: the session of the row alone. Aggregates grouped by it make one of those that meet (time_windows.cc).
Result<TypedCall> SessionWindow(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) {
  MS_RETURN_IF_ERROR(TakeMomentOfWindow(args, conf));
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'T', conf));
  const DataType gap = TypeOf(*args[1]);
  if (gap.id() == TypeId::kNull) {
    args[1] = CastTo(args[1], DataType::String(), ModeOf(conf));
  } else if (gap.id() != TypeId::kString) {
    return Status::Error(errors::kSessionGapType, {{"dt", gap.SimpleString()}});
  }
  const DataType time = TypeOf(*args[0]);
  return TypedCall{std::move(args), DataType::Struct(StructType({{"start", time}, {"end", time}})), false};
}

// window_time(window): its last moment.
Result<TypedCall> WindowTime(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf&) {
  const DataType type = TypeOf(*args[0]);
  if (type.id() != TypeId::kStruct || type.fields().size() != 2 || type.fields()[1].name != "end" ||
      (type.fields()[1].type.id() != TypeId::kTimestamp && type.fields()[1].type.id() != TypeId::kTimestampNtz))
    return WrongType(function, args, 0, "\"STRUCT<start: TIMESTAMP, end: TIMESTAMP>\"");
  const DataType time = type.fields()[1].type;
  return TypedCall{std::move(args), time, false};
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
  // Takes dates alone: no text is cast for it.
  add({"unix_date"}, 1, 1, [](const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf) -> Result<TypedCall> {
    if (TypeOf(*args[0]).id() == TypeId::kString) return WrongType(function, args, 0, "\"DATE\"");
    return Signature("D", "i")(function, std::move(args), conf);
  });
  add({"window"}, 2, 4, TimeWindow);
  add({"session_window"}, 2, 2, SessionWindow);
  add({"window_time"}, 1, 1, WindowTime);
}

}  // namespace millstream
