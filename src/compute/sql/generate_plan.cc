#include "compute/sql/function_names.h"
#include "compute/sql/plan_sql.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

// A generator as a list that is unnested, one output row an element.
struct Generator {
  std::string list;
  std::vector<std::string> columns;  // of the element, which is "e"; "i" is its place, from 1
};

std::string StructFields(size_t count) { return "\"e\".f" + std::to_string(count); }

Result<Generator> GeneratorOf(const Call& call, ExpressionSql& sql, const std::vector<AttributeRef>& output) {
  std::string name = NameOf(*call.function);
  if (name.ends_with("_outer")) name.resize(name.size() - 6);
  const bool with_position = name == "posexplode";
  if (name == "explode" || name == "posexplode") {
    MS_ASSIGN_OR_RETURN(std::string list, sql.Emit(*call.args.at(0)));
    Generator generator;
    if (with_position) generator.columns.push_back("CAST(\"i\" - 1 AS INTEGER)");
    if (TypeOf(*call.args[0]).id() == TypeId::kMap) {
      generator.list = "map_entries(" + list + ")";
      generator.columns.insert(generator.columns.end(), {"\"e\".\"key\"", "\"e\".\"value\""});
    } else {
      generator.list = list;
      generator.columns.push_back("\"e\"");
    }
    return generator;
  }
  if (name == "variant_explode") {
    MS_ASSIGN_OR_RETURN(std::string variant, sql.Emit(*call.args.at(0)));
    return Generator{"ms_variant_members(" + variant + ")", {"CAST(\"i\" - 1 AS INTEGER)", "\"e\".\"key\"", "\"e\".\"value\""}};
  }
  if (name == "inline") {
    MS_ASSIGN_OR_RETURN(std::string list, sql.Emit(*call.args.at(0)));
    Generator generator{"list_filter(" + list + ", lambda x: x IS NOT NULL)", {}};
    for (size_t i = 0; i < output.size(); ++i) generator.columns.push_back(StructFields(i));
    return generator;
  }
  if (name == "stack") {
    const size_t width = output.size(), values = call.args.size() - 1;
    Generator generator;
    std::string rows;
    for (size_t first = 0; first < values; first += width) {
      std::string fields;
      for (size_t i = 0; i < width; ++i) {
        std::string field = "NULL";
        if (first + i < values) {
          MS_ASSIGN_OR_RETURN(field, sql.Emit(*call.args[1 + first + i]));
        }
        fields += (i ? ", f" : "f") + std::to_string(i) + " := CAST(" + field + " AS " + TypeSql(output[i].type) + ")";
      }
      rows += (rows.empty() ? "" : ", ") + ("struct_pack(" + fields + ")");
    }
    generator.list = "[" + rows + "]";
    for (size_t i = 0; i < width; ++i) generator.columns.push_back(StructFields(i));
    return generator;
  }
  return Status::Unsupported("The table-valued generator " + name);
}

}  // namespace

Result<std::string> PlanSql::EmitGenerate(const PlanNode& plan, const Generate& generate, const Needed& needed) {
  (void)plan;
  const auto* call = generate.generator->As<Call>();
  if (!call) return Status::Internal("a generator that is no function");
  const auto child_output = OutputOf(*generate.child);
  Needed below = needed;
  CollectReferences(*generate.generator, below);
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*generate.child, below));
  ExpressionSql sql(*this, conf_);
  MS_ASSIGN_OR_RETURN(Generator generator, GeneratorOf(*call, sql, generate.output));
  if (generator.columns.size() != generate.output.size()) return Status::Internal("a generator with other columns than the analyzer gave it");

  std::string kept, produced;
  for (const AttributeRef& attribute : child_output) {
    if (needed.contains(attribute.id)) kept += ColumnOf(attribute.id) + ", ";
  }
  for (size_t i = 0; i < generate.output.size(); ++i) {
    produced += (i ? ", " : "") + ("CAST(" + generator.columns[i] + " AS " + TypeSql(generate.output[i].type) + ") AS " + ColumnOf(generate.output[i].id));
  }
  const bool outer = generate.outer || NameOf(*call->function).ends_with("_outer");
  const std::string listed = "SELECT " + kept + generator.list + " AS \"g\" FROM (" + select + ") AS t";
  // An empty or absent list gives one row of nulls when outer, none otherwise.
  const std::string list = outer ? "CASE WHEN len(\"g\") > 0 THEN \"g\" ELSE [NULL] END" : "\"g\"";
  const std::string place = outer ? "CASE WHEN len(\"g\") > 0 THEN range(1, len(\"g\") + 1) ELSE [NULL] END" : "range(1, len(\"g\") + 1)";
  return "SELECT " + kept + produced + " FROM (SELECT " + kept + "unnest(" + list + ") AS \"e\", unnest(" + place + ") AS \"i\" FROM (" + listed +
         ") AS t) AS t";
}

}  // namespace millstream::compute
