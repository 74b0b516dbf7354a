#include "session/engine_state.h"

namespace millstream {

PlanPtr ViewMap::Find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = views_.find(name);
  return found == views_.end() ? nullptr : found->second;
}

bool ViewMap::Put(const std::string& name, PlanPtr plan, bool replace) {
  std::lock_guard lock(mutex_);
  if (!replace && views_.count(name)) return false;
  views_[name] = std::move(plan);
  return true;
}

bool ViewMap::Drop(const std::string& name) {
  std::lock_guard lock(mutex_);
  return views_.erase(name) > 0;
}

std::vector<std::string> ViewMap::Names() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, plan] : views_) names.push_back(name);
  return names;
}

void RunningStreams::Add(const std::shared_ptr<StreamExecution>& query) {
  std::lock_guard lock(mutex_);
  std::erase_if(by_id_, [](const auto& entry) { return entry.second.expired(); });
  by_id_[query->id()] = query;
}

std::shared_ptr<StreamExecution> RunningStreams::Active(const std::string& query_id) const {
  std::lock_guard lock(mutex_);
  auto found = by_id_.find(query_id);
  std::shared_ptr<StreamExecution> query = found == by_id_.end() ? nullptr : found->second.lock();
  return query != nullptr && query->is_active() ? query : nullptr;
}

void RunningStreams::StopAll() {
  std::vector<std::shared_ptr<StreamExecution>> running;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, query] : by_id_)
      if (auto held = query.lock()) running.push_back(std::move(held));
  }
  for (const auto& query : running) [[maybe_unused]] Status stopped = query->Stop();
}

}  // namespace millstream
