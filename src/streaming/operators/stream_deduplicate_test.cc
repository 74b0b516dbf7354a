// Duplicates, limits and joined keys against oracles that keep lists.

#include "streaming/operators/stream_deduplicate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "streaming/operators/tested_query.h"

namespace millstream {
namespace {

using ::testing::ElementsAreArray;

constexpr int64_t kDelayS = 20;

std::string TextOf(const std::optional<int64_t>& value) { return value ? std::to_string(*value) : "null"; }

enum class By { kKey, kKeyAndTime, kKeyWithinWatermark };

class SlowDistinct {
 public:
  SlowDistinct(const KeyDomain& keys, By by) : keys_(keys), by_(by) {}
  std::vector<std::string> Run(const TestedQuery::Batch& batch) {
    std::vector<std::string> out;
    dropped = 0;
    for (const TestedRow& row : batch.t) {
      if (by_ != By::kKey && row.at_s && *row.at_s <= batch.late_s) {
        ++dropped;
        continue;
      }
      const std::pair key(keys_.same_as[row.key], by_ == By::kKeyAndTime ? row.at_s : std::nullopt);
      // Without a time it expires as if it came when time began.
      if (!seen_.try_emplace(key, by_ == By::kKeyWithinWatermark ? row.at_s.value_or(0) + kDelayS : row.at_s.value_or(INT64_MAX)).second) continue;
      // As it came: of equal keys the first one's bytes.
      out.push_back(fmt::format("{}|{}|{}", keys_.text[row.key], row.at_s ? std::to_string(*row.at_s * 1'000'000) : "null", TextOf(row.value)));
    }
    if (by_ != By::kKey) std::erase_if(seen_, [&](const auto& entry) { return entry.second <= batch.eviction_s; });
    std::sort(out.begin(), out.end());
    return out;
  }
  int64_t rows() const { return static_cast<int64_t>(seen_.size()); }
  int64_t dropped = 0;

 private:
  const KeyDomain& keys_;
  const By by_;
  std::map<std::pair<size_t, std::optional<int64_t>>, int64_t> seen_;  // → until when
};

TEST(StreamDeduplicate, LetsThroughTheFirstOfEveryKindOfKey) {
  for (const KeyDomain& keys : KeyDomains()) {
    for (const By by : {By::kKey, By::kKeyAndTime, By::kKeyWithinWatermark}) {
      std::mt19937_64 random = RandomOfTest(3 + keys.size());
      SCOPED_TRACE(fmt::format("{} by {}", keys.type, static_cast<int>(by)));
      const std::string sql = by == By::kKey ? "SELECT k, at, v FROM t" : "SELECT k, at, v FROM t WATERMARK at DELAY OF INTERVAL 20 SECONDS";
      TestedQuery query(sql, keys,
                        {.distinct = by == By::kKeyAndTime ? std::vector<std::string>{"k", "at"} : std::vector<std::string>{"k"},
                         .within_watermark = by == By::kKeyWithinWatermark,
                         .state_memory_bytes_max = random() % 2 == 0 ? 1 : 1 << 30});
      SlowDistinct slow(keys, by);
      int64_t now_s = 1000, late_s = 0, eviction_s = 0;
      for (int batch = 0; batch < 16 && !testing::Test::HasFailure(); ++batch) {
        if (random() % 3 == 0) query.Restart();
        if (random() % 6 == 0) query.Abort();
        now_s += static_cast<int64_t>(random() % 20);
        late_s = eviction_s;
        if (random() % 3 != 0) eviction_s = std::max(eviction_s, now_s - kDelayS);
        const TestedQuery::Batch now{.t = RandomRows(random, keys, now_s, random() % 4 == 0 ? 0 : 20), .late_s = late_s, .eviction_s = eviction_s};
        EXPECT_THAT(query.Run(now), ElementsAreArray(slow.Run(now))) << "batch " << batch;
        EXPECT_EQ(query.progress().rows_total, slow.rows()) << "batch " << batch;
        EXPECT_EQ(query.progress().rows_dropped_by_watermark, slow.dropped) << "batch " << batch;
      }
    }
  }
}

TEST(StreamLimit, CountsOverBatchesAndRestarts) {
  std::mt19937_64 random = RandomOfTest(11);
  for (const int64_t limit : {0, 1, 7, 50}) {
    TestedQuery query(fmt::format("SELECT v FROM t LIMIT {}", limit), KeyDomains()[0], {});
    int64_t left = limit;
    for (int batch = 0; batch < 8; ++batch) {
      if (random() % 2 == 0) query.Restart();
      if (random() % 4 == 0) query.Abort();
      const TestedRows rows = RandomRows(random, KeyDomains()[0], 1000, 20);
      std::vector<std::string> expected;
      for (const TestedRow& row : rows) {
        if (left == 0) break;
        --left;
        expected.push_back(TextOf(row.value));
      }
      std::sort(expected.begin(), expected.end());
      EXPECT_THAT(query.Run({.t = rows}), ElementsAreArray(expected)) << limit << ", batch " << batch;
    }
  }
}

// Who meets whom, by keys of every kind; bounds and eviction for other conditions are those of stream_join_test.
class SlowLeftJoin {
 public:
  explicit SlowLeftJoin(const KeyDomain& keys) : keys_(keys) {}
  std::vector<std::string> Run(const TestedQuery::Batch& batch) {
    std::vector<std::string> out;
    for (const TestedRow& row : batch.t) {
      if (row.at_s && *row.at_s <= batch.late_s) continue;
      bool met = false;
      for (const TestedRow& other : right_) met |= Meet(row, other, &out);
      left_.emplace_back(row, met);
    }
    for (const TestedRow& row : batch.u) {
      if (!row.at_s || *row.at_s <= batch.late_s || keys_.IsNull(row.key)) continue;
      for (auto& [other, met] : left_) met |= Meet(other, row, &out);
      right_.push_back(row);
    }
    // A partner comes up to ten seconds later.
    std::erase_if(left_, [&](const auto& entry) {
      const auto& [row, met] = entry;
      if (!row.at_s || *row.at_s + 10 >= batch.eviction_s) return false;
      if (!met) out.push_back(TextOf(row.value) + "|null");
      return true;
    });
    std::erase_if(right_, [&](const TestedRow& row) { return *row.at_s < batch.eviction_s; });
    std::sort(out.begin(), out.end());
    return out;
  }
  int64_t rows() const { return static_cast<int64_t>(left_.size() + right_.size()); }

 private:
  bool Meet(const TestedRow& left, const TestedRow& right, std::vector<std::string>* out) const {
    if (keys_.IsNull(left.key) || keys_.same_as[left.key] != keys_.same_as[right.key]) return false;
    if (!left.at_s || *right.at_s < *left.at_s || *right.at_s > *left.at_s + 10) return false;
    out->push_back(TextOf(left.value) + "|" + TextOf(right.value));
    return true;
  }
  const KeyDomain& keys_;
  std::vector<std::pair<TestedRow, bool>> left_;
  std::vector<TestedRow> right_;
};

TEST(StreamJoin, KeysOfEveryKindMeetWhatIsEqualToThem) {
  for (const KeyDomain& keys : KeyDomains()) {
    std::mt19937_64 random = RandomOfTest(9 + keys.size());
    SCOPED_TRACE(keys.type);
    TestedQuery query(
        "SELECT t.v, u.v AS w FROM t WATERMARK at DELAY OF INTERVAL 0 SECONDS AS t LEFT JOIN u WATERMARK at DELAY OF INTERVAL 0 SECONDS AS u "
        "ON t.k = u.k AND u.at >= t.at AND u.at <= t.at + INTERVAL 10 SECONDS",
        keys, {.state_memory_bytes_max = random() % 2 == 0 ? 1 : 1 << 30});
    SlowLeftJoin slow(keys);
    int64_t now_s = 1000, late_s = 0, eviction_s = 0;
    for (int batch = 0; batch < 12 && !testing::Test::HasFailure(); ++batch) {
      if (random() % 3 == 0) query.Restart();
      if (random() % 6 == 0) query.Abort();
      now_s += static_cast<int64_t>(random() % 25);
      late_s = eviction_s;
      if (random() % 3 != 0) eviction_s = std::max(eviction_s, now_s - 15);
      const TestedQuery::Batch now{.t = RandomRows(random, keys, now_s, random() % 5 == 0 ? 0 : 25),
                                   .u = RandomRows(random, keys, now_s, random() % 5 == 0 ? 0 : 25),
                                   .late_s = late_s,
                                   .eviction_s = eviction_s};
      EXPECT_THAT(query.Run(now), ElementsAreArray(slow.Run(now))) << "batch " << batch;
      EXPECT_EQ(query.progress().rows_total, slow.rows()) << "batch " << batch;
    }
  }
}

}  // namespace
}  // namespace millstream
