#include "connectors/files/file_lister.h"

#include <algorithm>

#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

// Deeper trees cannot be named anyway: a path ends at 4,096 bytes.
constexpr size_t kDepthMax = 2048;
// Of fewer directories, threads would cost more than they save.
constexpr size_t kDirectoriesWorthThreads = 16;

}  // namespace

FileLister::FileLister(Fs& fs, const ListerOptions& options, DirectoryMemory* memory, Scope scope, std::vector<std::string> roots, SharedListing shared)
    : fs_(fs), options_(options), memory_(memory), scope_(scope), roots_(std::move(roots)), shared_(std::move(shared)), started_(!roots_.empty()) {}

Result<std::optional<ListedDirectory>> FileLister::Begin() {
  started_ = true;
  const std::string& base = options_.glob.base();
  Result<FileInfo> info = fs_.Stat(base);
  if (!info.ok()) {
    if (IsGone(info.status())) {
      return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(base)}});
    }
    return info.status();
  }
  if (!info->is_directory) {  // the load path names one file
    ListedDirectory listed{.path = std::string(ParentPath(base))};
    if (info->is_regular) listed.names.Add(BaseName(base));
    return std::optional(std::move(listed));
  }
  MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, Enter(base, shared_.wanted));
  if (listed) return listed;
  return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(base)}});
}

Result<std::optional<ListedDirectory>> FileLister::Next() {
  if (!started_) return Begin();
  if (reading_) return NextPart();
  while (!levels_.empty()) {
    PlanAhead();
    Level& level = levels_.back();
    if (level.next == level.subdirectories.size()) {
      levels_.pop_back();
      continue;
    }
    std::string path = JoinPath(level.path, level.subdirectories[level.next++]);
    if (!MayHold(path)) continue;
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, Enter(std::move(path), shared_.wanted));
    if (listed) return listed;
  }
  while (next_root_ < roots_.size()) {
    LookAbove(roots_[next_root_]);
    NamesWanted wanted = shared_.wanted;
    if (!shared_.told_at.empty()) wanted.began_after = shared_.told_at[next_root_];
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, Enter(roots_[next_root_++], wanted));
    if (listed) return listed;
  }
  return std::optional<ListedDirectory>();
}

// So that a symlink which leads back above the root is known for a loop.
void FileLister::LookAbove(const std::string& root) {
  above_.clear();
  const std::string& base = options_.glob.base();
  for (size_t end = base.size(); end < root.size(); end = root.find('/', end + 1)) {
    Result<FileInfo> info = fs_.Stat(root.substr(0, end));
    if (info.ok()) above_.emplace_back(info->device, info->inode);
  }
}

bool FileLister::MayHold(const std::string& directory) const {
  return options_.glob.MayHoldMatches(directory) && !LiesBeforeStartKey(options_.start_after, directory);
}

std::optional<NamesDigest> FileLister::KnownNames(const std::string& path) const {
  if (scope_ != Scope::kAll || memory_ == nullptr) return std::nullopt;
  return memory_->FindNames(path);
}

// Has the next directories of this level read. Where directories need not be listed when their times are as remembered, little is left to read.
void FileLister::PlanAhead() {
  Level& level = levels_.back();
  if (options_.threads_ahead == 0 || (scope_ == Scope::kChanged && memory_ != nullptr)) return;
  if (ahead_ == nullptr) {
    if (level.subdirectories.size() - level.next < kDirectoriesWorthThreads) return;
    ahead_ = std::make_unique<ReadAhead>(options_.threads_ahead);
  }
  level.next_ahead = std::max(level.next_ahead, level.next);
  for (size_t room = ahead_->room(); room > 0 && level.next_ahead < level.subdirectories.size(); ++level.next_ahead) {
    std::string path = JoinPath(level.path, level.subdirectories[level.next_ahead]);
    if (!MayHold(path)) continue;
    std::optional<NamesDigest> known = KnownNames(path);
    ahead_->Want(DirectoryReading(fs_, options_, std::move(path), known, shared_.directories, shared_.wanted));
    --room;
  }
}

// Its first part. nullopt: the directory is not there any more, or leads back to one that we are in.
Result<std::optional<ListedDirectory>> FileLister::Enter(std::string path, const NamesWanted& wanted) {
  if (levels_.size() >= kDepthMax) return Status::Error(errors::kDirectoryUnreadable, {{"path", path}, {"reason", "it lies too deep"}});
  std::optional<ReadDirectory> ahead = ahead_ == nullptr ? std::nullopt : ahead_->Take(path);
  const bool is_open = ahead.has_value();
  if (!ahead) {
    ahead.emplace(ReadDirectory{.reading = DirectoryReading(fs_, options_, path, KnownNames(path), shared_.directories, wanted)});
    MS_ASSIGN_OR_RETURN(ahead->is_there, ahead->reading.Look());
  }
  DirectoryReading& reading = ahead->reading;
  if (!ahead->is_there) {
    counts_.Add(reading.TakeCounts());
    return ahead->status.ok() ? Result<std::optional<ListedDirectory>>(std::nullopt) : ahead->status;
  }
  const FileInfo& info = reading.info();
  const bool is_loop = std::any_of(levels_.begin(), levels_.end(), [&](const Level& level) { return level.device == info.device && level.inode == info.inode; }) ||
                       std::find(above_.begin(), above_.end(), std::pair(info.device, info.inode)) != above_.end();
  if (is_loop) {
    ++counts_.symlink_loops;
    return std::optional<ListedDirectory>();
  }
  MS_RETURN_IF_ERROR(ahead->status);
  if (scope_ == Scope::kChanged) {
    std::optional<DirectoryMemory::Known> known = memory_ == nullptr ? std::nullopt : memory_->Find(path);
    if (known && known->device == info.device && known->inode == info.inode && known->changed_ns == info.changed_ns) {
      ListedDirectory listed{.path = path, .unchanged = true, .subdirectories = std::move(known->subdirectories), .info = info};
      ++counts_.directories_unchanged;
      levels_.push_back({.path = std::move(path), .subdirectories = listed.subdirectories, .device = info.device, .inode = info.inode});
      return std::optional(std::move(listed));
    }
  }
  if (!is_open) {
    MS_ASSIGN_OR_RETURN(bool is_there, reading.Open());
    if (!is_there) return std::optional<ListedDirectory>();
  }
  reading_ = std::move(reading);
  return NextPart();
}

// The next names of the directory that is being read; with the last of them come its sub-directories.
Result<std::optional<ListedDirectory>> FileLister::NextPart() {
  MS_ASSIGN_OR_RETURN(ListedDirectory part, reading_->TakePart());
  if (!part.is_last) return std::optional(std::move(part));
  counts_.Add(reading_->TakeCounts());
  reading_.reset();
  levels_.push_back({.path = part.path, .subdirectories = part.subdirectories, .device = part.info.device, .inode = part.info.inode});
  return std::optional(std::move(part));
}

}  // namespace millstream
