#pragma once

// big_stack_pool.h   Threads on which plans are decoded, analyzed and run: walks over a plan recurse to kMaxPlanDepth, which gRPC's own threads
// have no stack for.

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

#include "base/status.h"

namespace millstream {

// Starts a thread whenever none is idle, so that a task that blocks (awaitTermination) holds up no other. Thread-safe.
class BigStackPool {
 public:
  // Address space only: pages that no walk touches cost nothing.
  static constexpr size_t kStackBytes = size_t{256} << 20;
  static constexpr size_t kThreadsMax = 1000;
  static constexpr size_t kIdleThreadsMax = 4;

  BigStackPool() = default;
  // Waits for running tasks.
  ~BigStackPool();
  BigStackPool(const BigStackPool&) = delete;

  // Error: kThreadsMax tasks run already, or the system has no more threads.
  Status Submit(std::function<void()> task);
  // Runs `task` on a big stack and waits for it.
  Status Run(const std::function<void()>& task);

 private:
  static void* Loop(void* pool);
  void Work();

  std::mutex mutex_;
  std::condition_variable wake_, ended_;
  std::deque<std::function<void()>> tasks_;
  size_t threads_ = 0, idle_ = 0;
  bool stopping_ = false;
};

}  // namespace millstream
