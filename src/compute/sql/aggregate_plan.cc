#include <algorithm>

#include "compute/sql/plan_sql.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {
namespace {

std::string CommaSeparated(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items) joined += (joined.empty() ? "" : ", ") + item;
  return joined;
}

}  // namespace

// Grouping expressions are computed below the aggregate as columns g0, g1 …: what the output repeats of them is then a column, not an expression
// that DuckDB would have to recognise.
Result<std::string> PlanSql::EmitAggregate(const Aggregate& aggregate, const Needed& needed) {
  ExpressionSql sql(*this, conf_);
  std::vector<std::pair<const Expr*, ExprId>> wanted;
  Needed below, done;
  for (const ExprPtr& expr : aggregate.aggregates) {
    const auto* alias = expr->As<Alias>();
    const auto* attribute = expr->As<AttributeRef>();
    if (!alias && !attribute) return Status::Internal("an aggregate without a name: " + SqlOf(*expr));
    const ExprId id = alias ? alias->id : attribute->id;
    if (!needed.contains(id) || !done.insert(id).second) continue;
    CollectReferences(*expr, below);
    wanted.emplace_back(expr.get(), id);
  }
  for (const ExprPtr& expr : aggregate.group_by) CollectReferences(*expr, below);
  for (const auto& set : aggregate.grouping_sets) {
    for (const ExprPtr& expr : set) CollectReferences(*expr, below);
  }
  MS_ASSIGN_OR_RETURN(std::string select, Emit(*aggregate.child, below));

  std::map<std::string, std::string> columns;  // text of the expression → its column
  std::vector<std::string> grouping;
  std::string definitions;
  auto column_of = [&](const ExprPtr& expr) -> Result<std::string> {
    MS_ASSIGN_OR_RETURN(std::string text, sql.Emit(*expr));
    auto [entry, is_new] = columns.try_emplace(text, "\"g" + std::to_string(columns.size()) + "\"");
    if (is_new) {
      definitions += ", " + GroupKeySql(text, TypeOf(*expr)) + " AS " + entry->second;
      grouping.push_back(entry->second);
    }
    return entry->second;
  };
  for (const ExprPtr& expr : aggregate.group_by) MS_RETURN_IF_ERROR(column_of(expr).status());
  std::string sets;
  for (const auto& set : aggregate.grouping_sets) {
    std::vector<std::string> members;
    for (const ExprPtr& expr : set) {
      MS_ASSIGN_OR_RETURN(std::string column, column_of(expr));
      members.push_back(std::move(column));
    }
    sets += (sets.empty() ? "(" : ", (") + CommaSeparated(members) + ")";
  }
  std::string from = " FROM (SELECT *" + definitions + " FROM (" + select + ") AS t) AS t";
  std::string group_by = !sets.empty() ? " GROUP BY GROUPING SETS (" + sets + ")" : grouping.empty() ? "" : " GROUP BY " + CommaSeparated(grouping);

  sql.computed = columns;
  sql.grouping_columns = grouping;
  std::string output;
  for (const auto& [expr, id] : wanted) {
    MS_ASSIGN_OR_RETURN(std::string text, sql.Emit(*expr));
    output += (output.empty() ? "" : ", ") + ("CAST(" + text + " AS " + TypeSql(TypeOf(*expr)) + ")") + " AS " + ColumnOf(id);
  }
  // Even when nobody looks at a column, a global aggregate is one row.
  if (output.empty()) output = grouping.empty() ? "count(*) AS \"one\"" : "1 AS \"one\"";
  return "SELECT " + output + from + group_by;
}

}  // namespace millstream::compute
