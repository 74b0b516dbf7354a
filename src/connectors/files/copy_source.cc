#include "connectors/files/copy_source.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_listing.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

// What was counted while a relation was read.
struct CopyScan {
  std::vector<InputFile> files;
  std::mutex mutex;
  std::shared_ptr<FileScanStats> stats;  // GUARDED_BY(mutex); null: not read
  bool quarantines = false;
  std::shared_ptr<QuarantineRows> bad;  // GUARDED_BY(mutex); of the same reading
};

constexpr size_t kErrorBytesMax = 1000;
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

class CopyRelation : public BatchRelationSource {
 public:
  CopyRelation(std::string name, std::shared_ptr<const FileFormat> format, FileSchemas schemas, bool by_name, std::shared_ptr<CopyScan> scan)
      : name_(std::move(name)), format_(std::move(format)), schemas_(std::move(schemas)), by_name_(by_name), scan_(std::move(scan)) {}

  std::string name() const override { return name_; }
  const StructType& schema() const override { return schemas_.all; }
  const StructType& metadata_schema() const override { return FileMetadataSchema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    auto stats = std::make_shared<FileScanStats>();
    stats->outcomes = std::make_shared<FileOutcomes>(scan_->files.size());
    std::shared_ptr<QuarantineRows> bad;
    if (scan_->quarantines) bad = std::make_shared<QuarantineRows>(scan_->files);
    {
      std::lock_guard lock(scan_->mutex);
      scan_->stats = stats;
      scan_->bad = bad;
    }
    return format_->Read(scan_->files,
                         {.data_schema = schemas_.data,
                          .partition_schema = schemas_.partition,
                          .columns = needs.columns,
                          .rescued_data_column = schemas_.rescued_column,
                          .columns_by_name = by_name_,
                          .outcomes = stats->outcomes,
                          .bad_records = bad},
                         stats);
  }

 private:
  const std::string name_;
  const std::shared_ptr<const FileFormat> format_;
  const FileSchemas schemas_;
  const bool by_name_;
  const std::shared_ptr<CopyScan> scan_;
};

Status CheckOptionNames(const OptionMap& options, const std::string& format) {
  std::vector<std::string> names;
  for (const OptionTable* table : {&GenericFileOptionTable(), FileFormatOptions(format)}) {
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  const CaseInsensitiveLess less;
  for (const auto& [name, value] : options) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& known) { return !less(known, name) && !less(name, known); })) continue;
    for (std::string_view not_built : {"badRecordsPath", "singleVariantColumn", "datetimeRebaseMode", "int96RebaseMode"}) {
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
        quarantines_(options.quarantines) {}
  Status Prepare(const FilesContext& context, const CopySourceOptions& options);
  Status Find(const CopySourceOptions& options, const TableLedger& ledger);

  const std::vector<InputFile>& files() const override { return files_; }
  Result<std::shared_ptr<const BatchRelationSource>> Open(const StructType& table) override;
  Result<CopyOutcome> Outcome(int64_t now_ms) override;
  Result<std::optional<TableLedger::Changes>> ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const override;
  std::shared_ptr<const QuarantineRows> bad_records() const override { return bad_; }
  const OptionMap& reader_options() const override { return reader_options_; }

 private:
  Status ListAll(const std::string& path, const TableLedger& ledger);
  Status TakeNamed(const std::vector<std::string>& names, bool ignores_missing, const TableLedger& ledger);

  Fs& fs_;
  const std::string path_, name_;  // name_: for plans and errors
  const bool force_, quarantines_;
  std::shared_ptr<const FileFormat> format_;
  OptionMap reader_options_;
  FileSelection selection_;
  bool has_header_ = false;  // CSV
  std::vector<FoundFile> found_;
  int64_t known_ = 0;
  StructType partitions_;
  std::vector<InputFile> files_;
  // Of the files that the ledger remembers as unreadable: as they were then.
  std::map<std::string, LoadedFile> corrupt_before_;
  std::map<std::string, LoadedFile> broken_midway_;  // left out of files_ since an earlier run
  std::shared_ptr<CopyScan> scan_;                   // of the last relation
  std::shared_ptr<QuarantineRows> bad_;              // of the files of the last outcome
};

Status ListedCopySource::Prepare(const FilesContext& context, const CopySourceOptions& options) {
  const std::string format = Lower(options.format);
  reader_options_ = options.format_options;
  // Files may go between the listing and the reading: that is no reason to load none of the others.
  reader_options_.try_emplace("ignoreMissingFiles", "true");
  // Only who rescues what fits no column may want "ID" and "id" apart: otherwise one of the two would be nulls.
  if (!context.format.case_sensitive && !reader_options_.contains("rescuedDataColumn")) reader_options_.try_emplace("readerCaseSensitive", "false");
  if (options.quarantines) {
    MS_ASSIGN_OR_RETURN(reader_options_, WithQuarantine(std::move(reader_options_), "quarantineTable"));
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

Status ListedCopySource::Find(const CopySourceOptions& options, const TableLedger& ledger) {
  if (!options.files.empty()) {
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
  for (FoundFile& file : found_) files_.push_back(std::move(file.file));
  found_.clear();
  std::sort(files_.begin(), files_.end(), [](const InputFile& a, const InputFile& b) { return ledger_run::KeyOf(a.path) < ledger_run::KeyOf(b.path); });
  if (files_.empty() && known_ == 0 && options.refuses_empty_source) {
    return Status::Error(errors::kCopyIntoInferenceFailed,
                         {{"format", Upper(options.format)}, {"source", HadoopPathString(path_)}, {"config", kEmptySourceConf}});
  }
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
  if (!format_->reads_empty_files()) std::erase_if(found.files, [](const FoundFile& file) { return file.file.size_bytes == 0; });
  found_ = std::move(found.files);
  return Status();
}

Status ListedCopySource::TakeNamed(const std::vector<std::string>& names, bool ignores_missing, const TableLedger& ledger) {
  std::set<std::string> taken;
  for (const std::string& name : names) {
    const std::string file = NormalizePath(JoinPath(path_, name));
    if (name.empty() || !file.starts_with(path_ == "/" ? path_ : path_ + "/")) {
      return Status::IllegalArgument("COPY INTO: FILES names files below the source " + HadoopPathString(path_) + ", and '" + name + "' is none.");
    }
    if (!taken.insert(file).second) continue;
    Result<FileInfo> info = fs_.Stat(file);
    if (!info.ok() || !info->is_regular) {
      if (!info.ok() && !info.status().Is(errors::kFileNotFound)) return info.status();
      if (!info.ok() && ignores_missing) continue;
      return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(file)}});
    }
    if (!force_) {
      MS_ASSIGN_OR_RETURN(std::optional<LoadedFile> loaded, ledger.Find(file));
      if (loaded && loaded->is_settled()) {
        ++known_;
        continue;
      }
      if (loaded && loaded->state == LoadedFile::State::kSkippedCorrupt) corrupt_before_[file] = *loaded;
    }
    if (info->size_bytes == 0 && !format_->reads_empty_files()) continue;
    // All of them count, in whatever directory they lie.
    found_.push_back({{.path = file, .size_bytes = info->size_bytes, .modified_ns = info->modified_ns, .partition_values = {}}, path_, true});
  }
  return Status();
}

Result<std::shared_ptr<const BatchRelationSource>> ListedCopySource::Open(const StructType& table) {
  scan_ = std::make_shared<CopyScan>();
  scan_->files = files_;
  scan_->quarantines = quarantines_;
  const UnresolvedDataSource relation{.format = format_->name(), .schema = {}, .options = reader_options_, .paths = {}};
  MS_ASSIGN_OR_RETURN(FileSchemas schemas, ResolveFileSchemas(relation, Lower(format_->name()), *format_, files_, partitions_));
  if (schemas.all.empty() && !table.empty()) schemas = CombineFileSchemas(StructType({{table[0].name, DataType::String()}}), {}, false, "");
  return std::shared_ptr<const BatchRelationSource>(std::make_shared<CopyRelation>(name_, format_, std::move(schemas), has_header_, scan_));
}

Result<CopyOutcome> ListedCopySource::Outcome(int64_t now_ms) {
  CopyOutcome outcome;
  std::shared_ptr<FileScanStats> stats;
  if (scan_) {
    std::lock_guard lock(scan_->mutex);
    stats = scan_->stats;
    bad_ = scan_->bad;
  }
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
  for (size_t i = 0; i < files_.size(); ++i) {
    const InputFile& input = files_[i];
    LoadedFile file{.size_bytes = input.size_bytes, .modified_ns = input.modified_ns, .loaded_ms = now_ms};
    if (stats) {
      const FileOutcomes::Counts& counts = stats->outcomes->of(static_cast<int32_t>(i));
      file.rows = counts.rows;
      file.rejected = counts.rejected + counts.quarantined;
      file.malformed = counts.malformed;
    }
    if (auto found = skipped.find(static_cast<int32_t>(i)); found != skipped.end()) {
      if (found->second.is_missing && file.rows == 0) continue;
      file.state = LoadedFile::State::kSkippedCorrupt;
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
    Result<FileInfo> now = fs_.Stat(input.path);
    if (now.ok() && (now->size_bytes != input.size_bytes || now->modified_ns != input.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(input.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    ++outcome.loaded;
    outcome.is_new = true;
    outcome.changes.emplace_back(ledger_run::KeyOf(input.path), std::move(file));
  }
  std::erase_if(files_, [&](const InputFile& file) { return broken_midway_.contains(file.path); });
  std::sort(outcome.changes.begin(), outcome.changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return outcome;
}

Result<std::optional<TableLedger::Changes>> ListedCopySource::ChangesOn(const TableLedger& ledger, const CopyOutcome& outcome) const {
  TableLedger::Changes changes;
  TableLedger::Cursor cursor = ledger.NewCursor();
  for (const auto& [key, file] : outcome.changes) {
    MS_RETURN_IF_ERROR(cursor.Seek(key));
    bool is_settled = false;
    if (cursor.valid() && cursor.key() == key) {
      MS_ASSIGN_OR_RETURN(LoadedFile known, cursor.file());
      is_settled = known.is_settled();
    }
    if (is_settled && file.state == LoadedFile::State::kLoaded && !force_) return std::optional<TableLedger::Changes>();
    // A file that was loaded once, and cannot be read now, stays loaded.
    if (!is_settled || file.state == LoadedFile::State::kLoaded) changes.emplace_back(key, file);
  }
  return std::optional<TableLedger::Changes>(std::move(changes));
}

}  // namespace

Result<std::unique_ptr<CopySource>> CopySource::Find(const FilesContext& context, const CopySourceOptions& options, const TableLedger& ledger) {
  constexpr std::string_view kFormats[] = {"csv", "json", "avro", "orc", "parquet", "text", "binaryfile", "xml"};
  if (std::find(std::begin(kFormats), std::end(kFormats), Lower(options.format)) == std::end(kFormats)) return Status::Error(errors::kCopyIntoSourceFormat);
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(options.source));
  auto source = std::make_unique<ListedCopySource>(context, options, NormalizePath(path));
  MS_RETURN_IF_ERROR(source->Prepare(context, options));
  MS_RETURN_IF_ERROR(source->Find(options, ledger));
  return std::unique_ptr<CopySource>(std::move(source));
}

}  // namespace millstream
