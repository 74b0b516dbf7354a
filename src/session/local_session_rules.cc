// ALTER TABLE: CHECK constraints.

#include "connectors/delta/change_rows.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/table_rule_changes.h"
#include "plan/function_registry.h"
#include "session/local_session.h"
#include "session/names.h"
#include "session/result_table.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

constexpr char kAssumeIfExists[] = "spark.databricks.delta.constraints.assumesDropIfExists.enabled";

}  // namespace

// How many rows of the table, as it was then, break the rule.
Result<int64_t> LocalSession::CountViolations(const ResolvedTable& table, const NewRule& rule, const Execution& under) {
  DeltaOpenOptions open{.name = table.name, .options = {{"versionAsOf", std::to_string(rule.version)}}, .threads = engine_->options.threads};
  MS_ASSIGN_OR_RETURN(auto source, OpenDeltaTable(engine_->delta, table.location, open));
  ScanRelation scan{.source = std::move(source), .output = {}};
  for (size_t i = 0; i < rule.schema.size(); ++i) scan.output.push_back(ColumnOf(rule.schema, i));
  const ExprPtr broken = MakeExpr(Call{FindFunction("not"), {rule.holds}, DataType::Boolean(), false, EvalMode::kAnsi});
  const AttributeRef one{.name = "one", .type = DataType::Integer(), .nullable = false, .id = ExprId(1)};
  PlanPtr plan = MakePlan(Filter{broken, MakePlan(std::move(scan))});
  plan = MakePlan(Project{{MakeExpr(Alias{MakeExpr(Literal{Value{int64_t{1}}, one.type}), {one.name}, std::nullopt, one.id})}, std::move(plan)});
  MS_ASSIGN_OR_RETURN(QueryResult rows, ExecuteAnalyzed(plan, under));
  int64_t count = 0;
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.rows->Next());
    if (!batch) return count;
    count += batch->num_rows();
  }
}

Result<QueryResult> LocalSession::Run(const AddConstraint& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, "ALTER TABLE"));
  for (int attempt = 1;; ++attempt) {
    MS_ASSIGN_OR_RETURN(NewRule rule, PlanConstraint(engine_->delta, table.location, command.name, command.expression, analyzer_conf()));
    MS_ASSIGN_OR_RETURN(const int64_t broken, CountViolations(table, rule, under));
    if (broken > 0) {
      return Status::Error(errors::kDeltaNewConstraintViolated,
                           {{"numRows", std::to_string(broken)}, {"tableName", table.name}, {"checkConstraint", command.expression}});
    }
    Status committed = rule.commit();
    if (committed.ok()) return EmptyResult();
    if (attempt == kAttemptsMax || !IsChangeConflict(committed)) return committed;
  }
}

Result<QueryResult> LocalSession::Run(const DropConstraint& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, "ALTER TABLE"));
  MS_ASSIGN_OR_RETURN(const bool was_there, DropDeltaConstraint(engine_->delta, table.location, command.name));
  if (was_there || command.if_exists || ParseBool(conf_.Get(kAssumeIfExists).value_or("false")).value_or(false)) return EmptyResult();
  std::vector<std::string> name = MakeCatalog().Qualify(command.table);
  if (name.size() == 3) name.erase(name.begin());
  return Status::Error(errors::kDeltaConstraintMissing,
                       {{"constraintName", command.name}, {"tableName", QuoteName(name)}, {"config", kAssumeIfExists}, {"confValue", "true"}});
}

}  // namespace millstream
