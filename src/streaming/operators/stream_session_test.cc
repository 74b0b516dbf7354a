// Sessions against an oracle that keeps lists.

#include "streaming/operators/stream_session.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "streaming/operators/tested_query.h"

namespace millstream {
namespace {

using ::testing::ElementsAreArray;

constexpr int64_t kGapS = 10;

struct Session {
  int64_t start, end, rows;
  std::optional<int64_t> sum;
};

class SlowSessions {
 public:
  SlowSessions(const KeyDomain& keys, OutputMode mode) : keys_(keys), mode_(mode) {}
  std::vector<std::string> Run(const TestedQuery::Batch& batch) {
    std::set<std::pair<size_t, int64_t>> late;
    for (const TestedRow& row : batch.t) {
      if (!row.at_s) continue;
      const size_t key = keys_.same_as[row.key];
      if (*row.at_s + kGapS <= batch.late_s) {
        late.emplace(key, *row.at_s);
      } else {
        Take(sessions_[key], {.start = *row.at_s, .end = *row.at_s + kGapS, .rows = 1, .sum = row.value});
      }
    }
    dropped = static_cast<int64_t>(late.size());
    std::vector<std::string> out;
    for (auto& [key, sessions] : sessions_) {
      for (const Session& session : sessions) {
        if (mode_ != OutputMode::kComplete && session.end > batch.eviction_s) continue;
        out.push_back(
            fmt::format("{}|{}|{}|{}|{}", session.start, session.end, keys_.text[key], session.rows, session.sum ? std::to_string(*session.sum) : "null"));
      }
      if (mode_ != OutputMode::kComplete) std::erase_if(sessions, [&](const Session& session) { return session.end <= batch.eviction_s; });
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  int64_t rows() const {
    int64_t rows = 0;
    for (const auto& [key, sessions] : sessions_) rows += static_cast<int64_t>(sessions.size());
    return rows;
  }
  int64_t dropped = 0;

 private:
  // One that begins when another ends meets it.
  static void Take(std::vector<Session>& sessions, Session into) {
    for (bool met = true; met;) {
      met = false;
      for (size_t i = 0; i < sessions.size(); ++i) {
        const Session other = sessions[i];
        if (other.start > into.end || into.start > other.end) continue;
        into = {std::min(into.start, other.start), std::max(into.end, other.end), into.rows + other.rows,
                into.sum || other.sum ? std::optional(into.sum.value_or(0) + other.sum.value_or(0)) : std::nullopt};
        sessions.erase(sessions.begin() + static_cast<std::ptrdiff_t>(i));
        met = true;
        break;
      }
    }
    sessions.push_back(into);
  }

  const KeyDomain& keys_;
  const OutputMode mode_;
  std::map<size_t, std::vector<Session>> sessions_;
};

TEST(StreamSession, SessionsOfEveryKindOfKeyMeet) {
  for (const KeyDomain& keys : KeyDomains()) {
    for (const OutputMode mode : {OutputMode::kAppend, OutputMode::kComplete}) {
      std::mt19937_64 random = RandomOfTest(5 + keys.size());
      SCOPED_TRACE(fmt::format("{} mode {}", keys.type, static_cast<int>(mode)));
      TestedQuery query(
          "SELECT unix_seconds(session_window.start) AS a, unix_seconds(session_window.end) AS b, k, count(*) AS n, sum(v) AS s "
          "FROM t WATERMARK at DELAY OF INTERVAL 0 SECONDS GROUP BY session_window(at, '10 seconds'), k",
          keys, {.mode = mode, .state_memory_bytes_max = random() % 2 == 0 ? 1 : 1 << 30});
      SlowSessions slow(keys, mode);
      int64_t now_s = 1000, late_s = 0, eviction_s = 0;
      for (int batch = 0; batch < 16 && !testing::Test::HasFailure(); ++batch) {
        if (random() % 3 == 0) query.Restart();
        if (random() % 6 == 0) query.Abort();
        now_s += static_cast<int64_t>(random() % 40);
        late_s = eviction_s;
        if (random() % 3 != 0) eviction_s = std::max(eviction_s, now_s - 20);
        const TestedQuery::Batch now{.t = RandomRows(random, keys, now_s, random() % 4 == 0 ? 0 : 20), .late_s = late_s, .eviction_s = eviction_s};
        EXPECT_THAT(query.Run(now), ElementsAreArray(slow.Run(now))) << "batch " << batch;
        EXPECT_EQ(query.progress().rows_total, slow.rows()) << "batch " << batch;
        EXPECT_EQ(query.progress().rows_dropped_by_watermark, slow.dropped) << "batch " << batch;
      }
    }
  }
}

// One row that meets thousands of sessions of its key, of earlier batches and its own.
TEST(StreamSession, OneRowCanJoinManySessions) {
  const KeyDomain& keys = KeyDomains()[0];
  TestedQuery query(
      "SELECT unix_seconds(session_window.start) AS a, unix_seconds(session_window.end) AS b, k, count(*) AS n, sum(v) AS s "
      "FROM t WATERMARK at DELAY OF INTERVAL 0 SECONDS GROUP BY session_window(at, '10 seconds'), k",
      keys, {});
  TestedRows even, odd;
  for (int64_t i = 0; i < 3000; ++i) (i % 2 == 0 ? even : odd).push_back({.key = 3, .at_s = 100 + i * 9, .value = i});
  query.Run({.t = even});
  EXPECT_EQ(query.progress().rows_total, 1500);
  query.Restart();
  std::reverse(odd.begin(), odd.end());
  query.Run({.t = odd});
  EXPECT_EQ(query.progress().rows_total, 1);
  EXPECT_THAT(query.Run({.t = {}, .late_s = 0, .eviction_s = 1'000'000}),
              ElementsAreArray({fmt::format("100|{}|1|3000|{}", 100 + 2999 * 9 + 10, 2999 * 1500)}));
  EXPECT_EQ(query.progress().rows_total, 0);
}

}  // namespace
}  // namespace millstream
