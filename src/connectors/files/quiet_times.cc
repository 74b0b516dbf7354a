#include "connectors/files/quiet_times.h"

#include <algorithm>
#include <atomic>

namespace millstream {

uint64_t NextMoment() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

QuietTime JoinQuietTimes(const QuietTime& a, const QuietTime& b) {
  const QuietTime& later = a.until < b.until ? b : a;
  const QuietTime& earlier = a.until < b.until ? a : b;
  if (later.since > earlier.until) return later;
  return {.since = std::min(a.since, b.since), .until = later.until, .until_us = later.until_us};
}

void QuietTimes::Tell(const std::string& tree, const QuietTime& quiet) {
  std::lock_guard lock(mutex_);
  if (trees_.size() >= kTreesMax) trees_.clear();
  auto [at, is_new] = trees_.try_emplace(tree, quiet);
  if (!is_new) at->second = JoinQuietTimes(at->second, quiet);
}

std::optional<QuietTime> QuietTimes::Find(const std::string& tree) const {
  std::lock_guard lock(mutex_);
  auto found = trees_.find(tree);
  return found == trees_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace millstream
