#pragma once

// read_ahead.h   Directories that threads read before they are asked for.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "connectors/files/directory_reading.h"

namespace millstream {

// For ListerOptions::threads_ahead: what this machine's file system bears. None for one that is a test's or a benchmark's: it may be for one thread.
int ThreadsAhead(const Fs& fs);

// A directory as far as it has been read.
struct ReadDirectory {
  DirectoryReading reading;
  Status status;
  bool is_there = false;
};

// Wanting and taking is for one thread.
class ReadAhead {
 public:
  explicit ReadAhead(int threads);
  ~ReadAhead();

  // How many more may be wanted now: memory is bounded by their number, and by the names that are read of each.
  size_t room() const { return jobs_.size() >= kWantedMax ? 0 : kWantedMax - jobs_.size(); }
  void Want(DirectoryReading reading);
  // Of one that is wanted. This thread reads it, unless another has begun; then it reads others until that has ended. nullopt: nobody wanted it.
  std::optional<ReadDirectory> Take(const std::string& path);

  // Looks, opens and reads the first names: what a thread does.
  static ReadDirectory Begin(DirectoryReading reading);

 private:
  static constexpr size_t kWantedMax = 16;
  struct Job {
    enum class State { kWaiting, kRunning, kDone };
    explicit Job(DirectoryReading wanted) : directory{.reading = std::move(wanted)} {}
    State state = State::kWaiting;
    ReadDirectory directory;
  };
  void Work();
  void RunNext(std::unique_lock<std::mutex>& lock);

  std::unordered_map<std::string, std::shared_ptr<Job>> jobs_;  // of the thread that wants
  std::mutex mutex_;
  std::condition_variable wanted_, done_;
  std::deque<std::shared_ptr<Job>> waiting_;  // GUARDED_BY(mutex_), as the states of jobs
  bool stops_ = false;                        // GUARDED_BY(mutex_)
  std::vector<std::thread> threads_;
};

}  // namespace millstream
