#pragma once

// quiet_times.h   From when until when the directories of a tree are known to have held the same names: what one stream has seen spares another one a look.
//
// A look at all directories that finds them as it had left them tells that nothing has changed between the two. Whoever has looked at all of them in between
// knows what they hold at the end.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace millstream {

// Of all that happens to listings in this process, in one order; never the same twice, never 0.
uint64_t NextMoment();

struct QuietTime {
  uint64_t since = 0, until = 0;  // moments
  int64_t until_us = 0;           // monotonic time of `until`
};

// The time of both, if they overlap; otherwise the later one.
QuietTime JoinQuietTimes(const QuietTime& a, const QuietTime& b);

// By tree: the base, the globs, and whatever else says which names count. Thread-safe.
class QuietTimes {
 public:
  void Tell(const std::string& tree, const QuietTime& quiet);
  std::optional<QuietTime> Find(const std::string& tree) const;

 private:
  static constexpr size_t kTreesMax = 10'000;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, QuietTime> trees_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
