#include "session/file_reports.h"

#include <algorithm>

#include "base/ignore_case.h"
#include "connectors/delta/ledger_commits.h"
#include "connectors/delta/stream_checkpoints.h"
#include "connectors/files/cloud_files_history.h"
#include "connectors/files/cloud_files_state.h"
#include "connectors/files/copy_history.h"
#include "connectors/files/copy_state.h"
#include "connectors/files/file_proof.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/ledger_view.h"
#include "connectors/files/schema_versions.h"
#include "plan/catalog.h"
#include "session/names.h"

namespace millstream {
namespace errors {
inline constexpr ErrorClass kCopyStateExpired{
    "MILLSTREAM_COPY_STATE_EXPIRED", "42000", ExceptionKind::kAnalysis,
    "What <table> knew of its files at this version is removed: <reason>. It is kept for delta.logRetentionDuration (30 days); copy_into_history('…') shows "
    "what the table's log still has."};
inline constexpr ErrorClass kVerifySourceUnknown{
    "MILLSTREAM_VERIFY_SOURCE_UNKNOWN", "42000", ExceptionKind::kAnalysis,
    "The ledger <path> does not say which directory its stream reads: an older version wrote it. Start the query once, or name the directory: VERIFY FILES IN "
    "STREAM '<checkpoint>' FROM '/the/directory'."};
inline constexpr ErrorClass kNoStreamsOfTable{
    "MILLSTREAM_NO_STREAMS_OF_TABLE", "42K03", ExceptionKind::kAnalysis,
    "The commits of <table> name no checkpoint of a cloudFiles stream that is still there: streams are found as long as the table's "
    "log keeps their commits. Give the checkpoint: cloud_files_state('/checkpoint')."};
}  // namespace errors

namespace {

std::string OptionOf(const OptionMap& options, const char* name) {
  auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

// FROM 'path' PATTERN 'glob'; nullopt without them.
Result<std::optional<ProofSource>> SourceOf(const OptionMap& options, PathGlob::Mode mode) {
  const std::string from = OptionOf(options, "from"), pattern = OptionOf(options, "pattern");
  if (from.empty()) return std::optional<ProofSource>();
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(from));
  ProofSource source;
  MS_ASSIGN_OR_RETURN(source.glob, PathGlob::Parse(pattern.empty() ? path : JoinPath(path, pattern), mode));
  source.partitions_only = pattern.empty() && mode == PathGlob::Mode::kStrict;
  MS_ASSIGN_OR_RETURN(bool exists, Fs::Local().Exists(source.glob.base()));
  if (!exists) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(source.glob.base())}});
  return std::optional(std::move(source));
}

Result<std::vector<ProvenLoad>> LoadsOf(EngineState& engine, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::vector<LedgerCommit> commits, LedgerCommitsOf(engine.delta, path));
  std::vector<ProvenLoad> loads;
  for (const LedgerCommit& commit : commits) {
    if (!commit.source_rows) continue;
    MS_ASSIGN_OR_RETURN(std::optional<int64_t> ledger_rows, RowsLoadedBy(engine.fs, path, commit.epoch));
    loads.push_back({.version = commit.version,
                     .ledger_rows = ledger_rows,
                     .source_rows = commit.source_rows,
                     .rows_in_table = commit.rows_added,
                     .commit_path = commit.path});
  }
  return loads;
}

}  // namespace

Result<RelationSourcePtr> OpenTableFiles(EngineState& engine, const std::string& path, const std::string& name, const OptionMap& options,
                                         const std::string& time_zone) {
  const std::string wanted = OptionOf(options, kCopyStateOption), shown = name.empty() ? "delta.`" + path + "`" : name;
  MS_ASSIGN_OR_RETURN(DeltaTableInfo table, DescribeDeltaTable(engine.delta, path));
  if (wanted == "history") {
    auto moments = [&delta = engine.delta, path]() -> Result<std::vector<LedgerMoment>> {
      MS_ASSIGN_OR_RETURN(std::vector<LedgerCommit> commits, LedgerCommitsOf(delta, path));
      std::vector<LedgerMoment> moments;
      for (LedgerCommit& commit : commits) moments.push_back({commit.version, commit.epoch, commit.timestamp_ms, std::move(commit.operation)});
      return moments;
    };
    return OpenCopyHistory(engine.fs, "copy_into_history " + shown, path, table.id, std::move(moments));
  }
  MS_ASSIGN_OR_RETURN(int64_t epoch, LedgerEpochAt(engine.delta, path, options, time_zone));
  const bool is_travel = options.contains("versionAsOf") || options.contains("timestampAsOf");
  Result<TableLedgerPtr> opened = TableLedger::Open(engine.fs, path, table.id, epoch);
  if (is_travel && opened.status().Is(errors::kTableLedgerDamaged)) {
    return Status::Error(errors::kCopyStateExpired, {{"table", shown}, {"reason", opened.status().text()}});
  }
  MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger, std::move(opened));
  if (wanted == "verify") {
    FileProof proof{
        .fs = engine.fs, .subject = HadoopPathString(path), .known = [ledger] { return Result<std::unique_ptr<KnownFiles>>(KnownFilesOf(ledger)); }};
    MS_ASSIGN_OR_RETURN(proof.source, SourceOf(options, PathGlob::Mode::kStrict));
    if (proof.source) proof.subject = HadoopPathString(proof.source->glob.pattern());
    proof.loads = [&engine, path] { return LoadsOf(engine, path); };
    return OpenFileProof("verify_files " + shown, {std::move(proof)});
  }
  auto versions = [&delta = engine.delta, path] { return DeltaCommitsOf(delta, path, kFileLedgerAppId); };
  return OpenCopyState("copy_into_state " + shown, std::move(ledger), versions);
}

Result<std::optional<RelationSourcePtr>> OpenStreamFiles(EngineState& engine, const UnresolvedDataSource& source) {
  using Opened = std::optional<RelationSourcePtr>;
  auto is = [&](const char* format) { return EqualsIgnoreCase(source.format, format) && !source.is_streaming && source.paths.size() == 1; };
  if (!is("cloud_files_state") && !is("cloud_files_history") && !is("cloud_files_schemas") && !is("verify_files")) return Opened();
  MS_ASSIGN_OR_RETURN(std::string checkpoint, PathFromUri(source.paths[0]));
  if (is("cloud_files_state")) {
    MS_ASSIGN_OR_RETURN(RelationSourcePtr state, OpenCloudFilesState(engine.fs, checkpoint));
    return Opened(std::move(state));
  }
  if (is("cloud_files_history")) {
    MS_ASSIGN_OR_RETURN(RelationSourcePtr history, OpenCloudFilesHistory(engine.fs, checkpoint));
    return Opened(std::move(history));
  }
  if (is("cloud_files_schemas")) {
    MS_ASSIGN_OR_RETURN(RelationSourcePtr schemas, OpenCloudFilesSchemas(engine.fs, checkpoint));
    return Opened(std::move(schemas));
  }
  MS_ASSIGN_OR_RETURN(std::vector<CloudFilesLedger> ledgers, FindCloudFilesLedgers(engine.fs, checkpoint));
  std::vector<FileProof> proofs;
  for (const CloudFilesLedger& ledger : ledgers) {
    const std::string directory = JoinPath(ledger.source_directory, "rocksdb");
    FileProof proof{.fs = engine.fs, .known = [&fs = engine.fs, directory] { return OpenKnownFiles(fs, directory); }};
    MS_ASSIGN_OR_RETURN(proof.source, SourceOf(source.options, PathGlob::Mode::kLoose));
    if (!proof.source) {
      MS_ASSIGN_OR_RETURN(std::string note, ReadLedgerNote(engine.fs, directory, kSourceNote));
      proof.source = DecodeSourceNote(note);
    }
    if (!proof.source) {
      return Status::Error(errors::kVerifySourceUnknown, {{"path", HadoopPathString(directory)}, {"checkpoint", HadoopPathString(checkpoint)}});
    }
    proof.subject = HadoopPathString(proof.source->glob.pattern());
    proofs.push_back(std::move(proof));
  }
  return Opened(OpenFileProof("verify_files " + HadoopPathString(checkpoint), std::move(proofs)));
}

Result<RelationSourcePtr> OpenFilesOfStreams(EngineState& engine, const std::string& function, const ResolvedTable& table) {
  if (!IsDeltaFormat(table.provider)) return Status::Unsupported(function + "(TABLE(…)) of a " + table.provider + " table", "Give the checkpoint of the query.");
  MS_ASSIGN_OR_RETURN(std::vector<std::string> checkpoints, StreamCheckpointsOf(engine.delta, table.location));
  std::vector<CloudFilesLedger> ledgers;
  for (const std::string& checkpoint : checkpoints) {
    Result<std::vector<CloudFilesLedger>> found = FindCloudFilesLedgers(engine.fs, checkpoint);
    // Removed since, or the checkpoint of a stream that reads something else.
    if (found.status().Is(errors::kPathNotFound) || found.status().Is(errors::kCloudFilesStateMissing)) continue;
    if (!found.ok()) return found.status();
    ledgers.insert(ledgers.end(), found->begin(), found->end());
  }
  if (ledgers.empty()) return Status::Error(errors::kNoStreamsOfTable, {{"table", table.name}});
  const bool is_one = std::all_of(ledgers.begin(), ledgers.end(),
                                  [&](const CloudFilesLedger& ledger) { return ParentPath(ledger.source_directory) == ParentPath(ledgers[0].source_directory); });
  if (!is_one) {
    for (CloudFilesLedger& ledger : ledgers) ledger.id = ledger.source_directory;
  }
  if (EqualsIgnoreCase(function, "cloud_files_history")) return OpenCloudFilesHistory(engine.fs, table.name, std::move(ledgers));
  return OpenCloudFilesState(engine.fs, table.name, std::move(ledgers));
}

}  // namespace millstream
