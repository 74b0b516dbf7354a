#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <fmt/format.h>

#include <set>

#include "connectors/delta/delta_append.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/traced_rows.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/cloud_files_relation.h"
#include "formats/archive.h"
#include "plan/sql/parser.h"
#include "session/copy_options.h"
#include "session/copy_target.h"
#include "session/local_session.h"
#include "session/quarantine_table.h"
#include "session/result_table.h"
#include "session/retried_records.h"
#include "session/session_errors.h"
#include "session/sifted_rows.h"
#include "storage/failpoint.h"
#include "streaming/unsupported_operation_checker.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Of the target's txn: the number of the last retry of a quarantine table that is in it.
constexpr char kRetryAppId[] = "millstream.retry.";
constexpr int64_t kRetriedBytesMax = int64_t{1} << 30;
constexpr int kCommitAttemptsMax = 100;

// Columns of the one source that come out as they are: their names in it, and in the result.
std::vector<std::pair<std::string, std::string>> PassedColumns(const PlanPtr& analyzed) {
  const PlanNode* scan = analyzed.get();
  while (scan->As<ScanRelation>() == nullptr) scan = ChildrenOf(*scan)[0].get();
  std::map<ExprId, std::string> names;
  for (const AttributeRef& column : OutputOf(*scan)) names.emplace(column.id, column.name);
  std::vector<std::pair<std::string, std::string>> passed;
  for (const AttributeRef& column : OutputOf(*analyzed)) {
    if (auto found = names.find(column.id); found != names.end()) passed.emplace_back(found->second, column.name);
  }
  return passed;
}

PlanPtr WithoutLastColumn(const PlanPtr& analyzed) {
  Project columns;
  for (const AttributeRef& column : OutputOf(*analyzed)) columns.expressions.push_back(MakeExpr(column));
  columns.expressions.pop_back();
  columns.child = analyzed;
  return MakePlan(std::move(columns));
}

// A record is good as a whole, or not: rows of one that has another row which does not fit go. The last column, which tells the record, goes too.
Result<std::vector<RecordBatchPtr>> RowsOfGoodRecords(const std::vector<RecordBatchPtr>& batches, const std::vector<RetriedRecord*>& records) {
  std::vector<RecordBatchPtr> good;
  for (const RecordBatchPtr& batch : batches) {
    const auto& files = static_cast<const arrow::Int32Array&>(*batch->columns().back());
    arrow::Int64Builder rows;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (!records[static_cast<size_t>(files.Value(row))]->is_good) continue;
      if (arrow::Status added = rows.Append(row); !added.ok()) return FromArrowStatus(added, "while records are retried");
    }
    auto indices = rows.Finish();
    auto taken = indices.ok() ? arrow::compute::Take(arrow::Datum(batch), arrow::Datum(*indices)) : arrow::Result<arrow::Datum>(indices.status());
    if (!taken.ok()) return FromArrowStatus(taken.status(), "while records are retried");
    good.push_back(taken->record_batch());
  }
  return good;
}

// What the rows' kSourceFileColumn counts: so the rows go where those of their file go (UNDO, replay).
SourceFileNames FilesOf(const std::vector<RetriedRecord*>& records) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (const RetriedRecord* record : records) names->push_back(FileThatHolds(record->file_path) + std::string(kRetriedMark));
  return names;
}

std::string TableByPath(const std::string& path) { return QuoteName({"delta", path}); }

// One retry: what is read, what of it goes where, and the commits that make it so.
//
//   1. The records are parsed; rows of the good ones are written as data files that no commit names.
//   2. One commit of the quarantine table marks the good ones with the number of their retry, and gives the others their new reason.
//   3. Each target gets its rows in one commit with txn{"millstream.retry.<id of the quarantine table>", number}.
//   4. One commit takes out what is marked.
//
// Killed after 2: the next retry finds marks. Those whose number the target has are taken out, the others lose their mark. A lock keeps two retries apart.
class Retry {
 public:
  using RunSql = std::function<Result<QueryResult>(Command)>;
  using Select = std::function<Result<QueryResult>(const PlanPtr&)>;
  Retry(EngineState& engine, std::string path, RunSql run, Select select)
      : engine_(engine), path_(std::move(path)), run_(std::move(run)), select_(std::move(select)), quarantine_(engine, path_) {}

  Status Open() {
    MS_ASSIGN_OR_RETURN(lock_, TryLock(JoinPath(path_, "_quarantine_retry.lock")));
    if (lock_ == nullptr) return Status::Error(errors::kRetryRuns, {{"path", HadoopPathString(path_)}});
    MS_RETURN_IF_ERROR(quarantine_.Prepare());
    MS_RETURN_IF_ERROR(engine_.delta.Log(path_)->SyncLog());
    MS_ASSIGN_OR_RETURN(confirmation_, quarantine_.ConfirmationId());
    MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine_.delta, path_));
    app_id_ = kRetryAppId + info.id;
    return FinishMarked();
  }

  // Step 4, and what an earlier retry has left of it.
  Status FinishMarked() {
    MS_ASSIGN_OR_RETURN(auto marked, Query("SELECT DISTINCT target, retry_id FROM " + TableByPath(path_) + " WHERE retry_id IS NOT NULL"));
    for (const RecordBatchPtr& batch : marked) {
      const auto& targets = static_cast<const arrow::StringArray&>(*batch->column(0));
      const auto& numbers = static_cast<const arrow::Int64Array&>(*batch->column(1));
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        const std::string target = targets.GetString(row);
        MS_ASSIGN_OR_RETURN(int64_t last, CommittedIn(target, app_id_));
        const std::string chosen = "target = " + SqlText(target) + " AND retry_id = " + std::to_string(numbers.Value(row));
        MS_RETURN_IF_ERROR(last >= numbers.Value(row) ? quarantine_.Delete(chosen)
                                                      : Run("UPDATE " + TableByPath(path_) + " SET retry_id = NULL WHERE " + chosen));
      }
    }
    return Status();
  }

  Status Choose(const MultipartName& table, const ExprPtr& condition) {
    MS_ASSIGN_OR_RETURN(Statement all, ParseStatement("SELECT " + std::string(kRetriedColumns) + " FROM chosen_records WHERE retry_id IS NULL"));
    PlanPtr chosen = MakePlan(UnresolvedRelation{table, {}, false});
    if (condition) chosen = MakePlan(Filter{condition, chosen});
    const auto* projected = std::get<PlanPtr>(all)->As<Project>();
    const auto* filtered = projected != nullptr ? projected->child->As<Filter>() : nullptr;
    if (filtered == nullptr) return Status::Internal("a SELECT with WHERE is a projection of a filter");
    MS_ASSIGN_OR_RETURN(QueryResult query, select_(MakePlan(Project{projected->expressions, MakePlan(Filter{filtered->condition, chosen})})));
    int64_t bytes = 0;
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, query.rows->Next());
      if (batch == nullptr) break;
      MS_ASSIGN_OR_RETURN(std::vector<RetriedRecord> records, RecordsOf({batch}));
      for (RetriedRecord& record : records) {
        bytes += record.is_truncated ? record.byte_length : static_cast<int64_t>(record.raw.value_or("").size());
        if (bytes > kRetriedBytesMax) return Status::Error(errors::kRetryTooLarge);
        MS_ASSIGN_OR_RETURN(bool counts, IsLoaded(record));
        if (counts) records_.push_back(std::move(record));
      }
    }
    int64_t without = 0;
    const RetriedRecord* first = nullptr;
    for (const RetriedRecord& record : records_) {
      if (!record.target.empty()) continue;
      ++without;
      if (first == nullptr) first = &record;
    }
    if (first == nullptr) return Status();
    return Status::Error(errors::kRetryWithoutTarget, {{"count", std::to_string(without)}, {"file", first->file_path}});
  }

  std::vector<RetriedRecord>& records() { return records_; }

  // Step 1, for one group: `rows` as its target takes them.
  Status Write(const RetryGroup& group, const StructType& schema, RowStream& rows, SourceFileNames files, bool merges_schema, const RuleConf& conf) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<DeltaAppend> append, DeltaAppend::Begin(engine_.delta, group.target, conf));
    MS_RETURN_IF_ERROR(append->Write(schema, rows, merges_schema, engine_.options.threads, std::move(files)));
    if (!numbers_.contains(group.target)) {
      MS_ASSIGN_OR_RETURN(numbers_[group.target], CommittedIn(group.target, app_id_));
    }
    const int64_t number = ++numbers_[group.target];
    for (RetriedRecord* record : group.records) {
      if (record->is_good) retry_of_[record] = number;
    }
    loads_.push_back({number, std::move(append)});
    return Status();
  }

  // Steps 2 to 4.
  Status Commit(const std::optional<std::string>& user_metadata) {
    MS_FAILPOINT("quarantine.retry.before_mark");
    Status marked = Mark();
    if (!marked.ok()) {
      Discard();
      [[maybe_unused]] Status unmarked = FinishMarked();
      return marked;
    }
    MS_FAILPOINT("quarantine.retry.after_mark");
    for (Load& load : loads_) {
      Status loaded = CommitLoad(load, user_metadata);
      if (loaded.ok()) continue;
      if (DeltaAppend::IsConflict(loaded)) [[maybe_unused]]
        Status unmarked = FinishMarked();
      return loaded;
    }
    MS_FAILPOINT("quarantine.retry.after_load");
    return FinishMarked();
  }

  void Discard() {
    for (Load& load : loads_) load.append->Discard();
    loads_.clear();
  }

 private:
  struct Load {
    int64_t number = 0;
    std::unique_ptr<DeltaAppend> append;
  };

  // The newest number that a table has durably under the id; -1: none.
  Result<int64_t> CommittedIn(const std::string& table, const std::string& app_id) {
    MS_RETURN_IF_ERROR(engine_.delta.Log(table)->SyncLog());
    MS_ASSIGN_OR_RETURN(std::optional<int64_t> version, DeltaTransactionVersion(engine_.delta, table, app_id));
    return version.value_or(-1);
  }

  // The load that left the record is in its target; else the record comes again with its file.
  Result<bool> IsLoaded(const RetriedRecord& record) {
    if (record.target.empty()) return true;
    constexpr std::string_view kStream = quarantine::kStreamLoader;
    const std::string app_id =
        record.loader.starts_with(kStream) ? record.loader.substr(kStream.size(), record.loader.find('/') - kStream.size()) : confirmation_;
    auto [known, is_new] = confirmed_.emplace(std::pair(record.target, app_id), -1);
    if (is_new) {
      MS_ASSIGN_OR_RETURN(known->second, CommittedIn(record.target, app_id));
    }
    return known->second >= record.load_id;
  }

  Status Mark() {
    std::set<std::tuple<std::string, int64_t, std::string, int64_t, std::string>> seen;
    arrow::StringBuilder loader, file, error_class, reason;
    arrow::Int64Builder load, offset, number;
    arrow::BinaryBuilder raw;
    int64_t count = 0;
    arrow::Status built;
    auto add = [&](const arrow::Status& status) { built &= status; };
    for (const RetriedRecord& record : records_) {
      if (!seen.emplace(record.loader, record.load_id, record.file_path, record.byte_offset, record.raw.value_or("")).second) continue;
      ++count;
      add(loader.Append(record.loader));
      add(load.Append(record.load_id));
      add(file.Append(record.file_path));
      add(record.has_range ? offset.Append(record.byte_offset) : offset.AppendNull());
      add(record.raw ? raw.Append(*record.raw) : raw.AppendNull());
      auto found = retry_of_.find(&record);
      add(found == retry_of_.end() ? number.AppendNull() : number.Append(found->second));
      add(error_class.Append(record.error_class));
      add(reason.Append(record.reason));
    }
    arrow::ArrayVector arrays(8);
    arrow::ArrayBuilder* builders[] = {&loader, &load, &file, &offset, &raw, &number, &error_class, &reason};
    for (size_t i = 0; i < arrays.size(); ++i) add(builders[i]->Finish(&arrays[i]));
    if (!built.ok()) return FromArrowStatus(built, "marking records");
    const StructType schema({{"loader", DataType::String()},
                             {"load_id", DataType::Long()},
                             {"file_path", DataType::String()},
                             {"byte_offset", DataType::Long()},
                             {"raw", DataType::Binary()},
                             {"retry_id", DataType::Long()},
                             {"error_class", DataType::String()},
                             {"reason", DataType::String()}});
    MS_ASSIGN_OR_RETURN(Statement statement,
                        ParseStatement("MERGE INTO " + TableByPath(path_) +
                                       " q USING s ON q.loader = s.loader AND q.load_id = s.load_id AND q.file_path = s.file_path AND q.byte_offset <=> "
                                       "s.byte_offset AND q.raw <=> s.raw AND q.retry_id IS NULL "
                                       "WHEN MATCHED AND s.retry_id IS NOT NULL THEN UPDATE SET retry_id = s.retry_id "
                                       "WHEN MATCHED THEN UPDATE SET error_class = s.error_class, reason = s.reason"));
    auto& merge = std::get<MergeInto>(std::get<Command>(statement).node);
    const RecordBatchPtr rows = arrow::RecordBatch::Make(ToArrowSchema(schema), count, std::move(arrays));
    merge.source = MakePlan(SubqueryAlias{{"s"}, {}, MakePlan(LocalRelation{schema, {rows}, {}})});
    MS_ASSIGN_OR_RETURN(QueryResult result, run_(std::move(std::get<Command>(statement))));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr counts, result.rows->Next());
    const int64_t updated = static_cast<const arrow::Int64Array&>(*counts->column(1)).Value(0);
    if (updated == static_cast<int64_t>(records_.size())) return Status();
    return Status::Error(errors::kRetryOvertaken, {{"path", HadoopPathString(path_)}, {"detail", "somebody changed some of them"}});
  }

  Status CommitLoad(Load& load, const std::optional<std::string>& user_metadata) {
    DeltaAppend& append = *load.append;
    const std::string path = append.table().table_path;
    const DeltaAppend::Description description{.operation = "RETRY QUARANTINE",
                                               .parameters = {{"quarantine", HadoopPathString(path_)}},
                                               .metrics = {{"numFiles", std::to_string(append.written().files.size())},
                                                           {"numOutputRows", std::to_string(append.written().rows)},
                                                           {"numOutputBytes", std::to_string(append.written().bytes)}},
                                               .user_metadata = user_metadata};
    for (int attempt = 1;; ++attempt) {
      // Another group of this retry may have committed since.
      MS_ASSIGN_OR_RETURN(bool is_same, append.Refresh());
      if (!is_same) {
        [[maybe_unused]] Status unmarked = FinishMarked();
        return Status::Error(errors::kRetryOvertaken, {{"path", HadoopPathString(path_)}, {"detail", "the table " + HadoopPathString(path) + " was changed"}});
      }
      Result<int64_t> version = append.Commit(description, {{app_id_, load.number}});
      if (version.ok() || !DeltaAppend::IsConflict(version.status()) || attempt == kCommitAttemptsMax) return version.status();
    }
  }

  Status Run(const std::string& sql) {
    MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
    return run_(std::move(std::get<Command>(statement))).status();
  }
  Result<std::vector<RecordBatchPtr>> Query(const std::string& sql) {
    MS_ASSIGN_OR_RETURN(Statement statement, ParseStatement(sql));
    MS_ASSIGN_OR_RETURN(QueryResult result, select_(std::get<PlanPtr>(statement)));
    return Drain(*result.rows);
  }

  EngineState& engine_;
  const std::string path_;
  const RunSql run_;
  const Select select_;
  DeltaQuarantine quarantine_;
  std::unique_ptr<FileLock> lock_;
  std::string app_id_, confirmation_;
  std::vector<RetriedRecord> records_;
  std::map<const RetriedRecord*, int64_t> retry_of_;
  std::map<std::string, int64_t> numbers_;  // by target: the last that was given
  std::map<std::pair<std::string, std::string>, int64_t> confirmed_;
  std::vector<Load> loads_;
};

// Null: the table demands nothing.
Result<RowRulesPtr> RulesOfTable(EngineState& engine, const std::string& path, const RuleConf& conf) {
  std::shared_ptr<DeltaLog> log = engine.delta.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return RowRulesPtr();
  return log->RulesOf(*snapshot->metadata, conf);
}

}  // namespace

Result<RowRulesPtr> LocalSession::RulesOf(const std::string& path) const { return RulesOfTable(*engine_, path, rule_conf()); }

Status LocalSession::KeepBadRecords(const StartStream& start, const PlanPtr& analyzed, const std::optional<std::string>& table_path) {
  const bool keeps_rows = start.output_mode == OutputMode::kAppend && IsPlainScan(analyzed);
  for (const RelationSourcePtr& stream : StreamsOf(*analyzed)) {
    const auto* files = dynamic_cast<const CloudFilesRelation*>(stream.get());
    const auto* file_stream = dynamic_cast<const HasBadRecordsPath*>(stream.get());
    const std::optional<std::string> bad_records = files ? files->definition().bad_records_path : file_stream ? file_stream->bad_records_path() : std::nullopt;
    if (bad_records && table_path) MS_RETURN_IF_ERROR(RefuseBadRecordsInTable(*bad_records, *table_path));
    if (files == nullptr) continue;
    if (files->definition().quarantine) files->definition().quarantine->set_target(keeps_rows ? table_path : std::nullopt);
    if (!files->definition().row_target || !table_path || start.output_mode != OutputMode::kAppend || !KeepsRows(*analyzed)) continue;
    RowTarget& target = *files->definition().row_target;
    // Rules speak of whole rows: what the query puts in beside the source's columns is not known where these are read.
    const bool all_pass = PassedColumns(analyzed).size() == OutputOf(*analyzed).size();
    target = {.columns = PassedColumns(analyzed), .path = *table_path, .schema = [engine = engine_, path = *table_path]() -> Result<std::optional<StructType>> {
                MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine->delta, path));
                if (!exists) return std::optional<StructType>();
                MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine->delta, path));
                return std::optional(info.schema);
              }};
    if (all_pass) target.rules = [this_engine = engine_, path = *table_path, conf = rule_conf()] { return RulesOfTable(*this_engine, path, conf); };
  }
  return Status();
}

Result<QueryResult> LocalSession::Run(const RetryQuarantine& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, "RETRY QUARANTINE"));
  // Not as part of a foreachBatch function's own writes: a retry has its own way to be once.
  const Execution alone{.cancel = under.cancel};
  Retry retry(
      *engine_, table.location, [&](Command one) { return ExecuteCommand(one, alone); }, [&](const PlanPtr& plan) { return Execute(plan, alone); });
  MS_RETURN_IF_ERROR(retry.Open());
  MS_RETURN_IF_ERROR(retry.Choose(command.table, command.condition));
  auto merges = command.options.find("mergeSchema");
  const bool merges_schema = merges != command.options.end() && ParseBool(merges->second).value_or(false);
  auto parse = [&]() -> Status {
    std::vector<RetryGroup> groups = GroupRecords(retry.records(), command.options);
    for (RetryGroup& group : groups) {
      MS_ASSIGN_OR_RETURN(DeltaTableInfo target, DescribeDeltaTable(engine_->delta, group.target));
      MS_ASSIGN_OR_RETURN(RetriedRows rows, ParseGroup(group, target.schema, merges_schema, MakeCatalog().files_context().format));
      if (rows.schema.size() == 1) continue;
      MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzeBatch(MakePlan(LocalRelation{rows.schema, std::move(rows.batches), {}})));
      MS_ASSIGN_OR_RETURN(const CopyFit fit,
                          FitToCopyTarget({}, WithoutLastColumn(analyzed), target.schema, TableByPath(group.target), merges_schema, /*casts_nested=*/true));
      SiftPlan sift = SiftToTargets(analyzed, fit.targets, fit.rename);
      const StructType schema = sift.table_columns;
      std::unique_ptr<RuleSieve> rules;
      MS_ASSIGN_OR_RETURN(RowRulesPtr wanted_rules, RulesOf(group.target));
      if (wanted_rules) rules = std::make_unique<RuleSieve>(std::move(wanted_rules), target.schema, schema);
      MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(sift.plan, alone));
      const RowStreamPtr sifted = SiftedRows(
          std::move(query.rows), std::move(sift),
          [&](const BadRecord& row) {
            RetriedRecord& record = *rows.records[static_cast<size_t>(row.file)];
            record.is_good = false;
            record.error_class = row.error_class;
            record.reason = row.column + ": " + row.reason;
            return Status();
          },
          std::move(rules));
      MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> fitting, Drain(*sifted));
      MS_ASSIGN_OR_RETURN(fitting, RowsOfGoodRecords(fitting, rows.records));
      const bool any_good = std::any_of(group.records.begin(), group.records.end(), [](const RetriedRecord* record) { return record->is_good; });
      if (!any_good) continue;
      const StructType with_files = WithSourceFile(schema);
      MS_RETURN_IF_ERROR(
          retry.Write(group, with_files, *MakeRowStream(ToArrowSchema(with_files), std::move(fitting)), FilesOf(rows.records), merges_schema, rule_conf()));
    }
    return Status();
  };
  Status parsed = parse();
  if (!parsed.ok()) {
    retry.Discard();
    return parsed;
  }
  const auto retried = static_cast<int64_t>(retry.records().size());
  int64_t loaded = 0;
  for (const RetriedRecord& record : retry.records()) loaded += record.is_good;
  if (retried > 0) MS_RETURN_IF_ERROR(retry.Commit(conf_.Get("spark.databricks.delta.commitInfo.userMetadata")));
  ResultTable result(StructType({{"num_retried", DataType::Long()}, {"num_loaded", DataType::Long()}, {"num_still_bad", DataType::Long()}}));
  result.AddRow({Value{retried}, Value{loaded}, Value{retried - loaded}});
  return result.Finish();
}

}  // namespace millstream
