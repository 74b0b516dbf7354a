#include "storage/directory_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace millstream {
namespace {

// IN_CLOSE_WRITE: some writers create the name first and write then.
constexpr uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR;

// One descriptor and one thread for all watches of the process.
class Watcher {
 public:
  // Never destroyed: its thread ends with the process.
  static Watcher& Instance() {
    static auto* watcher = new Watcher;
    return *watcher;
  }

  // The number of the watch; 0: none.
  uint64_t Add(const std::string& directory, std::function<void()> changed) {
    std::lock_guard lock(mutex_);
    if (descriptor_ < 0) return 0;
    // The same number for the same directory, however often it is watched.
    const int kernel_number = inotify_add_watch(descriptor_, directory.c_str(), kEvents);
    if (kernel_number < 0) return 0;
    watches_[++last_] = {kernel_number, std::move(changed)};
    by_kernel_.emplace(kernel_number, last_);
    if (!is_running_) {
      std::thread([this] { Run(); }).detach();
      is_running_ = true;
    }
    return last_;
  }

  void Remove(uint64_t number) {
    std::lock_guard lock(mutex_);
    const auto found = watches_.find(number);
    const int kernel_number = found->second.kernel_number;
    watches_.erase(found);
    auto [at, end] = by_kernel_.equal_range(kernel_number);
    by_kernel_.erase(std::find_if(at, end, [&](const auto& entry) { return entry.second == number; }));
    if (by_kernel_.contains(kernel_number)) return;
    inotify_rm_watch(descriptor_, kernel_number);
  }

  // Under the lock from reading to calling: who has the lock knows that all events so far have been told.
  void Dispatch() {
    alignas(inotify_event) std::array<char, 64 << 10> buffer;
    std::lock_guard lock(mutex_);
    for (;;) {
      const ssize_t size = read(descriptor_, buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;
      for (ssize_t at = 0; at < size;) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof(event));
        at += static_cast<ssize_t>(sizeof(event) + event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0) {  // nobody knows what was missed
          for (const auto& [number, watch] : watches_) watch.changed();
          continue;
        }
        auto [first, end] = by_kernel_.equal_range(event.wd);
        for (; first != end; ++first) watches_[first->second].changed();
      }
    }
  }

 private:
  struct Watch {
    int kernel_number;
    std::function<void()> changed;
  };

  Watcher() : descriptor_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

  void Run() {
    for (;;) {
      pollfd readable{.fd = descriptor_, .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, -1) < 0 && errno != EINTR) return;
      Dispatch();
    }
  }

  const int descriptor_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, Watch> watches_;          // GUARDED_BY(mutex_)
  std::unordered_multimap<int, uint64_t> by_kernel_;  // GUARDED_BY(mutex_)
  uint64_t last_ = 0;                  // GUARDED_BY(mutex_)
  bool is_running_ = false;            // GUARDED_BY(mutex_)
};

class InotifyWatch : public DirectoryWatch {
 public:
  explicit InotifyWatch(uint64_t number) : number_(number) {}
  ~InotifyWatch() override { Watcher::Instance().Remove(number_); }

 private:
  const uint64_t number_;
};

}  // namespace

std::unique_ptr<DirectoryWatch> WatchDirectory(const std::string& directory, std::function<void()> changed) {
  const uint64_t number = Watcher::Instance().Add(directory, std::move(changed));
  return number == 0 ? nullptr : std::make_unique<InotifyWatch>(number);
}

void TellOfChangesSoFar() { Watcher::Instance().Dispatch(); }

}  // namespace millstream
