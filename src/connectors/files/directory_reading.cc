#include "connectors/files/directory_reading.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connectors/files/file_gone.h"
#include "connectors/files/files_errors.h"

namespace millstream {
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

void ListerCounts::Add(const ListerCounts& more) {
  directories_listed += more.directories_listed;
  directories_unchanged += more.directories_unchanged;
  directories_shared += more.directories_shared;
  hidden += more.hidden;
  unfinished += more.unfinished;
  special += more.special;
  symlink_loops += more.symlink_loops;
  dangling += more.dangling;
  filtered += more.filtered;
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

Status DirectoryUnreadable(const std::string& path, const Status& status) {
  return Status::Error(errors::kDirectoryUnreadable,
                       {{"path", path}, {"reason", status.error_number() == 0 ? status.text() : std::strerror(status.error_number())}});
}

Status DirectoryReading::Unreadable(const Status& status) const { return DirectoryUnreadable(listed_.path, status); }

Result<bool> DirectoryReading::Look() {
  Result<FileInfo> info = fs_->Stat(listed_.path);
  if (info.ok()) {
    listed_.info = std::move(*info);
    return listed_.info.is_directory;
  }
  if (IsGone(info.status())) return false;
  if (info.status().error_number() != ELOOP) return Unreadable(info.status());
  ++counts_.symlink_loops;
  return false;
}

Result<bool> DirectoryReading::Open() {
  bool is_shared = false;
  auto begin = [&]() -> Status {
    if (shared_ == nullptr) {
      MS_ASSIGN_OR_RETURN(reader_, NameReader::Open(*fs_, listed_.path));
      return Status();
    }
    MS_ASSIGN_OR_RETURN(SharedNames names, shared_->Open(*fs_, listed_.path, listed_.info, wanted_));
    reader_ = std::move(names.reader);
    listed_.info = std::move(names.info);
    listed_.began_ms = names.began_ms;
    is_shared = names.is_shared;
    return Status();
  };
  if (Status status = begin(); !status.ok()) {
    if (IsGone(status)) return false;
    return Unreadable(status);
  }
  ++(is_shared ? counts_.directories_shared : counts_.directories_listed);
  return true;
}

Status DirectoryReading::Read(int64_t names_max) {
  if (reader_ == nullptr || names_read_ >= names_max) return Status();
  MS_ASSIGN_OR_RETURN(bool more, Visit(names_max - names_read_, /*keeps_names=*/true));
  if (more) return Status();
  listed_.same_names = listed_.is_first && known_ && *known_ == listed_.digest;
  if (!listed_.same_names) listed_.names.Sort();
  return Status();
}

Result<ListedDirectory> DirectoryReading::TakePart() {
  MS_RETURN_IF_ERROR(Read(options_->names_at_once));
  if (reader_ != nullptr && listed_.is_first && known_) MS_RETURN_IF_ERROR(CompareTheRest());
  listed_.is_last = reader_ == nullptr;
  if (!listed_.is_last) listed_.names.Sort();
  ListedDirectory part{.path = listed_.path,
                       .same_names = listed_.same_names,
                       .is_first = listed_.is_first,
                       .is_last = listed_.is_last,
                       .names = std::exchange(listed_.names, {}),
                       .digest = listed_.digest,
                       .info = listed_.info,
                       .began_ms = listed_.began_ms};
  listed_.is_first = false;
  names_read_ = 0;
  if (part.is_last) {
    std::sort(subdirectories_.begin(), subdirectories_.end());
    part.subdirectories = std::move(subdirectories_);
  }
  return part;
}

Status DirectoryReading::CompareTheRest() {
  listed_.names = {};
  for (bool more = true; more;) {
    MS_ASSIGN_OR_RETURN(more, Visit(options_->names_at_once, /*keeps_names=*/false));
  }
  listed_.same_names = *known_ == listed_.digest;
  if (listed_.same_names) return Status();
  known_.reset();
  listed_.digest = {};
  names_read_ = 0;
  subdirectories_.clear();
  counts_ = {};
  MS_ASSIGN_OR_RETURN(bool is_there, Open());
  return is_there ? Read(options_->names_at_once) : Status();
}

bool DirectoryReading::WantsFile(std::string_view name) {
  if (options_->skip_unfinished && IsUnfinishedName(name)) {
    ++counts_.unfinished;
    return false;
  }
  if (!last_left_out_.empty() && name <= last_left_out_) {
    ++counts_.filtered;
    return false;
  }
  if ((options_->name_filter && !options_->name_filter->Matches(name)) ||
      (options_->glob.has_glob() && !options_->glob.MatchesFile(JoinPath(listed_.path, name)))) {
    ++counts_.filtered;
    return false;
  }
  return true;
}

// False: these were the last names, and the reader is closed.
Result<bool> DirectoryReading::Visit(int64_t names_max, bool keeps_names) {
  std::vector<std::string> to_resolve;  // symlinks, and what the file system does not tell the kind of
  Result<bool> more = reader_->Next(names_max, [&](std::string_view name, DirectoryEntry::Kind kind) {
    ++names_read_;
    if (IsHiddenName(name)) {
      ++counts_.hidden;
      return;
    }
    switch (kind) {
      case DirectoryEntry::Kind::kFile:
        if (!WantsFile(name)) return;
        listed_.digest.Add(name);
        if (keeps_names) listed_.names.Add(name);
        return;
      case DirectoryEntry::Kind::kDirectory:
        subdirectories_.emplace_back(name);
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
  if (!more.ok()) return Unreadable(more.status());
  if (!*more) reader_.reset();
  for (const std::string& name : to_resolve) Resolve(name, keeps_names);
  return *more;
}

void DirectoryReading::Resolve(const std::string& name, bool keeps_names) {
  Result<FileInfo> info = fs_->Stat(JoinPath(listed_.path, name));
  if (!info.ok()) {
    ++(info.status().error_number() == ELOOP ? counts_.symlink_loops : counts_.dangling);
  } else if (info->is_directory) {
    subdirectories_.push_back(name);
  } else if (!info->is_regular) {
    ++counts_.special;
  } else if (WantsFile(name)) {
    listed_.digest.Add(name);
    if (keeps_names) listed_.names.Add(name);
  }
}

}  // namespace millstream
