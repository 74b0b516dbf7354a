#include "plan/table_expressions.h"

#include <algorithm>
#include <map>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/stored_value.h"
#include "plan/plan_errors.h"
#include "plan/sql/parser.h"

namespace millstream {
namespace {

// Far above what one analysis hands out, and apart from the other rooms'.
constexpr int64_t kFirstColumnId = int64_t{1} << 43;

// A table's expressions speak of the table alone.
class NoCatalog : public Catalog {
 public:
  Result<PlanPtr> FindView(const std::vector<std::string>&) override { return PlanPtr(); }
  Result<RelationSourcePtr> FindTable(const UnresolvedRelation&) override { return Refused(); }
  Result<RelationSourcePtr> OpenDataSource(const UnresolvedDataSource&) override { return Refused(); }
  std::vector<std::string> Qualify(const std::vector<std::string>& name) override { return name; }

 private:
  static Status Refused() { return Status::Unsupported("a table within an expression of a table"); }
};

Status NotForTables(std::string_view sql, const std::string& what) {
  return Status::Unsupported(what + " in the expression of a table, " + std::string(sql), "Use expressions over the columns of one row.");
}

std::string Dotted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}

}  // namespace

AttributeRef ColumnOf(const StructType& table, size_t column) {
  return {.name = table[column].name,
          .type = table[column].type,
          .nullable = true,
          .id = ExprId(kFirstColumnId + static_cast<int64_t>(column)),
          .qualifier = {},
          .metadata = table[column].metadata};
}

Result<TableExpression> AnalyzeTableExpression(std::string_view sql, const StructType& table, const AnalyzerConf& conf, TableExpressionWish wish) {
  MS_ASSIGN_OR_RETURN(ExprPtr written, ParseExpression(sql));
  if (const auto* alias = written->As<Alias>()) written = alias->child;
  TableExpression made{.sql = SqlOf(*written)};
  made.tree = SqlOf(*Replace(written, [](const ExprPtr& part) -> ExprPtr {
    const auto* column = part->As<UnresolvedAttribute>();
    if (!column) return nullptr;
    UnresolvedAttribute marked = *column;
    marked.parts[0].insert(0, "'");
    return MakeExpr(std::move(marked));
  }));
  std::map<std::string, std::vector<std::string>> named;
  bool has_subquery = false;
  Contains(*written, [&](const Expr& part) {
    if (const auto* column = part.As<UnresolvedAttribute>()) named.emplace(Dotted(column->parts), column->parts);
    has_subquery = has_subquery || part.As<SubqueryExpr>() != nullptr;
    return false;
  });
  if (has_subquery) return NotForTables(sql, "A subquery");
  for (auto& [text, parts] : named) made.columns.push_back(std::move(parts));
  if (wish.missing_is_null) {
    written = Replace(written, [&](const ExprPtr& part) -> ExprPtr {
      // A lambda's own names are no columns.
      if (part->As<LambdaExpr>()) return part;
      const auto* column = part->As<UnresolvedAttribute>();
      if (!column || table.IndexOf(column->parts[0], conf.case_sensitive)) return nullptr;
      return MakeExpr(Literal{Value{}, DataType::Null()});
    });
  }
  StructType nullable;
  for (StructField field : table) {
    field.nullable = true;
    nullable.Add(std::move(field));
  }
  NoCatalog catalog;
  MS_ASSIGN_OR_RETURN(
      PlanPtr plan, Analyze(MakePlan(Project{{MakeExpr(Alias{written, {"value"}, std::nullopt})}, MakePlan(LocalRelation{nullable, {}, {}})}), catalog, conf));
  const auto* project = plan->As<Project>();
  const auto* local = project ? project->child->As<LocalRelation>() : nullptr;
  if (!local || project->expressions.size() != 1) return NotForTables(sql, "An aggregate, a window, a generator or a Python function");
  made.expr = project->expressions[0];
  if (const auto* alias = made.expr->As<Alias>()) made.expr = alias->child;
  std::map<ExprId, size_t> places;
  for (size_t i = 0; i < local->output.size(); ++i) places[local->output[i].id] = i;
  made.expr = Replace(made.expr, [&](const ExprPtr& part) -> ExprPtr {
    const auto* column = part->As<AttributeRef>();
    return column ? MakeExpr(ColumnOf(table, places.at(column->id))) : nullptr;
  });
  made.is_deterministic = IsDeterministic(*made.expr);
  return made;
}

ExprPtr OnValues(const TableExpression& expression, const std::vector<ExprPtr>& values) {
  return Replace(expression.expr, [&](const ExprPtr& part) -> ExprPtr {
    const auto* column = part->As<AttributeRef>();
    return column ? values[static_cast<size_t>(column->id.value() - kFirstColumnId)] : nullptr;
  });
}

}  // namespace millstream
