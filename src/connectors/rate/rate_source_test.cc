#include "connectors/rate/rate_source.h"

#include <gtest/gtest.h>

namespace millstream {
namespace {

Status Open(const OptionMap& options) { return OpenRate(options, Clock::System(), Fs::Local()).status(); }

TEST(RateSource, OpensWithoutOptions) { EXPECT_TRUE(Open({}).ok()); }

TEST(RateSource, TakesTimesAsSparkWritesThem) {
  for (const char* time : {"0", "5", "5s", "2m", "2min", "100ms", "1h", "1d"}) EXPECT_TRUE(Open({{"rampUpTime", time}}).ok()) << time;
  for (const char* time : {"", "-1s", "5 s", "s", "5x", "99999999999999999999", "9999999999999999d"}) EXPECT_FALSE(Open({{"rampUpTime", time}}).ok()) << time;
}

TEST(RateSource, NamesAnOptionThatItDoesNotKnow) {
  Status status = Open({{"rowPerSecond", "5"}});
  EXPECT_NE(status.message().find("rowsPerSecond"), std::string::npos) << status.message();
  EXPECT_FALSE(Open({{"rowsPerSecond", "0"}}).ok());
}

TEST(RateSource, RisesToItsSpeed) {
  EXPECT_EQ(RateValueAtSecond(0, 10, 0), 0);
  EXPECT_EQ(RateValueAtSecond(3, 10, 0), 30);
  EXPECT_EQ(RateValueAtSecond(1, 8, 3), 2);
  EXPECT_EQ(RateValueAtSecond(4, 8, 3), 12 + 8);
}

}  // namespace
}  // namespace millstream
