#pragma once

// history.h   One simulated history of a query: it lives and dies some times, with at most three faults, then lives a last time without one; afterwards
// what it has written is compared with what it should have. Everything follows from the seed.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "planted_bug.h"
#include "query.h"

namespace millstream::simulation {

struct HistoryOptions {
  uint64_t seed = 0;
  PlantedBug bug = PlantedBug::kNone;
  std::optional<Shape> shape;                 // else the seed decides
  std::vector<std::string>* trace = nullptr;  // gets every step
};

struct HistoryResult {
  Shape shape = Shape::kCopy;
  std::string violation;  // empty: all is as it should be
  int64_t lives = 0, batches = 0, faults = 0, steps = 0;
  std::set<std::string> places;  // where the faults came
};

class ComputeEngineOfThread;

// What histories of one thread share: a directory on the real disk, where the checkpoint's lock file is, and an idle compute engine.
class HistoryRunner {
 public:
  // `directory` is made, and removed at the end.
  explicit HistoryRunner(std::string directory);
  ~HistoryRunner();
  HistoryResult Run(const HistoryOptions& options);

 private:
  const std::string directory_;
  std::unique_ptr<ComputeEngineOfThread> engine_;
};

}  // namespace millstream::simulation
