#include "compute/sql/function_names.h"
#include "compute/sql/function_table.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

Result<std::string> GetField(const FunctionCall& call) {
  const auto* literal = call.exprs.size() > 1 ? call.exprs[1]->As<Literal>() : nullptr;
  if (!literal) return Status::Internal("a struct's field without its name");
  auto field_sql = [&](const std::string& base, const DataType& type) -> Result<std::string> {
    if (const auto* name = std::get_if<std::string>(&literal->value.held)) {
      auto index = type.fields().IndexOf(*name, true);
      if (!index) index = type.fields().IndexOf(*name);
      if (!index) return Status::Internal("a struct without the field " + *name);
      return "struct_extract(" + base + ", 'f" + std::to_string(*index) + "')";
    }
    if (const auto* ordinal = std::get_if<int64_t>(&literal->value.held)) return "struct_extract(" + base + ", 'f" + std::to_string(*ordinal) + "')";
    return Status::Internal("a struct's field without its name");
  };
  // A field of an array of structs: the array of the fields.
  if (call.Is(0, TypeId::kArray)) {
    MS_ASSIGN_OR_RETURN(std::string body, field_sql("x", call.types[0].element()));
    return "list_transform(" + call.args[0] + ", lambda x: " + body + ")";
  }
  return field_sql(call.args[0], call.types[0]);
}

Result<std::string> GetItem(const FunctionCall& call) {
  if (call.Is(0, TypeId::kMap)) return "map_extract_value(" + call.args[0] + ", CAST(" + call.args[1] + " AS " + TypeSql(call.types[0].key()) + "))";
  if (call.Is(0, TypeId::kStruct)) return GetField(call);
  const EvalMode mode = call.name == "get" ? EvalMode::kTry : call.mode;
  FunctionCall moded{call.sql, call.name, call.exprs, call.args, call.types, call.type, mode};
  return "ms_array_get(" + call.args[0] + ", CAST(" + call.args[1] + " AS INTEGER), " + moded.Mode() + ")";
}

Result<std::string> ElementAt(const FunctionCall& call) {
  if (call.Is(0, TypeId::kMap)) return "map_extract_value(" + call.args[0] + ", " + call.args[1] + ")";
  FunctionCall moded{call.sql, call.name, call.exprs, call.args, call.types, call.type, call.name == "try_element_at" ? EvalMode::kTry : call.mode};
  return "ms_element_at(" + call.args[0] + ", CAST(" + call.args[1] + " AS INTEGER), " + moded.Mode() + ")";
}

Result<std::string> Struct(const FunctionCall& call, size_t first, size_t step) {
  std::string fields;
  size_t index = 0;
  for (size_t i = first; i < call.args.size(); i += step, ++index) {
    fields += (index ? ", f" : "f") + std::to_string(index) + " := " + call.args[i];
  }
  if (fields.empty()) return Status::Unsupported("A struct without fields");
  return "struct_pack(" + fields + ")";
}

Result<std::string> Array(const FunctionCall& call) {
  std::string items;
  for (const std::string& arg : call.args) items += (items.empty() ? "" : ", ") + arg;
  return "CAST([" + items + "] AS " + TypeSql(call.type) + ")";
}

Result<std::string> Map(const FunctionCall& call) {
  std::string keys, values;
  for (size_t i = 0; i + 1 < call.args.size(); i += 2) {
    keys += (i ? ", " : "") + call.args[i];
    values += (i ? ", " : "") + call.args[i + 1];
  }
  return "CAST(map([" + keys + "], [" + values + "]) AS " + TypeSql(call.type) + ")";
}

Result<std::string> Size(const FunctionCall& call) {
  if (call.Is(0, TypeId::kNull))
    return std::string(call.mode == EvalMode::kLegacy && call.name != "array_size" ? "CAST(-1 AS INTEGER)" : "CAST(NULL AS INTEGER)");
  const std::string count = call.Is(0, TypeId::kMap) ? "cardinality(" + call.args[0] + ")" : "len(" + call.args[0] + ")";
  // Without ANSI the size of null is -1 (spark.sql.legacy.sizeOfNull).
  if (call.mode == EvalMode::kLegacy && call.name != "array_size") return "CAST(coalesce(" + count + ", -1) AS INTEGER)";
  return "CAST(" + count + " AS INTEGER)";
}

// Null where the value is not found, but might be one of the nulls.
Result<std::string> ArrayContains(const FunctionCall& call) {
  const std::string &list = call.args[0], &item = call.args[1];
  return "CASE WHEN " + list + " IS NULL OR " + item + " IS NULL THEN NULL WHEN list_contains(" + list + ", " + item + ") THEN true WHEN len(list_filter(" +
         list + ", lambda x: x IS NULL)) > 0 THEN NULL ELSE false END";
}

Result<std::string> SortArray(const FunctionCall& call) {
  if (call.name == "array_sort") {
    if (call.args.size() > 1) return Status::Unsupported("array_sort with a comparator", "Use sort_array, or transform to a sortable key.");
    return "list_sort(" + call.args[0] + ", 'ASC', 'NULLS LAST')";
  }
  if (call.args.size() < 2) return "list_sort(" + call.args[0] + ", 'ASC', 'NULLS FIRST')";
  return "CASE WHEN " + call.args[1] + " THEN list_sort(" + call.args[0] + ", 'ASC', 'NULLS FIRST') ELSE list_sort(" + call.args[0] +
         ", 'DESC', 'NULLS LAST') END";
}

Result<std::string> ArrayJoin(const FunctionCall& call) {
  const std::string list = call.args.size() > 2 ? "list_transform(" + call.args[0] + ", lambda x: coalesce(x, " + call.args[2] + "))"
                                                : "list_filter(" + call.args[0] + ", lambda x: x IS NOT NULL)";
  return "CASE WHEN " + call.args[0] + " IS NULL THEN NULL ELSE coalesce(array_to_string(" + list + ", " + call.args[1] + "), '') END";
}

// ---- higher-order functions

Result<std::string> Transform(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string lambda, call.sql.EmitLambda(*call.exprs[1], 1));
  return "CAST(list_transform(" + call.args[0] + ", " + lambda + ") AS " + TypeSql(call.type) + ")";
}

Result<std::string> FilterArray(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string lambda, call.sql.EmitLambda(*call.exprs[1], 1));
  return "list_filter(" + call.args[0] + ", " + lambda + ")";
}

// DuckDB zips with nulls where one list is shorter; its structs are addressed by place.
Result<std::string> ArraysZip(const FunctionCall& call) {
  std::string lists, fields, any_null;
  for (size_t i = 0; i < call.args.size(); ++i) {
    lists += (i ? ", " : "") + call.args[i];
    fields += (i ? ", f" : "f") + std::to_string(i) + " := x[" + std::to_string(i + 1) + "]";
    any_null += (i ? " OR (" : "(") + call.args[i] + ") IS NULL";
  }
  return "CASE WHEN " + any_null + " THEN NULL ELSE list_transform(list_zip(" + lists + "), lambda x: struct_pack(" + fields + ")) END";
}

// A map as the list of its entries, with the lambda's two parameters bound to an entry's key and value.
Result<std::string> OverEntries(const FunctionCall& call) {
  const auto* lambda = call.exprs[1]->As<LambdaExpr>();
  if (!lambda || lambda->param_ids.size() != 2) return Status::Unsupported(call.name + " with a lambda of other than two parameters");
  MS_ASSIGN_OR_RETURN(std::string body, call.sql.EmitLambdaBody(*lambda, {"e.\"key\"", "e.\"value\""}));
  const std::string entries = "map_entries(" + call.args[0] + ")";
  std::string list;
  if (call.name == "map_filter") {
    list = "list_filter(" + entries + ", lambda e: " + body + ")";
  } else {
    const bool keys = call.name == "transform_keys";
    list = "list_transform(" + entries + ", lambda e: struct_pack(\"key\" := " + (keys ? body : "e.\"key\"") +
           ", \"value\" := " + (keys ? "e.\"value\"" : body) + "))";
  }
  return "CAST(map_from_entries(" + list + ") AS " + TypeSql(call.type) + ")";
}

Result<std::string> ZipWith(const FunctionCall& call) {
  const auto* lambda = call.exprs[2]->As<LambdaExpr>();
  if (!lambda || lambda->param_ids.size() != 2) return Status::Unsupported("zip_with with a lambda of other than two parameters");
  MS_ASSIGN_OR_RETURN(std::string body, call.sql.EmitLambdaBody(*lambda, {"z[1]", "z[2]"}));
  return "CASE WHEN " + call.args[0] + " IS NULL OR " + call.args[1] + " IS NULL THEN NULL ELSE CAST(list_transform(list_zip(" + call.args[0] + ", " +
         call.args[1] + "), lambda z: " + body + ") AS " + TypeSql(call.type) + ") END";
}

// The start is a place from 1 on, or from the end backwards.
Result<std::string> Slice(const FunctionCall& call) {
  const std::string &list = call.args[0], &start = call.args[1], &length = call.args[2];
  return "CASE WHEN " + list + " IS NULL OR " + start + " IS NULL OR " + length + " IS NULL THEN NULL WHEN ms_slice_start(" + start + ", " + length +
         ", CAST(len(" + list + ") AS INTEGER)) < 1 THEN CAST([] AS " + TypeSql(call.type) + ") ELSE list_slice(" + list + ", ms_slice_start(" + start + ", " +
         length + ", CAST(len(" + list + ") AS INTEGER)), ms_slice_start(" + start + ", " + length + ", CAST(len(" + list + ") AS INTEGER)) + CAST(" + length +
         " AS BIGINT) - 1) END";
}

// true if any holds; else null if any is unknown; else false. forall is the other way round.
Result<std::string> Quantifier(const FunctionCall& call) {
  const bool exists = call.name == "exists" || call.name == "any";
  MS_ASSIGN_OR_RETURN(std::string lambda, call.sql.EmitLambda(*call.exprs[1]));
  const std::string found = "list_aggregate(list_transform(" + call.args[0] + ", " + lambda + "), '" + (exists ? "bool_or" : "bool_and") + "')";
  const std::string held = "list_transform(" + call.args[0] + ", " + lambda + ")";
  const std::string verdict = exists ? "true" : "false";
  return "CASE WHEN " + call.args[0] + " IS NULL THEN NULL WHEN list_contains(" + held + ", " + verdict + ") THEN " + verdict + " WHEN len(list_filter(" +
         held + ", lambda x: x IS NULL)) > 0 THEN NULL ELSE coalesce(" + found + ", " + (exists ? "false" : "true") + ") END";
}

Result<std::string> AggregateArray(const FunctionCall& call) {
  MS_ASSIGN_OR_RETURN(std::string lambda, call.sql.EmitLambda(*call.exprs[2]));
  const DataType& accumulator = call.types[1];
  if (!call.types[0].element().SameType(accumulator) && !(call.types[0].element().IsNumeric() && accumulator.IsNumeric())) {
    return Status::Unsupported("aggregate of an array whose elements have another type than the start value", "Cast the elements first.");
  }
  std::string text =
      "list_reduce(CAST(" + call.args[0] + " AS " + TypeSql(accumulator) + "[]), " + lambda + ", CAST(" + call.args[1] + " AS " + TypeSql(accumulator) + "))";
  if (call.exprs.size() < 4) return text;
  MS_ASSIGN_OR_RETURN(std::string finish, call.sql.EmitLambda(*call.exprs[3]));
  return "list_extract(list_transform([" + text + "], " + finish + "), 1)";
}

Result<std::string> SetOf(const FunctionCall& call) {
  if (call.name == "array_union") return "ms_distinct_list(list_concat(" + call.args[0] + ", " + call.args[1] + "))";
  const std::string keep = call.name == "array_except" ? "NOT " : "";
  return "CASE WHEN " + call.args[1] + " IS NULL THEN NULL ELSE list_filter(ms_distinct_list(" + call.args[0] + "), lambda x: " + keep +
         "(CASE WHEN x IS NULL THEN len(list_filter(" + call.args[1] + ", lambda y: y IS NULL)) > 0 ELSE list_contains(" + call.args[1] + ", x) END)) END";
}

}  // namespace

void AddCollectionFunctions(FunctionTable& table) {
  table.emitters["getfield"] = table.emitters["get_field"] = table.emitters["getstructfield"] = GetField;
  table.emitters["getitem"] = table.emitters["[]"] = table.emitters["get"] = table.emitters["getarrayitem"] = table.emitters["getmapvalue"] = GetItem;
  table.emitters["element_at"] = table.emitters["try_element_at"] = ElementAt;
  table.emitters["struct"] = [](const FunctionCall& call) { return Struct(call, 0, 1); };
  table.emitters["named_struct"] = [](const FunctionCall& call) { return Struct(call, 1, 2); };
  table.emitters["array"] = Array;
  table.emitters["map"] = table.emitters["create_map"] = Map;
  table.emitters["size"] = table.emitters["cardinality"] = table.emitters["array_size"] = Size;
  table.emitters["array_contains"] = ArrayContains;
  table.emitters["sort_array"] = table.emitters["array_sort"] = SortArray;
  table.emitters["array_join"] = ArrayJoin;
  table.emitters["transform"] = Transform;
  table.emitters["slice"] = Slice;
  table.emitters["arrays_zip"] = ArraysZip;
  table.emitters["map_filter"] = table.emitters["transform_keys"] = table.emitters["transform_values"] = OverEntries;
  table.emitters["zip_with"] = ZipWith;
  table.emitters["filter"] = FilterArray;
  table.emitters["exists"] = table.emitters["forall"] = Quantifier;
  table.emitters["aggregate"] = table.emitters["reduce"] = AggregateArray;
  table.emitters["array_union"] = table.emitters["array_except"] = table.emitters["array_intersect"] = SetOf;
  static constexpr FunctionPattern kPatterns[] = {
      {"array_distinct", 1, "ms_distinct_list({0})"},
      {"array_position", 2, "coalesce(list_position({0}, {1}), CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE 0 END)"},
      {"array_remove", 2, "list_filter({0}, lambda x: x IS DISTINCT FROM {1})"},
      {"array_min", 1, "list_min({0})"},
      {"array_max", 1, "list_max({0})"},
      {"array_repeat", 2, "CASE WHEN {1} IS NULL THEN NULL ELSE list_transform(range(greatest({1}, 0)), lambda x: {0}) END"},
      {"array_append", 2, "CASE WHEN {0} IS NULL THEN NULL ELSE list_append({0}, {1}) END"},
      {"array_prepend", 2, "CASE WHEN {0} IS NULL THEN NULL ELSE list_prepend({1}, {0}) END"},
      {"array_compact", 1, "list_filter({0}, lambda x: x IS NOT NULL)"},
      {"arrays_overlap", 2,
       "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN list_has_any(list_filter({0}, lambda x: x IS NOT NULL), list_filter({1}, lambda x: x IS NOT NULL)) "
       "THEN true "
       "WHEN len({0}) > 0 AND len({1}) > 0 AND len(list_filter({0}, lambda x: x IS NULL)) + len(list_filter({1}, lambda x: x IS NULL)) > 0 THEN NULL ELSE "
       "false END"},
      {"flatten", 1, "CASE WHEN len(list_filter({0}, lambda x: x IS NULL)) > 0 THEN NULL ELSE flatten({0}) END"},
      {"sequence", 2, "CASE WHEN {0} <= {1} THEN range({0}, CAST({1} AS BIGINT) + 1) ELSE range({0}, CAST({1} AS BIGINT) - 1, -1) END"},
      {"sequence", 3, "CASE WHEN {2} > 0 THEN range({0}, CAST({1} AS BIGINT) + 1, {2}) ELSE range({0}, CAST({1} AS BIGINT) - 1, {2}) END"},
      // Of the values that an aggregate of a stream has kept.
      {"ms_list_mode", 1, "list_aggregate(list_sort({0}), 'mode')"},
      {"ms_list_quantile_cont", 2, "list_aggregate({0}, 'quantile_cont', {1})"},
      {"ms_list_quantile_disc", 2, "list_aggregate({0}, 'quantile_disc', {1})"},
      {"map_keys", 1, "map_keys({0})"},
      {"map_values", 1, "map_values({0})"},
      {"map_entries", 1, "list_transform(map_entries({0}), lambda x: struct_pack(f0 := x.\"key\", f1 := x.\"value\"))"},
      {"map_from_arrays", 2, "map({0}, {1})"},
      {"map_from_entries", 1, "map_from_entries(list_transform({0}, lambda x: struct_pack(\"key\" := x.f0, \"value\" := x.f1)))"},
      {"map_concat", -1, "map_concat({*})"},
      {"map_contains_key", 2, "map_contains({0}, {1})"},
  };
  for (const FunctionPattern& pattern : kPatterns) table.patterns[pattern.name].push_back(pattern);
}

}  // namespace millstream::compute
