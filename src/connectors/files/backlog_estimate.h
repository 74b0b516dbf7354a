#pragma once

// backlog_estimate.h   How fast a stream works off what waits for it. Pure: times and sizes in, a rate out.
//
// The rate is that of the last batches together: their bytes by the time from when they could begin (their files waited, and the batch before was committed)
// to their commit. So pauses between triggers count while something waits, and not while nothing does. It is as good as the next files are like the last
// ones: files of another kind, or a machine that is busy otherwise, make it wrong in proportion.

#include <cstdint>
#include <deque>
#include <optional>

namespace millstream {

class BacklogEstimate {
 public:
  // A batch is planned: its files are there. Times are monotonic.
  void BeginBatch(int64_t now_us) {
    if (!began_us_) began_us_ = now_us;
  }
  void EndBatch(int64_t now_us, int64_t bytes, bool more_waits) {
    if (began_us_) {
      batches_.push_back({bytes, now_us - *began_us_});
      if (batches_.size() > kBatchesMax) batches_.pop_front();
    }
    began_us_ = more_waits ? std::optional(now_us) : std::nullopt;
  }
  // nullopt: nothing has been measured yet.
  std::optional<int64_t> BytesPerSecond() const {
    int64_t bytes = 0, us = 0;
    for (const Batch& batch : batches_) {
      bytes += batch.bytes;
      us += batch.us;
    }
    if (bytes == 0 || us == 0) return std::nullopt;
    return static_cast<int64_t>(static_cast<double>(bytes) * 1e6 / static_cast<double>(us));
  }
  // Rounded up.
  std::optional<int64_t> SecondsFor(int64_t bytes) const {
    if (bytes == 0) return 0;
    std::optional<int64_t> rate = BytesPerSecond();
    if (!rate || *rate == 0) return std::nullopt;
    return (bytes + *rate - 1) / *rate;
  }

 private:
  static constexpr size_t kBatchesMax = 8;
  struct Batch {
    int64_t bytes = 0, us = 0;
  };
  std::deque<Batch> batches_;
  std::optional<int64_t> began_us_;  // of the batch under way
};

}  // namespace millstream
