#include <arrow/array.h>

#include "base/uuid.h"
#include "connectors/delta/delta_append.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/ledger_commits.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/copy_source.h"
#include "connectors/files/files_errors.h"
#include "formats/source_file_column.h"
#include "session/accounted_rows.h"
#include "session/batch_writes.h"
#include "session/copy_options.h"
#include "session/copy_target.h"
#include "session/local_session.h"
#include "session/quarantine_table.h"
#include "session/result_table.h"
#include "session/session_errors.h"
#include "session/sifted_rows.h"
#include "session/source_catalog.h"
#include "session/source_file_plan.h"
#include "types/arrow_types.h"

namespace millstream {
namespace errors {
inline constexpr ErrorClass kCopyIntoOvertaken{"MILLSTREAM_COPY_INTO_OVERTAKEN", "40001", ExceptionKind::kSpark,
                                               "Another statement has loaded files into <table>, or changed it, meanwhile. Run the statement again."};
inline constexpr ErrorClass kCopyIntoDuplicatedFiles{"COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED", "25000", ExceptionKind::kSpark,
                                                     "Duplicated files were committed in a concurrent COPY INTO operation. Please try again later."};
}  // namespace errors

namespace {

constexpr char kEmptySourceConf[] = "spark.databricks.delta.copyInto.emptySourceCheck.enabled";
constexpr int64_t kShownRowsMax = 50;
// Others may commit as fast as they like: each of these races is lost to a COPY INTO of other files.
constexpr int kRacesMax = 1000;
// Every so many states of the ledger, what is out of use is removed.
constexpr int64_t kCleanupInterval = 16;

Result<QueryResult> CountsOf(int64_t rows, int64_t skipped_corrupt) {
  ResultTable result(
      StructType({{"num_affected_rows", DataType::Long()}, {"num_inserted_rows", DataType::Long()}, {"num_skipped_corrupt_files", DataType::Long()}}));
  result.AddRow({Value{rows}, Value{rows}, Value{skipped_corrupt}});
  return result.Finish();
}

// The same with what zeroCopy came to: how many files are the table's as they are, and why others are not.
struct RegisteredCount {
  int64_t files = 0;
  std::string refusals;
};
Result<QueryResult> CountsOf(int64_t rows, int64_t skipped_corrupt, const RegisteredCount& registered) {
  ResultTable result(StructType({{"num_affected_rows", DataType::Long()},
                                 {"num_inserted_rows", DataType::Long()},
                                 {"num_skipped_corrupt_files", DataType::Long()},
                                 {"num_registered_files", DataType::Long()},
                                 {"not_registered", DataType::String()}}));
  result.AddRow({Value{rows}, Value{rows}, Value{skipped_corrupt}, Value{registered.files},
                 registered.refusals.empty() ? Value{} : Value{registered.refusals}});
  return result.Finish();
}

// Files in which nothing has a name have no columns to load. Which of them cannot even be read is learned all the same.
Status ReadWithoutColumns(const BatchRelationSource& files, const CopyInto& command) {
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, files.Scan({}));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*rows));
  if (batches.empty()) return Status();
  return Status::Error(errors::kCopyIntoInferenceFailed, {{"format", command.format}, {"source", command.source}, {"config", kEmptySourceConf}});
}

// Where the bad records of a COPY INTO go.
struct CopyQuarantine {
  std::shared_ptr<CopyBadRecords> keeper;  // null: nowhere
  QuarantineLoad load;
  std::shared_ptr<const QuarantineRows> rows;

  // Under the keeper's lock: keeps `kept` (null: none) beside what the target at `path` has confirmed. The id by which its next commit confirms them.
  Result<std::string> Keep(DeltaTables& tables, const std::string& path, const QuarantineRows* kept, const std::vector<ReplacedFile>& replaced = {}) const {
    MS_ASSIGN_OR_RETURN(std::string confirmation, keeper->ConfirmationId());
    MS_ASSIGN_OR_RETURN(const std::optional<int64_t> confirmed, DeltaTransactionVersion(tables, path, confirmation));
    MS_RETURN_IF_ERROR(keeper->KeepCopy(load, kept, confirmed, replaced));
    return confirmation;
  }
  // Of files that come anew: those of which something may have been kept.
  static std::vector<ReplacedFile> Replaced(const std::vector<KnownFile>& files) {
    std::vector<ReplacedFile> replaced;
    for (const KnownFile& known : files) {
      const LoadedFile& file = known.file;
      // Of rows that have left, the ledger says when they did.
      const bool has_left = file.state != LoadedFile::State::kLoaded;
      const int64_t first = has_left ? 0 : file.first_epoch != 0 ? file.first_epoch : file.epoch;
      if (file.rejected > 0 || first != file.epoch) replaced.push_back({known.path, first, file.epoch, file.loaded_ms});
    }
    return replaced;
  }
};

// Makes the commit, and the ledger's state that it names. A conflict: other COPY INTOs have loaded some of these files, or the table is another one now.
Status CommitCopy(DeltaTables& tables, DeltaAppend& append, const CopySource& source, const CopyOutcome& outcome, TableLedgerPtr ledger,
                  DeltaAppend::Description description, std::map<std::string, int64_t> transactions, int64_t now_ms, int threads,
                  CopyQuarantine& quarantine) {
  Fs& fs = tables.fs();
  const size_t own_metrics = description.metrics.size();
  const std::string path = append.table().table_path;  // the snapshot changes below
  Status lost;
  if (quarantine.keeper) {
    // Nobody else whose bad records go to this place commits now: bad records of files that another has loaded must not even be written.
    lost = Status::Error(errors::kCopyIntoOvertaken, {{"table", HadoopPathString(path)}});
    MS_ASSIGN_OR_RETURN(bool is_same, append.Refresh());
    if (!is_same) return lost;
    MS_ASSIGN_OR_RETURN(ledger, TableLedger::Open(fs, path, append.table().metadata->id, append.table().TransactionVersion(kFileLedgerAppId).value_or(0)));
  }
  for (int race = 0; race < kRacesMax; ++race) {
    MS_ASSIGN_OR_RETURN(std::optional<CopySource::LedgerChanges> changes, source.ChangesOn(*ledger, outcome));
    if (!changes) return lost;
    description.metrics.resize(own_metrics);
    if (!changes->replaced.empty() || !changes->removed.empty()) {
      std::vector<KnownFile> leaving = changes->replaced;
      leaving.insert(leaving.end(), changes->removed.begin(), changes->removed.end());
      Result<SourceRows> rows = FindAccountedRows(tables, append, leaving);
      Status taken = rows.ok() ? append.TakeOut(*rows, threads) : rows.status();
      if (!taken.ok()) {
        append.Discard();
        return taken;
      }
      if (!changes->replaced.empty()) description.metrics.emplace_back("numReplacedSourceFiles", std::to_string(changes->replaced.size()));
      if (!changes->removed.empty()) description.metrics.emplace_back("numRemovedSourceFiles", std::to_string(changes->removed.size()));
      description.metrics.emplace_back("numDeletedRows", std::to_string(append.rows_taken_out()));
    } else {
      // Of an earlier race: the files whose rows were to leave are others' by now.
      MS_RETURN_IF_ERROR(append.TakeOut(SourceRows(), threads));
    }
    MS_ASSIGN_OR_RETURN(int64_t epoch, ledger->WriteNext(changes->changes));
    bool takes_out = false;  // bad records of earlier loads
    transactions[kFileLedgerAppId] = epoch;
    if (quarantine.keeper) {
      quarantine.load.load_id = epoch;
      const std::vector<ReplacedFile> replaced = CopyQuarantine::Replaced(changes->renewed);
      MS_ASSIGN_OR_RETURN(const std::string confirmation, quarantine.Keep(tables, path, quarantine.rows.get(), replaced));
      if (!replaced.empty() || (quarantine.rows && !quarantine.rows->empty())) transactions[confirmation] = epoch;
      takes_out = !replaced.empty();
    }
    Result<int64_t> version = append.Commit(description, transactions);
    if (version.ok()) {
      // What this does not come to is the next statement's.
      if (takes_out) {
        [[maybe_unused]] auto cleaned = quarantine.Keep(tables, path, nullptr);
      }
      if (epoch % kCleanupInterval != 0) return Status();
      MS_ASSIGN_OR_RETURN(TableLedgerPtr written, TableLedger::Open(fs, path, append.table().metadata->id, epoch));
      [[maybe_unused]] Status removed = written->RemoveUnused(
          now_ms, LedgerRetentionMs(append.table().metadata->Property("delta.logRetentionDuration")));  // what is left costs space, nothing else
      return Status();
    }
    if (!DeltaAppend::IsConflict(version.status())) return version.status();
    lost = version.status();
    MS_ASSIGN_OR_RETURN(bool is_same, append.Refresh());
    if (!is_same) return lost;
    MS_ASSIGN_OR_RETURN(ledger, TableLedger::Open(fs, path, append.table().metadata->id, append.table().TransactionVersion(kFileLedgerAppId).value_or(0)));
  }
  return lost;
}

// FILES = (SELECT …): the statement with the names that the query gives.
Result<CopyInto> WithNamedFiles(Session& session, const CopyInto& command, const Execution& under) {
  CopyInto named = command;
  if (command.files_query == nullptr) return named;
  MS_ASSIGN_OR_RETURN(QueryResult query, session.Execute(command.files_query, under));
  if (query.schema.size() != 1 || query.schema[0].type.id() != TypeId::kString) {
    std::string columns;
    for (const StructField& column : query.schema) columns += (columns.empty() ? "" : ", ") + column.name + " " + column.type.Sql();
    return Status::IllegalArgument("COPY INTO: the query of FILES gives one column of names (STRING), and not (" + columns + ").");
  }
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, query.rows->Next());
    if (!batch) return named;
    const auto& names = static_cast<const arrow::StringArray&>(*batch->column(0));
    if (names.null_count() > 0) {
      return Status::IllegalArgument("COPY INTO: a name that the query of FILES gives is null. Leave it out with WHERE … IS NOT NULL.");
    }
    for (int64_t row = 0; row < names.length(); ++row) named.files.push_back(names.GetString(row));
  }
}

}  // namespace

Result<ResolvedTable> LocalSession::RequireCopyTarget(const MultipartName& name) {
  SessionCatalog catalog = MakeCatalog();
  MS_ASSIGN_OR_RETURN(PlanPtr view, catalog.FindView(name));
  if (view) return Status::Error(errors::kCopyIntoTargetFormat);
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> table, catalog.Resolve(name));
  if (table && !IsDeltaFormat(table->provider)) return Status::Error(errors::kCopyIntoTargetFormat);
  bool exists = false;
  if (table) {
    MS_ASSIGN_OR_RETURN(exists, IsDeltaTable(engine_->delta, table->location));
  }
  if (!exists) return Status::Error(errors::kCopyIntoMissingTable, {{"tableName", QuoteName(name)}});
  return *table;
}

Result<QueryResult> LocalSession::Run(const CopyInto& written, const Execution& under) {
  MS_RETURN_IF_ERROR(CheckCopyFeatures(written));
  MS_ASSIGN_OR_RETURN(const CopyInto command, WithNamedFiles(*this, written, under));
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireCopyTarget(command.table));
  if (command.is_explained) return ExplainCopy(command, table, under);
  // Within foreachBatch: a batch that runs again does not load by force again.
  const OptionMap transaction = WithTransaction({}, table.location, under);
  MS_ASSIGN_OR_RETURN(bool is_done, IsWritten(table.location, transaction));
  if (is_done) return CountsOf(0, 0);
  for (int attempt = 1;; ++attempt) {
    TableTurns::Turn turn = engine_->turns.Take(table.location, attempt);
    Result<QueryResult> result = CopyOnce(command, table, transaction, under);
    if (result.ok() || (under.cancel != nullptr && under.cancel->cancelled())) return result;
    const bool lost = DeltaAppend::IsConflict(result.status()) || result.status().Is(errors::kCopyIntoOvertaken);
    if (!lost && !result.status().Is(errors::kSourceFileChanged)) return result;
    if (attempt == kAttemptsMax) return lost ? Status::Error(errors::kCopyIntoDuplicatedFiles) : result.status();
  }
}

Result<QueryResult> LocalSession::CopyOnce(const CopyInto& command, const ResolvedTable& table, const OptionMap& transaction, const Execution& under) {
  MS_ASSIGN_OR_RETURN(OptionValues options, CopyOptionTable().Parse(command.copy_options));
  const bool merges_schema = options.Bool("mergeSchema");
  MS_ASSIGN_OR_RETURN(std::unique_ptr<DeltaAppend> append, DeltaAppend::Begin(engine_->delta, table.location, rule_conf()));
  const Snapshot& before = append->table();
  MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger,
                      TableLedger::Open(engine_->fs, table.location, before.metadata->id, before.TransactionVersion(kFileLedgerAppId).value_or(0)));
  MS_ASSIGN_OR_RETURN(CopySourceOptions wanted, CopyOptionsOf(command, options, ParseBool(conf_.Get(kEmptySourceConf).value_or("true")).value_or(true)));
  if (std::optional<std::string> known = options.String("knownFrom")) {
    const std::string spill_directory = JoinPath(engine_->warehouse.directory(), "_millstream/tmp/known-" + NewUuid());
    MS_ASSIGN_OR_RETURN(wanted.known, MakeCatalog().files_context().open_known(*known, spill_directory));
  }
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CopySource> source, CopySource::Find(MakeCatalog().files_context(), wanted, *ledger));
  const int64_t now_ms = engine_->clock.WallMillis();
  CopyQuarantine quarantine;
  if (wanted.quarantines && !command.validates) {
    if (wanted.bad_records_path) {
      MS_RETURN_IF_ERROR(RefuseBadRecordsInTable(*wanted.bad_records_path, table.location));
      quarantine.keeper = std::make_shared<CopyBadRecordsPath>(engine_->fs, *wanted.bad_records_path);
    } else {
      SessionCatalog named = MakeCatalog();
      MS_ASSIGN_OR_RETURN(quarantine.keeper, DeltaQuarantine::Resolve(*engine_, named, current_database(), *options.String("quarantineTable")));
    }
    MS_RETURN_IF_ERROR(quarantine.keeper->Prepare());
    quarantine.load = {.loader = quarantine::kCopyLoader + before.metadata->id,
                       .target = std::nullopt,
                       .row_target = table.location,
                       .format = LowerCase(command.format),
                       .options = source->reader_options(),
                       .schema_id = std::nullopt,
                       .loaded_ms = now_ms};
    if (!command.query && !command.by_position && command.columns.empty()) quarantine.load.target = table.location;
  }
  CopyOutcome outcome;
  bool keeps_rows = true;
  if (source->files().empty()) {
    MS_ASSIGN_OR_RETURN(outcome, source->Outcome(now_ms, {}));
  }
  while (!source->files().empty()) {
    MS_ASSIGN_OR_RETURN(std::shared_ptr<const BatchRelationSource> files, source->Open(before.schema()));
    if (files->schema().empty()) {
      MS_RETURN_IF_ERROR(ReadWithoutColumns(*files, command));
      MS_ASSIGN_OR_RETURN(outcome, source->Outcome(now_ms, {}));
      break;
    }
    SourceCatalog catalog(MakeCatalog(), files);
    const PlanPtr plan = command.query ? command.query : MakePlan(UnresolvedDataSource{.format = kCopySourceFormat, .paths = {command.source}});
    MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(plan, catalog, analyzer_conf()));
    if (IsStreaming(*analyzed)) return Status::Error(errors::kWriteOnStream, {{"methodName", "COPY INTO"}});
    // Rows that cannot be told by their file, or counted as the file's, stop the load when they do not fit.
    const bool sifts = wanted.errors.goes_on() && !RepeatsRows(*analyzed) && WithSourceFileColumn(analyzed);
    MS_ASSIGN_OR_RETURN(const CopyFit fit, FitToCopyTarget(command, analyzed, before.schema(), table.name, merges_schema, sifts));
    std::optional<SiftPlan> sift;
    if (sifts) sift = SiftToTargets(fit.rows, fit.targets, fit.rename);
    analyzed = sift ? sift->plan : CastToCopyTarget(fit);
    keeps_rows = KeepsRows(*analyzed);
    const bool takes_rows_out = wanted.replay || wanted.changed == CopySourceOptions::Changed::kReplaced || wanted.deleted.removes_rows;
    if (takes_rows_out && !WithSourceFileColumn(analyzed)) {
      return Status::Unsupported("COPY INTO with replay, changedFiles = replaced or deletedFiles = removed, and a SELECT that combines rows of several files",
                                 "Select row by row (columns, WHERE, explode), so that the rows of a file are known.");
    }
    const PlanPtr with_files = command.validates && !sift ? nullptr : WithSourceFileColumn(analyzed);
    MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(with_files ? with_files : analyzed, under));
    if (sift) {
      query.schema = sift->table_columns;
      MS_ASSIGN_OR_RETURN(RowRulesPtr wanted_rules, append->Rules());
      std::unique_ptr<RuleSieve> rules;
      if (wanted_rules) rules = std::make_unique<RuleSieve>(std::move(wanted_rules), before.schema(), query.schema);
      query.schema.Add({std::string(kSourceFileColumn), DataType::Integer()});
      query.rows = SiftedRows(std::move(query.rows), *std::move(sift), [&source](const BadRecord& row) { return source->TakeMisfit(row); },
                              std::move(rules));
    }
    if (command.validates) {
      MS_ASSIGN_OR_RETURN(DeltaAppend::Checked checked,
                          append->Check(WithoutSourceFile(query.schema), *query.rows, merges_schema, command.validated_rows, kShownRowsMax));
      return QueryResult{checked.schema, MakeRowStream(ToArrowSchema(checked.schema), std::move(checked.shown))};
    }
    MS_RETURN_IF_ERROR(append->Write(query.schema, *query.rows, merges_schema, engine_->options.threads, with_files ? source->source_files() : nullptr));
    Result<CopyOutcome> read = source->Outcome(now_ms, append->written().source_rows, keeps_rows);
    if (read.ok() && !read->must_run_again) {
      outcome = std::move(*read);
      break;
    }
    append->Discard();
    if (!read.ok()) return read.status();
    if (source->files().empty()) {
      MS_ASSIGN_OR_RETURN(outcome, source->Outcome(now_ms, {}));
    }
  }
  if (command.validates) return QueryResult{before.schema(), MakeRowStream(ToArrowSchema(before.schema()), {})};
  std::unique_ptr<FileLock> lock;
  if (quarantine.keeper) {
    MS_ASSIGN_OR_RETURN(lock, LockBadRecords(*quarantine.keeper, under.cancel));
    quarantine.rows = source->bad_records();
    if (!outcome.is_new) {
      // A load that was killed may have left bad records of files that nobody loads again.
      MS_RETURN_IF_ERROR(quarantine.Keep(engine_->delta, table.location, nullptr).status());
    }
  }
  RegisteredCount registered;
  if (auto whole_files = source->whole_files()) registered = {.files = append->written().registered, .refusals = whole_files->Refusals(outcome.loaded)};
  if (!outcome.is_new) return wanted.zero_copy ? CountsOf(0, outcome.skipped_corrupt, registered) : CountsOf(0, outcome.skipped_corrupt);

  const DataWritten& written = append->written();
  const int64_t rows = written.rows;
  std::map<std::string, int64_t> transactions;
  if (!transaction.empty()) transactions[transaction.at("txnAppId")] = under.writes->batch().value();
  DeltaAppend::Description description{.operation = "COPY INTO",
                                       .parameters = {{"source", command.source}, {"fileFormat", command.format}},
                                       .metrics = {{"numFiles", std::to_string(written.files.size())},
                                                   {"numOutputRows", std::to_string(written.rows)},
                                                   {"numOutputBytes", std::to_string(written.bytes)},
                                                   {"numSkippedCorruptFiles", std::to_string(outcome.skipped_corrupt)}},
                                       .user_metadata = conf_.Get("spark.databricks.delta.commitInfo.userMetadata")};
  if (wanted.zero_copy) description.metrics.emplace_back("numRegisteredFiles", std::to_string(written.registered));
  // VERIFY FILES compares them with what the ledger and the data files say.
  if (keeps_rows) description.metrics.emplace_back("numSourceRows", std::to_string(outcome.rows()));
  Status committed = CommitCopy(engine_->delta, *append, *source, outcome, std::move(ledger), description, std::move(transactions), now_ms,
                                engine_->options.threads, quarantine);
  if (DeltaAppend::IsConflict(committed) || committed.Is(errors::kCopyIntoOvertaken)) append->Discard();
  MS_RETURN_IF_ERROR(committed);
  return wanted.zero_copy ? CountsOf(rows, outcome.skipped_corrupt, registered) : CountsOf(rows, outcome.skipped_corrupt);
}

}  // namespace millstream
