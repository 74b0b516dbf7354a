#include "connectors/files/backlog_estimate.h"

#include <gtest/gtest.h>

namespace millstream {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

TEST(BacklogEstimate, SaysNothingBeforeTheFirstBatch) {
  BacklogEstimate estimate;
  EXPECT_FALSE(estimate.BytesPerSecond().has_value());
  EXPECT_FALSE(estimate.SecondsFor(10).has_value());
  EXPECT_EQ(estimate.SecondsFor(0), 0);
}

TEST(BacklogEstimate, CountsPausesWhileSomethingWaitsAndNotWhileNothingDoes) {
  BacklogEstimate estimate;
  estimate.BeginBatch(0);
  estimate.EndBatch(2 * kSecondUs, 1000, /*more_waits=*/true);
  EXPECT_EQ(estimate.BytesPerSecond(), 500);
  // Eight seconds until the next trigger, two of work.
  estimate.BeginBatch(10 * kSecondUs);
  estimate.EndBatch(12 * kSecondUs, 1000, /*more_waits=*/false);
  EXPECT_EQ(estimate.BytesPerSecond(), 2000 / 12);
  // A night without files.
  estimate.BeginBatch(40'000 * kSecondUs);
  estimate.EndBatch(40'008 * kSecondUs, 2000, false);
  EXPECT_EQ(estimate.BytesPerSecond(), 200);
  EXPECT_EQ(estimate.SecondsFor(2001), 11);
}

TEST(BacklogEstimate, ForgetsOldBatches) {
  BacklogEstimate estimate;
  int64_t now_us = 0;
  for (int i = 0; i < 20; ++i) {
    estimate.BeginBatch(now_us);
    now_us += kSecondUs;
    estimate.EndBatch(now_us, i < 10 ? 1 : 1000, true);
  }
  EXPECT_EQ(estimate.BytesPerSecond(), 1000);
}

}  // namespace
}  // namespace millstream
