#include "connectors/files/copy_source.h"

#include <algorithm>
#include <map>

#include "connectors/files/bad_records_path.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/content_hash.h"
#include "connectors/files/copy_relation.h"
#include "connectors/files/file_listing.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/sink_log.h"
#include "formats/json_scanner.h"

namespace millstream {
namespace {

constexpr size_t kErrorBytesMax = 1000;
// Of bad records that nobody keeps: as many as errors tell of.
constexpr int64_t kToldOfEachFile = 3;
constexpr size_t kToldMax = 5;
constexpr char kEmptySourceConf[] = "spark.databricks.delta.copyInto.emptySourceCheck.enabled";

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

Status CheckOptionNames(const OptionMap& options, const std::string& format) {
  std::vector<std::string> names;
  for (const OptionTable* table : {&GenericFileOptionTable(), FileFormatOptions(format)}) {
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  const CaseInsensitiveLess less;
  for (const auto& [name, value] : options) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& known) { return !less(known, name) && !less(name, known); })) continue;
    for (std::string_view not_built : {"datetimeRebaseMode", "int96RebaseMode"}) {
      if (!less(not_built, name) && !less(name, not_built)) return Status::Unsupported("The option " + name + " of COPY INTO");
    }
    std::optional<std::string> meant = DidYouMean(name, names);
    return Status::Error(errors::kUnknownOption, {{"option", name},
                                                  {"owner", "COPY INTO (" + format + ")"},
                                                  {"hint", meant ? "Did you mean `" + *meant + "`?" : "FORMAT_OPTIONS are those of spark.read."}});
  }
  return Status();
}

// A CSV header names the columns of its own file, wherever they stand in another one's.
bool HasHeader(const std::string& format, const OptionMap& options) {
  auto header = options.find("header");
  return format == "csv" && header != options.end() && ParseBool(header->second).value_or(false);
}

class ListedCopySource : public CopySource {
 public:
  ListedCopySource(const FilesContext& context, const CopySourceOptions& options, std::string path)
      : fs_(context.fs),
        path_(std::move(path)),
        name_(Lower(options.format) + " " + HadoopPathString(path_)),
        force_(options.force),
        replay_(options.replay),
        changed_(options.changed),
        quarantines_(options.quarantines),
        errors_(options.errors),
        zero_copy_(options.zero_copy) {}
  Status Prepare(const FilesContext& context, const CopySourceOptions& options);
  Status Find(Clock& clock, const CopySourceOptions& options, const TableLedger& ledger);

  const std::vector<InputFile>& files() const override { return files_; }
  CopySurvey survey() const override { return {.known = known_, .empty = empty_, .gone = removals_.files()}; }
  void TakeSample(size_t files_max, int64_t bytes_max) override;
  std::string FirstMalformed(const FilesContext& context) const override;
  SourceFileNames source_files() const override {
    std::vector<std::string> names;
    names.reserve(scan_->files().size());
    for (const InputFile& file : scan_->files()) names.push_back(file.path);
    return std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  Result<std::shared_ptr<const BatchRelationSource>> Open(const StructType& table) override;
  Status TakeMisfit(const BadRecord& row) override { return scan_->TakeMisfit(row); }
  Result<CopyOutcome> Outcome(int64_t now_ms, const std::vector<int64_t>& written, bool keeps_rows) override;
  Result<std::optional<LedgerChanges>> ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const override;
  std::shared_ptr<const QuarantineRows> bad_records() const override { return bad_; }
  const OptionMap& reader_options() const override { return reader_options_; }
  std::shared_ptr<const WholeFiles> whole_files() const override { return scan_ ? scan_->whole_files() : nullptr; }

 private:
  Status ListAll(const std::string& path, const TableLedger& ledger);
  Result<std::string> NamedPath(const std::string& name) const;
  Status TakeNamed(const std::vector<std::string>& names, bool ignores_missing, const TableLedger& ledger);
  // A known file may be wanted all the same: that is seen when its size and time are.
  bool takes_known() const { return replay_ || changed_ != Changed::kIgnored; }
  bool WantsKnown(const InputFile& file) const;
  Status LeaveOutKnown(KnownElsewhere& known);
  Status LeaveOutDuplicates(const TableLedger& ledger);
  // `bad` of `read` records of files_[i]: why it is left out; empty: it is not.
  std::string WhyLeftOut(size_t i, int64_t bad, int64_t read) const;

  using Changed = CopySourceOptions::Changed;
  Fs& fs_;
  const std::string path_, name_;  // name_: for plans and errors
  const bool force_, replay_;
  const Changed changed_;
  const bool quarantines_;
  const ErrorBudget errors_;
  const std::optional<WholeFileMode> zero_copy_;
  std::shared_ptr<const FileFormat> format_;
  OptionMap reader_options_;
  FileSelection selection_;
  bool has_header_ = false;  // CSV
  std::vector<FoundFile> found_;
  int64_t known_ = 0, empty_ = 0;
  CopyRemovals removals_;
  StructType partitions_;
  StructType data_schema_;  // of the last relation
  std::vector<InputFile> files_;
  // Of the files that the ledger remembers as unreadable: as they were then.
  std::map<std::string, LoadedFile> corrupt_before_;
  std::map<std::string, LoadedFile> settled_before_;  // of those that are loaded all the same
  std::map<std::string, LoadedFile> existing_;        // left out of files_: known from elsewhere
  std::map<std::string, LoadedFile> duplicates_;      // left out of files_: their bytes are known
  std::map<std::string, std::string> hashes_;         // of the others, by path; empty: not asked for
  std::map<std::string, LoadedFile> broken_midway_;   // left out of files_ since an earlier run
  std::shared_ptr<CopyScan> scan_;                    // of the last relation
  std::shared_ptr<QuarantineRows> bad_;               // of the files of the last outcome
};

Status ListedCopySource::Prepare(const FilesContext& context, const CopySourceOptions& options) {
  const std::string format = Lower(options.format);
  reader_options_ = options.format_options;
  // Files may go between the listing and the reading: that is no reason to load none of the others.
  reader_options_.try_emplace("ignoreMissingFiles", "true");
  // Only who rescues what fits no column may want "ID" and "id" apart: otherwise one of the two would be nulls.
  if (!context.format.case_sensitive && !reader_options_.contains("rescuedDataColumn")) reader_options_.try_emplace("readerCaseSensitive", "false");
  MS_ASSIGN_OR_RETURN(std::optional<std::string> bad_records_path, TakeBadRecordsPath(reader_options_));
  if (errors_.goes_on() && !bad_records_path) {
    MS_ASSIGN_OR_RETURN(reader_options_, WithQuarantine(std::move(reader_options_), quarantines_ ? "quarantineTable" : "onError"));
  }
  FormatContext format_context = context.format;
  format_context.infer_column_types = true;
  MS_ASSIGN_OR_RETURN(
      format_, context.make_format ? context.make_format(format, reader_options_, format_context) : MakeFileFormat(format, reader_options_, format_context));
  if (FileFormatOptions(format) != nullptr) MS_RETURN_IF_ERROR(CheckOptionNames(options.format_options, format));
  has_header_ = HasHeader(format, options.format_options);
  MS_ASSIGN_OR_RETURN(selection_, ParseFileSelection(options.format_options, context.format.time_zone));
  if (auto name = options.format_options.find("fileNamePattern"); name != options.format_options.end() && !selection_.name_filter) {
    MS_ASSIGN_OR_RETURN(selection_.name_filter, NameGlob::Parse(name->second));
  }
  selection_.skip_unfinished = true;
  selection_.ignore_sink_log = context.ignore_sink_log;
  return Status();
}

Status ListedCopySource::Find(Clock& clock, const CopySourceOptions& options, const TableLedger& ledger) {
  MS_ASSIGN_OR_RETURN(removals_, CopyRemovals::Find(fs_, clock, path_, options.deleted, ledger));
  if (options.names_files) {
    if (selection_.start_after) {
      return Status::IllegalArgument("COPY INTO: FILES names the files that are loaded, and startAfter = '" + *selection_.start_after +
                                     "' leaves files out by their names. Use one of the two.");
    }
    auto ignores = options.format_options.find("ignoreMissingFiles");
    const bool ignores_missing = ignores != options.format_options.end() && ParseBool(ignores->second).value_or(false);
    MS_RETURN_IF_ERROR(TakeNamed(options.files, ignores_missing, ledger));
  } else {
    Status listed = ListAll(options.pattern ? JoinPath(path_, *options.pattern) : path_, ledger);
    if (listed.Is(errors::kPathNotFound) && options.pattern) {
      MS_ASSIGN_OR_RETURN(bool exists, fs_.Exists(path_));
      if (exists) listed = Status();  // nothing matches: said below
    }
    MS_RETURN_IF_ERROR(listed);
  }
  MS_ASSIGN_OR_RETURN(partitions_, TakePartitions(found_, selection_, name_));
  for (FoundFile& file : found_) {
    if (!settled_before_.contains(file.file.path) || WantsKnown(file.file)) {
      files_.push_back(std::move(file.file));
    } else {
      settled_before_.erase(file.file.path);
      ++known_;
    }
  }
  found_.clear();
  std::sort(files_.begin(), files_.end(), [](const InputFile& a, const InputFile& b) { return ledger_run::KeyOf(a.path) < ledger_run::KeyOf(b.path); });
  if (options.known) MS_RETURN_IF_ERROR(LeaveOutKnown(*options.known));
  const bool wants_none = options.names_files && options.files.empty();
  if (files_.empty() && known_ == 0 && existing_.empty() && removals_.files() == 0 && options.refuses_empty_source && !wants_none) {
    return Status::Error(errors::kCopyIntoInferenceFailed,
                         {{"format", Upper(options.format)}, {"source", HadoopPathString(path_)}, {"config", kEmptySourceConf}});
  }
  return options.by_content ? LeaveOutDuplicates(ledger) : Status();
}

bool ListedCopySource::WantsKnown(const InputFile& file) const {
  const LoadedFile& known = settled_before_.at(file.path);
  return replay_ || known.size_bytes != file.size_bytes || known.modified_ns != file.modified_ns;
}

// Files that somebody else has loaded: the ledger says so from now on.
Status ListedCopySource::LeaveOutKnown(KnownElsewhere& known) {
  std::vector<InputFile> kept;
  for (InputFile& file : files_) {
    bool is_known = false;
    if (!settled_before_.contains(file.path)) {
      MS_ASSIGN_OR_RETURN(is_known, known.Contains(file.path));
    }
    if (!is_known) {
      kept.push_back(std::move(file));
      continue;
    }
    existing_[file.path] = {.state = LoadedFile::State::kExisting,
                            .size_bytes = file.size_bytes,
                            .modified_ns = file.modified_ns,
                            .first_error = "known from " + known.from(),
                            .written = 0};
  }
  files_ = std::move(kept);
  return Status();
}

// A file whose bytes came under another name stays out; one that is loaded again under its own name does not.
Status ListedCopySource::LeaveOutDuplicates(const TableLedger& ledger) {
  if (files_.empty()) return Status();
  std::map<std::string, std::string> known;  // path by hash
  TableLedger::Cursor cursor = ledger.NewCursor();
  for (Status moved = cursor.Seek("");; moved = cursor.Next()) {
    MS_RETURN_IF_ERROR(moved);
    if (!cursor.valid()) break;
    MS_ASSIGN_OR_RETURN(LoadedFile file, cursor.file());
    const bool is_known = file.state == LoadedFile::State::kLoaded || file.state == LoadedFile::State::kUndone;
    if (is_known && !file.content_hash.empty()) known.emplace(file.content_hash, ledger_run::PathOf(cursor.key()));
  }
  std::vector<InputFile> kept;
  for (InputFile& file : files_) {
    Result<FileInfo> seen = fs_.Stat(file.path);
    if (!seen.ok()) {  // gone: the reader says so, or leaves it out
      kept.push_back(std::move(file));
      continue;
    }
    MS_ASSIGN_OR_RETURN(std::optional<std::string> hash, ContentHash(fs_, file.path, *seen));
    if (!hash || seen->size_bytes != file.size_bytes || seen->modified_ns != file.modified_ns)
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size or time differs"}}).Retryable();
    auto [first, is_new] = known.emplace(*hash, file.path);
    if (!is_new && first->second != file.path) {
      duplicates_[file.path] = {.state = LoadedFile::State::kDuplicate,
                                .size_bytes = file.size_bytes,
                                .modified_ns = file.modified_ns,
                                .first_error = "the same bytes as " + first->second,
                                .content_hash = *std::move(hash),
                                .written = 0};
      continue;
    }
    hashes_[file.path] = *std::move(hash);
    kept.push_back(std::move(file));
  }
  files_ = std::move(kept);
  return Status();
}

Status ListedCopySource::ListAll(const std::string& path, const TableLedger& ledger) {
  TableLedger::Cursor cursor = ledger.NewCursor();
  Status failed;
  // The listing comes in the order of the keys, so the cursor only moves ahead: a known file costs a comparison, and no stat.
  auto is_known = [&](const std::string& file) {
    if (!failed.ok()) return true;
    const std::string key = ledger_run::KeyOf(file);
    failed = cursor.Seek(key);
    if (!failed.ok() || !cursor.valid() || cursor.key() != key) return false;
    Result<LoadedFile> loaded = cursor.file();
    if (!loaded.ok()) {
      failed = loaded.status();
      return true;
    }
    if (loaded->is_settled() && takes_known()) {
      settled_before_[file] = *std::move(loaded);
      return false;
    }
    if (loaded->is_settled()) {
      ++known_;
      return true;
    }
    if (loaded->state == LoadedFile::State::kSkippedCorrupt) corrupt_before_[file] = *loaded;
    return false;
  };
  std::function<bool(const std::string&)> skip;
  if (!force_ && !ledger.empty()) skip = is_known;
  MS_ASSIGN_OR_RETURN(FoundFiles found, FindFiles(fs_, path, selection_, skip));
  MS_RETURN_IF_ERROR(failed);
  // What has no bytes yet is being written, unless its emptiness is a row.
  if (!format_->reads_empty_files()) {
    empty_ = static_cast<int64_t>(std::erase_if(found.files, [](const FoundFile& file) { return file.file.size_bytes == 0; }));
  }
  found_ = std::move(found.files);
  return Status();
}

// The path that a name of FILES means; empty: none below the source.
Result<std::string> ListedCopySource::NamedPath(const std::string& name) const {
  const std::string base = path_ == "/" ? path_ : path_ + "/";
  std::string file = name;
  if (name.starts_with("file:")) {
    // Three slashes: a URI with percent-encoding (_metadata.file_path); one: as Hadoop's Path prints it.
    MS_ASSIGN_OR_RETURN(file, name.starts_with("file:///") ? PathFromLogUri(name) : PathFromUri(name));
  } else if (!name.starts_with(base)) {
    file = JoinPath(path_, name);
  }
  file = NormalizePath(file);
  if (!name.empty() && file.starts_with(base)) return file;
  return Status::IllegalArgument("COPY INTO: FILES names files below the source " + HadoopPathString(path_) + ", and '" + name + "' is none.");
}

Status ListedCopySource::TakeNamed(const std::vector<std::string>& names, bool ignores_missing, const TableLedger& ledger) {
  // In the order of the ledger, so that its cursor only moves ahead.
  std::map<std::string, std::string> named;
  for (const std::string& name : names) {
    MS_ASSIGN_OR_RETURN(std::string file, NamedPath(name));
    named.emplace(ledger_run::KeyOf(file), std::move(file));
  }
  TableLedger::Cursor cursor = ledger.NewCursor();
  for (const auto& [key, file] : named) {
    Result<FileInfo> info = fs_.Stat(file);
    if (!info.ok() || !info->is_regular) {
      if (!info.ok() && !info.status().Is(errors::kFileNotFound)) return info.status();
      if (!info.ok() && ignores_missing) continue;
      return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(file)}});
    }
    if (!force_) {
      MS_RETURN_IF_ERROR(cursor.Seek(key));
      std::optional<LoadedFile> loaded;
      if (cursor.valid() && cursor.key() == key) {
        MS_ASSIGN_OR_RETURN(loaded, cursor.file());
      }
      if (loaded && loaded->is_settled() && !takes_known()) {
        ++known_;
        continue;
      }
      if (loaded && loaded->is_settled()) settled_before_[file] = *loaded;
      if (loaded && loaded->state == LoadedFile::State::kSkippedCorrupt) corrupt_before_[file] = *loaded;
    }
    if (info->size_bytes == 0 && !format_->reads_empty_files()) {
      ++empty_;
      continue;
    }
    // All of them count, in whatever directory they lie.
    found_.push_back({{.path = file, .size_bytes = info->size_bytes, .modified_ns = info->modified_ns, .partition_values = {}}, path_, true});
  }
  return Status();
}

void ListedCopySource::TakeSample(size_t files_max, int64_t bytes_max) {
  int64_t bytes = 0;
  for (const InputFile& file : files_) bytes += file.size_bytes;
  const size_t by_bytes = bytes <= bytes_max ? files_.size() : static_cast<size_t>(static_cast<double>(bytes_max) / static_cast<double>(bytes) * files_.size());
  const size_t wanted = std::clamp<size_t>(std::min(files_max, by_bytes), std::min<size_t>(files_.size(), 1), files_.size());
  std::vector<InputFile> sample;
  for (size_t i = 0; i < wanted; ++i) sample.push_back(std::move(files_[i * files_.size() / wanted]));
  files_ = std::move(sample);
}

std::string ListedCopySource::FirstMalformed(const FilesContext& context) const {
  OptionMap options = reader_options_;
  options["mode"] = "FAILFAST";
  Result<std::shared_ptr<const FileFormat>> strict =
      context.make_format ? context.make_format(format_->name(), options, context.format) : MakeFileFormat(format_->name(), options, context.format);
  if (!strict.ok()) return strict.status().text();
  FileScan scan{.data_schema = data_schema_, .partition_schema = {}, .columns = {}, .rescued_data_column = "", .columns_by_name = has_header_};
  for (const StructField& field : data_schema_) scan.columns.push_back(field.name);
  Result<RowStreamPtr> rows = (*strict)->Read(files_, scan, nullptr);
  if (!rows.ok()) return rows.status().message();
  for (;;) {
    Result<RecordBatchPtr> batch = (*rows)->Next();
    if (!batch.ok()) return batch.status().message();
    if (!*batch) return "";
  }
}

Result<std::shared_ptr<const BatchRelationSource>> ListedCopySource::Open(const StructType& table) {
  scan_ = std::make_shared<CopyScan>(files_, errors_.goes_on(), quarantines_ ? INT64_MAX : kToldOfEachFile,
                                     zero_copy_ ? std::make_shared<WholeFiles>(*zero_copy_) : nullptr);
  const UnresolvedDataSource relation{.format = format_->name(), .schema = {}, .options = reader_options_, .paths = {}};
  MS_ASSIGN_OR_RETURN(FileSchemas schemas, ResolveFileSchemas(relation, Lower(format_->name()), *format_, files_, partitions_));
  if (schemas.all.empty() && !table.empty()) schemas = CombineFileSchemas(StructType({{table[0].name, DataType::String()}}), {}, false, "");
  data_schema_ = schemas.data;
  return MakeCopyRelation(name_, format_, std::move(schemas), has_header_, scan_);
}

std::string ListedCopySource::WhyLeftOut(size_t i, int64_t bad, int64_t read) const {
  if (!errors_.LeavesOut(bad, read)) return "";
  std::string why = "onError: " + std::to_string(bad) + " of " + std::to_string(read) + " records are bad";
  for (const std::string& first : bad_->First(1, static_cast<int32_t>(i))) why += ", the first of them in " + first;
  return why;
}

Result<CopyOutcome> ListedCopySource::Outcome(int64_t now_ms, const std::vector<int64_t>& written, bool keeps_rows) {
  CopyOutcome outcome;
  const std::shared_ptr<FileScanStats> stats = scan_ ? scan_->stats() : nullptr;
  bad_ = scan_ ? scan_->bad() : quarantines_ ? std::make_shared<QuarantineRows>(files_) : nullptr;
  int64_t bad_records = 0, records = 0;  // of the files that are loaded
  std::map<int32_t, FileOutcomes::Skipped> skipped;
  if (stats) {
    MS_RETURN_IF_ERROR(stats->CheckCounts(bad_.get()));
    std::vector<FileOutcomes::Skipped> told = stats->outcomes->skipped();
    // A reader that does not say which files it has left out would make them loaded.
    if (static_cast<int64_t>(told.size()) < stats->files_skipped)
      return Status::Unsupported("COPY INTO with ignoreCorruptFiles for " + format_->name(), "Name the good files with FILES.");
    for (FileOutcomes::Skipped& file : told) skipped.emplace(file.file, std::move(file));
  }
  auto skip_corrupt = [&](const std::string& path, LoadedFile file) {
    ++outcome.skipped_corrupt;
    auto before = corrupt_before_.find(path);
    const bool is_new = before == corrupt_before_.end() || before->second.size_bytes != file.size_bytes || before->second.modified_ns != file.modified_ns;
    outcome.is_new |= is_new;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
    return is_new;
  };
  for (const auto& [path, file] : broken_midway_) {
    if (skip_corrupt(path, file) && bad_) bad_->AddFile({.path = path, .size_bytes = file.size_bytes, .modified_ns = file.modified_ns}, file.first_error);
  }
  for (auto [path, file] : existing_) {
    file.loaded_ms = now_ms;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
  }
  for (auto [path, file] : duplicates_) {
    file.loaded_ms = now_ms;
    ++outcome.duplicates;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(path), std::move(file));
  }
  MS_ASSIGN_OR_RETURN(TableLedger::Changes removed, removals_.Changes(fs_, now_ms));
  outcome.is_new |= !removed.empty();
  std::move(removed.begin(), removed.end(), std::back_inserter(outcome.changes));
  for (size_t i = 0; i < files_.size(); ++i) {
    const InputFile& input = files_[i];
    LoadedFile file{.size_bytes = input.size_bytes, .modified_ns = input.modified_ns, .loaded_ms = now_ms};
    if (i < written.size()) file.written = written[i];
    if (auto hash = hashes_.find(input.path); hash != hashes_.end()) file.content_hash = hash->second;
    if (stats) {
      const FileOutcomes::Counts& counts = stats->outcomes->of(static_cast<int32_t>(i));
      file.rows = counts.rows;
      file.rejected = counts.rejected + counts.quarantined;
      file.malformed = counts.malformed;
    }
    if (auto found = skipped.find(static_cast<int32_t>(i)); found != skipped.end()) {
      if (found->second.is_missing && file.rows == 0) continue;
      file.state = LoadedFile::State::kSkippedCorrupt;
      file.written = 0;
      file.first_error = found->second.reason.substr(0, kErrorBytesMax);
      if (file.rows > 0) {
        file.rows = 0;
        broken_midway_[input.path] = std::move(file);
        outcome.must_run_again = true;
      } else {
        const std::string reason = file.first_error;
        const bool is_new = skip_corrupt(input.path, std::move(file));
        if (bad_ && is_new) bad_->AddFile(input, reason);
      }
      continue;
    }
    const int64_t bad = bad_ ? file.rejected : 0, read = file.rows + file.rejected;
    if (std::string why = WhyLeftOut(i, bad, read); !why.empty()) {
      file.state = LoadedFile::State::kSkippedCorrupt;
      file.rows = file.written = 0;
      file.first_error = ValidUtf8(why.substr(0, kErrorBytesMax));
      broken_midway_[input.path] = std::move(file);
      outcome.must_run_again = true;
      continue;
    }
    if (keeps_rows && i < written.size() && written[i] != file.rows) {
      return Status::Internal("of " + std::to_string(file.rows) + " rows of " + input.path + " " + std::to_string(written[i]) + " were written");
    }
    // Where no table keeps them, the ledger says at least what is wrong with the first.
    if (bad > 0 && !quarantines_) {
      for (const std::string& first : bad_->First(1, static_cast<int32_t>(i))) file.first_error = ValidUtf8(first.substr(0, kErrorBytesMax));
    }
    bad_records += bad, records += read;
    Result<FileInfo> now = fs_.Stat(input.path);
    if (now.ok() && (now->size_bytes != input.size_bytes || now->modified_ns != input.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(input.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    ++outcome.loaded;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(input.path), std::move(file));
  }
  std::erase_if(files_, [&](const InputFile& file) { return broken_midway_.contains(file.path); });
  // What was set apart of files that are left out whole does not count.
  if (outcome.must_run_again && files_.empty()) scan_ = nullptr;
  if (!outcome.must_run_again && bad_) MS_RETURN_IF_ERROR(errors_.Check(bad_records, records, bad_->First(kToldMax), "this statement"));
  std::sort(outcome.changes.begin(), outcome.changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return outcome;
}

Result<std::optional<CopySource::LedgerChanges>> ListedCopySource::ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const {
  using State = LoadedFile::State;
  LedgerChanges changes;
  TableLedger::Cursor cursor = ledger.NewCursor();
  for (const auto& [key, change] : outcome.changes) {
    MS_RETURN_IF_ERROR(cursor.Seek(key));
    std::optional<LoadedFile> known;
    if (cursor.valid() && cursor.key() == key) {
      MS_ASSIGN_OR_RETURN(known, cursor.file());
    }
    const bool is_settled = known && known->is_settled();
    const bool is_loaded = change.state == State::kLoaded;
    const std::string path = ledger_run::PathOf(key);
    if (change.state == State::kRemoved) {
      // One that others have done something to is left to the next statement.
      if (!known || !removals_.HoldsFor(path, *known)) continue;
      if (known->written != 0) changes.removed.push_back({path, *known});
      changes.changes.emplace_back(key, change);
      continue;
    }
    if (is_settled && is_loaded && !force_) {
      // Loaded again on purpose, unless others have done something to it meanwhile.
      auto before = settled_before_.find(path);
      if (before == settled_before_.end() || before->second.epoch != known->epoch) return std::optional<LedgerChanges>();
    }
    // A file that was loaded once, and cannot be read now, stays loaded.
    if (is_settled && !is_loaded) continue;
    LoadedFile file = change;
    const bool has_rows = known && known->written != 0;
    if (is_loaded && has_rows && known->state == State::kLoaded && (replay_ || changed_ == Changed::kReplaced) && !force_) {
      changes.replaced.push_back({path, *known});
    } else if (has_rows) {
      file.written = known->written < 0 || file.written < 0 ? -1 : known->written + file.written;
      file.first_epoch = known->first_epoch != 0 ? known->first_epoch : known->epoch;
    }
    changes.changes.emplace_back(key, std::move(file));
  }
  return std::optional<LedgerChanges>(std::move(changes));
}

}  // namespace

int64_t CopyOutcome::rows() const {
  int64_t rows = 0;
  for (const auto& [key, file] : changes) rows += file.state == LoadedFile::State::kLoaded ? file.rows : 0;
  return rows;
}

Result<std::unique_ptr<CopySource>> CopySource::Find(const FilesContext& context, const CopySourceOptions& options, const TableLedger& ledger) {
  constexpr std::string_view kFormats[] = {"csv", "json", "ndjson", "avro", "orc", "parquet", "text", "binaryfile", "xml"};
  if (std::find(std::begin(kFormats), std::end(kFormats), Lower(options.format)) == std::end(kFormats)) return Status::Error(errors::kCopyIntoSourceFormat);
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(options.source));
  auto source = std::make_unique<ListedCopySource>(context, options, NormalizePath(path));
  MS_RETURN_IF_ERROR(source->Prepare(context, options));
  MS_RETURN_IF_ERROR(source->Find(context.clock, options, ledger));
  return std::unique_ptr<CopySource>(std::move(source));
}

}  // namespace millstream
