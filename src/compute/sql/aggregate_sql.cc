#include <unordered_map>

#include "compute/sql/expression_sql.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

// "{0}" arguments, "{d}" DISTINCT, "{s}" the suffix, which each aggregate of DuckDB's takes.
std::string Expand(std::string pattern, const FunctionCall& call, bool is_distinct, const std::string& suffix) {
  auto replace = [&](const std::string& slot, const std::string& by) {
    for (size_t at = 0; (at = pattern.find(slot, at)) != std::string::npos; at += by.size()) pattern.replace(at, slot.size(), by);
  };
  replace("{d}", is_distinct ? "DISTINCT " : "");
  replace("{s}", suffix);
  // Arguments last: their text may hold anything.
  std::string text;
  for (size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '{' && at + 2 < pattern.size() && pattern[at + 2] == '}' && pattern[at + 1] >= '0' && pattern[at + 1] <= '9') {
      const size_t argument = static_cast<size_t>(pattern[at + 1] - '0');
      if (argument < call.args.size()) text += call.args[argument];
      at += 3;
    } else {
      text += pattern[at++];
    }
  }
  return text;
}

// The suffix with one more condition in its FILTER.
std::string AlsoFilter(const std::string& suffix, const std::string& condition) {
  constexpr std::string_view kFilter = " FILTER (WHERE ";
  if (suffix.starts_with(kFilter)) return std::string(kFilter) + "(" + condition + ") AND " + suffix.substr(kFilter.size());
  return std::string(kFilter) + condition + ")" + suffix;
}

std::string Count(const FunctionCall& call, bool is_distinct, const std::string& suffix) {
  if (call.args.empty()) return "count(*)" + suffix;
  if (call.args.size() == 1) return Expand("count({d}{0}){s}", call, is_distinct, suffix);
  std::string all_present, row;
  for (const std::string& arg : call.args) {
    all_present += (all_present.empty() ? "" : " AND ") + arg + " IS NOT NULL";
    row += (row.empty() ? "" : ", ") + arg;
  }
  return std::string("count(") + (is_distinct ? "DISTINCT " : "") + "CASE WHEN " + all_present + " THEN " + (is_distinct ? "row(" + row + ")" : "1") + " END)" +
         suffix;
}

std::string Sum(const FunctionCall& call, bool is_distinct, const std::string& suffix) {
  const std::string sum = Expand("sum({d}{0}){s}", call, is_distinct, suffix);
  if (call.type.id() == TypeId::kDecimal) {
    return (call.mode == EvalMode::kAnsi ? "CAST(" : "TRY_CAST(") + sum + " AS " + TypeSql(call.type) + ")";
  }
  if (call.type.id() == TypeId::kDouble || call.type.id() == TypeId::kFloat) return "CAST(" + sum + " AS DOUBLE)";
  return "CAST(ms_sum_to_long(CAST(" + sum + " AS HUGEINT), " + call.Mode() + ") AS " + TypeSql(call.type) + ")";
}

std::string Average(const FunctionCall& call, bool is_distinct, const std::string& suffix) {
  if (call.type.id() != TypeId::kDecimal) return Expand("avg({d}CAST({0} AS DOUBLE)){s}", call, is_distinct, suffix);
  const std::string scale = std::to_string(call.types[0].scale());
  return "CAST(ms_decimal_divide(CAST(" + Expand("sum({d}{0}){s}", call, is_distinct, suffix) + " AS DECIMAL(38," + scale + ")), CAST(" +
         Expand("count({d}{0}){s}", call, is_distinct, suffix) + " AS DECIMAL(38,0)), " + std::to_string(call.type.precision()) + "::INTEGER, " +
         std::to_string(call.type.scale()) + "::INTEGER, 2::INTEGER) AS " + TypeSql(call.type) + ")";
}

std::string Quantile(const FunctionCall& call, const char* function, const std::string& suffix) {
  const bool exact = std::string_view(function) == "quantile_cont";
  const std::string value = exact ? "CAST(" + call.args[0] + " AS DOUBLE)" : call.args[0];
  return std::string(function) + "(" + value + ", " + (call.args.size() > 1 ? call.args[1] : "0.5") + ")" + suffix;
}

const std::unordered_map<std::string_view, const char*>& Patterns() {
  static const std::unordered_map<std::string_view, const char*> patterns = {
      {"min", "min({0}){s}"},
      {"max", "max({0}){s}"},
      {"min_by", "arg_min_null({0}, {1}){s}"},
      {"max_by", "arg_max_null({0}, {1}){s}"},
      {"approx_count_distinct", "approx_count_distinct({0}){s}"},
      {"mode", "mode({0} ORDER BY {0}){s}"},
      {"schema_of_variant_agg", "ms_schema_of_variants(list({0}){s})"},
      {"stddev", "ms_stddev_samp({d}CAST({0} AS DOUBLE)){s}"},
      {"std", "ms_stddev_samp({d}CAST({0} AS DOUBLE)){s}"},
      {"stddev_samp", "ms_stddev_samp({d}CAST({0} AS DOUBLE)){s}"},
      {"stddev_pop", "ms_stddev_pop({d}CAST({0} AS DOUBLE)){s}"},
      {"variance", "ms_var_samp({d}CAST({0} AS DOUBLE)){s}"},
      {"var_samp", "ms_var_samp({d}CAST({0} AS DOUBLE)){s}"},
      {"var_pop", "ms_var_pop({d}CAST({0} AS DOUBLE)){s}"},
      {"corr", "corr({0}, {1}){s}"},
      {"covar_pop", "covar_pop({0}, {1}){s}"},
      {"covar_samp", "covar_samp({0}, {1}){s}"},
      {"kurtosis", "ms_kurtosis({d}CAST({0} AS DOUBLE)){s}"},
      {"skewness", "ms_skewness({d}CAST({0} AS DOUBLE)){s}"},
      {"bool_and", "bool_and({0}){s}"},
      {"every", "bool_and({0}){s}"},
      {"bool_or", "bool_or({0}){s}"},
      {"some", "bool_or({0}){s}"},
      {"any", "bool_or({0}){s}"},
      {"bit_and", "bit_and({0}){s}"},
      {"bit_or", "bit_or({0}){s}"},
      {"bit_xor", "bit_xor({0}){s}"},
      {"product", "product({0}){s}"},
      {"regr_count", "regr_count({0}, {1}){s}"},
      {"regr_slope", "regr_slope({0}, {1}){s}"},
      {"regr_intercept", "regr_intercept({0}, {1}){s}"},
      {"regr_r2", "regr_r2({0}, {1}){s}"},
      {"regr_avgx", "regr_avgx({0}, {1}){s}"},
      {"regr_avgy", "regr_avgy({0}, {1}){s}"},
      {"regr_sxx", "regr_sxx({0}, {1}){s}"},
      {"regr_syy", "regr_syy({0}, {1}){s}"},
      {"regr_sxy", "regr_sxy({0}, {1}){s}"},
  };
  return patterns;
}

std::string GroupingBits(const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  return list.empty() ? "0" : "grouping(" + list + ")";
}

}  // namespace

Result<std::string> AggregateSql(const FunctionCall& call, bool is_distinct, bool ignore_nulls, const std::string& suffix, const ExpressionSql& sql) {
  const std::string& name = call.name;
  auto typed = [&](const std::string& text) { return "CAST(" + text + " AS " + TypeSql(call.type) + ")"; };
  if (name == "count") return Count(call, is_distinct, suffix);
  if (name == "sum" || name == "try_sum") return Sum(call, is_distinct, suffix);
  if (name == "avg" || name == "mean" || name == "try_avg") return Average(call, is_distinct, suffix);
  if (name == "count_if") return typed("count(CASE WHEN " + call.args[0] + " THEN 1 END)" + suffix);
  if (name == "collect_list" || name == "array_agg" || name == "collect_set") {
    const bool distinct = is_distinct || name == "collect_set";
    return "coalesce(" + Expand("list({d}{0}){s}", call, distinct, AlsoFilter(suffix, call.args[0] + " IS NOT NULL")) + ", CAST([] AS " + TypeSql(call.type) +
           "))";
  }
  if (name == "first" || name == "first_value" || name == "any_value" || name == "last" || name == "last_value") {
    const bool last = name.starts_with("last");
    bool skip_nulls = ignore_nulls;
    if (call.exprs.size() > 1) {
      const auto* literal = call.exprs[1]->As<Literal>();
      const auto* flag = literal ? std::get_if<bool>(&literal->value.held) : nullptr;
      skip_nulls = skip_nulls || (flag && *flag);
    }
    // Over a window DuckDB's own first_value and last_value take frames; elsewhere first and last keep nulls.
    if (suffix.find(" OVER ") != std::string::npos) {
      return std::string(last ? "last_value(" : "first_value(") + call.args[0] + (skip_nulls ? " IGNORE NULLS)" : ")") + suffix;
    }
    return Expand(last ? "last({0}){s}" : "first({0}){s}", call, false, skip_nulls ? AlsoFilter(suffix, call.args[0] + " IS NOT NULL") : suffix);
  }
  if (name == "nth_value") return "nth_value(" + call.args[0] + ", " + call.args[1] + (ignore_nulls ? " IGNORE NULLS)" : ")") + suffix;
  if (name == "percentile" || name == "median" || name == "percentile_cont") return Quantile(call, "quantile_cont", suffix);
  if (name == "percentile_approx" || name == "approx_percentile" || name == "percentile_disc") return Quantile(call, "quantile_disc", suffix);
  if (name == "string_agg" || name == "listagg") {
    return Expand("string_agg({d}{0}, ", call, is_distinct, "") + (call.args.size() > 1 ? call.args[1] : "''") + ")" + suffix;
  }
  if (name == "grouping") return typed("grouping(" + call.args[0] + ")");
  if (name == "grouping_id") return typed(call.args.empty() ? GroupingBits(sql.grouping_columns) : GroupingBits(call.args));
  if (auto found = Patterns().find(name); found != Patterns().end()) return typed(Expand(found->second, call, is_distinct, suffix));
  return Status::Unsupported("The aggregate function " + name);
}

Result<std::string> WindowFunctionSql(const FunctionCall& call, bool ignore_nulls, const std::string& over) {
  const std::string& name = call.name;
  auto typed = [&](const std::string& text) { return "CAST(" + text + " AS " + TypeSql(call.type) + ")"; };
  if (name == "row_number" || name == "rank" || name == "dense_rank" || name == "percent_rank" || name == "cume_dist") return typed(name + "()" + over);
  if (name == "ntile") return typed("ntile(" + call.args[0] + ")" + over);
  if (name == "lag" || name == "lead") {
    std::string args = call.args[0];
    args += ", " + (call.args.size() > 1 ? call.args[1] : std::string("1"));
    if (call.args.size() > 2) args += ", " + call.args[2];
    return typed(name + "(" + args + (ignore_nulls ? " IGNORE NULLS)" : ")") + over);
  }
  if (name == "nth_value" || name == "first_value" || name == "last_value" || name == "first" || name == "last" || name == "any_value") {
    return AggregateSql(call, false, ignore_nulls, over, call.sql);
  }
  return Status::Unsupported("The window function " + name);
}

}  // namespace millstream::compute
