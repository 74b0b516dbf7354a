#include "compute/sql/plan_sql.h"
#include "compute/sql/sql_text.h"

namespace millstream::compute {

bool IsConstantRows(const PlanNode& plan) {
  std::vector<const PlanNode*> open = {&plan};
  while (!open.empty()) {
    const PlanNode* node = open.back();
    open.pop_back();
    if (node->As<OneRow>()) continue;
    if (const auto* project = node->As<Project>()) {
      open.push_back(project->child.get());
    } else if (const auto* set = node->As<SetOperation>(); set && set->kind == SetOperation::Kind::kUnion && set->is_all) {
      open.push_back(set->left.get());
      open.push_back(set->right.get());
    } else {
      return false;
    }
  }
  return true;
}

Result<std::vector<PlanSql::ConstantRow>> PlanSql::ConstantRows(const PlanNode& plan) {
  if (depth_ > kMaxPlanDepth) return Status::Internal("constant rows nested too deep");
  std::vector<ConstantRow> rows;
  if (const auto* project = plan.As<Project>()) {
    ++depth_;
    auto inner = ConstantRows(*project->child);
    --depth_;
    if (!inner.ok()) return inner.status();
    ExpressionSql sql(*this, conf_);
    for (ConstantRow& below : *inner) {
      sql.computed = std::move(below);
      ConstantRow row;
      for (const ExprPtr& expr : project->expressions) {
        const auto* alias = expr->As<Alias>();
        const auto* attribute = expr->As<AttributeRef>();
        if (!alias && !attribute) return Status::Internal("a projection without a name: " + SqlOf(*expr));
        MS_ASSIGN_OR_RETURN(std::string text, sql.Emit(*expr));
        row[ColumnOf(alias ? alias->id : attribute->id)] = std::move(text);
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }
  const auto* set = plan.As<SetOperation>();
  if (!set) return std::vector<ConstantRow>(1);
  for (const PlanPtr& side : {set->left, set->right}) {
    const auto output = OutputOf(*side);
    if (output.size() != set->output.size()) return Status::Internal("a set operation over different numbers of columns");
    ++depth_;
    auto inner = ConstantRows(*side);
    --depth_;
    if (!inner.ok()) return inner.status();
    for (ConstantRow& below : *inner) {
      ConstantRow row;
      for (size_t i = 0; i < output.size(); ++i) row[ColumnOf(set->output[i].id)] = below[ColumnOf(output[i].id)];
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<std::string> PlanSql::EmitValues(const PlanNode& plan, const Needed& needed) {
  std::vector<AttributeRef> columns;
  for (const AttributeRef& attribute : OutputOf(plan)) {
    if (needed.contains(attribute.id)) columns.push_back(attribute);
  }
  MS_ASSIGN_OR_RETURN(auto rows, ConstantRows(plan));
  std::string list, names;
  for (ConstantRow& row : rows) {
    std::string values;
    for (const AttributeRef& column : columns) {
      values += (values.empty() ? "" : ", ") + ("CAST(" + row[ColumnOf(column.id)] + " AS " + TypeSql(column.type) + ")");
    }
    list += (list.empty() ? "(" : ", (") + (values.empty() ? "1" : values) + ")";
  }
  for (const AttributeRef& column : columns) names += (names.empty() ? "" : ", ") + ColumnOf(column.id);
  return "SELECT * FROM (VALUES " + list + ") AS t(" + (names.empty() ? "\"one\"" : names) + ")";
}

}  // namespace millstream::compute
