#pragma once

// at_once.h   Work in numbered parts, done by several threads.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

#include "base/status.h"

namespace millstream {

// act(0) … act(parts - 1), each once, by at most `threads` threads, the caller's among them. The first error in the order of threads; after one, parts may be
// left out.
template <typename Act>
Status DoAtOnce(size_t parts, size_t threads, const Act& act) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  auto work = [&]() -> Status {
    for (size_t part; !failed && (part = next++) < parts;) {
      if (Status status = act(part); !status.ok()) {
        failed = true;
        return status;
      }
    }
    return Status::Ok();
  };
  std::vector<std::future<Status>> others;
  for (size_t thread = 1; thread < std::min(parts, threads); ++thread) others.push_back(std::async(std::launch::async, work));
  Status done = work();
  for (std::future<Status>& other : others) {
    if (Status theirs = other.get(); done.ok()) done = std::move(theirs);
  }
  return done;
}

inline size_t ThreadsOfMachine() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace millstream
