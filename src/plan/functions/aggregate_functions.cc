// Aggregates and window functions.

#include "plan/coercion.h"
#include "plan/functions/signatures.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;
using Kind = FunctionDef::Kind;

Result<TypedCall> SumOrAvg(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType from = TypeOf(*args[0]);
  if (from.id() == TypeId::kDayTimeInterval || from.id() == TypeId::kYearMonthInterval) return TypedCall{std::move(args), from, true};
  if (!from.IsNumeric() && from.id() != TypeId::kString && from.id() != TypeId::kNull) return WrongType(function, args, 0, "\"NUMERIC\" or \"ANSI INTERVAL\"");
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'n', conf));
  from = TypeOf(*args[0]);
  bool is_sum = function.name == "sum" || function.name == "try_sum";
  DataType type = DataType::Double();
  if (from.id() == TypeId::kDecimal) {
    type = is_sum ? DataType::Decimal(std::min(from.precision() + 10, 38), from.scale())
                  : DataType::Decimal(std::min(from.precision() + 4, 38), std::min(from.scale() + 4, 38));
  } else if (is_sum && from.IsIntegral()) {
    type = DataType::Long();
  }
  return TypedCall{std::move(args), type, true};
}

Result<TypedCall> LagOrLead(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType type = TypeOf(*args[0]);
  if (args.size() > 1) {
    MS_ASSIGN_OR_RETURN(args[1], Implicit(function, args, 1, 'i', conf));
  }
  if (args.size() > 2) args[2] = CastTo(args[2], type, ModeOf(conf));
  bool nullable = args.size() < 3 || IsNullable(*args[2]) || IsNullable(*args[0]);
  return TypedCall{std::move(args), type, nullable};
}

Result<TypedCall> Collect(const FunctionDef&, Args args, const AnalyzerConf&) {
  DataType type = DataType::Array(TypeOf(*args[0]), false);
  return TypedCall{std::move(args), type, false};
}

// percentile(x, p) and its approximate sister; an array of percentages gives an array.
Result<TypedCall> Percentile(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  bool approximate = function.name == "approx_percentile";
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'n', conf));
  DataType one = approximate ? TypeOf(*args[0]) : DataType::Double();
  bool many = args.size() > 1 && TypeOf(*args[1]).id() == TypeId::kArray;
  if (args.size() > 1 && !many) args[1] = CastTo(args[1], DataType::Double(), ModeOf(conf));
  return TypedCall{std::move(args), many ? DataType::Array(one, false) : one, true};
}

}  // namespace

void AddAggregateFunctions(FunctionTable& table) {
  auto add = [&](std::vector<std::string> names, int min, int max, FunctionDef::Rule rule, Kind kind = Kind::kAggregate) {
    FunctionDef def{.name = names[0], .kind = kind, .args_min = min, .args_max = max, .rule = std::move(rule)};
    table.push_back({std::move(names), std::move(def)});
  };
  add({"count"}, 1, -1, Signature("?*", "l!"));
  add({"sum"}, 1, 1, SumOrAvg);
  add({"try_sum"}, 1, 1, SumOrAvg);
  add({"avg", "mean"}, 1, 1, SumOrAvg);
  add({"try_avg"}, 1, 1, SumOrAvg);
  for (const char* name : {"min", "max"}) add({name}, 1, 1, Signature("?", "0?"));
  add({"mode"}, 1, 2, Signature("?b", "0?"));
  add({"any_value"}, 1, 2, Signature("?b", "0?"));
  add({"first", "first_value"}, 1, 2, Signature("?b", "0?"));
  add({"last", "last_value"}, 1, 2, Signature("?b", "0?"));
  for (const char* name : {"min_by", "max_by"}) add({name}, 2, 2, Signature("??", "0?"));
  add({"collect_list", "array_agg"}, 1, 1, Collect);
  add({"collect_set"}, 1, 1, Collect);
  add({"schema_of_variant_agg"}, 1, 1, Signature("V", "s!"));
  add({"stddev_samp", "stddev", "std"}, 1, 1, Signature("d", "d?"));
  add({"stddev_pop"}, 1, 1, Signature("d", "d?"));
  add({"var_samp", "variance"}, 1, 1, Signature("d", "d?"));
  add({"var_pop"}, 1, 1, Signature("d", "d?"));
  for (const char* name : {"skewness", "kurtosis", "median"}) add({name}, 1, 1, Signature("d", "d?"));
  for (const char* name :
       {"corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2", "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy"})
    add({name}, 2, 2, Signature("dd", "d?"));
  add({"regr_count"}, 2, 2, Signature("dd", "l!"));
  add({"approx_count_distinct"}, 1, 2, Signature("?d", "l!"));
  add({"count_if"}, 1, 1, Signature("b", "l!"));
  add({"bool_and", "every"}, 1, 1, Signature("b", "b?"));
  add({"bool_or", "some", "any"}, 1, 1, Signature("b", "b?"));
  for (const char* name : {"bit_and", "bit_or", "bit_xor"}) add({name}, 1, 1, Signature("?", "0?"));
  add({"percentile"}, 2, 3, Percentile);
  add({"approx_percentile", "percentile_approx"}, 2, 3, Percentile);
  add({"product"}, 1, 1, Signature("d", "d?"));
  add({"listagg", "string_agg"}, 1, 2, Signature("ss", "s?"));
  add({"grouping"}, 1, 1, Signature("?", "t!"));
  add({"grouping_id"}, 0, -1, Signature("?*", "l!"));

  for (const char* name : {"row_number", "rank", "dense_rank"}) add({name}, 0, 0, Signature("", "i!"), Kind::kWindow);
  for (const char* name : {"percent_rank", "cume_dist"}) add({name}, 0, 0, Signature("", "d!"), Kind::kWindow);
  add({"ntile"}, 1, 1, Signature("i", "i!"), Kind::kWindow);
  add({"lag"}, 1, 3, LagOrLead, Kind::kWindow);
  add({"lead"}, 1, 3, LagOrLead, Kind::kWindow);
  add({"nth_value"}, 2, 3, Signature("?ib", "0?"), Kind::kWindow);
}

}  // namespace millstream
