#include "session/known_from.h"

#include <arrow/array.h>

#include "compute/compiled_plan.h"
#include "connectors/api/table.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/traced_rows.h"
#include "connectors/files/sink_log.h"
#include "formats/path_glob.h"
#include "plan/sql/parser.h"

namespace millstream {
namespace {

constexpr char kPathColumn[] = "path", kStateColumn[] = "ingestion_state", kCommitColumn[] = "commit_time";

Status Nothing(const std::string& from, const std::string& reason) { return Status::Error(errors::kKnownFromNothing, {{"from", from}, {"reason", reason}}); }

bool IsPath(const std::string& name) { return name.find('/') != std::string::npos && name.find('`') == std::string::npos; }

// The rows of a relation that say which files were loaded: a list of paths, or an exported cloud_files_state, in which others wait or were left out.
Status AddListed(EngineState& engine, SessionCatalog& catalog, const PlanPtr& relation, KnownElsewhere& known) {
  AnalyzerConf conf;
  MS_ASSIGN_OR_RETURN(PlanPtr all, Analyze(relation, catalog, conf));
  const StructType columns = SchemaOf(*all);
  const std::optional<size_t> path = columns.IndexOf(kPathColumn);
  if (!path || columns[*path].type.id() != TypeId::kString) return Nothing(known.from(), "it has no column path (STRING)");
  std::string condition = "path IS NOT NULL";
  if (columns.IndexOf(kStateColumn)) {
    condition +=
        " AND ingestion_state IS NOT NULL AND ingestion_state NOT IN ('PROCESSING', 'DISCOVERED', 'FORGOTTEN', 'SKIPPED_CORRUPTED', 'SKIPPED_MISSING')";
  } else if (columns.IndexOf(kCommitColumn)) {
    condition += " AND commit_time IS NOT NULL";
  }
  MS_ASSIGN_OR_RETURN(ExprPtr filter, ParseExpression(condition));
  MS_ASSIGN_OR_RETURN(ExprPtr column, ParseExpression(kPathColumn));
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(MakePlan(Project{{column}, MakePlan(Filter{filter, relation})}), catalog, conf));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> compiled, CompiledPlan::Compile(Optimize(analyzed), engine.compute, ComputeConf{.threads = 1}));
  std::vector<RowStreamPtr> inputs;
  for (const auto& [source, needs] : compiled->scans()) {
    const auto* table = dynamic_cast<const BatchRelationSource*>(source.get());
    if (table == nullptr) return Nothing(known.from(), "it cannot be read in a batch query");
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, table->Scan(needs));
    inputs.push_back(std::move(rows));
  }
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, compiled->Run(std::move(inputs)));
  for (;;) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
    if (!batch) return Status();
    const auto& paths = static_cast<const arrow::StringArray&>(*batch->column(0));
    for (int64_t row = 0; row < paths.length(); ++row) {
      // A URI of this machine, or a raw path.
      const std::string text = paths.GetString(row);
      std::string path = text;
      if (text.starts_with("file:")) {
        MS_ASSIGN_OR_RETURN(path, text.starts_with("file:///") ? PathFromLogUri(text) : PathFromUri(text));
      }
      if (!path.starts_with('/')) return Nothing(known.from(), "its path " + text + " is none of this machine (file:/…, /…): map it with a view first");
      MS_RETURN_IF_ERROR(known.Add(NormalizePath(path)));
    }
  }
}

// What the table's COPY INTO knows, and the source files that its data files name. False: neither says anything, and it has rows.
Result<bool> AddTable(EngineState& engine, const Snapshot& table, KnownElsewhere& known) {
  const int64_t epoch = table.TransactionVersion(kFileLedgerAppId).value_or(0);
  if (epoch != 0) {
    MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger, TableLedger::Open(engine.fs, table.table_path, table.metadata->id, epoch));
    MS_RETURN_IF_ERROR(known.Add(std::move(ledger)));
  }
  Status failed;
  bool has_files = false;
  table.files.ForEach([&](const AddFilePtr& file) {
    has_files = true;
    if (!failed.ok()) return;
    Result<std::optional<SourceRuns>> runs = ReadSourceRuns(engine.fs, table.table_path, file->path, SourceOfRegistered(*file));
    failed = runs.status();
    if (!failed.ok() || !*runs) return;
    for (const std::string& path : (*runs)->paths) {
      if (failed.ok()) failed = known.Add(path.ends_with(kRetriedMark) ? path.substr(0, path.size() - kRetriedMark.size()) : path);
    }
  });
  MS_RETURN_IF_ERROR(failed);
  return known.added() > 0 || !has_files;
}

PlanPtr FileRelation(const std::string& path) {
  UnresolvedDataSource file{.format = "json", .schema = {}, .options = {}, .paths = {path}};
  if (path.ends_with(".csv")) {
    file.format = "csv";
    file.options["header"] = "true";
  } else if (path.ends_with(".parquet")) {
    file.format = "parquet";
  } else if (path.ends_with(".txt")) {
    file.format = "text";
    return MakePlan(
        Project{{MakeExpr(Alias{MakeExpr(UnresolvedAttribute{{"value"}, {}, false}), {kPathColumn}, std::nullopt, {}})}, MakePlan(std::move(file))});
  }
  return MakePlan(std::move(file));
}

}  // namespace

Result<std::shared_ptr<KnownElsewhere>> OpenKnownFrom(EngineState& engine, SessionCatalog& catalog, const std::string& name,
                                                      const std::string& spill_directory) {
  auto known = std::make_shared<KnownElsewhere>(engine.fs, name, spill_directory);
  std::string path;
  PlanPtr relation;
  bool is_file = false;
  if (IsPath(name)) {
    MS_ASSIGN_OR_RETURN(path, PathFromUri(name));
    path = NormalizePath(path);
    MS_ASSIGN_OR_RETURN(bool exists, engine.fs.Exists(path));
    if (!exists) return Nothing(name, "nothing is there");
    MS_ASSIGN_OR_RETURN(FileInfo info, engine.fs.Stat(path));
    is_file = info.is_regular;
  } else {
    MS_ASSIGN_OR_RETURN(MultipartName parts, ParseMultipartName(name));
    relation = MakePlan(UnresolvedRelation{parts, {}, false});
    MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> table, catalog.Resolve(parts));
    if (table) path = table->location;
  }
  bool is_delta = false;
  if (!path.empty() && !is_file) {
    MS_ASSIGN_OR_RETURN(is_delta, IsDeltaTable(engine.delta, path));
  }
  if (is_delta) {
    MS_ASSIGN_OR_RETURN(SnapshotPtr table, engine.delta.Log(path)->Update());
    MS_ASSIGN_OR_RETURN(bool says, AddTable(engine, *table, *known));
    if (!says && !table->schema().IndexOf(kPathColumn)) {
      return Nothing(name, "nothing in it says from which files its rows came, and it has no column path");
    }
    if (!says) MS_RETURN_IF_ERROR(AddListed(engine, catalog, MakePlan(UnresolvedRelation{{"delta", path}, {}, false}), *known));
  } else if (relation) {
    MS_RETURN_IF_ERROR(AddListed(engine, catalog, relation, *known));
  } else {
    MS_RETURN_IF_ERROR(is_file ? AddListed(engine, catalog, FileRelation(path), *known) : known->AddCheckpoint(engine.clock, path));
  }
  MS_RETURN_IF_ERROR(known->Seal());
  return known;
}

}  // namespace millstream
