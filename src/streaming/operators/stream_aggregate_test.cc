// Groups, sessions, duplicates and limits against oracles that keep everything in a map and look at each row.

#include "streaming/operators/stream_aggregate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "streaming/operators/tested_query.h"

namespace millstream {
namespace {

using ::testing::ElementsAreArray;

constexpr int kBatches = 14;

std::string TextOf(const std::optional<int64_t>& value) { return value ? std::to_string(*value) : "null"; }

struct Sums {
  int64_t rows = 0, values = 0;
  std::optional<int64_t> sum, min, max;
  void Add(const TestedRow& row) {
    ++rows;
    if (!row.value) return;
    ++values;
    sum = sum.value_or(0) + *row.value;
    min = std::min(min.value_or(*row.value), *row.value);
    max = std::max(max.value_or(*row.value), *row.value);
  }
  std::string Text() const { return fmt::format("{}|{}|{}|{}|{}", rows, values, TextOf(sum), TextOf(min), TextOf(max)); }
};
constexpr const char* kSums = "count(*) AS n, count(v) AS c, sum(v) AS s, min(v) AS lo, max(v) AS hi";

// A run of batches whose watermark moves on, sometimes, and does not always reach the same bounds.
struct Clock {
  int64_t now_s = 1000, late_s = 0, eviction_s = 0;
  void Next(std::mt19937_64& random) {
    now_s += static_cast<int64_t>(random() % 25);
    late_s = eviction_s;
    // Often at the end of a window.
    if (random() % 3 != 0) eviction_s = std::max(eviction_s, random() % 2 == 0 ? (now_s - 10) / 10 * 10 : now_s - 15);
  }
};

void Disturb(TestedQuery& query, std::mt19937_64& random) {
  if (random() % 3 == 0) query.Restart();
  if (random() % 6 == 0) query.Abort();
}

class SlowGroups {
 public:
  SlowGroups(const KeyDomain& keys, bool in_windows, OutputMode mode) : keys_(keys), in_windows_(in_windows), mode_(mode) {}
  std::vector<std::string> Run(const TestedQuery::Batch& batch) {
    std::set<Group> changed, late;
    for (const TestedRow& row : batch.t) {
      if (in_windows_ && !row.at_s) continue;
      for (int64_t back_s = 0; back_s < (in_windows_ ? 20 : 10); back_s += 10) {
        const Group group(in_windows_ ? *row.at_s / 10 * 10 - back_s : 0, keys_.same_as[row.key]);
        if (in_windows_ && mode_ != OutputMode::kComplete && group.first + 20 <= batch.late_s) {
          late.insert(group);
          continue;
        }
        groups_[group].Add(row);
        changed.insert(group);
      }
    }
    dropped = static_cast<int64_t>(late.size());
    std::vector<std::string> out;
    for (const auto& [group, sums] : groups_) {
      const bool passed = in_windows_ && group.first + 20 <= batch.eviction_s;
      if (mode_ == OutputMode::kComplete || (mode_ == OutputMode::kUpdate ? changed.contains(group) : passed))
        out.push_back((in_windows_ ? std::to_string(group.first) + "|" : "") + keys_.text[group.second] + "|" + sums.Text());
    }
    if (in_windows_ && mode_ != OutputMode::kComplete) std::erase_if(groups_, [&](const auto& group) { return group.first.first + 20 <= batch.eviction_s; });
    std::sort(out.begin(), out.end());
    return out;
  }
  int64_t rows() const { return static_cast<int64_t>(groups_.size()); }
  int64_t dropped = 0;

 private:
  using Group = std::pair<int64_t, size_t>;  // start of the window, key
  const KeyDomain& keys_;
  const bool in_windows_;
  const OutputMode mode_;
  std::map<Group, Sums> groups_;
};

void CheckGroups(const KeyDomain& keys, bool in_windows, OutputMode mode, uint64_t seed) {
  SCOPED_TRACE(fmt::format("{} {} mode {} seed {}", keys.type, in_windows ? "in windows" : "for ever", static_cast<int>(mode), seed));
  std::mt19937_64 random = RandomOfTest(seed);
  const std::string sql = in_windows ? fmt::format(
                                           "SELECT unix_seconds(window.start) AS w, k, {} FROM t WATERMARK at DELAY OF INTERVAL 0 SECONDS "
                                           "GROUP BY window(at, '20 seconds', '10 seconds'), k",
                                           kSums)
                                     : fmt::format("SELECT k, {} FROM t GROUP BY k", kSums);
  TestedQuery query(sql, keys, {.mode = mode, .state_memory_bytes_max = random() % 2 == 0 ? 1 : 1 << 30});
  SlowGroups slow(keys, in_windows, mode);
  Clock clock;
  for (int batch = 0; batch < kBatches && !testing::Test::HasFailure(); ++batch) {
    Disturb(query, random);
    clock.Next(random);
    const TestedQuery::Batch now{
        .t = RandomRows(random, keys, clock.now_s, random() % 4 == 0 ? 0 : 40), .late_s = clock.late_s, .eviction_s = clock.eviction_s};
    EXPECT_THAT(query.Run(now), ElementsAreArray(slow.Run(now))) << "batch " << batch;
    EXPECT_EQ(query.progress().rows_total, slow.rows()) << "batch " << batch;
    EXPECT_EQ(query.progress().rows_dropped_by_watermark, slow.dropped) << "batch " << batch;
  }
}

TEST(StreamAggregate, KeepsGroupsOfEveryKindOfKeyInEveryMode) {
  for (const KeyDomain& keys : KeyDomains()) {
    for (const bool in_windows : {false, true}) {
      for (const OutputMode mode : {OutputMode::kAppend, OutputMode::kUpdate, OutputMode::kComplete}) {
        if (!in_windows && mode == OutputMode::kAppend) continue;
        CheckGroups(keys, in_windows, mode, 1 + std::hash<std::string>()(keys.type) % 1000);
      }
    }
  }
}

// By the moment itself: without one, a group never passes.
TEST(StreamAggregate, LetsGoOfMomentsButNotOfNull) {
  const KeyDomain& keys = KeyDomains()[0];
  TestedQuery query("SELECT unix_seconds(at) AS a, count(*) AS n FROM t WATERMARK at DELAY OF INTERVAL 0 SECONDS GROUP BY at", keys, {});
  EXPECT_THAT(query.Run({.t = {{.at_s = 10}, {.at_s = 20}, {.at_s = std::nullopt}, {.at_s = 10}}}), ElementsAreArray<std::string>({}));
  query.Restart();
  // Up to the watermark and with it: too late, and passed.
  EXPECT_THAT(query.Run({.t = {{.at_s = 10}, {.at_s = 11}, {.at_s = std::nullopt}}, .late_s = 10, .eviction_s = 20}),
              ElementsAreArray<std::string>({"10|2", "11|1", "20|1"}));
  EXPECT_EQ(query.progress().rows_dropped_by_watermark, 1);
  EXPECT_EQ(query.progress().rows_total, 1);
}

TEST(StreamAggregate, WithoutKeysHasOneRow) {
  for (const OutputMode mode : {OutputMode::kUpdate, OutputMode::kComplete}) {
    TestedQuery query("SELECT count(*) AS n, sum(v) AS s FROM t", KeyDomains()[0], {.mode = mode});
    EXPECT_THAT(query.Run({.t = {{.value = 1}, {.value = 2}}}), ElementsAreArray<std::string>({"2|3"}));
    query.Restart();
    EXPECT_THAT(query.Run({.t = {{.value = std::nullopt}}}), ElementsAreArray<std::string>({"3|3"}));
  }
}

TEST(StreamAggregate, ManyGroupsAreWorkedOnByTwo) {
  const KeyDomain& keys = KeyDomains()[0];
  TestedQuery query("SELECT v, count(*) AS n FROM t GROUP BY v", keys, {.mode = OutputMode::kUpdate});
  TestedRows rows;
  for (int64_t value = 0; value < 30'000; ++value) rows.push_back({.value = value});
  EXPECT_EQ(query.Run({.t = rows}).size(), rows.size());
  query.Restart();
  std::vector<std::string> out = query.Run({.t = rows});
  EXPECT_EQ(out.size(), rows.size());
  EXPECT_EQ(std::count_if(out.begin(), out.end(), [](const std::string& row) { return row.ends_with("|2"); }), 30'000);
  EXPECT_EQ(query.progress().rows_total, 30'000);
}

}  // namespace
}  // namespace millstream
