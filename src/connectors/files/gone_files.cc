#include "connectors/files/gone_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "connectors/files/directory_reading.h"
#include "connectors/files/files_errors.h"
#include "storage/name_reader.h"

namespace millstream {
namespace {

// As discovery has it: a directory whose last change is younger may change again without a new ctime.
constexpr int64_t kTickMarginNs = 100'000'000;
// About 10 MB of paths; what is beyond them is found by the next look.
constexpr size_t kPathsMax = 100'000;
// About 10 MB of names. The files of a larger directory are looked at one by one.
constexpr int64_t kNamesMax = 200'000;
constexpr size_t kDirectoriesSeenMax = 50'000;
// Directory times of some file systems are no good: now and then they are not trusted.
constexpr int64_t kTrustedForUs = 60'000'000;

bool IsBelow(const std::string& directory, const std::string& base) {
  return directory == base || base == "/" || (directory.starts_with(base) && directory[base.size()] == '/');
}

bool SaysGone(const Status& status) { return status.Is(errors::kFileNotFound) || status.error_number() == ENOTDIR; }

class StreamLoadedFiles : public LoadedFiles {
 public:
  StreamLoadedFiles(std::shared_ptr<FileLedger> ledger, int64_t loaded, int64_t cleaned)
      : ledger_(std::move(ledger)), loaded_(loaded), cleaned_(cleaned), cursor_(ledger_->NewCursor()) {}

  Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) override {
    // No path holds the byte 1 where this one ends and another one goes on, so all files of the directory come before.
    MS_ASSIGN_OR_RETURN(std::vector<RecordedFile> next, ledger_->RecordedFiles(directory.empty() ? "" : directory + '\1', "", 1));
    if (next.empty()) return std::optional<std::string>();
    return std::optional<std::string>(std::move(next[0].directory));
  }
  Status Seek(const std::string& directory) override { return cursor_->Seek(directory); }
  bool valid() const override { return cursor_->valid(); }
  std::string_view name() const override { return cursor_->name(); }
  Status Next() override { return cursor_->Next(); }
  Result<bool> IsLoaded() override {
    MS_ASSIGN_OR_RETURN(FileRecord record, cursor_->record());
    return record.state == FileState::kAssigned && record.number <= loaded_;
  }
  Result<bool> IsToBeReplaced() override {
    MS_ASSIGN_OR_RETURN(FileRecord record, cursor_->record());
    if (record.state == FileState::kWaiting) return record.number > 0;
    if (record.state != FileState::kAssigned || record.number <= loaded_) return false;
    MS_ASSIGN_OR_RETURN(std::vector<Replacement> replaces, ledger_->Replacements(record.number - 1, record.number));
    return !replaces.empty() && replaces[0].replaced > 0;
  }
  Result<bool> MayBeRemoved() override {
    MS_ASSIGN_OR_RETURN(FileRecord record, cursor_->record());
    if (record.state != FileState::kAssigned || record.number > loaded_ || record.number <= cleaned_) return false;
    MS_ASSIGN_OR_RETURN(std::optional<FileFate> fate, ledger_->FindFate(record.number));
    using Cleaned = FileFate::Cleaned;
    return !fate || (fate->retracted == FileFate::Retracted::kNo && (fate->cleaned == Cleaned::kNo || fate->cleaned == Cleaned::kTagged));
  }

 private:
  const std::shared_ptr<FileLedger> ledger_;
  const int64_t loaded_, cleaned_;
  std::unique_ptr<FileLedger::Cursor> cursor_;
};

class TableLoadedFiles : public LoadedFiles {
 public:
  explicit TableLoadedFiles(const TableLedger& ledger) : ledger_(ledger), cursor_(ledger_.NewCursor()) {}

  Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) override {
    TableLedger::Cursor cursor = ledger_.NewCursor();
    MS_RETURN_IF_ERROR(cursor.Seek(directory.empty() ? std::string() : ledger_run::PrefixOf(directory) + '\1'));
    if (!cursor.valid()) return std::optional<std::string>();
    const std::string path = ledger_run::PathOf(cursor.key());
    return std::optional<std::string>(path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/')));
  }
  Status Seek(const std::string& directory) override {
    prefix_ = ledger_run::PrefixOf(directory) + '\0';
    return cursor_.Seek(prefix_);
  }
  bool valid() const override { return cursor_.valid() && cursor_.key().starts_with(prefix_); }
  std::string_view name() const override { return std::string_view(cursor_.key()).substr(prefix_.size()); }
  Status Next() override { return cursor_.Next(); }
  Result<bool> IsLoaded() override {
    MS_ASSIGN_OR_RETURN(LoadedFile file, cursor_.file());
    return file.state == LoadedFile::State::kLoaded;
  }
  // A statement knows what it loads after it has looked.
  Result<bool> IsToBeReplaced() override { return false; }
  Result<bool> MayBeRemoved() override { return IsLoaded(); }

 private:
  const TableLedger& ledger_;
  TableLedger::Cursor cursor_;
  std::string prefix_;
};

}  // namespace

std::optional<double> ParseFraction(const std::string& text) {
  double fraction = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fraction);
  if (error != std::errc() || end != text.data() + text.size() || !(fraction > 0 && fraction <= 1)) return std::nullopt;
  return fraction;
}

std::unique_ptr<LoadedFiles> LoadedFilesOf(std::shared_ptr<FileLedger> ledger, int64_t loaded, int64_t cleaned) {
  return std::make_unique<StreamLoadedFiles>(std::move(ledger), loaded, cleaned);
}
std::unique_ptr<LoadedFiles> LoadedFilesOf(const TableLedger& ledger) { return std::make_unique<TableLoadedFiles>(ledger); }

Result<FileInfo> GoneFileFinder::LookAtSource() const {
  Result<FileInfo> info = fs_.Stat(source_.base());
  if (!info.ok() && SaysGone(info.status())) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(source_.base())}});
  return info;
}

Result<bool> GoneFileFinder::IsGone(const std::string& path) const {
  Result<FileInfo> info = fs_.Stat(path);
  if (info.ok()) return false;
  return SaysGone(info.status()) ? Result<bool>(true) : info.status();
}

Result<GoneFiles> GoneFileFinder::Find(LoadedFiles& loaded) {
  GoneFiles found;
  MS_ASSIGN_OR_RETURN(FileInfo base, LookAtSource());
  found.device = base.device;
  found.inode = base.inode;
  // A load path that names one file: whether it is gone or renamed for a while nobody can tell.
  if (!base.is_directory) return found;
  const int64_t now_us = clock_.MonotonicMicros();
  if (now_us - seen_since_us_ > kTrustedForUs) {
    seen_.clear();
    seen_since_us_ = now_us;
  }
  for (std::string directory;;) {
    MS_ASSIGN_OR_RETURN(std::optional<std::string> next, loaded.DirectoryAfter(directory));
    if (!next) break;
    directory = *std::move(next);
    if (IsBelow(directory, source_.base())) MS_RETURN_IF_ERROR(FindIn(directory, loaded, found));
  }
  if (static_cast<double>(found.gone) > options_.fraction_max * static_cast<double>(found.loaded)) {
    std::string fraction = std::to_string(options_.fraction_max);
    fraction.erase(std::max(fraction.find_last_not_of('0'), fraction.find('.') + 1) + 1);
    return Status::Error(errors::kTooManyFilesGone, {{"gone", std::to_string(found.gone)},
                                                     {"known", std::to_string(found.loaded)},
                                                     {"path", HadoopPathString(source_.base())},
                                                     {"option", option_name_},
                                                     {"fraction", fraction}});
  }
  return found;
}

Status GoneFileFinder::FindIn(const std::string& directory, LoadedFiles& loaded, GoneFiles& found) {
  Result<FileInfo> info = fs_.Stat(directory);
  if (!info.ok() && !SaysGone(info.status())) return DirectoryUnreadable(directory, info.status());
  const bool is_there = info.ok() && info->is_directory;
  if (auto seen = seen_.find(directory); seen != seen_.end()) {
    const Seen& before = seen->second;
    if (is_there && before.device == info->device && before.inode == info->inode && before.changed_ns == info->changed_ns) {
      found.loaded += before.loaded;
      return Status();
    }
    seen_.erase(seen);
  }
  const int64_t listed_ms = clock_.WallMillis();
  NameTable names;
  if (is_there) {
    Result<std::unique_ptr<NameReader>> reader = NameReader::Open(fs_, directory);
    if (!reader.ok()) return DirectoryUnreadable(directory, reader.status());
    // Names beyond these are not compared: their files are looked at below, each by itself.
    Result<bool> more = (*reader)->Next(kNamesMax, [&](std::string_view name, DirectoryEntry::Kind) { names.Add(name); });
    if (!more.ok()) return DirectoryUnreadable(directory, more.status());
    names.Sort();
  }
  const int64_t gone_before = found.gone, loaded_before = found.loaded;
  size_t at = 0;
  MS_RETURN_IF_ERROR(loaded.Seek(directory));
  while (loaded.valid()) {
    MS_ASSIGN_OR_RETURN(bool is_loaded, loaded.IsLoaded());
    MS_ASSIGN_OR_RETURN(const bool is_replaced, loaded.IsToBeReplaced());
    found.loaded += is_loaded || is_replaced;
    const std::string_view name = loaded.name();
    while (at < names.size() && names[at] < name) ++at;
    if (is_loaded && (at == names.size() || names[at] != name)) {
      const std::string path = JoinPath(directory, name);
      MS_ASSIGN_OR_RETURN(bool may_go, loaded.MayBeRemoved());
      bool is_gone = may_go && (!source_.has_glob() || source_.MatchesFile(path));
      if (is_gone) {
        MS_ASSIGN_OR_RETURN(is_gone, IsGone(path));
      }
      if (is_gone) {
        ++found.gone;
        if (found.paths.size() < kPathsMax) found.paths.push_back(path);
      }
    }
    MS_RETURN_IF_ERROR(loaded.Next());
  }
  const bool is_settled = is_there && listed_ms * 1'000'000 - info->changed_ns > kTickMarginNs;
  if (is_settled && found.gone == gone_before && seen_.size() < kDirectoriesSeenMax) {
    seen_[directory] = {.device = info->device, .inode = info->inode, .changed_ns = info->changed_ns, .loaded = found.loaded - loaded_before};
  }
  return Status();
}

Result<std::vector<std::string>> GoneFileFinder::Confirm(const GoneFiles& gone) {
  std::vector<std::string> confirmed;
  MS_ASSIGN_OR_RETURN(FileInfo before, LookAtSource());
  for (const std::string& path : gone.paths) {
    MS_ASSIGN_OR_RETURN(bool is_gone, IsGone(path));
    if (is_gone) confirmed.push_back(path);
  }
  MS_ASSIGN_OR_RETURN(FileInfo base, LookAtSource());
  const bool is_same = base.device == gone.device && base.inode == gone.inode && before.device == gone.device && before.inode == gone.inode && base.is_directory;
  if (!is_same) confirmed.clear();
  return confirmed;
}

}  // namespace millstream
