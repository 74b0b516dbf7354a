#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

// round, bround: half up or half even, to a number of decimal places that is a literal.
Result<std::string> Round(const FunctionCall& call) {
  const std::string half = call.name == "bround" ? "1::INTEGER" : "0::INTEGER";
  const std::string places = call.args.size() > 1 ? "CAST(" + call.args[1] + " AS INTEGER)" : "0::INTEGER";
  const DataType& type = call.types[0];
  if (type.id() == TypeId::kDecimal) {
    return "CAST(ms_decimal_round(CAST(" + call.args[0] + " AS DECIMAL(38," + std::to_string(type.scale()) + ")), " + places + ", " + half + ", " +
           std::to_string(call.type.precision()) + "::INTEGER, " + std::to_string(call.type.scale()) + "::INTEGER, " + call.Mode() + ") AS " +
           TypeSql(call.type) + ")";
  }
  if (type.IsIntegral()) return "CAST(ms_round_integer(CAST(" + call.args[0] + " AS BIGINT), " + places + ", " + half + ") AS " + TypeSql(call.type) + ")";
  return "CAST(ms_round_double(CAST(" + call.args[0] + " AS DOUBLE), " + places + ", " + half + ") AS " + TypeSql(call.type) + ")";
}

// Of integers, and doubles, a bigint; of decimals a decimal.
Result<std::string> CeilOrFloor(const FunctionCall& call) {
  const std::string function = call.name == "floor" ? "floor" : "ceil";
  if (call.args.size() > 1) return Status::Unsupported(call.name + " with a scale", "Use round.");
  if (call.types[0].IsIntegral()) return "CAST(" + call.args[0] + " AS " + TypeSql(call.type) + ")";
  if (call.types[0].id() == TypeId::kDecimal) return "CAST(" + function + "(" + call.args[0] + ") AS " + TypeSql(call.type) + ")";
  return "CAST(ms_double_to_long(" + function + "(CAST(" + call.args[0] + " AS DOUBLE)), " + QuoteString(call.types[0].Sql()) + ", 1::INTEGER) AS " +
         TypeSql(call.type) + ")";
}

}  // namespace

void AddNumberFunctions(FunctionTable& table) {
  table.emitters["round"] = table.emitters["bround"] = Round;
  table.emitters["ceil"] = table.emitters["ceiling"] = table.emitters["floor"] = CeilOrFloor;
  static constexpr FunctionPattern kPatterns[] = {
      {"sqrt", 1, "ms_sqrt({0})"},
      {"cbrt", 1, "ms_cbrt({0})"},
      {"exp", 1, "ms_exp({0})"},
      {"expm1", 1, "ms_expm1({0})"},
      {"ln", 1, "ms_log({0})"},
      {"log", 1, "ms_log({0})"},
      {"log", 2, "ms_log_base({0}, {1})"},
      {"log10", 1, "ms_log10({0})"},
      {"log2", 1, "ms_log2({0})"},
      {"log1p", 1, "ms_log1p({0})"},
      {"pow", 2, "ms_pow({0}, {1})"},
      {"power", 2, "ms_pow({0}, {1})"},
      {"sin", 1, "ms_sin({0})"},
      {"cos", 1, "ms_cos({0})"},
      {"tan", 1, "ms_tan({0})"},
      {"cot", 1, "(CAST(1 AS DOUBLE) / ms_tan({0}))"},
      {"sec", 1, "(CAST(1 AS DOUBLE) / ms_cos({0}))"},
      {"csc", 1, "(CAST(1 AS DOUBLE) / ms_sin({0}))"},
      {"asin", 1, "ms_asin({0})"},
      {"acos", 1, "ms_acos({0})"},
      {"atan", 1, "atan({0})"},
      {"atan2", 2, "atan2({0}, {1})"},
      {"sinh", 1, "ms_sinh({0})"},
      {"cosh", 1, "ms_cosh({0})"},
      {"tanh", 1, "ms_tanh({0})"},
      {"asinh", 1, "ms_asinh({0})"},
      {"acosh", 1, "ms_acosh({0})"},
      {"atanh", 1, "ms_atanh({0})"},
      {"degrees", 1, "degrees({0})"},
      {"radians", 1, "radians({0})"},
      {"hypot", 2, "ms_hypot({0}, {1})"},
      {"rint", 1, "ms_rint({0})"},
      {"sign", 1, "sign({0})"},
      {"signum", 1, "sign({0})"},
      {"pi", 0, "pi()"},
      {"e", 0, "CAST('2.718281828459045' AS DOUBLE)"},
      {"factorial", 1, "ms_factorial(CAST({0} AS INTEGER))"},
      {"width_bucket", 4, "ms_width_bucket({0}, {1}, {2}, {3})"},
      {"bin", 1, "ms_bin(CAST({0} AS BIGINT))"},
      {"conv", 3, "ms_conv({0}, {1}, {2})"},
      {"hash", -1, "ms_hash(42::INTEGER, {*})"},
      {"xxhash64", -1, "ms_xxhash64(42::BIGINT, {*})"},
      {"crc32", 1, "ms_crc32({0})"},
      {"md5", 1, "md5({0})"},
      {"sha", 1, "sha1({0})"},
      {"sha1", 1, "sha1({0})"},
      {"sha2", 2, "ms_sha2({0}, {1})"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
}

}  // namespace millstream::compute
