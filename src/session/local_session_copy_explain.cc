// local_session_copy_explain.cc   EXPLAIN COPY INTO: what the statement would do, from a sample of its files. Nothing is written.

#include "base/uuid.h"
#include "connectors/delta/delta_append.h"
#include "connectors/files/file_lister.h"
#include "delta/schema_merge.h"
#include "session/copy_options.h"
#include "session/copy_target.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/source_catalog.h"

namespace millstream {
namespace {

// As much as is read in a few seconds.
constexpr size_t kSampleFilesMax = 1000;
constexpr int64_t kSampleBytesMax = int64_t{256} << 20;

std::string Ddl(const StructType& schema) {
  std::string text;
  for (const StructField& field : schema) text += (text.empty() ? "" : ", ") + field.name + " " + field.type.Sql();
  return text;
}

// What the files have beyond the table, and otherwise than the table.
std::string SchemaChange(const StructType& table, const StructType& files, bool merges, bool has_query) {
  std::string change;
  auto say = [&](const std::string& text) { change += (change.empty() ? "" : ", ") + text; };
  for (const StructField& field : files) {
    std::optional<size_t> at = table.IndexOf(field.name);
    if (!at) {
      say("+ " + field.name + " " + field.type.Sql() + (merges ? " (mergeSchema adds it)" : " (not in the table)"));
    } else if (!table[*at].type.SameType(field.type)) {
      say(field.name + " " + field.type.Sql() + " (is cast to " + table[*at].type.Sql() + ")");
    }
  }
  for (const StructField& field : table) {
    if (!has_query && !files.IndexOf(field.name)) say("- " + field.name + " (null)");
  }
  return change.empty() ? "none" : change;
}

class CopyReport {
 public:
  void Say(std::string property, std::string value) { result_.AddRow({TextValue(std::move(property)), TextValue(std::move(value))}); }
  void Say(std::string property, int64_t number) { Say(std::move(property), std::to_string(number)); }
  Result<QueryResult> Finish() const { return result_.Finish(); }

 private:
  ResultTable result_{StructType({{"property", DataType::String()}, {"value", DataType::String()}})};
};

int64_t BytesOf(const std::vector<InputFile>& files) {
  int64_t bytes = 0;
  for (const InputFile& file : files) bytes += file.size_bytes;
  return bytes;
}

// By names alone, of the whole source.
Result<ListerCounts> CountLeftOut(Fs& fs, const CopyInto& command) {
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(command.source));
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(command.pattern ? JoinPath(path, *command.pattern) : path, PathGlob::Mode::kStrict));
  const ListerOptions options{.glob = std::move(glob)};
  FileLister lister(fs, options, nullptr);
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) return lister.counts();
  }
}

}  // namespace

Result<QueryResult> LocalSession::ExplainCopy(const CopyInto& command, const ResolvedTable& table, const Execution& under) {
  MS_ASSIGN_OR_RETURN(OptionValues options, CopyOptionTable().Parse(command.copy_options));
  const bool merges_schema = options.Bool("mergeSchema");
  MS_ASSIGN_OR_RETURN(std::unique_ptr<DeltaAppend> append, DeltaAppend::Begin(engine_->delta, table.location, rule_conf()));
  const Snapshot& before = append->table();
  MS_ASSIGN_OR_RETURN(TableLedgerPtr ledger,
                      TableLedger::Open(engine_->fs, table.location, before.metadata->id, before.TransactionVersion(kFileLedgerAppId).value_or(0)));
  const FilesContext context = MakeCatalog().files_context();
  MS_ASSIGN_OR_RETURN(CopySourceOptions wanted, CopyOptionsOf(command, options, /*refuses_empty_source=*/false));
  if (std::optional<std::string> known = options.String("knownFrom")) {
    MS_ASSIGN_OR_RETURN(wanted.known, context.open_known(*known, JoinPath(engine_->warehouse.directory(), "_millstream/tmp/known-" + NewUuid())));
  }
  wanted.deleted.confirm_after_ms = 0;  // nothing is removed here
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CopySource> source, CopySource::Find(context, wanted, *ledger));
  const int64_t files = static_cast<int64_t>(source->files().size()), bytes = BytesOf(source->files());

  CopyReport report;
  report.Say("table", table.name);
  report.Say("source", HadoopPathString(command.source));
  report.Say("files_to_load", files);
  report.Say("bytes_to_load", bytes);
  report.Say("files_known", source->survey().known);
  report.Say("files_empty", source->survey().empty);
  if (wanted.deleted.removes_rows) report.Say("files_gone", source->survey().gone);
  if (!wanted.names_files) {
    MS_ASSIGN_OR_RETURN(ListerCounts left_out, CountLeftOut(engine_->fs, command));
    report.Say("files_hidden", left_out.hidden);
    report.Say("files_unfinished", left_out.unfinished);
  }
  if (files == 0) {
    report.Say("next", source->survey().gone > 0    ? "the same statement without EXPLAIN removes the rows of the files that are gone"
                       : source->survey().known > 0 ? "nothing is new: the statement would make no commit" : "no file is there to be loaded: look at the path");
    return report.Finish();
  }

  source->TakeSample(kSampleFilesMax, kSampleBytesMax);
  const int64_t sampled = static_cast<int64_t>(source->files().size()), sampled_bytes = BytesOf(source->files());
  report.Say("files_sampled", sampled);
  std::optional<std::string> first_error;
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const BatchRelationSource> relation, source->Open(before.schema()));
  report.Say("file_schema", Ddl(relation->schema()));
  bool fits = true;
  if (!relation->schema().empty()) {
    auto run = [&]() -> Status {
      SourceCatalog catalog(MakeCatalog(), relation);
      const PlanPtr plan = command.query ? command.query : MakePlan(UnresolvedDataSource{.format = kCopySourceFormat, .paths = {command.source}});
      MS_ASSIGN_OR_RETURN(PlanPtr analyzed, Analyze(plan, catalog, analyzer_conf()));
      report.Say("schema_change",
                 SchemaChange(before.schema(), command.query ? SchemaOf(*analyzed) : relation->schema(), merges_schema, command.query != nullptr));
      Result<CopyFit> fitted = FitToCopyTarget(command, analyzed, before.schema(), table.name, merges_schema);
      fits = fitted.ok();
      MS_RETURN_IF_ERROR(fitted.status());
      MS_ASSIGN_OR_RETURN(QueryResult query, ExecuteAnalyzed(CastToCopyTarget(*fitted), under));
      return append->Check(query.schema, *query.rows, merges_schema, std::nullopt, 0).status();
    };
    if (Status failed = run(); !failed.ok()) first_error = failed.message();
  }

  Result<CopyOutcome> outcome = first_error ? Result<CopyOutcome>(CopyOutcome()) : source->Outcome(engine_->clock.WallMillis(), {});
  MS_RETURN_IF_ERROR(outcome.status());
  int64_t rows = 0, rejected = 0, malformed = 0;
  for (const auto& [key, file] : outcome->changes) {
    if (file.state == LoadedFile::State::kRemoved) continue;
    rows += file.rows;
    rejected += file.rejected;
    malformed += file.malformed;
  }
  if (!first_error) {
    report.Say("rows_sampled", rows);
    const bool is_all = sampled == files;
    report.Say(is_all ? "rows" : "estimated_rows", is_all || sampled_bytes == 0 ? rows
                                                                                : static_cast<int64_t>(static_cast<double>(rows) * static_cast<double>(bytes) /
                                                                                                       static_cast<double>(sampled_bytes)));
    report.Say("rejected_rows_sampled", rejected);
    report.Say("malformed_rows_sampled", malformed);
    report.Say("unreadable_files_sampled", outcome->skipped_corrupt);
    if (auto whole_files = source->whole_files()) {
      report.Say("registered_files_sampled", whole_files->taken());
      if (std::string refusals = whole_files->Refusals(outcome->loaded); !refusals.empty()) report.Say("not_registered", refusals);
    }
    if (rejected + malformed > 0) first_error = source->FirstMalformed(context);
  }
  if (first_error && !first_error->empty()) report.Say("first_error", *first_error);
  if (!fits) {
    report.Say("next", "the statement would fail and load nothing: add COPY_OPTIONS ('mergeSchema' = 'true'), or name the columns in a SELECT");
  } else if (first_error && rows == 0) {
    report.Say("next", "the statement would fail and load nothing: repair the file, leave it out, or use a SELECT with try_cast");
  } else if (rejected + malformed > 0) {
    report.Say("next", "the same statement without EXPLAIN loads the files; look at the records that cannot be parsed first");
  } else {
    report.Say("next", "the same statement without EXPLAIN loads the files");
  }
  return report.Finish();
}

}  // namespace millstream
