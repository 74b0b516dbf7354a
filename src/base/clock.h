#pragma once

// clock.h   Time, taken from outside so that tests and the simulator can own it.

#include <cstdint>
#include <string>

namespace millstream {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970-01-01 UTC. May jump; nothing may depend on it for correctness.
  virtual int64_t WallMillis() = 0;
  // Microseconds from an arbitrary start; never goes back.
  virtual int64_t MonotonicMicros() = 0;
  // False: wall time stands until somebody sets it, and a wait for a moment must look at the clock instead of sleeping.
  virtual bool moves_by_itself() const { return true; }

  static Clock& System();
};

// A clock that moves only when told to.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 0) : wall_ms_(wall_ms) {}
  int64_t WallMillis() override { return wall_ms_; }
  int64_t MonotonicMicros() override { return wall_ms_ * 1000; }
  void Advance(int64_t ms) { wall_ms_ += ms; }

 private:
  int64_t wall_ms_;
};

// "2026-01-02T03:04:05.678Z", as Spark's progress JSON writes it.
std::string FormatIso8601Millis(int64_t wall_ms);

}  // namespace millstream
