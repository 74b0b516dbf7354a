// Writes that overwrite a part of a table: INSERT INTO t REPLACE WHERE …, the option replaceWhere, INSERT OVERWRITE t PARTITION (p = 1).

#include <algorithm>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "connectors/delta/change_rows.h"
#include "connectors/delta/changed_table.h"
#include "connectors/delta/delta_connector.h"
#include "plan/function_registry.h"
#include "plan/row_changes.h"
#include "plan/sql/parser.h"
#include "plan/table_expressions.h"
#include "session/local_session.h"
#include "session/names.h"
#include "session/session_errors.h"
#include "types/generated_column.h"

namespace millstream {
namespace {

// Far above what one analysis hands out, and apart from store_assignment.cc's.
constexpr int64_t kFirstId = (int64_t{1} << 40) + (int64_t{1} << 20);

ExprPtr CallOf(const char* name, std::vector<ExprPtr> args) { return MakeExpr(UnresolvedFunction{.name = {name}, .args = std::move(args)}); }

std::vector<ExprPtr> AsExpressions(const std::vector<AttributeRef>& columns) {
  std::vector<ExprPtr> expressions;
  for (const AttributeRef& column : columns) expressions.push_back(MakeExpr(column));
  return expressions;
}

// The rows with exactly the table's columns (null where they have none), and behind them whether they fulfil the condition.
Result<PlanPtr> TableRows(const PlanPtr& rows, const StructType& table, const RowChanges& changes, const AnalyzerConf& conf) {
  const std::vector<AttributeRef> output = OutputOf(*rows);
  std::vector<ExprPtr> columns;
  std::vector<AttributeRef> named;
  for (size_t i = 0; i < table.size(); ++i) {
    auto found = std::find_if(output.begin(), output.end(), [&](const AttributeRef& column) { return EqualsIgnoreCase(column.name, table[i].name); });
    ExprPtr value = found != output.end() ? MakeExpr(*found) : MakeExpr(Literal{Value{}, table[i].type});
    if (found != output.end() && !found->type.SameType(table[i].type)) value = MakeExpr(Cast{value, table[i].type, EvalMode::kAnsi});
    AttributeRef name{.name = table[i].name, .type = table[i].type, .nullable = true, .id = ExprId(kFirstId + static_cast<int64_t>(i))};
    columns.push_back(MakeExpr(Alias{std::move(value), {name.name}, std::nullopt, name.id}));
    named.push_back(std::move(name));
  }
  PlanPtr all = MakePlan(Project{std::move(columns), rows});
  // Generated columns that the rows do not have follow from the others, and may be what the condition speaks of.
  const std::vector<ExprPtr> values = AsExpressions(named);
  std::vector<ExprPtr> completed = values;
  bool any_generated = false;
  for (size_t i = 0; i < table.size(); ++i) {
    const std::optional<std::string> sql = GenerationExpressionOf(table[i]);
    const bool is_given = std::any_of(output.begin(), output.end(), [&](const AttributeRef& column) { return EqualsIgnoreCase(column.name, table[i].name); });
    if (!sql || is_given) continue;
    any_generated = true;
    MS_ASSIGN_OR_RETURN(const TableExpression expression, AnalyzeTableExpression(*sql, table, conf));
    named[i].id = ExprId(kFirstId + static_cast<int64_t>(2 * table.size() + i));
    completed[i] = MakeExpr(Alias{MakeExpr(Cast{OnValues(expression, values), table[i].type, EvalMode::kAnsi}), {named[i].name}, std::nullopt, named[i].id});
  }
  if (any_generated) all = MakePlan(Project{std::move(completed), std::move(all)});
  std::vector<ExprPtr> checked = AsExpressions(named);
  checked.push_back(MakeExpr(Alias{ConditionOn(changes, named), {"__holds"}, std::nullopt, ExprId(kFirstId + static_cast<int64_t>(table.size()))}));
  return MakePlan(Project{std::move(checked), std::move(all)});
}

}  // namespace

Result<LocalSession::Replaced> LocalSession::ReplacedBy(const WriteData& command) {
  if (command.mode != SaveMode::kOverwrite) return Replaced();
  if (command.replace_where) return Replaced{command.replace_where, command.replace_where_text};
  if (auto option = command.options.find("replaceWhere"); option != command.options.end()) {
    Replaced replaced{.text = option->second};
    MS_ASSIGN_OR_RETURN(replaced.condition, ParseExpression(option->second));
    return replaced;
  }
  Replaced replaced;
  for (const auto& [column, value] : command.partition_values) {
    if (!value) continue;
    // A null partition is the one of null.
    ExprPtr equals = CallOf("<=>", {MakeExpr(UnresolvedAttribute{.parts = {column}}), value});
    replaced.condition = replaced.condition ? CallOf("and", {replaced.condition, std::move(equals)}) : std::move(equals);
    replaced.text += (replaced.text.empty() ? "" : " AND ") + QuoteName({column}) + " <=> " + SqlOf(*value);
  }
  return replaced;
}

Result<PlanPtr> LocalSession::WithPartitionValues(const WriteData& command, const PlanPtr& analyzed, const DeltaTableInfo& table) {
  if (command.partition_values.empty()) return analyzed;
  if (command.by_name || !command.insert_columns.empty()) {
    return Status::Unsupported("INSERT … PARTITION with a list of columns or BY NAME", "Leave PARTITION out and select the partition's value.");
  }
  std::vector<ExprPtr> values;  // of static partitions
  for (const auto& [column, value] : command.partition_values) {
    const auto is_it = [&](const std::string& name) { return EqualsIgnoreCase(name, column); };
    if (std::none_of(table.partition_columns.begin(), table.partition_columns.end(), is_it)) {
      return Status::Error(errors::kNonPartitionColumn, {{"columnName", QuoteName({column})}});
    }
    if (value) values.push_back(MakeExpr(Alias{value, {column}, std::nullopt}));
  }
  if (values.empty()) return analyzed;
  MS_ASSIGN_OR_RETURN(PlanPtr constants, AnalyzePlan(MakePlan(Project{values, MakePlan(OneRow{})})));
  const auto* resolved = constants->As<Project>();
  if (!resolved) return Status::Unsupported("an INSERT whose partition value is no constant");
  std::vector<ExprPtr> columns;
  std::vector<AttributeRef> output = OutputOf(*analyzed);
  size_t next = 0, next_id = 1 << 16;
  for (const StructField& field : table.schema) {
    const Alias* constant = nullptr;
    for (const ExprPtr& expr : resolved->expressions) {
      const auto* alias = expr->As<Alias>();
      if (alias && EqualsIgnoreCase(alias->names[0], field.name)) constant = alias;
    }
    if (constant) {
      columns.push_back(MakeExpr(
          Alias{MakeExpr(Cast{constant->child, field.type, EvalMode::kAnsi}), {field.name}, std::nullopt, ExprId(kFirstId + static_cast<int64_t>(next_id++))}));
    } else if (next < output.size()) {
      columns.push_back(MakeExpr(output[next++]));
    }
  }
  // Too many columns are the connector's error, as too few are.
  while (next < output.size()) columns.push_back(MakeExpr(output[next++]));
  return MakePlan(Project{std::move(columns), analyzed});
}

Status LocalSession::ReplaceRows(const Replaced& replaced, const ResolvedTable& table, const PlanPtr& rows, const OptionMap& options, const Execution& under) {
  for (const char* option : {"mergeSchema", "overwriteSchema"}) {
    if (auto found = options.find(option); found != options.end() && ParseBool(found->second).value_or(false)) {
      return Status::Unsupported(std::string("The option ") + option + " together with replaceWhere", "Change the schema by a write of its own.");
    }
  }
  MS_RETURN_IF_ERROR(CheckRowsFit(engine_->delta, table.location, {.schema = SchemaOf(*rows), .partition_by = {}, .options = {}}));
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(std::shared_ptr<ChangedTable> changed, OpenChangedTable(engine_->delta, table.location, table.name, std::nullopt));
  MS_ASSIGN_OR_RETURN(RowChanges changes,
                      AnalyzeDelete({.target = {}, .condition = replaced.condition}, RelationOf(changed), {table.name}, catalog, analyzer_conf()));
  RowChangeOptions change{.operation = "WRITE", .compute_conf = compute_conf(), .rule_conf = rule_conf(), .cancel = under.cancel};
  MS_RETURN_IF_ERROR(SetTransaction(options, change));
  if (auto text = options.find("userMetadata"); text != options.end()) change.user_metadata = text->second;
  MS_ASSIGN_OR_RETURN(const PlanPtr checked, TableRows(rows, changed->schema(), changes, analyzer_conf()));
  change.replacement = {.open = [&]() -> Result<RowStreamPtr> {
                          MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(checked, under));
                          return std::move(query.rows);
                        },
                        .condition = replaced.text};
  return ChangeRows(engine_->delta, *changed, changes, engine_->compute, change).status();
}

}  // namespace millstream
