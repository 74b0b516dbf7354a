#include "streaming/streaming_query_manager.h"

#include <algorithm>

namespace millstream {
namespace {

constexpr int64_t kEndedKeptUs = int64_t{3600} * 1'000'000;
// A job that is started every second must not fill the memory with its past runs.
constexpr size_t kEndedKeptMax = 200;

}  // namespace

Status StreamingQueryManager::CheckName(const std::string& name) const {
  if (name.empty()) return Status();
  std::lock_guard lock(mutex_);
  for (const Held& held : queries_) {
    if (held.query->name() == name && held.query->is_active())
      return Status::IllegalArgument("Cannot start query with name " + name + " as a query with that name is already active in this SparkSession");
  }
  return Status();
}

void StreamingQueryManager::Add(std::shared_ptr<StreamExecution> query) {
  std::lock_guard lock(mutex_);
  ForgetOld();
  Held held{.query = query, .ended_us = std::nullopt};
  // It may have ended before it could be added.
  if (!query->is_active()) {
    held.ended_us = clock_.MonotonicMicros();
    ended_since_reset_.push_back(query);
    ended_.notify_all();
  }
  queries_.push_back(std::move(held));
}

std::vector<StreamingQueryPtr> StreamingQueryManager::Active() const {
  std::lock_guard lock(mutex_);
  std::vector<StreamingQueryPtr> active;
  for (const Held& held : queries_)
    if (held.query->is_active()) active.push_back(held.query);
  return active;
}

std::vector<StreamingQueryPtr> StreamingQueryManager::Recent() const {
  std::lock_guard lock(mutex_);
  std::vector<StreamingQueryPtr> recent;
  for (const Held& held : queries_) recent.push_back(held.query);
  return recent;
}

StreamingQueryPtr StreamingQueryManager::Find(const std::string& id, const std::string& run_id) const {
  std::lock_guard lock(mutex_);
  auto found = std::find_if(queries_.rbegin(), queries_.rend(),
                            [&](const Held& held) { return held.query->id() == id && (run_id.empty() || held.query->run_id() == run_id); });
  return found == queries_.rend() ? nullptr : found->query;
}

Result<bool> StreamingQueryManager::AwaitAny(std::optional<int64_t> timeout_ms) {
  std::unique_lock lock(mutex_);
  auto any = [&] { return !ended_since_reset_.empty(); };
  if (timeout_ms) {
    if (*timeout_ms <= 0) return Status::IllegalArgument("requirement failed: Timeout has to be positive");
    ended_.wait_for(lock, std::chrono::milliseconds(*timeout_ms), any);
  } else {
    ended_.wait(lock, any);
  }
  for (const auto& query : ended_since_reset_)
    if (std::optional<Status> exception = query->exception()) return *exception;
  return any();
}

void StreamingQueryManager::ResetTerminated() {
  std::lock_guard lock(mutex_);
  ended_since_reset_.clear();
}

void StreamingQueryManager::NoteTerminated(const StreamingQuery& query) {
  std::lock_guard lock(mutex_);
  auto found = std::find_if(queries_.begin(), queries_.end(), [&](const Held& held) { return held.query.get() == &query; });
  // Add comes after the start: a query that ends at once is noted by Add.
  if (found == queries_.end() || found->ended_us) return;
  found->ended_us = clock_.MonotonicMicros();
  ended_since_reset_.push_back(found->query);
  ended_.notify_all();
}

void StreamingQueryManager::StopAll() {
  std::vector<std::shared_ptr<StreamExecution>> running;
  {
    std::lock_guard lock(mutex_);
    for (const Held& held : queries_)
      if (held.query->is_active()) running.push_back(held.query);
  }
  // Not under the lock: each ends by calling NoteTerminated.
  for (const auto& query : running) [[maybe_unused]] Status stopped = query->Stop();
}

void StreamingQueryManager::ForgetOld() {
  const int64_t now_us = clock_.MonotonicMicros();
  size_t ended = static_cast<size_t>(std::count_if(queries_.begin(), queries_.end(), [](const Held& held) { return held.ended_us.has_value(); }));
  std::erase_if(queries_, [&](const Held& held) {
    if (!held.ended_us || (ended <= kEndedKeptMax && now_us - *held.ended_us <= kEndedKeptUs)) return false;
    --ended;
    std::erase(ended_since_reset_, held.query);
    return true;
  });
}

}  // namespace millstream
