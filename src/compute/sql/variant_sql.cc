#include "compute/sql/variant_sql.h"

#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"
#include "types/spark_json.h"

namespace millstream::compute {
namespace {

Result<std::string> VariantGet(const FunctionCall& call) { return VariantGetSql(call.sql, call.args[0], call.args[1], call.type, call.name == "variant_get"); }

}  // namespace

std::string VariantGetSql(const ExpressionSql& sql, const std::string& variant, const std::string& path, const DataType& to, bool fails) {
  return "ms_variant_get(" + variant + ", " + path + ", " + QuoteString(ToSparkJson(to)) + ", " + sql.Zone() + ", " + (fails ? "true" : "false") + ")";
}

std::string ToVariantSql(const std::string& text, const DataType& from) { return "ms_to_variant(" + text + ", " + QuoteString(ToSparkJson(from)) + ")"; }

void AddVariantFunctions(FunctionTable& table) {
  table.emitters["variant_get"] = table.emitters["try_variant_get"] = VariantGet;
  table.emitters["to_variant_object"] = [](const FunctionCall& call) -> Result<std::string> { return ToVariantSql(call.args[0], call.types[0]); };
  static constexpr FunctionPattern kPatterns[] = {
      {"parse_json", 1, "ms_parse_json({0}, true)"},
      {"try_parse_json", 1, "ms_parse_json({0}, false)"},
      {"is_variant_null", 1, "coalesce(ms_is_variant_null({0}), false)"},
      {"is_valid_variant", 1, "ms_is_valid_variant({0})"},
      {"schema_of_variant", 1, "ms_schema_of_variant({0})"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
}

}  // namespace millstream::compute
