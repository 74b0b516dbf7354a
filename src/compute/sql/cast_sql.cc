#include "compute/functions/functions.h"
#include "compute/sql/expression_sql.h"
#include "compute/sql/sql_text.h"
#include "compute/sql/variant_sql.h"

namespace millstream::compute {
namespace {

std::string ModeSql(EvalMode mode) {
  return std::to_string(mode == EvalMode::kAnsi ? kAnsiMode : mode == EvalMode::kLegacy ? kLegacyMode : kTryMode) + "::INTEGER";
}

std::string Plain(const std::string& text, const DataType& to) { return "CAST(" + text + " AS " + TypeSql(to) + ")"; }

// An overflow raises in ANSI mode and is null in the others.
std::string Checked(const std::string& text, const DataType& to, EvalMode mode) {
  return (mode == EvalMode::kAnsi ? "CAST(" : "TRY_CAST(") + text + " AS " + TypeSql(to) + ")";
}

Result<std::string> Refuse(const DataType& from, const DataType& to) {
  return Status::Unsupported("Casting " + from.SimpleString() + " to " + to.SimpleString());
}

bool IsMoment(TypeId id) { return id == TypeId::kTimestamp || id == TypeId::kTimestampNtz; }

Result<std::string> ToText(const ExpressionSql& sql, const std::string& text, const DataType& from);

// "[1, null]", "{1, a}", "{k -> v}", as Spark shows nested values.
Result<std::string> NestedToText(const ExpressionSql& sql, const std::string& text, const DataType& from) {
  auto element = [&](const std::string& name, const DataType& type) -> Result<std::string> {
    MS_ASSIGN_OR_RETURN(std::string inner, ToText(sql, name, type));
    return "coalesce(" + inner + ", 'null')";
  };
  if (from.id() == TypeId::kArray) {
    MS_ASSIGN_OR_RETURN(std::string inner, element("x", from.element()));
    return "('[' || coalesce(array_to_string(list_transform(" + text + ", lambda x: " + inner + "), ', '), CASE WHEN len(" + text +
           ") = 0 THEN '' END) || ']')";
  }
  if (from.id() == TypeId::kMap) {
    MS_ASSIGN_OR_RETURN(std::string key, element("x.\"key\"", from.key()));
    MS_ASSIGN_OR_RETURN(std::string value, element("x.\"value\"", from.value()));
    return "('{' || coalesce(array_to_string(list_transform(map_entries(" + text + "), lambda x: " + key + " || ' -> ' || " + value +
           "), ', '), CASE WHEN cardinality(" + text + ") = 0 THEN '' END) || '}')";
  }
  std::string fields;
  for (size_t i = 0; i < from.fields().size(); ++i) {
    MS_ASSIGN_OR_RETURN(std::string field, element("struct_extract(" + text + ", 'f" + std::to_string(i) + "')", from.fields()[i].type));
    fields += (i ? " || ', ' || " : "") + field;
  }
  return "CASE WHEN " + text + " IS NULL THEN NULL ELSE '{' || " + (fields.empty() ? "''" : fields) + " || '}' END";
}

Result<std::string> ToText(const ExpressionSql& sql, const std::string& text, const DataType& from) {
  switch (from.id()) {
    case TypeId::kFloat:
      return "ms_float_to_string(" + text + ")";
    case TypeId::kDouble:
      return "ms_double_to_string(" + text + ")";
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return "ms_timestamp_to_string(" + sql.Local(text, from) + ")";
    case TypeId::kDate:
      return "ms_date_to_string(" + text + ")";
    case TypeId::kBinary:
      return "ms_decode(" + text + ", 'UTF-8')";
    case TypeId::kDayTimeInterval:
      return "ms_day_time_to_string(" + text + ")";
    case TypeId::kYearMonthInterval:
      return "ms_year_month_to_string(" + text + ")";
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
      return NestedToText(sql, text, from);
    case TypeId::kVariant:
      return VariantGetSql(sql, text, "'$'", DataType::String(), true);
    case TypeId::kDecimal:
      // Where there are no digits before the point DuckDB writes none.
      if (from.precision() == from.scale() && from.precision() < 38) {
        return Plain("CAST(" + text + " AS " + TypeSql(DataType::Decimal(from.precision() + 1, from.scale())) + ")", DataType::String());
      }
      return Plain(text, DataType::String());
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kString:
      return Plain(text, DataType::String());
  }
  return Refuse(from, DataType::String());
}

std::string TargetName(const DataType& to) { return QuoteString(to.Sql()); }

// Whole numbers: ms_…_to_long checks against the target's range, then the plain cast only narrows.
std::string ToIntegral(const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  const std::string tail = ", " + TargetName(to) + ", " + ModeSql(mode) + ")";
  switch (from.id()) {
    case TypeId::kString:
      return Plain("ms_string_to_long(" + text + tail, to);
    case TypeId::kFloat:
    case TypeId::kDouble:
      return Plain("ms_double_to_long(CAST(" + text + " AS DOUBLE)" + tail, to);
    case TypeId::kDecimal:
      return Plain("ms_decimal_to_long(CAST(trunc(" + text + ") AS HUGEINT), CAST(" + text + " AS VARCHAR), " + QuoteString(from.Sql()) + tail, to);
    case TypeId::kTimestamp:
      return Plain("ms_long_to_long(ms_epoch_seconds(" + text + "), 'TIMESTAMP'" + tail, to);
    case TypeId::kBoolean:
      return Plain(text, to);
    default:  // Integers of any width, and intervals in their integer.
      if (from.id() <= to.id()) return Plain(text, to);
      return Plain("ms_long_to_long(CAST(" + text + " AS BIGINT), " + QuoteString(from.Sql()) + tail, to);
  }
}

std::string ToDecimal(const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  auto by_text = [&](const std::string& decimal, const char* is_text) {
    return Plain("ms_string_to_decimal(" + decimal + ", " + std::to_string(to.precision()) + "::INTEGER, " + std::to_string(to.scale()) + "::INTEGER, " +
                     is_text + ", " + ModeSql(mode) + ")",
                 to);
  };
  switch (from.id()) {
    case TypeId::kString:
      return by_text(text, "true");
    case TypeId::kFloat:
      return by_text("ms_float_to_string(" + text + ")", "false");
    case TypeId::kDouble:
      return by_text("ms_double_to_string(" + text + ")", "false");
    case TypeId::kTimestamp:
      return Checked("(CAST(epoch_us(" + text + ") AS DECIMAL(38,6)) / 1000000)", to, mode);
    default:  // Integers, decimals, booleans.
      return Checked(text, to, mode);
  }
}

std::string ToReal(const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  switch (from.id()) {
    case TypeId::kString:
      return Plain("ms_string_to_double(" + text + ", " + TargetName(to) + ", " + ModeSql(mode) + ")", to);
    case TypeId::kTimestamp:
      return Plain("(CAST(epoch_us(" + text + ") AS DOUBLE) / 1000000)", to);
    case TypeId::kDouble:
      return to.id() == TypeId::kFloat ? "ms_double_to_float(" + text + ")" : text;
    default:  // Integers, decimals, booleans, float.
      return Plain(text, to);
  }
}

Result<std::string> ToBoolean(const std::string& text, const DataType& from, EvalMode mode) {
  if (from.id() == TypeId::kString) return "ms_string_to_boolean(" + text + ", " + ModeSql(mode) + ")";
  if (from.IsNumeric()) return "(" + text + " <> 0)";
  if (from.id() == TypeId::kTimestamp) return "(epoch_us(" + text + ") <> 0)";
  return Refuse(from, DataType::Boolean());
}

Result<std::string> ToMoment(const ExpressionSql& sql, const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  const bool ntz = to.id() == TypeId::kTimestampNtz;
  if (from.id() == TypeId::kString) {
    return "ms_string_to_timestamp(" + text + ", " + (ntz ? "''" : sql.Zone()) + ", " + TargetName(to) + ", " + ModeSql(mode) + ")";
  }
  if (from.id() == TypeId::kDate) return ntz ? "CAST(" + text + " AS TIMESTAMP)" : sql.FromLocal("CAST(" + text + " AS TIMESTAMP)");
  if (IsMoment(from.id())) return ntz ? sql.Local(text, from) : sql.FromLocal(text);
  if (ntz) return Refuse(from, to);
  if (from.IsIntegral() || from.id() == TypeId::kBoolean) return "ms_from_seconds(CAST(" + text + " AS BIGINT))";
  if (from.id() == TypeId::kDecimal) return "ms_timestamp(CAST(trunc(CAST(" + text + " AS DECIMAL(38,6)) * 1000000) AS BIGINT))";
  if (from.IsNumeric()) return "ms_double_to_timestamp(CAST(" + text + " AS DOUBLE))";
  return Refuse(from, to);
}

Result<std::string> ToNested(const ExpressionSql& sql, const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  if (from.id() != to.id()) return Refuse(from, to);
  if (to.id() == TypeId::kArray) {
    MS_ASSIGN_OR_RETURN(std::string element, CastSql(sql, "x", from.element(), to.element(), mode));
    return "CAST(list_transform(" + text + ", lambda x: " + element + ") AS " + TypeSql(to) + ")";
  }
  if (to.id() == TypeId::kMap) {
    MS_ASSIGN_OR_RETURN(std::string key, CastSql(sql, "x.\"key\"", from.key(), to.key(), mode));
    MS_ASSIGN_OR_RETURN(std::string value, CastSql(sql, "x.\"value\"", from.value(), to.value(), mode));
    return "CAST(map_from_entries(list_transform(map_entries(" + text + "), lambda x: struct_pack(\"key\" := " + key + ", \"value\" := " + value + "))) AS " +
           TypeSql(to) + ")";
  }
  if (from.fields().size() != to.fields().size()) return Refuse(from, to);
  std::string fields;
  for (size_t i = 0; i < to.fields().size(); ++i) {
    const std::string name = "f" + std::to_string(i);
    MS_ASSIGN_OR_RETURN(std::string field, CastSql(sql, "struct_extract(" + text + ", '" + name + "')", from.fields()[i].type, to.fields()[i].type, mode));
    fields += (i ? ", " : "") + name + " := " + field;
  }
  return "CASE WHEN " + text + " IS NULL THEN NULL ELSE struct_pack(" + fields + ") END";
}

}  // namespace

Result<std::string> CastSql(const ExpressionSql& sql, const std::string& text, const DataType& from, const DataType& to, EvalMode mode) {
  if (from.id() == TypeId::kNull) return Plain("NULL", to);
  if (TypeSql(from) == TypeSql(to) && from.id() == to.id()) return text;
  if (from.id() == TypeId::kVariant) return VariantGetSql(sql, text, "'$'", to, mode != EvalMode::kTry);
  switch (to.id()) {
    case TypeId::kString:
      return ToText(sql, text, from);
    case TypeId::kBoolean:
      return ToBoolean(text, from, mode);
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      return ToIntegral(text, from, to, mode);
    case TypeId::kDecimal:
      return ToDecimal(text, from, to, mode);
    case TypeId::kFloat:
    case TypeId::kDouble:
      return ToReal(text, from, to, mode);
    case TypeId::kBinary:
      return from.id() == TypeId::kString ? "encode(" + text + ")" : Refuse(from, to);
    case TypeId::kDate:
      if (from.id() == TypeId::kString) return "ms_string_to_date(" + text + ", " + ModeSql(mode) + ")";
      if (IsMoment(from.id())) return "CAST(" + sql.Local(text, from) + " AS DATE)";
      return Refuse(from, to);
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return ToMoment(sql, text, from, to, mode);
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
      return ToNested(sql, text, from, to, mode);
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      return Refuse(from, to);
    case TypeId::kNull:
      return Plain("NULL", to);
    case TypeId::kVariant:
      return ToVariantSql(text, from);
  }
  return Refuse(from, to);
}

}  // namespace millstream::compute
