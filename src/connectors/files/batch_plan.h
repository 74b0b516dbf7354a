#pragma once

// batch_plan.h   How many of the waiting files the next batch takes. Pure: sizes in, a number out.

#include <cstdint>
#include <optional>

namespace millstream {

struct BatchLimits {
  std::optional<int64_t> files_max;  // never exceeded
  std::optional<int64_t> bytes_max;  // soft: the file that crosses it is still taken, so that a file larger than the limit is loaded at all
  std::optional<int64_t> bytes_within = std::nullopt;  // never exceeded but by the first file: what is promised to be done in time
};

// Fed with the sizes of the waiting files, in order, until it wants no more. Limits go together: the first that is reached counts.
class BatchPlan {
 public:
  explicit BatchPlan(BatchLimits limits) : limits_(limits) {}

  bool WantsMore() const {
    if (limits_.files_max && files_ >= *limits_.files_max) return false;
    return !limits_.bytes_max || bytes_ < *limits_.bytes_max || files_ == 0;
  }
  // Whether a file of this size, the next one, belongs to it.
  bool Takes(int64_t size_bytes) const {
    return WantsMore() && (files_ == 0 || !limits_.bytes_within || (bytes_ < *limits_.bytes_within && size_bytes <= *limits_.bytes_within - bytes_));
  }
  void Take(int64_t size_bytes) {
    ++files_;
    bytes_ += size_bytes;
  }
  int64_t files() const { return files_; }
  int64_t bytes() const { return bytes_; }

 private:
  BatchLimits limits_;
  int64_t files_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace millstream
