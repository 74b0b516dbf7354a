// local_session_files.cc   UNDO, REDO and FORGET FILES IN table: what a table has loaded is taken out, put back or forgotten, in one commit each. IN STREAM: it is asked for.

#include <arrow/array.h>

#include <algorithm>
#include <map>

#include "connectors/delta/delta_connector.h"
#include "connectors/delta/traced_rows.h"
#include "connectors/files/copy_state.h"
#include "session/accounted_rows.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/schema_changes.h"
#include "session/session_errors.h"
#include "session/source_catalog.h"
#include "session/stream_file_requests.h"

namespace millstream {
namespace errors {
inline constexpr ErrorClass kFilesCannotComeBack{
    "MILLSTREAM_FILES_CANNOT_COME_BACK", "55019", ExceptionKind::kSpark,
    "The rows of <path> cannot come back into <table>: <reason>. Nothing was changed. Load the file again: COPY INTO … FILES = ('<name>') … COPY_OPTIONS ('replay' = "
    "'true')."};
inline constexpr ErrorClass kNoLoadedFiles{
    "MILLSTREAM_TABLE_HAS_LOADED_NO_FILES", "55019", ExceptionKind::kAnalysis,
    "<statement> IN <table>: no COPY INTO has loaded files into this table. For files that a stream has loaded: <statement> IN STREAM '<checkpoint>' WHERE …"};
}  // namespace errors

namespace {

using Kind = ChangeTableFiles::Kind;
using State = LoadedFile::State;

constexpr int kRacesMax = 1000;

const char* OperationOf(Kind kind) {
  switch (kind) {
    case Kind::kUndo:
      return "UNDO FILES";
    case Kind::kRedo:
      return "REDO FILES";
    case Kind::kForget:
      return "FORGET FILES";
  }
  return "";
}

bool AppliesTo(Kind kind, State state) {
  switch (kind) {
    case Kind::kUndo:
      return state == State::kLoaded;
    case Kind::kRedo:
      return state == State::kUndone;
    case Kind::kForget:
      return state != State::kForgotten && state != State::kRemoved;
  }
  return false;
}

Status CannotComeBack(const Snapshot& table, const std::string& path, std::string reason) {
  return Status::Error(errors::kFilesCannotComeBack, {{"path", HadoopPathString(path)},
                                                      {"table", HadoopPathString(table.table_path)},
                                                      {"reason", std::move(reason)},
                                                      {"name", path.substr(path.rfind('/') + 1)}});
}

// The rows that these files had in the table before the commits that took them out. Written as files that no commit names yet.
Status WriteUndoneRows(DeltaTables& tables, DeltaAppend& append, std::vector<KnownFile>& files, int threads) {
  const Snapshot& table = append.table();
  MS_ASSIGN_OR_RETURN(auto versions, DeltaCommitsOf(tables, table.table_path, kFileLedgerAppId));
  std::map<int64_t, std::vector<std::string>> undone_in;  // by version
  for (const KnownFile& file : files) {
    auto version = versions.find(file.file.epoch);
    if (version == versions.end()) return CannotComeBack(table, file.path, "the log does not have the commit any more that took them out");
    undone_in[version->second].push_back(file.path);
  }
  auto names = std::make_shared<std::vector<std::string>>();
  SourceRows rows;
  for (const auto& [version, paths] : undone_in) {
    Result<SnapshotPtr> before = append.log().At(version - 1);
    if (!before.ok()) return CannotComeBack(table, paths[0], "version " + std::to_string(version - 1) + " cannot be read: " + before.status().message());
    Result<SourceRows> found = FindSourceRows(tables.fs(), **before, paths);
    if (!found.ok()) return CannotComeBack(table, paths[0], "version " + std::to_string(version - 1) + " cannot be read: " + found.status().message());
    rows.pieces.insert(rows.pieces.end(), found->pieces.begin(), found->pieces.end());
  }
  std::map<std::string, int64_t> written;
  if (!rows.pieces.empty()) {
    Result<RowStreamPtr> again = append.ReadAgain(rows, *names);
    if (!again.ok()) return again.status();
    MS_RETURN_IF_ERROR(append.Write(WithSourceFile(table.schema()), **again, false, threads, names));
    const std::vector<int64_t>& counts = append.written().source_rows;
    for (size_t i = 0; i < counts.size(); ++i) written[(*names)[i]] = counts[i];
  }
  for (KnownFile& file : files) {
    file.file.written = written[file.path];
    file.file.first_epoch = 0;
  }
  return Status();
}

Result<QueryResult> CountsOf(int64_t files, int64_t rows) {
  ResultTable result(StructType({{"num_affected_files", DataType::Long()}, {"num_affected_rows", DataType::Long()}}));
  result.AddRow({Value{files}, Value{rows}});
  return result.Finish();
}

}  // namespace

Result<std::vector<KnownFile>> LocalSession::FilesWhere(const ExprPtr& condition, const TableLedgerPtr& ledger, const ResolvedTable& table,
                                                        const Execution& under) {
  auto versions = [&delta = engine_->delta, path = table.location] { return DeltaCommitsOf(delta, path, kFileLedgerAppId); };
  MS_ASSIGN_OR_RETURN(RelationSourcePtr state, OpenCopyState("copy_into_state " + table.name, ledger, versions));
  SourceCatalog catalog(MakeCatalog(), state);
  PlanPtr plan = MakePlan(UnresolvedDataSource{.format = kCopySourceFormat, .schema = {}, .options = {}, .paths = {table.location}});
  plan = MakePlan(Filter{condition, std::move(plan)});
  // By another name: a hidden column does not come out as it is.
  ExprPtr key = MakeExpr(Alias{.child = MakeExpr(UnresolvedAttribute{.parts = {kLedgerKeyColumn}, .plan_id = {}}), .names = {"key"}});
  plan = MakePlan(Project{{std::move(key)}, std::move(plan)});
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(plan, catalog, analyzer_conf()));
  MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(analyzed, under));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*query.rows));
  std::vector<std::string> keys;
  for (const RecordBatchPtr& batch : batches) {
    const auto& column = static_cast<const arrow::BinaryArray&>(*batch->column(0));
    for (int64_t row = 0; row < column.length(); ++row) keys.emplace_back(column.GetView(row));
  }
  std::sort(keys.begin(), keys.end());
  std::vector<KnownFile> files;
  TableLedger::Cursor cursor = ledger->NewCursor();
  for (const std::string& key : keys) {
    MS_RETURN_IF_ERROR(cursor.Seek(key));
    MS_CHECK(cursor.valid() && cursor.key() == key);
    MS_ASSIGN_OR_RETURN(LoadedFile file, cursor.file());
    files.push_back({ledger_run::PathOf(key), std::move(file)});
  }
  return files;
}

Result<QueryResult> LocalSession::Run(const ChangeTableFiles& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, OperationOf(command.kind)));
  for (int attempt = 1;; ++attempt) {
    TableTurns::Turn turn = engine_->turns.Take(table.location, attempt);
    Result<QueryResult> result = ChangeFilesOnce(command, table, under);
    if (result.ok() || attempt == kRacesMax || !DeltaAppend::IsConflict(result.status())) return result;
    if (under.cancel != nullptr && under.cancel->cancelled()) return result;
  }
}

Result<QueryResult> LocalSession::Run(const RequestStreamFiles& command, const Execution& under) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzeBatch(command.files));
  MS_ASSIGN_OR_RETURN(QueryResult files, ExecuteAnalyzed(analyzed, under));
  return WriteStreamRequest(engine_->fs, engine_->clock, command.request, command.checkpoint, *files.rows);
}

Result<QueryResult> LocalSession::Run(const RevertToSchemaVersion& command, const Execution&) { return RevertStreamSchema(*engine_, command); }

Result<QueryResult> LocalSession::Run(const PromoteRescuedColumns& command, const Execution&) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, RequireDeltaTable(command.table, "PROMOTE RESCUED"));
  return PromoteRescuedData(*engine_, command, table.location, table.name, compute_conf());
}

Result<QueryResult> LocalSession::ChangeFilesOnce(const ChangeTableFiles& command, const ResolvedTable& table, const Execution& under) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<DeltaAppend> append, DeltaAppend::Begin(engine_->delta, table.location, rule_conf()));
  const int64_t epoch = append->table().TransactionVersion(kFileLedgerAppId).value_or(0);
  if (epoch == 0) return Status::Error(errors::kNoLoadedFiles, {{"statement", OperationOf(command.kind)}, {"table", table.name}, {"checkpoint", "<checkpoint>"}});
  MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger, TableLedger::Open(engine_->fs, table.location, append->table().metadata->id, epoch));
  MS_ASSIGN_OR_RETURN(std::vector<KnownFile> files, FilesWhere(command.condition, ledger, table, under));
  std::erase_if(files, [&](const KnownFile& file) { return !AppliesTo(command.kind, file.file.state); });
  if (files.empty()) return CountsOf(0, 0);

  int64_t rows = 0;
  const int threads = engine_->options.threads;
  DeltaAppend::Description description{.operation = OperationOf(command.kind),
                                       .parameters = {{"predicate", command.condition_text}},
                                       .metrics = {{"numAffectedFiles", std::to_string(files.size())}},
                                       .user_metadata = conf_.Get("spark.databricks.delta.commitInfo.userMetadata")};
  Status prepared = [&]() -> Status {
    if (command.kind == Kind::kUndo) {
      MS_ASSIGN_OR_RETURN(SourceRows found, FindAccountedRows(engine_->delta, *append, files));
      MS_RETURN_IF_ERROR(append->TakeOut(found, threads));
      rows = append->rows_taken_out();
      description.metrics.emplace_back("numDeletedRows", std::to_string(rows));
    } else if (command.kind == Kind::kRedo) {
      MS_RETURN_IF_ERROR(WriteUndoneRows(engine_->delta, *append, files, threads));
      rows = append->written().rows;
      description.metrics.emplace_back("numFiles", std::to_string(append->written().files.size()));
      description.metrics.emplace_back("numOutputRows", std::to_string(rows));
      description.metrics.emplace_back("numOutputBytes", std::to_string(append->written().bytes));
    }
    return Status();
  }();
  TableLedger::Changes changes;
  const int64_t now_ms = engine_->clock.WallMillis();
  for (KnownFile& known : files) {
    LoadedFile& file = known.file;
    switch (command.kind) {
      case Kind::kUndo:
        file.state = State::kUndone;
        file.written = 0;
        file.first_epoch = 0;
        break;
      case Kind::kRedo:
        file.state = State::kLoaded;
        break;
      case Kind::kForget:
        // Rows that stay are still rows of this file: an UNDO after it was loaded again takes them out, too.
        file.state = State::kForgotten;
        if (file.first_epoch == 0) file.first_epoch = file.epoch;
        break;
    }
    file.epoch = 0;
    file.loaded_ms = now_ms;
    changes.emplace_back(ledger_run::KeyOf(known.path), file);
  }
  if (!prepared.ok()) {
    append->Discard();
    return prepared;
  }
  MS_ASSIGN_OR_RETURN(int64_t next, ledger->WriteNext(changes));
  Result<int64_t> version = append->Commit(description, {{kFileLedgerAppId, next}});
  // After any other error its outcome is not known, and the files may be part of the table.
  if (DeltaAppend::IsConflict(version.status())) append->Discard();
  if (!version.ok()) return version.status();
  return CountsOf(static_cast<int64_t>(files.size()), rows);
}

}  // namespace millstream
