#include <gmock/gmock.h>

#include <cstdlib>

#include "streaming/checkpoint.h"
#include "streaming/streaming_errors.h"
#include "streaming/trigger_executor.h"

namespace millstream {
namespace {

// Files that Spark 4.2 wrote: tests/spark/record_checkpoint.py.
std::string Recorded(const std::string& name) {
  const char* root = std::getenv("MILLSTREAM_SOURCE");
  std::string directory = root != nullptr ? root : ".";
  return *Fs::Local().ReadFile(JoinPath(directory, "tests/spark/data/checkpoint/" + name));
}

TEST(OffsetSeqLog, WritesSparksFilesByteForByte) {
  for (const char* name : {"one_file_source/offsets/0", "one_file_source/offsets/2", "two_sources/offsets/0", "watermark/offsets/0"}) {
    auto offsets = ParseOffsetSeq(Recorded(name), name);
    ASSERT_TRUE(offsets.ok()) << offsets.status().message();
    EXPECT_EQ(SerializeOffsetSeq(*offsets), Recorded(name));
  }
}

TEST(OffsetSeqLog, RecordsTheConfThatSparkRecordsInItsOrder) {
  EXPECT_EQ(ParseOffsetSeq(Recorded("one_file_source/offsets/0"), "")->metadata.conf, DefaultLoggedConf());
}

TEST(OffsetSeqLog, ReadsASourceThatHasGivenNothing) {
  auto offsets = ParseOffsetSeq(Recorded("two_sources/offsets/0"), "");
  ASSERT_EQ(offsets->offsets.size(), 2u);
  EXPECT_EQ(offsets->offsets[0]->json, "{\"offset\":10,\"timestamp\":1000}");
  EXPECT_FALSE(offsets->offsets[1].has_value());
}

TEST(OffsetSeqLog, EveryTornPrefixIsFoundOrHasWholeOffsets) {
  const std::string whole = Recorded("one_file_source/offsets/0");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(ParseOffsetSeq(std::string_view(whole).substr(0, size), "offsets/0").ok()) << size;
}

TEST(CommitLog, WritesSparksFilesByteForByte) {
  for (const char* name : {"one_file_source/commits/0", "watermark/commits/0"}) {
    auto commit = ParseCommit(Recorded(name), name);
    ASSERT_TRUE(commit.ok());
    EXPECT_EQ(SerializeCommit(*commit), Recorded(name));
  }
  EXPECT_EQ(ParseCommit(Recorded("watermark/commits/0"), "")->next_batch_watermark_ms, 1699999999000);
}

TEST(VersionLine, IsCheckedBeforeTheContent) {
  EXPECT_TRUE(AfterVersionLine("v2\n", 1, "offsets/3").status().Is(errors::kInvalidLogVersion));
  for (const char* text : {"", "1\n", "v\n", "vx\n", "v0\n", "v-1\n", "{}"})
    EXPECT_TRUE(AfterVersionLine(text, 1, "offsets/3").status().Is(errors::kMalformedLogFile)) << text;
}

TEST(NextTriggerTime, IsAlignedAndSkipsMissedTriggers) {
  EXPECT_EQ(NextTriggerTime(0, 100), 100);
  EXPECT_EQ(NextTriggerTime(99, 100), 100);
  EXPECT_EQ(NextTriggerTime(100, 100), 200);
  EXPECT_EQ(NextTriggerTime(350, 100), 400);
}

TEST(IdlePause, GrowsWithTheCostOfLooking) {
  EXPECT_EQ(IdlePauseMs(10, 5, 0), 10);
  EXPECT_EQ(IdlePauseMs(10, 20000, 0), 200);
  EXPECT_EQ(IdlePauseMs(10, 60000000, 0), 1000);
  EXPECT_EQ(IdlePauseMs(5000, 5, 60000000), 5000);
  EXPECT_EQ(IdlePauseMs(10, 5, 1000000), 20);
  EXPECT_EQ(IdlePauseMs(10, 5, 60000000), 100);
}

}  // namespace
}  // namespace millstream
