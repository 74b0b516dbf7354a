#include "disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/uuid.h"

namespace millstream::simulation {
namespace {

constexpr size_t kUuidLength = 36;

}  // namespace

std::string_view NameOf(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::kDeath:
      return "death";
    case Fault::Kind::kPowerCut:
      return "power cut";
    case Fault::Kind::kIoError:
      return "I/O error";
    case Fault::Kind::kDiskFull:
      return "disk full";
  }
  return "";
}

class Disk::File : public ReadableFile {
 public:
  File(Disk& disk, std::string path, InodePtr inode) : disk_(disk), path_(std::move(path)), inode_(std::move(inode)) {}
  Result<int64_t> ReadAt(int64_t offset, int64_t size, void* out) override {
    int64_t got = 0;
    MS_RETURN_IF_ERROR(disk_.Step("read", path_, false, [&] {
      got = std::clamp<int64_t>(static_cast<int64_t>(inode_->bytes.size()) - offset, 0, size);
      if (got > 0) std::memcpy(out, inode_->bytes.data() + offset, static_cast<size_t>(got));
      return Status();
    }));
    return got;
  }
  Result<FileInfo> Stat() override { return InfoOf(path_, *inode_); }

 private:
  Disk& disk_;
  const std::string path_;
  const InodePtr inode_;
};

class Disk::Pending : public PendingFile {
 public:
  Pending(Disk& disk, std::string directory, InodePtr inode) : disk_(disk), directory_(std::move(directory)), inode_(std::move(inode)) {}
  Status Append(std::string_view bytes) override {
    return disk_.Step("write", directory_, true, [&] {
      inode_->bytes.append(bytes);
      return Status();
    });
  }
  int64_t size_bytes() const override { return static_cast<int64_t>(inode_->bytes.size()); }
  const InodePtr& inode() const { return inode_; }
  Status Sync() override {
    MS_CHECK(!asked_for_sync_);
    asked_for_sync_ = true;
    return disk_.Step("sync file in", directory_, true, [&] { return disk_.SyncInode(inode_); });
  }
  Status Publish(const std::string& path) override {
    if (!asked_for_sync_) MS_RETURN_IF_ERROR(Sync());
    return disk_.Step("link", path, true, [&] { return disk_.Link(path, inode_); });
  }

 private:
  Disk& disk_;
  const std::string directory_;
  const InodePtr inode_;
  bool asked_for_sync_ = false;
};

Disk::Disk(std::string root, uint64_t seed, PlantedBug bug, std::vector<std::string>* trace) : root_(std::move(root)), bug_(bug), trace_(trace), random_(seed) {
  for (std::string_view at = root_;; at = ParentPath(at)) {
    names_.emplace(at, NewInode(true));
    if (at == "/") break;
  }
  durable_ = names_;
}

Disk::~Disk() = default;

void Disk::Begin(std::vector<Fault> faults) {
  std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
  faults_met_ = 0;
  step_ = write_ = 0;
  ++life_;
  dead_ = power_fails_ = false;
}

void Disk::End(bool strictly) {
  std::lock_guard lock(mutex_);
  // What a planted bug holds back is in the memory of the process.
  if (!dead_) {
    for (const Delayed& held : delayed_) Change({std::string(ParentPath(held.path)), {{held.path, held.inode}}});
  }
  delayed_.clear();
  faults_.clear();
  if (power_fails_ || strictly) CutPower(strictly);
  dead_ = power_fails_ = false;
}

std::string Disk::Short(std::string_view path) const {
  if (path.starts_with(root_)) path.remove_prefix(std::min(path.size(), root_.size() + 1));
  std::string text(path.empty() ? "." : path);
  for (size_t at = 0; at + kUuidLength <= text.size(); ++at) {
    if (IsUuid(std::string_view(text).substr(at, kUuidLength))) text.replace(at, kUuidLength, "UUID");
  }
  return text;
}

template <typename Work>
Status Disk::Step(std::string_view what, const std::string& path, bool writes, const Work& work) {
  std::lock_guard lock(mutex_);
  if (dead_) return Status::Errno(what, path, EIO);
  ++step_;
  write_ += writes ? 1 : 0;
  if (!delayed_.empty()) LetGo(path);
  if (trace_ != nullptr) trace_->push_back("  " + std::to_string(step_) + " " + std::string(what) + " " + Short(path));
  auto fault =
      std::find_if(faults_.begin(), faults_.end(), [&](const Fault& one) { return one.counts_writes ? writes && one.step == write_ : one.step == step_; });
  if (fault == faults_.end()) return work();
  const Fault met = *fault;
  if (met.after_work) {
    Status done = work();
    if (!done.ok() && met.kind != Fault::Kind::kDeath && met.kind != Fault::Kind::kPowerCut) return done;
  }
  return Meet(met, what, path, writes);
}

Status Disk::Meet(const Fault& fault, std::string_view what, const std::string& path, bool writes) {
  ++faults_met_;
  if (fault.kind == Fault::Kind::kDeath || fault.kind == Fault::Kind::kPowerCut) dead_ = true;
  power_fails_ = fault.kind == Fault::Kind::kPowerCut;
  std::string place = std::string(what) + " " + Short(path) + ": " + std::string(NameOf(fault.kind));
  if (trace_ != nullptr) trace_->push_back("  !! " + std::string(fault.after_work ? "after" : "before") + " " + place);
  for (char& c : place) {
    if (c >= '0' && c <= '9') c = '#';
  }
  place.erase(std::unique(place.begin(), place.end(), [](char a, char b) { return a == '#' && b == '#'; }), place.end());
  places_.insert(std::move(place));
  return Status::Errno(what, path, fault.kind == Fault::Kind::kDiskFull && writes ? ENOSPC : EIO);
}

FileInfo Disk::InfoOf(const std::string& path, const Inode& inode) {
  return FileInfo{.path = path,
                  .size_bytes = static_cast<int64_t>(inode.bytes.size()),
                  .modified_ns = inode.modified_ns,
                  .inode = inode.number,
                  .is_directory = inode.is_directory,
                  .is_regular = !inode.is_directory,
                  .device = 1,
                  .changed_ns = inode.modified_ns};
}

int64_t Disk::LifeOf(const std::string& path) const {
  const InodePtr inode = FindOrRemember(path);
  return inode == nullptr ? 0 : inode->life;
}

std::optional<std::string> Disk::BytesOf(const std::string& path) const {
  const InodePtr inode = FindOrRemember(path);
  return inode == nullptr ? std::nullopt : std::optional(inode->bytes);
}

Disk::InodePtr Disk::FindOrRemember(const std::string& path) const {
  if (InodePtr inode = Find(path)) return inode;
  const auto removed = removed_.find(path);
  return removed == removed_.end() ? nullptr : removed->second;
}

Status Disk::FindFile(const std::string& path, InodePtr* inode) const {
  *inode = Find(path);
  if (*inode == nullptr) return Status::Error(errors::kFileNotFound, {{"path", path}});
  return (*inode)->is_directory ? Status::Errno("open", path, EISDIR) : Status();
}

Disk::InodePtr Disk::Find(std::string_view path) const {
  auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

Disk::InodePtr Disk::NewInode(bool is_directory) {
  auto inode = std::make_shared<Inode>();
  inode->is_directory = is_directory;
  inode->number = next_inode_++;
  inode->life = life_;
  inode->modified_ns = time_ns_++;
  return inode;
}

void Disk::Change(NameChange change) {
  for (const auto& [path, inode] : change.names) {
    if (inode == nullptr) {
      names_.erase(path);
    } else {
      names_[path] = inode;
      if (!inode->is_directory && !inode->synced) unsynced_inodes_.push_back(inode);
    }
  }
  unsynced_.push_back(std::move(change));
}

Status Disk::Link(const std::string& path, const InodePtr& inode) {
  if (Find(path) != nullptr) return Status::Error(errors::kFileAlreadyExists, {{"path", path}});
  if (Find(ParentPath(path)) == nullptr) return Status::Error(errors::kFileNotFound, {{"path", path}});
  if (IsHeldBack(path)) {
    delayed_.push_back({path, inode});
    return Status();
  }
  Change({std::string(ParentPath(path)), {{path, inode}}});
  return Status();
}

Status Disk::SyncInode(const InodePtr& inode) {
  inode->synced = bug_ != PlantedBug::kFilesAreNotSynced;
  return Status();
}

Status Disk::SyncNames(const std::string& directory) {
  if (Find(directory) == nullptr) return Status::Error(errors::kFileNotFound, {{"path", directory}});
  if (IgnoresSyncOf(directory)) return Status();
  std::erase_if(unsynced_, [&](const NameChange& change) {
    if (change.directory != directory) return false;
    for (const auto& [path, inode] : change.names) {
      if (inode == nullptr) {
        durable_.erase(path);
      } else {
        durable_[path] = inode;
      }
    }
    return true;
  });
  for (Delayed& held : delayed_) held.synced |= ParentPath(held.path) == directory;
  return Status();
}

Result<std::unique_ptr<ReadableFile>> Disk::OpenForRead(const std::string& path) {
  InodePtr inode;
  MS_RETURN_IF_ERROR(Step("open", path, false, [&] { return FindFile(path, &inode); }));
  return std::unique_ptr<ReadableFile>(std::make_unique<File>(*this, path, std::move(inode)));
}

Result<std::string> Disk::ReadFile(const std::string& path, int64_t size_max) {
  std::string bytes;
  MS_RETURN_IF_ERROR(Step("read", path, false, [&]() -> Status {
    InodePtr inode;
    MS_RETURN_IF_ERROR(FindFile(path, &inode));
    if (static_cast<int64_t>(inode->bytes.size()) > size_max) return Status::Errno("read", path, EFBIG);
    bytes = inode->bytes;
    return Status();
  }));
  return bytes;
}

Result<FileInfo> Disk::Stat(const std::string& path) {
  FileInfo info;
  MS_RETURN_IF_ERROR(Step("stat", path, false, [&]() -> Status {
    InodePtr inode = Find(path);
    if (inode == nullptr) return Status::Error(errors::kFileNotFound, {{"path", path}});
    info = InfoOf(path, *inode);
    return Status();
  }));
  return info;
}

Result<bool> Disk::Exists(const std::string& path) {
  bool exists = false;
  MS_RETURN_IF_ERROR(Step("stat", path, false, [&] {
    exists = Find(path) != nullptr;
    return Status();
  }));
  return exists;
}

Result<std::vector<DirectoryEntry>> Disk::List(const std::string& directory) {
  std::vector<DirectoryEntry> entries;
  MS_RETURN_IF_ERROR(Step("list", directory, false, [&]() -> Status {
    InodePtr inode = Find(directory);
    if (inode == nullptr) return Status::Error(errors::kFileNotFound, {{"path", directory}});
    if (!inode->is_directory) return Status::Errno("list", directory, ENOTDIR);
    const std::string prefix = directory + "/";
    for (auto at = names_.lower_bound(prefix); at != names_.end() && at->first.starts_with(prefix); ++at) {
      std::string name = at->first.substr(prefix.size());
      if (name.find('/') != std::string::npos) continue;
      entries.push_back({std::move(name), at->second->is_directory ? DirectoryEntry::Kind::kDirectory : DirectoryEntry::Kind::kFile});
    }
    for (size_t left = entries.size(); left > 1; --left) std::swap(entries[left - 1], entries[static_cast<size_t>(random_.Below(static_cast<int64_t>(left)))]);
    return Status();
  }));
  return entries;
}

std::vector<Fs::ReadSlot> Disk::ReadFiles(std::span<const std::string* const> paths, int64_t size_max, std::string& buffer) {
  std::vector<ReadSlot> slots;
  for (const std::string* path : paths) {
    Result<std::string> bytes = ReadFile(*path, size_max);
    slots.push_back({.status = bytes.status(), .offset = buffer.size(), .size = bytes.ok() ? bytes->size() : 0});
    if (bytes.ok()) buffer += *bytes;
  }
  return slots;
}

// As the local file system does it.
Status Disk::CreateDirectories(const std::string& directory) {
  std::vector<std::string> missing;
  for (std::string_view at = directory;; at = ParentPath(at)) {
    MS_ASSIGN_OR_RETURN(bool exists, Exists(std::string(at)));
    if (exists) {
      // A process that was killed may have made it and not synced its name.
      MS_RETURN_IF_ERROR(SyncDirectory(std::string(ParentPath(at))));
      break;
    }
    missing.emplace_back(at);
  }
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    const std::string parent(ParentPath(*at));
    MS_RETURN_IF_ERROR(Step("mkdir", *at, true, [&] {
      if (Find(*at) == nullptr) Change({parent, {{*at, NewInode(true)}}});
      return Status();
    }));
    MS_RETURN_IF_ERROR(SyncDirectory(parent));
  }
  return Status();
}

Result<std::unique_ptr<PendingFile>> Disk::CreatePending(const std::string& directory) {
  InodePtr inode;
  MS_RETURN_IF_ERROR(Step("create in", directory, true, [&]() -> Status {
    if (Find(directory) == nullptr) return Status::Error(errors::kFileNotFound, {{"path", directory}});
    inode = NewInode(false);
    return Status();
  }));
  return std::unique_ptr<PendingFile>(std::make_unique<Pending>(*this, directory, std::move(inode)));
}

Status Disk::SyncDirectory(const std::string& directory) {
  return Step("sync", directory, true, [&] { return SyncNames(directory); });
}

Status Disk::Remove(const std::string& path) {
  return Step("remove", path, true, [&] {
    if (InodePtr inode = Find(path)) {
      Change({std::string(ParentPath(path)), {{path, nullptr}}});
      removed_[path] = std::move(inode);
    }
    return Status();
  });
}

Status Disk::Move(const std::string& from, const std::string& to) {
  InodePtr inode;
  MS_RETURN_IF_ERROR(Step("link", to, true, [&]() -> Status {
    MS_RETURN_IF_ERROR(FindFile(from, &inode));
    return Link(to, inode);
  }));
  MS_RETURN_IF_ERROR(SyncDirectory(std::string(ParentPath(to))));
  MS_RETURN_IF_ERROR(Remove(from));
  return SyncDirectory(std::string(ParentPath(from)));
}

Status Disk::RemoveRecursively(const std::string& path) {
  return Step("remove all", path, true, [&] {
    std::vector<std::string> below;
    for (auto at = names_.lower_bound(path); at != names_.end() && at->first.starts_with(path); ++at) {
      if (at->first.size() == path.size() || at->first[path.size()] == '/') below.push_back(at->first);
    }
    for (auto at = below.rbegin(); at != below.rend(); ++at) Change({std::string(ParentPath(*at)), {{*at, nullptr}}});
    return Status();
  });
}

Status Disk::Replace(const std::string& path, std::string_view bytes) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, CreatePending(std::string(ParentPath(path))));
  MS_RETURN_IF_ERROR(file->Append(bytes));
  MS_RETURN_IF_ERROR(file->Sync());
  MS_RETURN_IF_ERROR(Step("rename", path, true, [&] {
    Change({std::string(ParentPath(path)), {{path, static_cast<Pending&>(*file).inode()}}});
    return Status();
  }));
  return SyncDirectory(std::string(ParentPath(path)));
}

}  // namespace millstream::simulation
