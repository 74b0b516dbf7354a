#pragma once

// directory_watch.h   Learns from the kernel that names in a directory have come or gone (inotify), so that nobody has to look again and again.

#include <functional>
#include <memory>
#include <string>

namespace millstream {

class DirectoryWatch {
 public:
  virtual ~DirectoryWatch() = default;
};

// Calls `changed` on a thread of the process after a change; it must be quick, and is never called once the watch is gone. A hint and no more: a network
// file system says nothing of what other machines do. nullptr: this directory cannot be watched (it is not there, or the kernel's limit is reached).
std::unique_ptr<DirectoryWatch> WatchDirectory(const std::string& directory, std::function<void()> changed);

// Makes the calls for all changes that happened before this one, on this thread where they are not made yet.
void TellOfChangesSoFar();

}  // namespace millstream
