#include "session/quarantine_table.h"

#include <chrono>
#include <thread>

#include "connectors/delta/change_rows.h"
#include "connectors/delta/changed_table.h"
#include "connectors/delta/delta_connector.h"
#include "delta/delta_errors.h"
#include "formats/path_glob.h"
#include "plan/sql/parser.h"
#include "session/session_errors.h"
#include "storage/failpoint.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr char kLoaderAppId[] = "millstream.quarantine.";
constexpr int kAttemptsMax = 100;
constexpr int64_t kLockPauseMs = 2, kLockWaitMs = 600'000;
constexpr size_t kPathsPerDelete = 500;

bool IsPath(const std::string& name) { return name.find('/') != std::string::npos && name.find('`') == std::string::npos; }

}  // namespace

std::string SqlText(const std::string& text) {
  std::string sql = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') sql += '\\';
    sql += c;
  }
  return sql + "'";
}

Result<std::shared_ptr<DeltaQuarantine>> DeltaQuarantine::Resolve(EngineState& engine, SessionCatalog& catalog, const std::string& current_database,
                                                                  const std::string& name) {
  if (IsPath(name)) {
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(name));
    return std::make_shared<DeltaQuarantine>(engine, NormalizePath(path));
  }
  MS_ASSIGN_OR_RETURN(MultipartName parts, ParseMultipartName(name));
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> existing, catalog.Resolve(parts));
  if (existing) {
    if (!IsDeltaFormat(existing->provider))
      return Status::Unsupported("bad records in a " + existing->provider + " table", "Name a Delta table, or a new one.");
    return std::make_shared<DeltaQuarantine>(engine, existing->location);
  }
  MS_ASSIGN_OR_RETURN(TableName made, ResolveTableName(parts, current_database));
  MS_ASSIGN_OR_RETURN(DatabaseEntry database, catalog.RequireDatabase(made.database));
  return std::make_shared<DeltaQuarantine>(engine, Warehouse::ManagedLocation(database, made.table));
}

Status DeltaQuarantine::Prepare() {
  for (int attempt = 1;; ++attempt) {
    MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine_.delta, path_));
    if (exists) break;
    Status made = CreateDeltaTable(engine_.delta, path_, DeltaCreate{.schema = QuarantineSchema()});
    // Another loader may make it at the same time.
    if (made.ok()) return made;
    if (attempt == kAttemptsMax) return made;
  }
  return CheckRowsFit(engine_.delta, path_, DeltaWrite{.mode = SaveMode::kAppend, .schema = QuarantineSchema()})
      .While("opening " + HadoopPathString(path_) + " as a quarantine table; name another one, or a new one");
}

Status DeltaQuarantine::Append(const QuarantineLoad& load, const QuarantineRows& rows, bool with_txn) const {
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, rows.Rows(load));
  DeltaWrite write{.mode = SaveMode::kAppend, .schema = QuarantineSchema(), .threads = 1};
  if (with_txn) write.options = {{"txnAppId", kLoaderAppId + load.loader}, {"txnVersion", std::to_string(load.load_id)}};
  const RowStreamPtr stream = MakeRowStream(ToArrowSchema(QuarantineSchema()), std::move(batches));
  return WriteDelta(engine_.delta, path_, write, *stream).status();
}

Status DeltaQuarantine::Keep(const QuarantineLoad& load, const QuarantineRows& rows) {
  auto keep = [&]() -> Status {
    MS_FAILPOINT("quarantine.before_keep");
    MS_ASSIGN_OR_RETURN(std::optional<int64_t> last, DeltaTransactionVersion(engine_.delta, path_, kLoaderAppId + load.loader));
    const bool runs_again = last && *last >= load.load_id;
    if (runs_again) MS_RETURN_IF_ERROR(Delete("loader = '" + load.loader + "' AND load_id = " + std::to_string(load.load_id)));
    if (rows.empty()) return Status();
    MS_RETURN_IF_ERROR(Append(load, rows, !runs_again));
    MS_FAILPOINT("quarantine.after_keep");
    return Status();
  };
  return keep().While("keeping bad records in " + HadoopPathString(path_));
}

std::string DeltaQuarantine::lock_path() const { return JoinPath(path_, "_quarantine.lock"); }

Result<std::unique_ptr<FileLock>> LockBadRecords(const CopyBadRecords& keeper, const std::shared_ptr<CancelToken>& cancel) {
  const std::string path = keeper.lock_path();
  for (int64_t waited_ms = 0; waited_ms < kLockWaitMs; waited_ms += kLockPauseMs) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, TryLock(path));
    if (lock != nullptr) return lock;
    if (cancel != nullptr && cancel->cancelled()) return Status::Error(errors::kCancelled);
    std::this_thread::sleep_for(std::chrono::milliseconds(kLockPauseMs));
  }
  return Status::Error(errors::kQuarantineBusy, {{"path", HadoopPathString(std::string(ParentPath(path)))}});
}

Result<std::string> DeltaQuarantine::ConfirmationId() const {
  MS_ASSIGN_OR_RETURN(DeltaTableInfo info, DescribeDeltaTable(engine_.delta, path_));
  return kLoaderAppId + info.id;
}

Status DeltaQuarantine::TakeOutReplaced(const std::string& loader, const CopyLoadNote& note) const {
  for (size_t at = 0; at < note.replaced.size(); at += kPathsPerDelete) {
    std::string paths;
    for (size_t i = at; i < std::min(note.replaced.size(), at + kPathsPerDelete); ++i) paths += (paths.empty() ? "" : ", ") + SqlText(note.replaced[i].path);
    MS_RETURN_IF_ERROR(Delete("loader = " + SqlText(loader) + " AND load_id < " + std::to_string(note.load_id) + " AND (file_path IN (" + paths +
                              ") OR substring_index(file_path, '!/', 1) IN (" + paths + "))"));
  }
  return Status();
}

Status DeltaQuarantine::KeepCopy(const QuarantineLoad& load, const QuarantineRows* rows, std::optional<int64_t> confirmed,
                                 const std::vector<ReplacedFile>& replaced) const {
  const CopyLoadNotes notes(engine_.fs, path_, load.loader);
  auto keep = [&]() -> Status {
    MS_FAILPOINT("quarantine.before_keep");
    MS_ASSIGN_OR_RETURN(std::optional<int64_t> last, DeltaTransactionVersion(engine_.delta, path_, kLoaderAppId + load.loader));
    if (last && *last > confirmed.value_or(-1)) MS_RETURN_IF_ERROR(Delete("loader = '" + load.loader + "' AND load_id = " + std::to_string(*last)));
    MS_ASSIGN_OR_RETURN(const std::vector<CopyLoadNote> begun, notes.All());
    for (const CopyLoadNote& note : begun) {
      if (note.load_id <= confirmed.value_or(-1)) MS_RETURN_IF_ERROR(TakeOutReplaced(load.loader, note));
      MS_RETURN_IF_ERROR(notes.Remove(note.load_id));
    }
    if (!replaced.empty()) MS_RETURN_IF_ERROR(notes.Add({.load_id = load.load_id, .directory = {}, .replaced = replaced}));
    if (rows == nullptr || rows->empty()) return Status();
    MS_RETURN_IF_ERROR(Append(load, *rows, true));
    MS_FAILPOINT("quarantine.after_keep");
    return Status();
  };
  return keep().While("keeping bad records in " + HadoopPathString(path_));
}

Status DeltaQuarantine::Delete(const std::string& condition) const {
  MS_ASSIGN_OR_RETURN(ExprPtr parsed, ParseExpression(condition));
  SessionConf conf({});
  ViewMap views;
  SessionCatalog catalog(engine_, conf, views, "default", {});
  for (int attempt = 1;; ++attempt) {
    MS_ASSIGN_OR_RETURN(std::shared_ptr<ChangedTable> changed, OpenChangedTable(engine_.delta, path_, "delta.`" + path_ + "`", std::nullopt));
    MS_ASSIGN_OR_RETURN(RowChanges changes, AnalyzeDelete({.target = {}, .condition = parsed}, RelationOf(changed), {"quarantine"}, catalog, AnalyzerConf()));
    RowChangeOptions options{.operation = "DELETE",
                             .compute_conf = {.time_zone = "UTC", .threads = engine_.options.threads, .memory_bytes_max = engine_.options.memory_bytes_max}};
    Status deleted = ChangeRows(engine_.delta, *changed, changes, engine_.compute, options).status();
    if (deleted.ok() || attempt == kAttemptsMax || !IsChangeConflict(deleted)) return deleted;
  }
}

bool IsPlainScan(const PlanPtr& analyzed) {
  PlanPtr plan = analyzed;
  while (!plan->As<ScanRelation>()) {
    if (const auto* alias = plan->As<SubqueryAlias>()) {
      plan = PlanPtr(alias->child);
    } else if (const auto* project = plan->As<Project>()) {
      for (const ExprPtr& column : project->expressions)
        if (!column->As<AttributeRef>()) return false;
      plan = PlanPtr(project->child);
    } else {
      return false;
    }
  }
  const auto* scan = plan->As<ScanRelation>();
  const std::vector<AttributeRef> columns = OutputOf(*analyzed);
  if (columns.size() != scan->source->schema().size()) return false;
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].id != scan->output[i].id) return false;
  return true;
}

}  // namespace millstream
