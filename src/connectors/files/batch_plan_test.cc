#include "connectors/files/batch_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millstream {
namespace {

struct Case {
  std::string name;
  BatchLimits limits;
  std::vector<int64_t> waiting;
  int64_t files;
};

TEST(BatchPlan, TakesAsManyFilesAsTheLimitsAllow) {
  const std::vector<Case> cases = {
      {"nothing waits", {.files_max = 10}, {}, 0},
      {"no limits", {}, {1, 2, 3}, 3},
      {"files are a hard limit", {.files_max = 2}, {1, 1, 1}, 2},
      {"fewer than the limit", {.files_max = 5}, {1, 1}, 2},
      {"bytes are soft: 3 GB files and 10 GB make 12 GB", {.bytes_max = 10}, {3, 3, 3, 3, 3}, 4},
      {"bytes met exactly", {.bytes_max = 6}, {3, 3, 3}, 2},
      {"a file larger than the limit goes alone", {.bytes_max = 10}, {100, 1}, 1},
      {"a limit of zero bytes still moves", {.bytes_max = 0}, {5, 5}, 1},
      {"empty files do not count against bytes", {.bytes_max = 1}, {0, 0, 1, 1}, 3},
      {"files reached first", {.files_max = 1, .bytes_max = 100}, {1, 1}, 1},
      {"what is promised in time is not exceeded", {.bytes_within = 10}, {3, 3, 3, 3}, 3},
      {"but by a first file", {.bytes_within = 10}, {11, 0}, 1},
      {"time reached first", {.files_max = 9, .bytes_max = 9, .bytes_within = 5}, {2, 2, 2}, 2},
      {"bytes reached before time", {.bytes_max = 3, .bytes_within = 100}, {2, 2, 2}, 2},
      {"bytes reached first", {.files_max = 100, .bytes_max = 2}, {1, 1, 1}, 2},
  };
  for (const Case& c : cases) {
    BatchPlan plan(c.limits);
    for (int64_t size : c.waiting) {
      if (!plan.Takes(size)) break;
      plan.Take(size);
    }
    EXPECT_EQ(plan.files(), c.files) << c.name;
  }
}

}  // namespace
}  // namespace millstream
