#include "connectors/files/read_ahead.h"

#include <algorithm>

#include "base/at_once.h"

namespace millstream {
namespace {

// Of each directory, about 200 KB; whoever takes it reads the rest.
constexpr int64_t kNamesAhead = 3'000;

}  // namespace

int ThreadsAhead(const Fs& fs) {
  constexpr int kThreadsMax = 3;
  return &fs == &Fs::Local() ? std::clamp(static_cast<int>(ThreadsOfMachine()) - 1, 0, kThreadsMax) : 0;
}

ReadAhead::ReadAhead(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    stops_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

ReadDirectory ReadAhead::Begin(DirectoryReading reading) {
  ReadDirectory directory{.reading = std::move(reading)};
  Result<bool> is_there = directory.reading.Look();
  if (is_there.ok() && *is_there) is_there = directory.reading.Open();
  if (is_there.ok() && *is_there) directory.status = directory.reading.Read(kNamesAhead);
  if (!is_there.ok()) {
    directory.status = is_there.status();
  } else {
    directory.is_there = *is_there;
  }
  return directory;
}

void ReadAhead::Want(DirectoryReading reading) {
  std::string path = reading.path();
  auto job = std::make_shared<Job>(std::move(reading));
  jobs_[std::move(path)] = job;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  wanted_.notify_one();
}

std::optional<ReadDirectory> ReadAhead::Take(const std::string& path) {
  auto found = jobs_.find(path);
  if (found == jobs_.end()) return std::nullopt;
  const std::shared_ptr<Job> job = std::move(found->second);
  jobs_.erase(found);
  std::unique_lock lock(mutex_);
  if (job->state == Job::State::kWaiting) {
    std::erase(waiting_, job);
    lock.unlock();
    return Begin(std::move(job->directory.reading));
  }
  while (job->state != Job::State::kDone) {
    if (waiting_.empty()) {
      done_.wait(lock);
    } else {
      RunNext(lock);
    }
  }
  return std::move(job->directory);
}

void ReadAhead::RunNext(std::unique_lock<std::mutex>& lock) {
  const std::shared_ptr<Job> job = std::move(waiting_.front());
  waiting_.pop_front();
  job->state = Job::State::kRunning;
  lock.unlock();
  job->directory = Begin(std::move(job->directory.reading));
  lock.lock();
  job->state = Job::State::kDone;
  done_.notify_one();
}

void ReadAhead::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
    if (stops_) return;
    RunNext(lock);
  }
}

}  // namespace millstream
