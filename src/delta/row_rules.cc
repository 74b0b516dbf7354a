#include "delta/row_rules.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "delta/check_constraints.h"

namespace millstream {
namespace {

constexpr char kInvariantsKey[] = "delta.invariants";

// Fields in structs; Delta looks no deeper (arrays and maps have no rules of their own).
bool AnyField(const StructType& fields, const std::function<bool(const StructField&)>& is_it) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const StructField& field) { return is_it(field) || (field.type.id() == TypeId::kStruct && AnyField(field.type.fields(), is_it)); });
}

}  // namespace

Result<std::optional<std::string>> InvariantOf(const StructField& column) {
  const std::optional<std::string> text = MetadataText(column, kInvariantsKey);
  if (!text) return std::optional<std::string>();
  const nlohmann::json rule = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const auto expression = rule.is_object() ? rule.find("expression") : rule.end();
  if (expression != rule.end() && expression->is_object() && expression->contains("expression") && (*expression)["expression"].is_string()) {
    return std::optional((*expression)["expression"].get<std::string>());
  }
  return Status::Unsupported("The invariant of column " + column.name + ": " + *text, "Write the table with Spark.");
}

std::string WhyRowsAreLookedAt(const Metadata& table) {
  const bool has_checks = std::any_of(table.configuration.begin(), table.configuration.end(),
                                      [](const auto& property) { return IsConstraint(property.first); });
  if (has_checks) return "the table has CHECK constraints";
  if (AnyField(table.schema, [](const StructField& field) { return MetadataText(field, kInvariantsKey).has_value(); }))
    return "the table has column invariants";
  if (AnyField(table.schema, [](const StructField& field) { return GenerationExpressionOf(field).has_value(); })) return "the table has generated columns";
  for (const StructField& column : table.schema) {
    if (column.type.id() == TypeId::kStruct && AnyField(column.type.fields(), [](const StructField& field) { return !field.nullable; })) {
      return "column " + column.name + " has fields that are NOT NULL";
    }
  }
  return "";
}

StructType BeforeRules(const StructType& table, const StructType& given) {
  StructType before;
  for (StructField column : table) {
    if (!given.IndexOf(column.name) && GenerationExpressionOf(column)) column.nullable = true;
    before.Add(std::move(column));
  }
  return before;
}

}  // namespace millstream
