#include <nlohmann/json.hpp>

#include "compute/sql/function_names.h"
#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"
#include "types/spark_json.h"

namespace millstream::compute {
namespace {

// Every element that an array argument may hold, beside the plain strings: one list, nulls and all.
Result<std::string> ConcatWs(const FunctionCall& call) {
  std::string list = "CAST([] AS VARCHAR[])";
  std::string plain;
  auto flush = [&] {
    if (!plain.empty()) list = "list_concat(" + list + ", [" + plain + "])";
    plain.clear();
  };
  for (size_t i = 1; i < call.args.size(); ++i) {
    if (call.types[i].id() == TypeId::kArray) {
      flush();
      list = "list_concat(" + list + ", coalesce(" + call.args[i] + ", []))";
    } else {
      plain += (plain.empty() ? "" : ", ") + call.args[i];
    }
  }
  flush();
  return "CASE WHEN " + call.args[0] + " IS NULL THEN NULL ELSE coalesce(array_to_string(list_filter(" + list + ", lambda x: x IS NOT NULL), coalesce(" +
         call.args[0] + ", '')), '') END";
}

// Null if any argument is: of strings, binaries or arrays.
Result<std::string> Concat(const FunctionCall& call) {
  if (call.args.empty()) return std::string("''");
  std::string text;
  if (call.type.id() == TypeId::kArray) {
    std::string any_null;
    for (const std::string& arg : call.args) {
      text = text.empty() ? arg : "list_concat(" + text + ", " + arg + ")";
      any_null += (any_null.empty() ? "" : " OR ") + ("(" + arg + ") IS NULL");
    }
    return "CASE WHEN " + any_null + " THEN NULL ELSE " + text + " END";
  }
  for (const std::string& arg : call.args) text += (text.empty() ? "" : " || ") + arg;
  return "(" + text + ")";
}

Result<std::string> Substring(const FunctionCall& call) {
  const std::string length = call.args.size() > 2 ? call.args[2] : "2147483647::INTEGER";
  return "ms_substring(" + call.args[0] + ", CAST(" + call.args[1] + " AS INTEGER), CAST(" + length + " AS INTEGER))";
}

Result<std::string> FormatString(const FunctionCall& call) {
  std::string values;
  for (size_t i = 1; i < call.args.size(); ++i) {
    const DataType& type = call.types[i];
    const char* kind = type.id() == TypeId::kByte      ? "y"
                       : type.id() == TypeId::kShort   ? "h"
                       : type.id() == TypeId::kInteger ? "i"
                       : type.id() == TypeId::kLong    ? "l"
                       : type.IsNumeric()              ? "f"
                       : type.id() == TypeId::kBoolean ? "b"
                                                       : "s";
    MS_ASSIGN_OR_RETURN(std::string text, CastSql(call.sql, call.args[i], type, DataType::String(), EvalMode::kAnsi));
    values += (values.empty() ? "" : ", ") + (std::string("'") + kind + "' || " + text);
  }
  return "ms_format_string(" + call.args[0] + ", CAST([" + values + "] AS VARCHAR[]))";
}

Result<std::string> Length(const FunctionCall& call) {
  return "CAST(" + std::string(call.Is(0, TypeId::kBinary) ? "octet_length" : "length") + "(" + call.args[0] + ") AS INTEGER)";
}

// octet_length, bit_length.
Result<std::string> Octets(const FunctionCall& call) {
  const std::string octets = std::string(call.Is(0, TypeId::kBinary) ? "octet_length(" : "strlen(") + call.args[0] + ")";
  return "CAST(" + std::string(call.name == "bit_length" ? "8 * " : "") + octets + " AS INTEGER)";
}

Result<std::string> Reverse(const FunctionCall& call) { return std::string(call.Is(0, TypeId::kArray) ? "list_reverse(" : "reverse(") + call.args[0] + ")"; }

// contains, startswith, endswith of binaries compare bytes; DuckDB's are of text only.
Result<std::string> OnText(const FunctionCall& call) {
  if (call.Is(0, TypeId::kBinary)) return Status::Unsupported(call.name + " of binary", "Cast to string first.");
  const char* function = call.name == "startswith" ? "starts_with" : call.name == "endswith" ? "ends_with" : "contains";
  return std::string(function) + "(" + call.args[0] + ", " + call.args[1] + ")";
}

Result<std::string> Hex(const FunctionCall& call) {
  if (call.types[0].IsIntegral()) return "ms_hex(CAST(" + call.args[0] + " AS BIGINT))";
  return "hex(" + call.args[0] + ")";
}

// The options of a JSON function, map('key', 'value', …), as a JSON object in quotes.
Result<std::string> JsonOptionsSql(const FunctionCall& call, size_t argument) {
  nlohmann::json options = nlohmann::json::object();
  if (argument < call.exprs.size()) {
    const auto* map = call.exprs[argument]->As<Call>();
    if (!map || NameOf(*map->function) != "map") return Status::Unsupported("Options of " + call.name + " that are not map('key', 'value', …)");
    for (size_t i = 0; i + 1 < map->args.size(); i += 2) {
      const auto *key = map->args[i]->As<Literal>(), *value = map->args[i + 1]->As<Literal>();
      const auto* name = key ? std::get_if<std::string>(&key->value.held) : nullptr;
      const auto* text = value ? std::get_if<std::string>(&value->value.held) : nullptr;
      if (!name || !text) return Status::Unsupported("Options of " + call.name + " that are not constant strings");
      options[*name] = *text;
    }
  }
  return QuoteString(options.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Result<std::string> FromJson(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string options, JsonOptionsSql(call, 2));
  return "ms_from_json(" + call.args[0] + ", " + QuoteString(ToSparkJson(call.type)) + ", " + call.sql.Zone() + ", " + options + ")";
}

Result<std::string> ToJson(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string options, JsonOptionsSql(call, 1));
  return "ms_to_json(" + call.args[0] + ", " + QuoteString(ToSparkJson(call.types[0])) + ", " + call.sql.Zone() + ", " + options + ")";
}

}  // namespace

void AddStringFunctions(FunctionTable& table) {
  table.emitters["concat_ws"] = ConcatWs;
  table.emitters["concat"] = table.emitters["||"] = Concat;
  table.emitters["substring"] = table.emitters["substr"] = Substring;
  table.emitters["format_string"] = table.emitters["printf"] = FormatString;
  table.emitters["length"] = table.emitters["len"] = table.emitters["char_length"] = table.emitters["character_length"] = Length;
  table.emitters["octet_length"] = table.emitters["bit_length"] = Octets;
  table.emitters["reverse"] = Reverse;
  table.emitters["startswith"] = table.emitters["endswith"] = table.emitters["contains"] = OnText;
  table.emitters["hex"] = Hex;
  table.emitters["from_json"] = FromJson;
  table.emitters["to_json"] = ToJson;
  static constexpr FunctionPattern kPatterns[] = {
      {"upper", 1, "upper({0})"},
      {"ucase", 1, "upper({0})"},
      {"lower", 1, "lower({0})"},
      {"lcase", 1, "lower({0})"},
      {"trim", 1, "ms_trim({0}, ' ', 3::INTEGER)"},
      {"btrim", 1, "ms_trim({0}, ' ', 3::INTEGER)"},
      {"ltrim", 1, "ms_trim({0}, ' ', 1::INTEGER)"},
      {"rtrim", 1, "ms_trim({0}, ' ', 2::INTEGER)"},
      {"trim", 2, "ms_trim({1}, {0}, 3::INTEGER)"},
      {"btrim", 2, "ms_trim({0}, {1}, 3::INTEGER)"},
      {"ltrim", 2, "ms_trim({1}, {0}, 1::INTEGER)"},
      {"rtrim", 2, "ms_trim({1}, {0}, 2::INTEGER)"},
      {"lpad", 2, "ms_lpad({0}, {1}, ' ')"},
      {"rpad", 2, "ms_rpad({0}, {1}, ' ')"},
      {"lpad", 3, "ms_lpad({0}, {1}, {2})"},
      {"rpad", 3, "ms_rpad({0}, {1}, {2})"},
      {"instr", 2, "ms_locate({1}, {0}, 1::INTEGER)"},
      {"locate", 2, "ms_locate({0}, {1}, 1::INTEGER)"},
      {"position", 2, "ms_locate({0}, {1}, 1::INTEGER)"},
      {"locate", 3, "ms_locate({0}, {1}, {2})"},
      {"position", 3, "ms_locate({0}, {1}, {2})"},
      {"charindex", 2, "ms_locate({0}, {1}, 1::INTEGER)"},
      {"charindex", 3, "ms_locate({0}, {1}, {2})"},
      {"replace", 2, "ms_replace({0}, {1}, '')"},
      {"replace", 3, "ms_replace({0}, {1}, {2})"},
      {"repeat", 2, "ms_repeat({0}, {1})"},
      {"initcap", 1, "ms_initcap({0})"},
      {"translate", 3, "ms_translate({0}, {1}, {2})"},
      {"substring_index", 3, "ms_substring_index({0}, {1}, {2})"},
      {"left", 2, "ms_substring({0}, 1::INTEGER, greatest({1}, 0::INTEGER))"},
      {"right", 2, "ms_right({0}, {1})"},
      {"split", 2, "ms_split({0}, {1}, -1::INTEGER)"},
      {"split", 3, "ms_split({0}, {1}, {2})"},
      {"split_part", 3, "ms_split_part({0}, {1}, {2})"},
      {"regexp_extract", 2, "ms_regexp_extract({0}, {1}, 1::INTEGER)"},
      {"regexp_extract", 3, "ms_regexp_extract({0}, {1}, {2})"},
      {"regexp_extract_all", 2, "ms_regexp_extract_all({0}, {1}, 1::INTEGER)"},
      {"regexp_extract_all", 3, "ms_regexp_extract_all({0}, {1}, {2})"},
      {"regexp_replace", 3, "ms_regexp_replace({0}, {1}, {2}, 1::INTEGER)"},
      {"regexp_replace", 4, "ms_regexp_replace({0}, {1}, {2}, {3})"},
      {"regexp_count", 2, "ms_regexp_count({0}, {1})"},
      {"regexp_substr", 2, "ms_regexp_substr({0}, {1})"},
      {"regexp_instr", 2, "ms_regexp_instr({0}, {1})"},
      {"ascii", 1, "ms_ascii({0})"},
      {"char", 1, "ms_chr(CAST({0} AS BIGINT))"},
      {"chr", 1, "ms_chr(CAST({0} AS BIGINT))"},
      {"space", 1, "ms_repeat(' ', {0})"},
      {"levenshtein", 2, "levenshtein({0}, {1})"},
      {"levenshtein", 3, "CASE WHEN levenshtein({0}, {1}) > {2} THEN -1 ELSE levenshtein({0}, {1}) END"},
      {"elt", -1, "list_extract([{1*}], CASE WHEN {0} > 0 THEN {0} END)"},
      {"luhn_check", 1, "ms_luhn_check({0})"},
      {"soundex", 1, "ms_soundex({0})"},
      {"format_number", 2, "ms_format_number(CAST({0} AS DOUBLE), CAST({1} AS INTEGER))"},
      {"base64", 1, "base64({0})"},
      {"unbase64", 1, "from_base64({0})"},
      {"unhex", 1, "ms_unhex({0})"},
      {"encode", 2, "ms_encode({0}, {1})"},
      {"decode", 2, "ms_decode({0}, {1})"},
      {"find_in_set", 2, "ms_find_in_set({0}, {1})"},
      {"overlay", 3, "ms_overlay({0}, {1}, {2}, -1::INTEGER)"},
      {"overlay", 4, "ms_overlay({0}, {1}, {2}, {3})"},
      {"get_json_object", 2, "ms_get_json_object({0}, {1})"},
      {"json_array_length", 1, "ms_json_array_length({0})"},
      {"json_object_keys", 1, "CAST(CAST(ms_json_object_keys({0}) AS JSON) AS VARCHAR[])"},
      {"url_encode", 1, "ms_url_encode({0})"},
      {"url_decode", 1, "url_decode(replace({0}, '+', ' '))"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
}

}  // namespace millstream::compute
