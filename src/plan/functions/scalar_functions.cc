// Strings, numbers, conditionals, hashes.

#include "plan/analyzer/expression_walk.h"
#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;

struct Row {
  std::vector<std::string> names;
  int min, max;
  const char *params, *result;
};

// coalesce, greatest, least: the common type; null only when all may be.
Result<TypedCall> AllOrNothing(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  // Outside ANSI greatest and least do not turn numbers into strings.
  bool strings = false, others = false;
  for (const ExprPtr& arg : args) (TypeOf(*arg).id() == TypeId::kString ? strings : others) |= TypeOf(*arg).id() != TypeId::kNull;
  if (!conf.ansi && strings && others && function.name != "coalesce") {
    std::string types;
    for (const ExprPtr& arg : args) types += (types.empty() ? "\"" : ", \"") + TypeOf(*arg).Sql() + "\"";
    return Status::Error(errors::kDataDiffTypes,
                         {{"sqlExpr", CallText(function, args)}, {"functionName", "`" + function.name + "`"}, {"dataType", "[" + types + "]"}});
  }
  MS_ASSIGN_OR_RETURN(TypedCall typed, Signature("c*", "c")(function, std::move(args), conf));
  typed.nullable = true;
  for (const ExprPtr& arg : typed.args) typed.nullable = typed.nullable && IsNullable(*arg);
  return typed;
}

// round, bround, ceil, floor: decimals keep digits, ceil and floor of doubles are bigint.
Result<TypedCall> Rounding(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'n', conf));
  if (args.size() > 1) {
    MS_ASSIGN_OR_RETURN(args[1], Implicit(function, args, 1, 'i', conf));
  }
  DataType from = TypeOf(*args[0]);
  bool whole = function.name == "ceil" || function.name == "floor";
  std::optional<int64_t> given = args.size() > 1 ? IntLiteral(*args[1]) : 0;
  if (!given) {
    if (Contains(*args[1], [](const Expr& part) { return part.As<AttributeRef>() || part.As<SubqueryExpr>(); })) {
      return Status::Error(errors::kNonFoldableInput,
                           {{"sqlExpr", CallText(function, args)}, {"inputName", "`scale`"}, {"inputType", "\"INT\""}, {"inputExpr", SqlOf(*args[1])}});
    }
    return Status::Unsupported(function.name + " to a computed number of digits", "Write the number of digits as a literal.");
  }
  const int64_t digits = *given;
  DataType type = from;
  if (from.id() == TypeId::kDecimal) {
    int kept = from.precision() - from.scale();
    int scale = static_cast<int>(std::clamp<int64_t>(digits, 0, from.scale()));
    type = whole && args.size() == 1 ? DataType::Decimal(std::min(kept + (from.scale() > 0 ? 1 : 0), 38) ? std::min(std::max(kept + 1, 1), 38) : 1, 0)
                                     : DataType::Decimal(std::min(kept + 1 + scale, 38), scale);
  } else if (whole && args.size() == 1) {
    type = DataType::Long();
    if (from.IsIntegral()) args[0] = CastTo(args[0], DataType::Long(), ModeOf(conf));
  }
  bool nullable = AnyNullable(args);
  return TypedCall{std::move(args), type, nullable};
}

Result<TypedCall> If(const FunctionDef& function, Args args, const AnalyzerConf& conf) { return FindFunction("when")->rule(function, std::move(args), conf); }

Result<TypedCall> TryArithmetic(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  static const std::map<std::string, std::string> ops = {{"try_add", "+"}, {"try_subtract", "-"}, {"try_multiply", "*"}, {"try_divide", "/"}, {"try_mod", "%"}};
  MS_ASSIGN_OR_RETURN(TypedCall typed, FindFunction(ops.at(function.name))->rule(*FindFunction(ops.at(function.name)), std::move(args), conf));
  typed.nullable = true;
  return typed;
}

Result<TypedCall> Concat(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  bool arrays = !args.empty() && TypeOf(*args[0]).id() == TypeId::kArray;
  bool binary = !args.empty();
  for (const ExprPtr& arg : args) binary = binary && TypeOf(*arg).id() == TypeId::kBinary;
  return Signature(arrays || binary ? "c*" : "s*", arrays || binary ? "c" : "s")(function, std::move(args), conf);
}

// concat_ws(separator, string | array<string> …): null only when the separator is.
Result<TypedCall> ConcatWs(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  for (size_t i = 0; i < args.size(); ++i) {
    DataType type = TypeOf(*args[i]);
    if (i > 0 && type.id() == TypeId::kArray) {
      args[i] = CastTo(args[i], DataType::Array(DataType::String(), type.contains_null()), ModeOf(conf));
    } else {
      MS_ASSIGN_OR_RETURN(args[i], Implicit(function, args, i, 's', conf));
    }
  }
  bool nullable = IsNullable(*args[0]);
  return TypedCall{std::move(args), DataType::String(), nullable};
}

// A null argument prints as null: only the format makes the result null.
Result<TypedCall> FormatString(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 's', conf));
  bool nullable = IsNullable(*args[0]);
  return TypedCall{std::move(args), DataType::String(), nullable};
}

}  // namespace

void AddScalarFunctions(FunctionTable& table) {
  static const std::vector<Row> rows = {
      {{"upper", "ucase"}, 1, 1, "s", "s"},
      {{"lower", "lcase"}, 1, 1, "s", "s"},
      {{"length", "len", "char_length", "character_length"}, 1, 1, "x", "i"},
      {{"octet_length"}, 1, 1, "x", "i"},
      {{"bit_length"}, 1, 1, "x", "i"},
      {{"trim"}, 1, 2, "ss", "s"},
      {{"ltrim"}, 1, 2, "ss", "s"},
      {{"rtrim"}, 1, 2, "ss", "s"},
      {{"btrim"}, 1, 2, "ss", "s"},
      {{"substring", "substr"}, 2, 3, "xii", "0"},
      {{"left"}, 2, 2, "si", "s"},
      {{"right"}, 2, 2, "si", "s"},
      {{"lpad"}, 2, 3, "sis", "s"},
      {{"rpad"}, 2, 3, "sis", "s"},
      {{"repeat"}, 2, 2, "si", "s"},
      {{"reverse"}, 1, 1, "?", "0"},
      {{"replace"}, 2, 3, "sss", "s"},
      {{"translate"}, 3, 3, "sss", "s"},
      {{"initcap"}, 1, 1, "s", "s"},
      {{"instr"}, 2, 2, "ss", "i"},
      {{"locate", "position"}, 2, 3, "ssi", "i"},
      {{"split"}, 2, 3, "ssi", "[s"},
      {{"substring_index"}, 3, 3, "ssi", "s"},
      {{"split_part"}, 3, 3, "ssi", "s"},
      {{"startswith"}, 2, 2, "ss", "b"},
      {{"endswith"}, 2, 2, "ss", "b"},
      {{"contains"}, 2, 2, "ss", "b"},
      {{"ascii"}, 1, 1, "s", "i"},
      {{"chr", "char"}, 1, 1, "l", "s"},
      {{"format_number"}, 2, 2, "ni", "s?"},
      {{"regexp_extract"}, 2, 3, "ssi", "s"},
      {{"regexp_extract_all"}, 2, 3, "ssi", "[s"},
      {{"regexp_replace"}, 3, 4, "sssi", "s"},
      {{"regexp_count"}, 2, 2, "ss", "i"},
      {{"regexp_substr"}, 2, 2, "ss", "s?"},
      {{"regexp_instr"}, 2, 3, "ssi", "i"},
      {{"levenshtein"}, 2, 3, "ssi", "i"},
      {{"soundex"}, 1, 1, "s", "s"},
      {{"space"}, 1, 1, "i", "s"},
      {{"overlay"}, 3, 4, "ssii", "s"},
      {{"find_in_set"}, 2, 2, "ss", "i"},
      {{"base64"}, 1, 1, "x", "s"},
      {{"unbase64"}, 1, 1, "s", "B"},
      {{"encode"}, 2, 2, "ss", "B"},
      {{"decode"}, 2, 2, "?s", "s"},
      {{"hex"}, 1, 1, "?", "s"},
      {{"unhex"}, 1, 1, "s", "B?"},
      {{"md5"}, 1, 1, "x", "s"},
      {{"sha1", "sha"}, 1, 1, "x", "s"},
      {{"sha2"}, 2, 2, "xi", "s"},
      {{"crc32"}, 1, 1, "x", "l"},
      {{"hash"}, 1, -1, "?*", "i!"},
      {{"xxhash64"}, 1, -1, "?*", "l!"},
      {{"abs"}, 1, 1, "n", "0"},
      {{"sqrt"}, 1, 1, "d", "d?"},
      {{"cbrt"}, 1, 1, "d", "d?"},
      {{"exp"}, 1, 1, "d", "d?"},
      {{"expm1"}, 1, 1, "d", "d?"},
      {{"ln"}, 1, 1, "d", "d?"},
      {{"log"}, 1, 2, "dd", "d?"},
      {{"log10"}, 1, 1, "d", "d?"},
      {{"log2"}, 1, 1, "d", "d?"},
      {{"log1p"}, 1, 1, "d", "d?"},
      {{"power", "pow"}, 2, 2, "dd", "d"},
      {{"sin"}, 1, 1, "d", "d?"},
      {{"cos"}, 1, 1, "d", "d?"},
      {{"tan"}, 1, 1, "d", "d?"},
      {{"cot"}, 1, 1, "d", "d?"},
      {{"asin"}, 1, 1, "d", "d?"},
      {{"acos"}, 1, 1, "d", "d?"},
      {{"atan"}, 1, 1, "d", "d?"},
      {{"atan2"}, 2, 2, "dd", "d"},
      {{"sinh"}, 1, 1, "d", "d?"},
      {{"cosh"}, 1, 1, "d", "d?"},
      {{"tanh"}, 1, 1, "d", "d?"},
      {{"degrees"}, 1, 1, "d", "d?"},
      {{"radians"}, 1, 1, "d", "d?"},
      {{"signum", "sign"}, 1, 1, "d", "d?"},
      {{"rint"}, 1, 1, "d", "d?"},
      {{"hypot"}, 2, 2, "dd", "d"},
      {{"factorial"}, 1, 1, "i", "l?"},
      {{"bin"}, 1, 1, "l", "s"},
      {{"conv"}, 3, 3, "sii", "s?"},
      {{"pi"}, 0, 0, "", "d!"},
      {{"e"}, 0, 0, "", "d!"},
      {{"rand", "random"}, 0, 1, "l", "d!"},
      {{"randn"}, 0, 1, "l", "d!"},
      {{"uuid"}, 0, 0, "", "s!"},
      {{"monotonically_increasing_id"}, 0, 0, "", "l!"},
      {{"spark_partition_id"}, 0, 0, "", "i!"},
      {{"bit_count"}, 1, 1, "?", "i"},
      {{"nullif"}, 2, 2, "cc", "c?"},
      {{"nanvl"}, 2, 2, "dd", "d"},
      {{"typeof"}, 1, 1, "?", "s!"},
      {{"raise_error"}, 1, 1, "s", "s?"},
      {{"width_bucket"}, 4, 4, "dddl", "l"},
      {{"equal_null"}, 2, 2, "cc", "b!"},
      {{"asinh"}, 1, 1, "d", "d?"},
      {{"acosh"}, 1, 1, "d", "d?"},
      {{"atanh"}, 1, 1, "d", "d?"},
      {{"sec"}, 1, 1, "d", "d?"},
      {{"csc"}, 1, 1, "d", "d?"},
      {{"bit_get", "getbit"}, 2, 2, "li", "t"},
      {{"url_encode"}, 1, 1, "s", "s"},
      {{"url_decode"}, 1, 1, "s", "s"},
      {{"zeroifnull"}, 1, 1, "n", "0!"},
      {{"nullifzero"}, 1, 1, "n", "0?"},
      {{"elt"}, 2, -1, "is*", "s?"},
      {{"luhn_check"}, 1, 1, "s", "b"},
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
  add({"concat_ws"}, 1, -1, ConcatWs);
  add({"format_string", "printf"}, 1, -1, FormatString);
  add({"coalesce", "nvl", "ifnull"}, 1, -1, AllOrNothing);
  add({"greatest"}, 2, -1, AllOrNothing);
  add({"least"}, 2, -1, AllOrNothing);
  for (const char* name : {"round", "bround", "ceil", "floor"}) {
    std::vector<std::string> names = {name};
    if (names[0] == "ceil") names.push_back("ceiling");
    add(names, 1, 2, Rounding);
  }
  add({"if", "iff"}, 3, 3, If);
  add({"concat"}, 0, -1, Concat);
  for (const char* name : {"try_add", "try_subtract", "try_multiply", "try_divide", "try_mod"}) add({name}, 2, 2, TryArithmetic);
}

}  // namespace millstream
