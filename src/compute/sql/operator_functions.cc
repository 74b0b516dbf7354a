#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

std::string Wide(const std::string& sql, const DataType& type) { return "CAST(" + sql + " AS DECIMAL(38," + std::to_string(type.scale()) + "))"; }

// + - * / % of decimals, by name of the ms_ function: exact in 256 bits, then rounded to the type that the analyzer chose.
std::string DecimalOperation(const std::string& function, const FunctionCall& call) {
  return "CAST(" + function + "(" + Wide(call.args[0], call.types[0]) + ", " + Wide(call.args[1], call.types[1]) + ", " +
         std::to_string(call.type.precision()) + "::INTEGER, " + std::to_string(call.type.scale()) + "::INTEGER, " + call.Mode() + ") AS " +
         TypeSql(call.type) + ")";
}

bool IsInstantOrWall(const DataType& type) { return type.id() == TypeId::kTimestamp || type.id() == TypeId::kTimestampNtz; }

// Moves a date or a timestamp by an interval; `sign` is "" or "-".
Result<std::string> ShiftSql(const FunctionCall& call, size_t moment, size_t interval, const std::string& sign) {
  const std::string& at = call.args[moment];
  const std::string by = "(" + sign + call.args[interval] + ")";
  const DataType& type = call.types[moment];
  switch (call.types[interval].id()) {
    case TypeId::kDayTimeInterval:
      if (type.id() == TypeId::kDate) return "ms_shift(" + call.sql.FromLocal("CAST(" + at + " AS TIMESTAMP)") + ", " + by + ")";
      // Whole days keep the clock on the wall, also over a change of it; the rest is time that passes.
      if (type.id() == TypeId::kTimestamp && call.sql.Zone() != "'UTC'") {
        const std::string days = "(" + by + " // 86400000000 * 86400000000)";
        return "ms_shift(" + call.sql.FromLocal("ms_shift(" + call.sql.Local(at, type) + ", " + days + ")") + ", " + by + " % 86400000000)";
      }
      return "ms_shift(" + at + ", " + by + ")";
    case TypeId::kYearMonthInterval:
      if (type.id() == TypeId::kDate) return "ms_add_months(" + at + ", " + by + ")";
      if (type.id() == TypeId::kTimestamp) return call.sql.FromLocal("ms_add_months(" + call.sql.Local(at, type) + ", " + by + ")");
      return "ms_add_months(" + at + ", " + by + ")";
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return "ms_add_days(" + at + ", CAST(" + by + " AS INTEGER))";
    default:  // Types that no analyzer lets be added to a moment.
      return Status::Unsupported("Moving a " + type.SimpleString() + " by a " + call.types[interval].SimpleString());
  }
}

bool IsMoment(const DataType& type) { return type.id() == TypeId::kDate || IsInstantOrWall(type); }

Result<std::string> Additive(const FunctionCall& call, char op) {
  const std::string symbol(1, op);
  if (call.args.size() == 1) return op == '+' ? call.args[0] : "(-" + call.args[0] + ")";
  const bool left = IsMoment(call.types[0]), right = IsMoment(call.types[1]);
  if (left && right && op == '-') {
    if (call.Is(0, TypeId::kDate) && call.Is(1, TypeId::kDate)) {
      return "(CAST(" + call.args[0] + " - " + call.args[1] + " AS BIGINT) * CAST(86400000000 AS BIGINT))";
    }
    auto instant = [&](size_t i) { return call.Is(i, TypeId::kDate) ? call.sql.FromLocal("CAST(" + call.args[i] + " AS TIMESTAMP)") : call.args[i]; };
    return "(epoch_us(" + instant(0) + ") - epoch_us(" + instant(1) + "))";
  }
  if (left) return ShiftSql(call, 0, 1, op == '-' ? "-" : "");
  if (right) return ShiftSql(call, 1, 0, "");
  if (call.type.id() == TypeId::kDecimal) return DecimalOperation(op == '+' ? "ms_decimal_add" : "ms_decimal_subtract", call);
  if (call.mode == EvalMode::kAnsi || !(call.type.IsIntegral() || call.type.id() == TypeId::kDayTimeInterval || call.type.id() == TypeId::kYearMonthInterval)) {
    return "(" + call.args[0] + " " + symbol + " " + call.args[1] + ")";
  }
  return std::string(op == '+' ? "ms_add" : "ms_subtract") + "(" + call.args[0] + ", " + call.args[1] + ", " + call.Mode() + ")";
}

bool IsInterval(const DataType& type) { return type.id() == TypeId::kDayTimeInterval || type.id() == TypeId::kYearMonthInterval; }

Result<std::string> Multiply(const FunctionCall& call) {
  for (size_t i = 0; i < 2; ++i) {
    if (!IsInterval(call.types[i])) continue;
    return "CAST(ms_round_half_up(CAST(" + call.args[i] + " AS DOUBLE) * CAST(" + call.args[1 - i] + " AS DOUBLE)) AS " + TypeSql(call.type) + ")";
  }
  if (call.type.id() == TypeId::kDecimal) return DecimalOperation("ms_decimal_multiply", call);
  if (call.mode == EvalMode::kAnsi || !call.type.IsIntegral()) return "(" + call.args[0] + " * " + call.args[1] + ")";
  return "ms_multiply(" + call.args[0] + ", " + call.args[1] + ", " + call.Mode() + ")";
}

Result<std::string> Divide(const FunctionCall& call) {
  if (IsInterval(call.types[0])) {
    return "CAST(ms_round_half_up(ms_divide(CAST(" + call.args[0] + " AS DOUBLE), CAST(" + call.args[1] + " AS DOUBLE), " + call.Mode() + ")) AS " +
           TypeSql(call.type) + ")";
  }
  if (call.type.id() == TypeId::kDecimal) return DecimalOperation("ms_decimal_divide", call);
  return "CAST(ms_divide(CAST(" + call.args[0] + " AS DOUBLE), CAST(" + call.args[1] + " AS DOUBLE), " + call.Mode() + ") AS " + TypeSql(call.type) + ")";
}

Result<std::string> Remainder(const FunctionCall& call) {
  const bool positive = call.name == "pmod";
  if (call.type.id() == TypeId::kDecimal) return DecimalOperation(positive ? "ms_decimal_pmod" : "ms_decimal_mod", call);
  return std::string(positive ? "ms_pmod" : "ms_mod") + "(" + call.args[0] + ", " + call.args[1] + ", " + call.Mode() + ")";
}

Result<std::string> IntegralDivide(const FunctionCall& call) {
  if (call.Is(0, TypeId::kDecimal)) {
    return "CAST(trunc(" + std::string("ms_decimal_divide(") + Wide(call.args[0], call.types[0]) + ", " + Wide(call.args[1], call.types[1]) +
           ", 38::INTEGER, 6::INTEGER, " + call.Mode() + ")) AS BIGINT)";
  }
  return "CAST(ms_div(CAST(" + call.args[0] + " AS BIGINT), CAST(" + call.args[1] + " AS BIGINT), " + call.Mode() + ") AS " + TypeSql(call.type) + ")";
}

Result<std::string> Negate(const FunctionCall& call) {
  if (call.mode == EvalMode::kAnsi || !call.type.IsIntegral()) return "(-" + call.args[0] + ")";
  return "ms_subtract(CAST(0 AS " + TypeSql(call.type) + "), " + call.args[0] + ", " + call.Mode() + ")";
}

Result<std::string> AbsoluteValue(const FunctionCall& call) {
  if (call.mode == EvalMode::kAnsi || !call.type.IsIntegral()) return "abs(" + call.args[0] + ")";
  return "ms_abs(" + call.args[0] + ", " + call.Mode() + ")";
}

Result<std::string> When(const FunctionCall& call) {
  std::string text = "CASE";
  size_t i = 0;
  for (; i + 1 < call.args.size(); i += 2) text += " WHEN " + call.args[i] + " THEN " + call.args[i + 1];
  if (i < call.args.size()) text += " ELSE " + call.args[i];
  return "CAST(" + text + " END AS " + TypeSql(call.type) + ")";
}

Result<std::string> In(const FunctionCall& call) {
  std::string list;
  for (size_t i = 1; i < call.args.size(); ++i) list += (i > 1 ? ", " : "") + call.args[i];
  if (list.empty()) return std::string("false");
  return "(" + call.args[0] + " IN (" + list + "))";
}

// Spark escapes by a backslash; without one, DuckDB has faster ways than LIKE … ESCAPE.
Result<std::string> Like(const FunctionCall& call) {
  const char* op = call.name == "ilike" ? " ILIKE " : " LIKE ";
  std::string escape = call.args.size() > 2 ? call.args[2] : QuoteString("\\");
  if (call.args.size() == 2 && call.exprs[1]->As<Literal>() && call.args[1].find('\\') == std::string::npos) {
    return "(" + call.args[0] + op + call.args[1] + ")";
  }
  return "(" + call.args[0] + op + call.args[1] + " ESCAPE " + escape + ")";
}

Result<std::string> Conjunction(const FunctionCall& call, const char* op) {
  std::string text;
  for (const std::string& arg : call.args) text += (text.empty() ? "" : op) + arg;
  return "(" + text + ")";
}

}  // namespace

void AddOperators(FunctionTable& table) {
  table.emitters["+"] = [](const FunctionCall& call) { return Additive(call, '+'); };
  table.emitters["-"] = [](const FunctionCall& call) { return Additive(call, '-'); };
  table.emitters["try_add"] = table.emitters["+"];
  table.emitters["try_subtract"] = table.emitters["-"];
  table.emitters["*"] = table.emitters["try_multiply"] = Multiply;
  table.emitters["/"] = table.emitters["try_divide"] = Divide;
  table.emitters["%"] = table.emitters["mod"] = table.emitters["pmod"] = table.emitters["try_mod"] = Remainder;
  table.emitters["div"] = IntegralDivide;
  table.emitters["negative"] = table.emitters["unaryminus"] = Negate;
  table.emitters["abs"] = AbsoluteValue;
  table.emitters["when"] = table.emitters["case"] = table.emitters["casewhen"] = When;
  table.emitters["in"] = In;
  table.emitters["like"] = table.emitters["ilike"] = Like;
  table.emitters["and"] = [](const FunctionCall& call) { return Conjunction(call, " AND "); };
  table.emitters["or"] = [](const FunctionCall& call) { return Conjunction(call, " OR "); };
  static constexpr FunctionPattern kPatterns[] = {
      {"==", 2, "({0} = {1})"},
      {"=", 2, "({0} = {1})"},
      {"<=>", 2, "({0} IS NOT DISTINCT FROM {1})"},
      {"equal_null", 2, "({0} IS NOT DISTINCT FROM {1})"},
      {"!=", 2, "({0} <> {1})"},
      {"<>", 2, "({0} <> {1})"},
      {"<", 2, "({0} < {1})"},
      {"<=", 2, "({0} <= {1})"},
      {">", 2, "({0} > {1})"},
      {">=", 2, "({0} >= {1})"},
      {"not", 1, "(NOT {0})"},
      {"!", 1, "(NOT {0})"},
      {"between", 3, "({0} BETWEEN {1} AND {2})"},
      {"rlike", 2, "ms_rlike({0}, {1})"},
      {"regexp", 2, "ms_rlike({0}, {1})"},
      {"regexp_like", 2, "ms_rlike({0}, {1})"},
      {"isnull", 1, "({0} IS NULL)"},
      {"isnotnull", 1, "({0} IS NOT NULL)"},
      {"isnan", 1, "coalesce(isnan({0}), false)"},
      {"coalesce", -1, "coalesce({*})"},
      {"nvl", 2, "coalesce({0}, {1})"},
      {"ifnull", 2, "coalesce({0}, {1})"},
      {"nvl2", 3, "CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END"},
      {"nullif", 2, "nullif({0}, {1})"},
      {"nullifzero", 1, "nullif({0}, 0)"},
      {"zeroifnull", 1, "coalesce({0}, 0)"},
      {"nanvl", 2, "ms_nanvl({0}, {1})"},
      {"if", 3, "CASE WHEN {0} THEN {1} ELSE {2} END"},
      {"positive", 1, "{0}"},
      {"unaryplus", 1, "{0}"},
      {"greatest", -1, "greatest({*})"},
      {"least", -1, "least({*})"},
      {"&", 2, "({0} & {1})"},
      {"|", 2, "({0} | {1})"},
      {"^", 2, "xor({0}, {1})"},
      {"~", 1, "(~{0})"},
      {"bitwise_not", 1, "(~{0})"},
      {"shiftleft", 2, "ms_shift_left({0}, {1})"},
      {"<<", 2, "ms_shift_left({0}, {1})"},
      {"shiftright", 2, "ms_shift_right({0}, {1})"},
      {">>", 2, "ms_shift_right({0}, {1})"},
      {"shiftrightunsigned", 2, "ms_shift_right_unsigned({0}, {1})"},
      {">>>", 2, "ms_shift_right_unsigned({0}, {1})"},
      {"bit_count", 1, "bit_count(CAST({0} AS BIGINT))"},
      {"bit_get", 2, "((ms_shift_right({0}, {1})) & CAST(1 AS BIGINT))"},
      {"raise_error", 1, "ms_raise({0})"},
      {"assert_true", 1, "CASE WHEN {0} THEN NULL ELSE ms_raise('''' || 'condition' || ''' is not true!') END"},
      {"monotonically_increasing_id", 0, "(row_number() OVER () - 1)"},
      {"spark_partition_id", 0, "0"},
      {"uuid", -1, "uuid()"},
      {"rand", 0, "random()"},
      {"random", 0, "random()"},
      {"rand", 1, "ms_rand(CAST({0} AS BIGINT))"},
      {"random", 1, "ms_rand(CAST({0} AS BIGINT))"},
      {"randn", 0, "ms_randn(CAST(0 AS BIGINT))"},
      {"randn", 1, "ms_randn(CAST({0} AS BIGINT))"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
  table.emitters["typeof"] = [](const FunctionCall& call) -> Result<std::string> { return QuoteString(call.types[0].SimpleString()); };
}

}  // namespace millstream::compute
