// The functions of VARIANT.

#include <algorithm>

#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;

constexpr ErrorClass kSchemaIsNoLiteral{
    "INVALID_SCHEMA.NON_STRING_LITERAL", "42K07", ExceptionKind::kAnalysis,
    "The input schema <inputSchema> is not a valid schema string. The input expression must be string literal and not null."};

Status CannotCast(const FunctionDef& function, const Args& args, const DataType& from, const DataType& to) {
  return Status::Error(errors::kCastWithoutSuggestion,
                       {{"sqlExpr", CallText(function, args)}, {"srcType", "\"" + from.Sql() + "\""}, {"targetType", "\"" + to.Sql() + "\""}});
}

// variant_get(variant, path[, type]): the type is a literal, and VARIANT when there is none.
Result<TypedCall> VariantGet(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType type = DataType::Variant();
  if (args.size() == 3) {
    const std::optional<std::string> text = StringLiteral(*args[2]);
    if (!text) return Status::Error(kSchemaIsNoLiteral, {{"inputSchema", "\"" + SqlOf(*args[2]) + "\""}});
    MS_ASSIGN_OR_RETURN(type, DataTypeFromDdl(*text));
    args.pop_back();
  }
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 'V', conf));
  if (TypeOf(*args[1]).id() != TypeId::kString && TypeOf(*args[1]).id() != TypeId::kNull) return WrongType(function, args, 1, "\"STRING\"");
  MS_ASSIGN_OR_RETURN(args[1], Implicit(function, args, 1, 's', conf));
  if (!CanCast(DataType::Variant(), type, EvalMode::kAnsi)) return CannotCast(function, args, DataType::Variant(), type);
  return TypedCall{std::move(args), type, true};
}

// Text is taken as text only: Spark casts nothing to it here.
Result<TypedCall> ParseJson(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  const TypeId type = TypeOf(*args[0]).id();
  if (type != TypeId::kString && type != TypeId::kNull) return WrongType(function, args, 0, "\"STRING\"");
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 's', conf));
  const bool nullable = function.name == "try_parse_json" || IsNullable(*args[0]);
  return TypedCall{std::move(args), DataType::Variant(), nullable};
}

bool CanBeObject(const DataType& type) {
  switch (type.id()) {
    case TypeId::kArray:
      return CanBeObject(type.element());
    case TypeId::kMap:
      return type.key().id() == TypeId::kString && CanBeObject(type.value());
    case TypeId::kStruct:
      return std::all_of(type.fields().begin(), type.fields().end(), [](const StructField& field) { return CanBeObject(field.type); });
    default:
      return CanCast(type, DataType::Variant(), EvalMode::kAnsi) && type.id() != TypeId::kNull;
  }
}

Result<TypedCall> ToVariantObject(const FunctionDef& function, Args args, const AnalyzerConf&) {
  const DataType type = TypeOf(*args[0]);
  if (!type.IsNested() || !CanBeObject(type)) return CannotCast(function, args, type, DataType::Variant());
  const bool nullable = IsNullable(*args[0]);
  return TypedCall{std::move(args), DataType::Variant(), nullable};
}

// variant_explode(variant): a row for each element of an array, each member of an object.
Result<TypedCall> VariantExplode(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(TypedCall typed, Signature("V", "s")(function, std::move(args), conf));
  const bool is_outer = function.name.ends_with("_outer");
  typed.type = DataType::Struct(
      StructType({{"pos", DataType::Integer(), is_outer}, {"key", DataType::String(), true}, {"value", DataType::Variant(), is_outer}}));
  typed.nullable = false;
  return typed;
}

}  // namespace

void AddVariantFunctions(FunctionTable& table) {
  auto add = [&](const std::string& name, int min, int max, FunctionDef::Rule rule) {
    table.push_back({{name}, {.name = name, .kind = FunctionDef::Kind::kScalar, .args_min = min, .args_max = max, .rule = std::move(rule)}});
  };
  add("parse_json", 1, 1, ParseJson);
  add("try_parse_json", 1, 1, ParseJson);
  add("variant_get", 2, 3, VariantGet);
  add("try_variant_get", 2, 3, VariantGet);
  add("is_variant_null", 1, 1, Signature("V", "b!"));
  add("is_valid_variant", 1, 1, Signature("V", "b"));
  add("schema_of_variant", 1, 1, Signature("V", "s"));
  add("to_variant_object", 1, 1, ToVariantObject);
  for (const char* name : {"variant_explode", "variant_explode_outer"}) {
    table.push_back({{name}, {.name = name, .kind = FunctionDef::Kind::kGenerator, .args_min = 1, .args_max = 1, .rule = VariantExplode}});
  }
}

}  // namespace millstream
