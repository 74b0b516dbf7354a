#include "connectors/files/directory_hints.h"

#include "connectors/files/quiet_times.h"
#include "storage/fs.h"

namespace millstream {

std::unique_ptr<DirectoryWatch> DirectoryHints::NewWatch(const std::string& directory) const {
  return WatchDirectory(directory, [changed = changed_, directory] {
    std::lock_guard lock(changed->mutex);
    changed->paths[directory] = NextMoment();
  });
}

void DirectoryHints::Watch(const std::string& directory) {
  if (gave_up_ || watches_.contains(directory)) return;
  std::unique_ptr<DirectoryWatch> watch = watches_.size() < kWatchesMax ? NewWatch(directory) : nullptr;
  if (watch != nullptr) {
    watches_[directory] = std::move(watch);
    Mark(directory);
    return;
  }
  Result<bool> exists = Fs::Local().Exists(directory);
  if (exists.ok() && !*exists) return;
  gave_up_ = true;
  is_active_ = false;
  watches_.clear();
}

void DirectoryHints::Mark(const std::string& directory) {
  if (gave_up_) return;
  std::lock_guard lock(changed_->mutex);
  changed_->paths[directory] = NextMoment();
}

bool DirectoryHints::has_changed() const {
  std::lock_guard lock(changed_->mutex);
  return !changed_->paths.empty();
}

std::vector<DirectoryHints::ChangedDirectory> DirectoryHints::TakeChanged() {
  std::map<std::string, uint64_t> paths;
  TellOfChangesSoFar();
  {
    std::lock_guard lock(changed_->mutex);
    paths.swap(changed_->paths);
  }
  std::vector<ChangedDirectory> roots;
  for (const auto& [path, told_at] : paths) {
    // It may be another directory by now, of which the old watch says nothing.
    if (auto watched = watches_.find(path); watched != watches_.end()) {
      watched->second = NewWatch(path);
      if (watched->second == nullptr) watches_.erase(watched);
    }
    bool is_below = false;
    for (size_t at = path.rfind('/'); at != std::string::npos && at > 0 && !is_below; at = path.rfind('/', at - 1)) is_below = paths.contains(path.substr(0, at));
    if (!is_below) roots.push_back({path, told_at});
  }
  return roots;
}

std::vector<std::string> DirectoryHints::Paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, watch] : watches_) paths.push_back(path);
  return paths;
}

}  // namespace millstream
