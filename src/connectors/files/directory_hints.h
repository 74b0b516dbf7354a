#pragma once

// directory_hints.h   Which directories the kernel has told of since they were looked at, so that the others need no look.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/directory_watch.h"

namespace millstream {

// A hint says where to look, never that nothing is elsewhere: whoever uses it looks at everything from time to time. Not thread-safe.
class DirectoryHints {
 public:
  // Watches a directory that was looked at. One that was not watched before counts as changed: it may have, between the look and the watch.
  void Watch(const std::string& directory);
  // To be looked at again.
  void Mark(const std::string& directory);

  // All directories have been looked at and are watched: from now on those that have changed are all that is new.
  void Activate() { is_active_ = !gave_up_; }
  void Deactivate() { is_active_ = false; }
  bool is_active() const { return is_active_; }
  bool has_changed() const;
  struct ChangedDirectory {
    std::string path;
    uint64_t told_at = 0;  // the moment (quiet_times.h) of the last thing that has happened to it
  };
  // Those that have changed since the last call and before this one, without those below another one of them.
  std::vector<ChangedDirectory> TakeChanged();

  size_t watched() const { return watches_.size(); }
  std::vector<std::string> Paths() const;

 private:
  std::unique_ptr<DirectoryWatch> NewWatch(const std::string& directory) const;

  // A kernel allows some ten thousands to a user, and each takes it about a kilobyte.
  static constexpr size_t kWatchesMax = 16'384;
  struct Changed {
    std::mutex mutex;
    std::map<std::string, uint64_t> paths;  // told_at of each. GUARDED_BY(mutex)
  };
  const std::shared_ptr<Changed> changed_ = std::make_shared<Changed>();
  std::unordered_map<std::string, std::unique_ptr<DirectoryWatch>> watches_;
  bool is_active_ = false, gave_up_ = false;
};

}  // namespace millstream
