#include "connectors/delta/change_rows.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "connectors/delta/change_actions.h"
#include "connectors/delta/changed_rows.h"
#include "connectors/delta/changed_table.h"
#include "connectors/delta/checked_rows.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "delta/data_writer.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "delta/row_chain.h"
#include "delta/schema_merge.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Kind = MergeClause::Kind;
using When = RowChanges::When;
using SteadyTime = std::chrono::steady_clock::time_point;

// Less than this is written by one thread: two small files cost every later reader more than the writing of one takes.
constexpr int64_t kBytesForOneThread = int64_t{32} << 20;

std::string MillisSince(SteadyTime start) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count());
}

bool Writes(const RowChanges& changes, Kind kind) {
  return std::any_of(changes.clauses.begin(), changes.clauses.end(), [&](const RowChanges::Clause& clause) { return clause.action == kind; });
}

// What a statement goes through, from the files that it may touch to its commit.
class ChangeRun {
 public:
  ChangeRun(DeltaTables& tables, ChangedTable& table, const RowChanges& changes, ComputeEngine& compute, const RowChangeOptions& options)
      : log_(tables.Log(table.snapshot()->table_path)),
        table_(table),
        changes_(changes),
        compute_(compute),
        options_(options),
        metadata_(*table.metadata()),
        has_vectors_(metadata_.IsTrue("delta.enableDeletionVectors")),
        has_feed_(HasChangeFeed(metadata_)) {}

  Result<RowChangeResult> Run() {
    const SnapshotPtr& snapshot = table_.snapshot();
    if (!options_.txn_app_id.empty() && snapshot->TransactionVersion(options_.txn_app_id).value_or(-1) >= options_.txn_version) return RowChangeResult();
    MS_RETURN_IF_ERROR(CheckWritable(snapshot->protocol, metadata_, snapshot->table_path));
    if (Writes(changes_, Kind::kUpdate) || Writes(changes_, Kind::kDelete)) MS_RETURN_IF_ERROR(CheckRemovable(*snapshot));
    if (Writes(changes_, Kind::kUpdate) || Writes(changes_, Kind::kInsert) || options_.replacement.open) {
      MS_ASSIGN_OR_RETURN(rules_, log_->RulesOf(metadata_, options_.rule_conf));
    }
    MS_RETURN_IF_ERROR(ChooseFiles());
    if (DeletesWholeFiles()) return DeleteWholeFiles();
    return ChangeSomeRows();
  }

 private:
  Status ChooseFiles() {
    const SnapshotPtr& snapshot = table_.snapshot();
    predicates_ = PredicatesOf(changes_, options_.source_rows);
    std::vector<AddFilePtr> files;
    // A MERGE without a source row touches what the source does not match, and that alone.
    const int64_t source_count = std::accumulate(options_.source_rows.begin(), options_.source_rows.end(), int64_t{0},
                                                 [](int64_t sum, const auto& rows) { return sum + rows->num_rows(); });
    const bool touches_none = changes_.source && source_count == 0 && !changes_.Has(When::kNotMatchedBySource);
    source_count_ = source_count;
    if (!touches_none) {
      snapshot->files.ForEach([&](const AddFilePtr& file) {
        if (MayMatch(*file, metadata_, predicates_)) files.push_back(file);
      });
    }
    std::vector<ExprPtr> conjuncts;
    if (!changes_.Has(When::kNotMatchedBySource)) conjuncts = TargetConjuncts(changes_);
    const bool has_other_conditions = changes_.source || (changes_.condition && conjuncts.empty());
    MS_ASSIGN_OR_RETURN(PartitionChoice choice, ChoosePartitions(std::move(files), metadata_, changes_.columns, conjuncts, compute_, options_.compute_conf));
    is_exact_ = choice.is_exact && !has_other_conditions;
    table_.SetCandidates(std::move(choice.files));
    return Status();
  }

  // Nothing has to be read: every row of the files goes.
  bool DeletesWholeFiles() const { return !changes_.source && is_exact_ && changes_.clauses[0].action == Kind::kDelete; }

  Result<RowChangeResult> DeleteWholeFiles() {
    ChangeActions made;
    RowChangeResult result;
    const int64_t now_ms = log_->clock().WallMillis();
    for (const AddFilePtr& file : table_.candidates()) {
      MS_ASSIGN_OR_RETURN(int64_t rows, LiveRowsOf(log_->fs(), table_.snapshot()->table_path, *file));
      result.deleted += rows;
      made.RemoveWhole(*file, now_ms);
    }
    TouchedRows::Counts counts{.matched_deleted = result.deleted};
    if (!options_.replacement.open) return Commit(std::move(made), DataWritten(), counts);
    // The feed of whole files that go, and of files that come, is read out of the log.
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, OpenReplacement(metadata_.schema, false));
    MS_ASSIGN_OR_RETURN(DataWritten written, WriteDataFiles(log_->fs(), log_->clock(), table_.snapshot()->table_path, metadata_, metadata_.schema, *rows,
                                                            {.threads = options_.compute_conf.threads, .rules = rules_}));
    return Commit(std::move(made), std::move(written), counts);
  }

  Result<RowChangeResult> ChangeSomeRows() {
    const bool has_new = Writes(changes_, Kind::kUpdate) || Writes(changes_, Kind::kInsert);
    // Of a DELETE with deletion vectors, and of a MERGE that only inserts, the feed is read out of the log.
    feeds_ = has_feed_ && (changes_.source ? Writes(changes_, Kind::kUpdate) || Writes(changes_, Kind::kDelete) : has_new || !has_vectors_);
    ChangedRowsShape shape{.table = metadata_.schema, .clauses = changes_.clauses, .has_new = has_new, .has_old = feeds_, .has_change_rows = feeds_};
    TouchedRows touched(table_.candidates().size());

    PlanPtr source_rows;
    if (changes_.source) source_rows = MakePlan(LocalRelation{SchemaOf(*changes_.source), options_.source_rows, OutputOf(*changes_.source)});
    MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> compiled,
                        CompiledPlan::Compile(Optimize(ChangePlan(changes_, source_rows, has_new, feeds_)), compute_, options_.compute_conf));
    std::vector<RowStreamPtr> inputs;
    for (const auto& [relation, needs] : compiled->scans()) {
      const auto* scanned = dynamic_cast<const BatchRelationSource*>(relation.get());
      if (!scanned) return Status::Internal(relation->name() + " cannot be read by a statement that changes rows");
      MS_ASSIGN_OR_RETURN(RowStreamPtr rows, scanned->Scan(needs));
      inputs.push_back(std::move(rows));
    }
    MS_ASSIGN_OR_RETURN(RowStreamPtr plan_rows, compiled->Run(std::move(inputs), options_.cancel));

    std::vector<OpenRows> parts;
    auto changed = std::make_shared<RowStreamPtr>(MakeChangedRows(std::move(plan_rows), shape, touched));
    const StructType plan_schema = ChangedRowsSchema(shape);
    // Rows that stay as they are keep what is known of the files that they came from; of the others nobody knows.
    const bool traces = !has_vectors_;
    const StructType schema = traces ? WithSourceFile(plan_schema) : plan_schema;
    auto names = std::make_shared<std::vector<std::string>>();
    auto untraced = [traces](RowStreamPtr part) { return traces ? UntracedRows(std::move(part)) : std::move(part); };
    parts.push_back([changed, untraced]() -> Result<RowStreamPtr> { return untraced(std::move(*changed)); });
    if (traces) parts.push_back([this, &touched, names]() -> Result<RowStreamPtr> { return RowsThatStay(touched, *names); });
    if (options_.replacement.open) {
      parts.push_back([this, &plan_schema, untraced]() -> Result<RowStreamPtr> {
        MS_ASSIGN_OR_RETURN(RowStreamPtr part, OpenReplacement(plan_schema, feeds_));
        return untraced(std::move(part));
      });
    }
    RowStreamPtr rows = ChainRows(ToArrowSchema(schema), std::move(parts));
    DataWriteOptions write{.threads = CandidateBytes() > kBytesForOneThread || options_.replacement.open ? options_.compute_conf.threads : 1,
                           .has_change_rows = feeds_,
                           .rules = rules_,
                           .rows_are_stored = rules_ == nullptr};
    if (traces) write.source_files = names;
    Result<DataWritten> written = WriteDataFiles(log_->fs(), log_->clock(), table_.snapshot()->table_path, metadata_, schema, *rows, write);
    if (!written.ok()) return AsTableWrite(written.status());

    ChangeActions made;
    MS_RETURN_IF_ERROR(made.Take(log_->fs(), table_, touched, has_vectors_, log_->clock().WallMillis()));
    return Commit(std::move(made), *std::move(written), touched.counts());
  }

  // `schema` is the table's, with _change_type behind it when `with_feed`.
  Result<RowStreamPtr> OpenReplacement(const StructType& schema, bool with_feed) const {
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, options_.replacement.open());
    return CheckedRows(std::move(rows), schema, options_.replacement.condition, with_feed);
  }

  int64_t CandidateBytes() const {
    int64_t bytes = 0;
    for (const AddFilePtr& file : table_.candidates()) bytes += file->size_bytes;
    for (const RecordBatchPtr& batch : options_.source_rows) bytes += batch->num_rows() * 16;
    return bytes;
  }

  // Without deletion vectors: the rows of touched files that neither go nor change. A file all of whose rows are touched is not read.
  Result<RowStreamPtr> RowsThatStay(TouchedRows& touched, std::vector<std::string>& names) const {
    MS_RETURN_IF_ERROR(touched.Finish());
    ScanRequest request{.table_path = table_.snapshot()->table_path, .metadata = table_.metadata()};
    for (const StructField& field : metadata_.schema) request.columns.push_back({.field = field});
    if (feeds_) {
      request.columns.push_back({.field = {std::string(kChangeTypeColumn), DataType::String()}, .kind = ScanColumn::Kind::kConstant, .constant = 0});
    }
    for (size_t i = 0; i < touched.files(); ++i) {
      DeletedRows changed = touched.ChangedOf(i);
      if (!changed) continue;
      const AddFile& file = *table_.candidates()[i];
      MS_ASSIGN_OR_RETURN(int64_t live, LiveRowsOf(log_->fs(), request.table_path, file));
      if (live == static_cast<int64_t>(changed->size())) continue;
      ScanFile scan = ScanFile::Of(file);
      scan.without = std::move(changed);
      scan.constants = {Value{}};
      request.files.push_back(std::move(scan));
    }
    return ScanTraced(log_->fs(), std::move(request), names);
  }

  // What is wrong with an INSERT's value is wrong with an assigned one under another name.
  static Status AsTableWrite(Status status) {
    if (status.error_class().name != "CAST_OVERFLOW_IN_TABLE_INSERT") return status;
    ErrorParams params = status.params();
    params["storeAssignmentPolicyFlag"] = "spark.sql.storeAssignmentPolicy";
    params["updateAndMergeCastingFollowsAnsiEnabledFlag"] = "spark.databricks.delta.updateAndMergeCastingFollowsAnsiEnabledFlag";
    params["ansiEnabledFlag"] = "spark.sql.ansi.enabled";
    return Status::Error(errors::kDeltaCastOverflowInWrite, std::move(params));
  }

  Result<RowChangeResult> Commit(ChangeActions made, DataWritten written, const TouchedRows::Counts& counts) {
    RowChangeResult result{.updated = counts.updated(), .deleted = counts.deleted(), .inserted = counts.inserted};
    const bool evolves = table_.metadata()->schema_string != table_.snapshot()->metadata->schema_string;
    // A transaction id is committed in any case: the statement may have found something to do when it is run again after others.
    if (made.removes.empty() && made.adds.empty() && written.files.empty() && !evolves && options_.txn_app_id.empty()) return result;
    CommitRequest request{.read = table_.snapshot(), .operation = options_.operation, .user_metadata = options_.user_metadata};
    request.would_read = [metadata = table_.metadata(), predicates = predicates_](const AddFile& file) { return MayMatch(file, *metadata, predicates); };
    for (const AddFilePtr& file : table_.candidates()) request.read_keys.insert(FileKey(file->path, file->deletion_vector));
    request.parameters = options_.replacement.open ? ReplaceParameters(metadata_, options_.replacement.condition) : ChangeParameters(changes_);
    request.metrics = options_.replacement.open ? ReplaceMetrics(made, written, counts)
                      : changes_.source         ? MergeMetrics(made, written, counts, source_count_, MillisSince(start_))
                                                : ChangeMetrics(made, written, counts, options_.operation == "UPDATE", MillisSince(start_));
    if (evolves) {
      request.actions.metadata = *table_.metadata();
      Protocol protocol = ProtocolWith(table_.snapshot()->protocol, metadata_.schema);
      if (!(protocol == table_.snapshot()->protocol)) request.actions.protocol = std::move(protocol);
    }
    if (!options_.txn_app_id.empty()) request.actions.transactions.push_back({options_.txn_app_id, options_.txn_version, log_->clock().WallMillis()});
    request.actions.removes = std::move(made.removes);
    request.actions.adds = std::move(made.adds);
    request.actions.adds.insert(request.actions.adds.end(), written.files.begin(), written.files.end());
    request.actions.changes = std::move(written.changes);
    MS_ASSIGN_OR_RETURN(SnapshotPtr after, log_->Commit(std::move(request)));
    result.version = after->version;
    return result;
  }

  const std::shared_ptr<DeltaLog> log_;
  ChangedTable& table_;
  const RowChanges& changes_;
  ComputeEngine& compute_;
  const RowChangeOptions& options_;
  const Metadata& metadata_;
  const bool has_vectors_, has_feed_;
  const SteadyTime start_ = std::chrono::steady_clock::now();
  RowRulesPtr rules_;  // null: none, or no row comes new
  std::vector<ColumnPredicate> predicates_;
  int64_t source_count_ = 0;
  bool is_exact_ = false;
  bool feeds_ = false;  // change files are written
};

}  // namespace

Result<std::shared_ptr<ChangedTable>> OpenChangedTable(DeltaTables& tables, const std::string& path, const std::string& name,
                                                       const std::optional<StructType>& source_schema) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  MetadataPtr metadata = snapshot->metadata;
  if (source_schema) {
    MS_ASSIGN_OR_RETURN(StructType merged, MergeSchemas(metadata->schema, *source_schema));
    if (!(merged == metadata->schema)) {
      MS_RETURN_IF_ERROR(CheckTableSchema(merged, metadata->partition_columns));
      auto evolved = std::make_shared<Metadata>(*metadata);
      evolved->schema_string = ToSparkJson(merged);
      evolved->schema = std::move(merged);
      metadata = std::move(evolved);
    }
  }
  return std::make_shared<ChangedTable>(tables.fs(), name, std::move(snapshot), std::move(metadata));
}

RelationSourcePtr RelationOf(const std::shared_ptr<ChangedTable>& table) { return table; }

Result<RowChangeResult> ChangeRows(DeltaTables& tables, ChangedTable& table, const RowChanges& changes, ComputeEngine& compute,
                                   const RowChangeOptions& options) {
  return ChangeRun(tables, table, changes, compute, options).Run();
}

bool IsChangeConflict(const Status& status) {
  return status.Is(errors::kDeltaConcurrentAppend) || status.Is(errors::kDeltaConcurrentDeleteRead) || status.Is(errors::kDeltaConcurrentDeleteDelete);
}

}  // namespace millstream
