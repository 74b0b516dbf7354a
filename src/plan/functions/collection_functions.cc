// Arrays, maps, structs, lambdas, generators.

#include "plan/coercion.h"
#include "plan/functions/signatures.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

using Args = std::vector<ExprPtr>;
using Kind = FunctionDef::Kind;

struct Row {
  std::vector<std::string> names;
  int min, max;
  const char *params, *result;
};

Result<TypedCall> Array(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  if (args.empty()) return TypedCall{{}, DataType::Array(DataType::Null(), false), false};
  bool contains_null = AnyNullable(args);
  MS_ASSIGN_OR_RETURN(TypedCall typed, Signature("c*", "c")(function, std::move(args), conf));
  return TypedCall{std::move(typed.args), DataType::Array(typed.type, contains_null), false};
}

Result<TypedCall> Map(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  if (args.size() % 2) {
    return Status::Error(errors::kWrongNumArgs, {{"functionName", "`map`"}, {"expectedNum", "2n (n > 0)"}, {"actualNum", std::to_string(args.size())}});
  }
  Args keys, values;
  for (size_t i = 0; i < args.size(); ++i) (i % 2 ? values : keys).push_back(args[i]);
  std::optional<DataType> key = CommonType(keys, conf), value = CommonType(values, conf);
  if (!key || !value) return WrongType(function, args, 0, "\"the same type for all keys, and for all values\"");
  for (size_t i = 0; i < args.size(); ++i) args[i] = CastTo(args[i], i % 2 ? *value : *key, ModeOf(conf));
  return TypedCall{std::move(args), DataType::Map(*key, *value, AnyNullable(values)), false};
}

Result<TypedCall> NamedStruct(const FunctionDef& function, Args args, const AnalyzerConf&) {
  StructType fields;
  for (size_t i = 0; i + 1 < args.size(); i += 2) {
    std::optional<std::string> name = StringLiteral(*args[i]);
    if (!name) return WrongType(function, args, i, "\"foldable STRING\"");
    fields.Add({*name, TypeOf(*args[i + 1]), IsNullable(*args[i + 1])});
  }
  return TypedCall{std::move(args), DataType::Struct(fields), false};
}

// getfield(struct, 'name'); over an array of structs: an array of the field.
Result<TypedCall> GetField(const FunctionDef&, Args args, const AnalyzerConf& conf) {
  DataType from = TypeOf(*args[0]);
  DataType base = from.id() == TypeId::kArray ? from.element() : from;
  std::string name = StringLiteral(*args[1]).value_or("");
  if (base.id() != TypeId::kStruct) return Status::Error(errors::kInvalidExtract, {{"base", SqlOf(*args[0])}, {"other", "\"" + from.Sql() + "\""}});
  std::optional<size_t> index = base.fields().IndexOf(name, conf.case_sensitive);
  if (!index) {
    std::string names;
    for (const StructField& field : base.fields()) names += (names.empty() ? "`" : ", `") + field.name + "`";
    return Status::Error(errors::kFieldNotFound, {{"fieldName", name}, {"fields", names}});
  }
  const StructField& field = base.fields()[*index];
  args[1] = MakeExpr(Literal{Value{field.name}, DataType::String()});
  bool nullable = IsNullable(*args[0]) || (from.id() == TypeId::kStruct && field.nullable);
  DataType type = from.id() == TypeId::kArray ? DataType::Array(field.type, from.contains_null() || field.nullable) : field.type;
  return TypedCall{std::move(args), type, nullable};
}

// getitem(array, index), getitem(map, key), element_at.
Result<TypedCall> GetItem(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType from = TypeOf(*args[0]);
  if (from.id() == TypeId::kMap) {
    std::optional<DataType> key = CommonType(from.key(), TypeOf(*args[1]), conf);
    if (!key) return WrongType(function, args, 1, "\"" + from.key().Sql() + "\"");
    args[1] = CastTo(args[1], from.key(), ModeOf(conf));
    return TypedCall{std::move(args), from.value(), true};
  }
  if (from.id() != TypeId::kArray) return WrongType(function, args, 0, "(\"ARRAY\" or \"MAP\")");
  if (TypeOf(*args[1]).id() == TypeId::kString) return WrongType(function, args, 1, "\"INT\"");
  MS_ASSIGN_OR_RETURN(args[1], Implicit(function, args, 1, 'i', conf));
  return TypedCall{std::move(args), from.element(), true};
}

Result<TypedCall> OverArrayAndElement(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  DataType from = TypeOf(*args[0]);
  if (from.id() != TypeId::kArray) return WrongType(function, args, 0, "\"ARRAY\"");
  std::optional<DataType> element = CommonType(from.element(), TypeOf(*args[1]), conf);
  if (!element) return WrongType(function, args, 1, "\"" + from.element().Sql() + "\"");
  args[0] = CastTo(args[0], DataType::Array(*element, from.contains_null()), ModeOf(conf));
  args[1] = CastTo(args[1], *element, ModeOf(conf));
  bool nullable = AnyNullable(args) || from.contains_null();
  const std::string& name = function.name;
  DataType type = name == "array_contains" ? DataType::Boolean() : name == "array_position" ? DataType::Long() : DataType::Array(*element, true);
  return TypedCall{std::move(args), type, nullable};
}

// ---- lambdas: the analyzer has typed the parameters (LambdaParameterTypes) and analyzed the bodies.
const LambdaExpr* LambdaAt(const Args& args, size_t index) { return index < args.size() ? args[index]->As<LambdaExpr>() : nullptr; }

Result<TypedCall> HigherOrder(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  const std::string& name = function.name;
  DataType from = TypeOf(*args[0]);
  size_t lambda_at = name == "aggregate" || name == "zip_with" ? 2 : 1;
  const LambdaExpr* lambda = LambdaAt(args, lambda_at);
  if (!lambda) return WrongType(function, args, lambda_at, "\"LAMBDA\"");
  DataType body = TypeOf(*lambda->body);
  bool body_nullable = IsNullable(*lambda->body), nullable = IsNullable(*args[0]);
  if (name == "transform" || name == "zip_with") return TypedCall{std::move(args), DataType::Array(body, body_nullable), nullable};
  if (name == "filter" || name == "array_sort" || name == "map_filter") return TypedCall{std::move(args), from, nullable};
  if (name == "exists" || name == "forall") return TypedCall{std::move(args), DataType::Boolean(), nullable || body_nullable};
  if (name == "transform_keys") return TypedCall{std::move(args), DataType::Map(body, from.value(), from.contains_null()), nullable};
  if (name == "transform_values") return TypedCall{std::move(args), DataType::Map(from.key(), body, body_nullable), nullable};
  // aggregate(array, zero, merge[, finish])
  if (const LambdaExpr* finish = LambdaAt(args, 3)) body = TypeOf(*finish->body);
  (void)conf;
  return TypedCall{std::move(args), body, true};
}

Result<TypedCall> Generator(const FunctionDef& function, Args args, const AnalyzerConf&) {
  DataType from = args.empty() ? DataType::Null() : TypeOf(*args[0]);
  bool with_position = function.name == "posexplode";
  StructType row;
  if (with_position) row.Add({"pos", DataType::Integer(), false});
  if (function.name == "stack") {
    int64_t count = IntLiteral(*args[0]).value_or(0);
    if (count < 1) return WrongType(function, args, 0, "\"positive foldable INT\"");
    size_t width = (args.size() - 1 + static_cast<size_t>(count) - 1) / static_cast<size_t>(count);
    for (size_t i = 0; i < width; ++i) row.Add({"col" + std::to_string(i), TypeOf(*args[1 + i]), true});
  } else if (function.name == "inline") {
    if (from.id() != TypeId::kArray || from.element().id() != TypeId::kStruct) return WrongType(function, args, 0, "\"ARRAY<STRUCT>\"");
    for (const StructField& field : from.element().fields()) row.Add({field.name, field.type, field.nullable || from.contains_null()});
  } else if (from.id() == TypeId::kArray) {
    row.Add({"col", from.element(), from.contains_null()});
  } else if (from.id() == TypeId::kMap) {
    row.Add({"key", from.key(), false});
    row.Add({"value", from.value(), from.contains_null()});
  } else {
    return WrongType(function, args, 0, "(\"ARRAY\" or \"MAP\")");
  }
  return TypedCall{std::move(args), DataType::Struct(row), false};
}

// explode_outer and its sisters: a row of nulls where there is nothing.
Result<TypedCall> GenerateOuter(const FunctionDef& function, Args args, const AnalyzerConf& conf) {
  std::string inner = function.name.substr(0, function.name.size() - std::string("_outer").size());
  MS_ASSIGN_OR_RETURN(TypedCall typed, Generator(*FindFunction(inner), std::move(args), conf));
  StructType row;
  for (StructField field : typed.type.fields()) {
    field.nullable = true;
    row.Add(std::move(field));
  }
  typed.type = DataType::Struct(row);
  return typed;
}

}  // namespace

void AddCollectionFunctions(FunctionTable& table) {
  static const std::vector<Row> rows = {
      {{"size", "cardinality"}, 1, 1, "?", "i"},
      {{"array_size"}, 1, 1, "a", "i"},
      {{"sort_array"}, 1, 2, "ab", "0"},
      {{"array_distinct"}, 1, 1, "a", "0"},
      {{"array_min"}, 1, 1, "a", "e?"},
      {{"array_max"}, 1, 1, "a", "e?"},
      {{"slice"}, 3, 3, "aii", "0"},
      {{"array_join"}, 2, 3, "ass", "s"},
      {{"flatten"}, 1, 1, "a", "e?"},
      {{"array_union"}, 2, 2, "cc", "c"},
      {{"array_intersect"}, 2, 2, "cc", "c"},
      {{"array_except"}, 2, 2, "cc", "c"},
      {{"arrays_overlap"}, 2, 2, "cc", "b?"},
      {{"array_compact"}, 1, 1, "a", "0"},
      {{"shuffle"}, 1, 1, "a", "0"},
      {{"sequence"}, 2, 3, "ccc", "[c"},
      {{"map_keys"}, 1, 1, "m", "[k"},
      {{"map_values"}, 1, 1, "m", "[v"},
      {{"map_contains_key"}, 2, 2, "m?", "b"},
      {{"get"}, 2, 2, "ai", "e?"},
      {{"map_concat"}, 1, -1, "c*", "c"},
  };
  for (const Row& row : rows) {
    table.push_back(
        {row.names, {.name = row.names[0], .kind = Kind::kScalar, .args_min = row.min, .args_max = row.max, .rule = Signature(row.params, row.result)}});
  }
  auto add = [&](std::vector<std::string> names, int min, int max, FunctionDef::Rule rule, Kind kind = Kind::kScalar, bool higher = false) {
    FunctionDef def{.name = names[0], .kind = kind, .args_min = min, .args_max = max, .rule = std::move(rule), .is_higher_order = higher};
    table.push_back({std::move(names), std::move(def)});
  };
  add({"array", "make_array"}, 0, -1, Array);
  add({"array_repeat"}, 2, 2, [](const FunctionDef& f, Args args, const AnalyzerConf& conf) -> Result<TypedCall> {
    MS_ASSIGN_OR_RETURN(args[1], Implicit(f, args, 1, 'i', conf));
    DataType type = DataType::Array(TypeOf(*args[0]), IsNullable(*args[0]));
    bool nullable = IsNullable(*args[1]);
    return TypedCall{std::move(args), type, nullable};
  });
  add({"map", "create_map"}, 0, -1, Map);
  add({"named_struct"}, 2, -1, NamedStruct);
  add({"getfield"}, 2, 2, GetField);
  add({"getitem"}, 2, 2, GetItem);
  add({"element_at"}, 2, 2, GetItem);
  add({"try_element_at"}, 2, 2, GetItem);
  for (const char* name : {"array_contains", "array_position", "array_remove", "array_append", "array_prepend"}) add({name}, 2, 2, OverArrayAndElement);
  add({"map_from_arrays"}, 2, 2, [](const FunctionDef& f, Args args, const AnalyzerConf&) -> Result<TypedCall> {
    DataType keys = TypeOf(*args[0]), values = TypeOf(*args[1]);
    if (keys.id() != TypeId::kArray) return WrongType(f, args, 0, "\"ARRAY\"");
    if (values.id() != TypeId::kArray) return WrongType(f, args, 1, "\"ARRAY\"");
    bool nullable = AnyNullable(args);
    return TypedCall{std::move(args), DataType::Map(keys.element(), values.element(), values.contains_null()), nullable};
  });
  add({"map_from_entries"}, 1, 1, [](const FunctionDef& f, Args args, const AnalyzerConf&) -> Result<TypedCall> {
    DataType entries = TypeOf(*args[0]);
    if (entries.id() != TypeId::kArray || entries.element().id() != TypeId::kStruct || entries.element().fields().size() != 2) {
      return WrongType(f, args, 0, "\"ARRAY\" of pair \"STRUCT\"");
    }
    const StructType& pair = entries.element().fields();
    bool nullable = IsNullable(*args[0]) || entries.contains_null();
    return TypedCall{std::move(args), DataType::Map(pair[0].type, pair[1].type, pair[1].nullable), nullable};
  });
  // arrays_zip(a, b): fields are named after the columns, or 0, 1 …
  add({"arrays_zip"}, 1, -1, [](const FunctionDef& f, Args args, const AnalyzerConf&) -> Result<TypedCall> {
    StructType row;
    for (size_t i = 0; i < args.size(); ++i) {
      DataType from = TypeOf(*args[i]);
      if (from.id() != TypeId::kArray) return WrongType(f, args, i, "\"ARRAY\"");
      const auto* column = args[i]->As<AttributeRef>();
      row.Add({column ? column->name : std::to_string(i), from.element(), true});
    }
    bool nullable = AnyNullable(args);
    return TypedCall{std::move(args), DataType::Array(DataType::Struct(std::move(row)), false), nullable};
  });
  add({"array_sort"}, 1, 2, [](const FunctionDef& f, Args args, const AnalyzerConf&) -> Result<TypedCall> {
    if (args.size() > 1) return Status::Unsupported("array_sort with a comparator", "Use sort_array, or transform to a sortable key.");
    DataType from = TypeOf(*args[0]);
    if (from.id() != TypeId::kArray) return WrongType(f, args, 0, "\"ARRAY\"");
    bool nullable = IsNullable(*args[0]);
    return TypedCall{std::move(args), from, nullable};
  });
  add({"map_entries"}, 1, 1, [](const FunctionDef& f, Args args, const AnalyzerConf&) -> Result<TypedCall> {
    DataType map = TypeOf(*args[0]);
    if (map.id() != TypeId::kMap) return WrongType(f, args, 0, "\"MAP\"");
    bool nullable = IsNullable(*args[0]);
    return TypedCall{std::move(args),
                     DataType::Array(DataType::Struct(StructType({{"key", map.key(), false}, {"value", map.value(), map.contains_null()}})), false), nullable};
  });
  for (const char* name : {"transform", "filter", "exists", "forall", "transform_keys", "transform_values", "map_filter"}) {
    std::vector<std::string> names = {name};
    if (names[0] == "exists") names.push_back("any_match");
    add(names, 2, 2, HigherOrder, Kind::kScalar, true);
  }
  add({"zip_with"}, 3, 3, HigherOrder, Kind::kScalar, true);
  add({"aggregate", "reduce"}, 3, 4, HigherOrder, Kind::kScalar, true);
  for (const char* name : {"explode", "posexplode", "inline"}) add({name}, 1, 1, Generator, Kind::kGenerator);
  for (const char* name : {"explode_outer", "posexplode_outer", "inline_outer"}) add({name}, 1, 1, GenerateOuter, Kind::kGenerator);
  add({"stack"}, 2, -1, Generator, Kind::kGenerator);
}

}  // namespace millstream
