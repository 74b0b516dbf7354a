// JSON in strings.

#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;

// "a INT, b STRING", "struct<a:int>", "array<int>", or the JSON of a DataType.
Result<DataType> ParseSchemaText(const std::string& text) {
  if (text.find_first_not_of(" \t\n") != std::string::npos && text[text.find_first_not_of(" \t\n")] == '{') return DataTypeFromSparkJson(text);
  if (Result<DataType> type = DataTypeFromDdl(text); type.ok()) return type;
  MS_ASSIGN_OR_RETURN(StructType columns, SchemaFromDdl(text));
  return DataType::Struct(std::move(columns));
}

DataType AllNullable(const DataType& type) {
  if (type.id() == TypeId::kArray) return DataType::Array(AllNullable(type.element()), true);
  if (type.id() == TypeId::kMap) return DataType::Map(type.key(), AllNullable(type.value()), true);
  if (type.id() != TypeId::kStruct) return type;
  StructType fields;
  for (const StructField& field : type.fields()) fields.Add({field.name, AllNullable(field.type), true, field.metadata});
  return DataType::Struct(std::move(fields));
}

// from_json(text, schema[, options]). Any part may be missing in the text, so every part is nullable.
Result<TypedCall> FromJson(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  MS_ASSIGN_OR_RETURN(args[0], Implicit(function, args, 0, 's', conf));
  std::optional<std::string> text = StringLiteral(*args[1]);
  if (!text) return Status::Unsupported("from_json with a schema that is not a literal", "Give the schema as a string.");
  MS_ASSIGN_OR_RETURN(DataType type, ParseSchemaText(*text));
  return TypedCall{std::move(args), AllNullable(type), true};
}

Result<TypedCall> ToJson(const FunctionDef& function, Args args, const AnalyzerConf&) {
  DataType type = TypeOf(*args[0]);
  if (!type.IsNested() && type.id() != TypeId::kVariant) {
    return Status::Error(errors::kInvalidJsonSchema, {{"sqlExpr", CallText(function, args)}, {"schema", type.Sql()}});
  }
  bool nullable = IsNullable(*args[0]);
  return TypedCall{std::move(args), DataType::String(), nullable};
}

}  // namespace

void AddJsonFunctions(FunctionTable& table) {
  auto add = [&](const std::string& name, int min, int max, FunctionDef::Rule rule) {
    table.push_back({{name}, {.name = name, .kind = FunctionDef::Kind::kScalar, .args_min = min, .args_max = max, .rule = std::move(rule)}});
  };
  add("get_json_object", 2, 2, Signature("ss", "s?"));
  add("json_array_length", 1, 1, Signature("s", "i?"));
  add("json_object_keys", 1, 1, Signature("s", "[s?"));
  add("from_json", 2, 3, FromJson);
  add("to_json", 1, 2, ToJson);
}

}  // namespace millstream
