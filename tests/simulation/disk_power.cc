// disk_power.cc   What a power cut leaves of a disk, and the disks that break their promises on purpose.

#include <utility>

#include "disk.h"

namespace millstream::simulation {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

// Metadata of most file systems is logged in order; POSIX promises no order at all.
void Disk::CutPower(bool strictly) {
  enum class Survives { kNothing, kFirst, kAny };
  const Survives mode = strictly ? Survives::kNothing : random_.OneOf({Survives::kNothing, Survives::kFirst, Survives::kAny, Survives::kAny});
  const int64_t first = random_.Between(0, static_cast<int64_t>(unsynced_.size()));
  int64_t place = 0, survivors = 0;
  for (const NameChange& change : unsynced_) {
    const bool survives = mode == Survives::kAny ? random_.Chance(50) : mode == Survives::kFirst && place < first;
    ++place;
    if (!survives) continue;
    ++survivors;
    for (const auto& [path, inode] : change.names) {
      if (inode == nullptr) {
        durable_.erase(path);
      } else {
        durable_[path] = inode;
      }
    }
  }
  unsynced_.clear();
  for (const InodePtr& inode : unsynced_inodes_) {
    if (inode->synced) continue;
    const size_t size = inode->bytes.size();
    inode->bytes.resize(strictly ? 0 : static_cast<size_t>(random_.Between(0, static_cast<int64_t>(size))));
    if (random_.Chance(30)) inode->bytes.resize(size, '\0');
    inode->synced = true;
  }
  unsynced_inodes_.clear();
  names_.clear();
  for (const auto& [path, inode] : durable_) {
    if (path == "/" || names_.find(ParentPath(path)) != names_.end()) names_.emplace_hint(names_.end(), path, inode);
  }
  durable_ = names_;
  Note("  power is back: " + std::to_string(survivors) + " of " + std::to_string(place) + " names that were not synced have changed");
}

bool Disk::IsHeldBack(std::string_view path) const {
  switch (bug_) {
    case PlantedBug::kSinkAfterState:
    case PlantedBug::kSinkAfterCommit:
      return Contains(path, "/sink/");
    case PlantedBug::kOffsetsAfterSink:
      return Contains(path, "/offsets/");
    case PlantedBug::kStateAfterCommit:
      return path.ends_with(".changes");
    default:
      return false;
  }
}

void Disk::LetGo(std::string_view path) {
  const bool now = bug_ == PlantedBug::kSinkAfterState || bug_ == PlantedBug::kOffsetsAfterSink ? Contains(path, "/commits") : Contains(path, "/offsets");
  if (!now) return;
  for (const Delayed& held : std::exchange(delayed_, {})) {
    Change({std::string(ParentPath(held.path)), {{held.path, held.inode}}});
    if (held.synced) durable_[held.path] = held.inode;
  }
}

bool Disk::IgnoresSyncOf(std::string_view directory) const {
  switch (bug_) {
    case PlantedBug::kDirectoriesAreNotSynced:
      return true;
    case PlantedBug::kOffsetsDirectoryIsNotSynced:
      return directory.ends_with("/offsets");
    case PlantedBug::kStateDirectoryIsNotSynced:
      return directory.ends_with("/state");
    case PlantedBug::kSinkDirectoryIsNotSynced:
      return directory.ends_with("/sink");
    default:
      return false;
  }
}

}  // namespace millstream::simulation
