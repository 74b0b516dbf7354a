#include "connectors/files/file_lister.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

// Deeper trees cannot be named anyway: a path ends at 4,096 bytes.
constexpr size_t kDepthMax = 2048;

Status Unreadable(const std::string& path, const Status& status) {
  return Status::Error(errors::kDirectoryUnreadable,
                       {{"path", path}, {"reason", status.error_number() == 0 ? status.text() : std::strerror(status.error_number())}});
}

bool IsGone(const Status& status) { return status.Is(errors::kFileNotFound) || status.error_number() == ENOTDIR; }

}  // namespace

void NameTable::Add(std::string_view name) {
  if (blocks_.empty() || block_left_ < name.size()) {
    next_block_ = std::max(std::min<size_t>(next_block_ * 4, 1 << 20), name.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(next_block_));
    block_left_ = next_block_;
  }
  char* at = blocks_.back().get() + (next_block_ - block_left_);
  std::memcpy(at, name.data(), name.size());
  block_left_ -= name.size();
  uint64_t prefix = 0;
  for (size_t i = 0; i < 8; ++i) prefix = prefix << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0);
  refs_.push_back({prefix, at, static_cast<uint32_t>(name.size())});
}

void NameTable::Sort() {
  std::sort(refs_.begin(), refs_.end(), [](const Ref& a, const Ref& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return std::string_view(a.data, a.size) < std::string_view(b.data, b.size);
  });
}

const DirectoryMemory::Known* DirectoryMemory::Find(const std::string& path) const {
  auto found = known_.find(path);
  return found == known_.end() ? nullptr : &found->second;
}

void DirectoryMemory::Remember(const std::string& path, Known known) {
  if (known_.size() >= kDirectoriesMax && !known_.contains(path)) return;
  known_[path] = std::move(known);
}

std::vector<std::string> DirectoryMemory::Paths(size_t count_max) const {
  std::vector<std::string> paths;
  if (known_.size() > count_max) return paths;
  for (const auto& [path, known] : known_) paths.push_back(path);
  return paths;
}

bool IsHiddenName(std::string_view name) {
  return name.starts_with('.') || (name.starts_with('_') && name.find('=') == std::string_view::npos) || name.ends_with("._COPYING_");
}

bool IsUnfinishedName(std::string_view name) {
  for (std::string_view suffix : {".COPYING", ".crdownload", ".part", ".partial", ".filepart", ".tmp"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

FileLister::FileLister(Fs& fs, const ListerOptions& options, const DirectoryMemory* memory) : fs_(fs), options_(options), memory_(memory) {}

Result<std::optional<ListedDirectory>> FileLister::Next() {
  if (!started_) {
    started_ = true;
    const std::string& base = options_.glob.base();
    Result<FileInfo> info = fs_.Stat(base);
    if (!info.ok()) {
      if (IsGone(info.status())) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(base)}});
      return info.status();
    }
    if (!info->is_directory) {  // the load path names one file
      ListedDirectory listed{.path = std::string(ParentPath(base))};
      if (info->is_regular) listed.names.Add(BaseName(base));
      return std::optional(std::move(listed));
    }
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, Enter(base));
    if (listed) return listed;
    return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(base)}});
  }
  if (reader_ != nullptr) return NextPart();
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.subdirectories.size()) {
      levels_.pop_back();
      continue;
    }
    std::string path = JoinPath(level.path, level.subdirectories[level.next++]);
    if (!options_.glob.MayHoldMatches(path)) continue;
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, Enter(std::move(path)));
    if (listed) return listed;
  }
  return std::optional<ListedDirectory>();
}

// Its first part. nullopt: the directory is not there any more, or leads back to one that we are in.
Result<std::optional<ListedDirectory>> FileLister::Enter(std::string path) {
  if (levels_.size() >= kDepthMax) return Status::Error(errors::kDirectoryUnreadable, {{"path", path}, {"reason", "it lies too deep"}});
  Result<FileInfo> info = fs_.Stat(path);
  if (!info.ok()) {
    if (IsGone(info.status())) return std::optional<ListedDirectory>();
    if (info.status().error_number() == ELOOP) {
      ++counts_.symlink_loops;
      return std::optional<ListedDirectory>();
    }
    return Status::Error(errors::kDirectoryUnreadable, {{"path", path}, {"reason", std::strerror(info.status().error_number())}});
  }
  if (!info->is_directory) return std::optional<ListedDirectory>();
  for (const Level& level : levels_) {
    if (level.device == info->device && level.inode == info->inode) {
      ++counts_.symlink_loops;
      return std::optional<ListedDirectory>();
    }
  }
  ListedDirectory listed{.path = path, .info = std::move(*info)};
  const DirectoryMemory::Known* known = memory_ == nullptr ? nullptr : memory_->Find(path);
  if (known != nullptr && known->device == listed.info.device && known->inode == listed.info.inode && known->changed_ns == listed.info.changed_ns) {
    listed.unchanged = true;
    listed.subdirectories = known->subdirectories;
    ++counts_.directories_unchanged;
  } else {
    Result<std::unique_ptr<NameReader>> reader = NameReader::Open(fs_, path);
    if (!reader.ok()) {
      if (IsGone(reader.status())) return std::optional<ListedDirectory>();
      return Unreadable(path, reader.status());
    }
    reader_ = std::move(*reader);
    parts_ = std::move(listed);
    ++counts_.directories_listed;
    return NextPart();
  }
  levels_.push_back({std::move(path), listed.subdirectories, 0, listed.info.device, listed.info.inode});
  return std::optional(std::move(listed));
}

// The next names of the directory that is being read; with the last of them come its sub-directories.
Result<std::optional<ListedDirectory>> FileLister::NextPart() {
  ListedDirectory part{.path = parts_.path, .is_first = parts_.is_first, .info = parts_.info};
  MS_RETURN_IF_ERROR(ListInto(part));
  parts_.is_first = false;
  std::move(part.subdirectories.begin(), part.subdirectories.end(), std::back_inserter(parts_.subdirectories));
  part.subdirectories.clear();
  if (!part.is_last) return std::optional(std::move(part));
  reader_.reset();
  std::sort(parts_.subdirectories.begin(), parts_.subdirectories.end());
  part.subdirectories = parts_.subdirectories;
  levels_.push_back({part.path, std::move(parts_.subdirectories), 0, part.info.device, part.info.inode});
  parts_ = {};
  return std::optional(std::move(part));
}

Status FileLister::ListInto(ListedDirectory& listed) {
  std::vector<std::string> to_resolve;  // symlinks, and what the file system does not tell the kind of
  auto add_file = [&](std::string_view name) {
    if ((options_.name_filter && !options_.name_filter->Matches(name)) ||
        (options_.glob.has_glob() && !options_.glob.MatchesFile(JoinPath(listed.path, name)))) {
      ++counts_.filtered;
    } else {
      listed.names.Add(name);
    }
  };
  Result<bool> more = reader_->Next(options_.names_at_once, [&](std::string_view name, DirectoryEntry::Kind kind) {
    if (IsHiddenName(name)) {
      ++counts_.hidden;
      return;
    }
    switch (kind) {
      case DirectoryEntry::Kind::kFile:
        if (options_.skip_unfinished && IsUnfinishedName(name)) {
          ++counts_.unfinished;
        } else {
          add_file(name);
        }
        return;
      case DirectoryEntry::Kind::kDirectory:
        listed.subdirectories.emplace_back(name);
        return;
      case DirectoryEntry::Kind::kSymlink:
      case DirectoryEntry::Kind::kUnknown:
        to_resolve.emplace_back(name);
        return;
      case DirectoryEntry::Kind::kOther:
        ++counts_.special;
        return;
    }
  });
  if (!more.ok()) return Unreadable(listed.path, more.status());
  listed.is_last = !*more;
  for (const std::string& name : to_resolve) {
    Result<FileInfo> info = fs_.Stat(JoinPath(listed.path, name));
    if (!info.ok()) {
      ++(info.status().error_number() == ELOOP ? counts_.symlink_loops : counts_.dangling);
    } else if (info->is_directory) {
      listed.subdirectories.push_back(name);
    } else if (!info->is_regular) {
      ++counts_.special;
    } else if (options_.skip_unfinished && IsUnfinishedName(name)) {
      ++counts_.unfinished;
    } else {
      add_file(name);
    }
  }
  listed.names.Sort();
  return Status();
}

}  // namespace millstream
