// Which files a COPY INTO loads: the merge of the sorted listing with the table's ledger, or those that FILES names, without what is known.

#include <algorithm>

#include "connectors/files/cloud_files_options.h"
#include "connectors/files/content_hash.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/listed_copy_source.h"
#include "connectors/files/sink_log.h"

namespace millstream {
namespace {

constexpr char kEmptySourceConf[] = "spark.databricks.delta.copyInto.emptySourceCheck.enabled";

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

}  // namespace

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
                         {{"format", UpperCase(options.format)}, {"source", HadoopPathString(path_)}, {"config", kEmptySourceConf}});
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
      duplicate_of_[file.path] = first->second;
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

}  // namespace millstream
