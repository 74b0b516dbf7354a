#include <charconv>
#include <type_traits>

#include "connectors/delta/change_rows.h"
#include "connectors/delta/changed_table.h"
#include "plan/row_changes.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

const char* NameOf(const DeleteFrom&) { return "DELETE"; }
const char* NameOf(const UpdateTable&) { return "UPDATE"; }
const char* NameOf(const MergeInto&) { return "MERGE"; }

// What a MERGE WITH SCHEMA EVOLUTION may add to the table: the source's columns that a star or an assignment asks for, and fields of its structs.
StructType AddedBy(const MergeInto& merge, const StructType& source, const StructType& table) {
  bool has_star = false;
  StructType assigned;
  for (const auto* clauses : {&merge.matched, &merge.not_matched}) {
    for (const MergeClause& clause : *clauses) {
      has_star = has_star || clause.is_star;
      for (const Assignment& assignment : clause.assignments) assigned.Add({assignment.column.back(), DataType::Null()});
    }
  }
  StructType added;
  for (const StructField& field : source) {
    if (!has_star && !assigned.IndexOf(field.name)) continue;
    std::optional<size_t> index = table.IndexOf(field.name);
    // Where both have a plain column, the table's type stays and the values are cast.
    if (!index || (field.type.IsNested() && table[*index].type.IsNested())) added.Add(field);
  }
  return added;
}

Result<int64_t> TransactionVersionOf(const OptionMap& transaction) {
  auto found = transaction.find("txnVersion");
  int64_t version = 0;
  const std::string text = found == transaction.end() ? "" : found->second;
  if (!transaction.contains("txnAppId") || text.empty() || std::from_chars(text.data(), text.data() + text.size(), version).ptr != text.data() + text.size()) {
    return Status::IllegalArgument("Please set both the options txnAppId and txnVersion, or neither of them; txnVersion is a number.");
  }
  return version;
}

}  // namespace

Status LocalSession::SetTransaction(const OptionMap& transaction, RowChangeOptions& options) {
  if (!transaction.contains("txnAppId") && !transaction.contains("txnVersion")) return Status();
  MS_ASSIGN_OR_RETURN(options.txn_version, TransactionVersionOf(transaction));
  options.txn_app_id = transaction.at("txnAppId");
  return Status();
}

Result<ResolvedTable> LocalSession::RequireDeltaTable(const MultipartName& name, const char* statement) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog.FindView(name));
  if (view) return Status::Unsupported(std::string(statement) + " on a view", "Name the table that the view reads.");
  MS_ASSIGN_OR_RETURN(ResolvedTable table, catalog.Require(name));
  if (!IsDeltaFormat(table.provider)) return Status::Unsupported(std::string(statement) + " on a " + table.provider + " table", "Use a Delta table.");
  return table;
}

template <typename Statement>
Result<RowChangeResult> LocalSession::ChangeRowsOnce(const Statement& statement, const ResolvedTable& table, const std::vector<std::string>& name,
                                                     const OptionMap& transaction, const Execution& under) {
  SessionCatalog catalog = MakeCatalog();
  RowChangeOptions options{.operation = NameOf(statement), .compute_conf = compute_conf(), .rule_conf = rule_conf(), .cancel = under.cancel};
  MS_RETURN_IF_ERROR(SetTransaction(transaction, options));
  options.user_metadata = conf_.Get("spark.databricks.delta.commitInfo.userMetadata");
  MS_ASSIGN_OR_RETURN(std::shared_ptr<ChangedTable> changed, OpenChangedTable(engine_->delta, table.location, table.name, std::nullopt));
  RowChanges changes;
  if constexpr (std::is_same_v<Statement, DeleteFrom>) {
    MS_ASSIGN_OR_RETURN(changes, AnalyzeDelete(statement, RelationOf(changed), name, catalog, analyzer_conf()));
  } else if constexpr (std::is_same_v<Statement, UpdateTable>) {
    MS_ASSIGN_OR_RETURN(changes, AnalyzeUpdate(statement, RelationOf(changed), name, catalog, analyzer_conf()));
  } else {
    const bool evolves = statement.with_schema_evolution || MergesSchemas({});
    if (evolves) {
      MS_ASSIGN_OR_RETURN(PlanPtr source, AnalyzeBatch(statement.source));
      const StructType added = AddedBy(statement, SchemaOf(*source), changed->schema());
      MS_ASSIGN_OR_RETURN(changed, OpenChangedTable(engine_->delta, table.location, table.name, added));
    }
    MS_ASSIGN_OR_RETURN(changes, AnalyzeMerge(statement, RelationOf(changed), name, evolves, catalog, analyzer_conf()));
    if (IsStreaming(*changes.source)) return Status::Error(errors::kWriteOnStream, {{"methodName", "merge"}});
    MS_ASSIGN_OR_RETURN(QueryResult source, ExecuteAnalyzed(changes.source, under));
    MS_ASSIGN_OR_RETURN(options.source_rows, Drain(*source.rows));
  }
  return ChangeRows(engine_->delta, *changed, changes, engine_->compute, options);
}

template <typename Statement>
Result<RowChangeResult> LocalSession::ChangeRowsOf(const Statement& statement, const Execution& under) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(statement.target.table, NameOf(statement)));
  const std::vector<std::string> name = MakeCatalog().Qualify(statement.target.table);
  OptionMap transaction;
  // Delta's own way to make a statement idempotent, where it has no options.
  for (const char* key : {"txnAppId", "txnVersion"}) {
    if (std::optional<std::string> value = conf_.Get(std::string("spark.databricks.delta.write.") + key)) transaction[key] = *value;
  }
  transaction = WithTransaction(std::move(transaction), table.location, under);
  MS_ASSIGN_OR_RETURN(bool is_done, IsWritten(table.location, transaction));
  if (is_done) return RowChangeResult();
  for (int attempt = 1;; ++attempt) {
    TableTurns::Turn turn = engine_->turns.Take(table.location, attempt);
    Result<RowChangeResult> result = ChangeRowsOnce(statement, table, name, transaction, under);
    if (result.ok() || attempt == kAttemptsMax || !IsChangeConflict(result.status())) return result;
  }
}

Result<QueryResult> LocalSession::Run(const DeleteFrom& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(RowChangeResult changed, ChangeRowsOf(command, under));
  ResultTable result(StructType({{"num_affected_rows", DataType::Long()}}));
  result.AddRow({Value{changed.deleted}});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const UpdateTable& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(RowChangeResult changed, ChangeRowsOf(command, under));
  ResultTable result(StructType({{"num_affected_rows", DataType::Long()}}));
  result.AddRow({Value{changed.updated}});
  return result.Finish();
}

Result<QueryResult> LocalSession::Run(const MergeInto& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(RowChangeResult changed, ChangeRowsOf(command, under));
  ResultTable result(StructType({{"num_affected_rows", DataType::Long()},
                                 {"num_updated_rows", DataType::Long()},
                                 {"num_deleted_rows", DataType::Long()},
                                 {"num_inserted_rows", DataType::Long()}}));
  result.AddRow({Value{changed.updated + changed.deleted + changed.inserted}, Value{changed.updated}, Value{changed.deleted}, Value{changed.inserted}});
  return result.Finish();
}

}  // namespace millstream
