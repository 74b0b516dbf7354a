#include "connectors/files/compactible_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "connectors/files/files_errors.h"
#include "storage/crash_fs.h"

namespace millstream {
namespace {

class CompactibleLogTest : public testing::Test {
 protected:
  CompactibleLogTest() : directory_(testing::TempDir() + "compactible_log_" + std::to_string(::getpid())) { std::filesystem::create_directories(directory_); }
  ~CompactibleLogTest() override { std::filesystem::remove_all(directory_); }
  CompactibleLog Log(CompactibleLogConf conf = {}) { return CompactibleLog(Fs::Local(), Clock::System(), directory_ + "/0", "test", conf); }
  std::string Text(const std::string& name) { return *Fs::Local().ReadFile(directory_ + "/0/" + name); }
  const std::string directory_;
};

TEST_F(CompactibleLogTest, WritesSparksFilesAndEveryTenthHoldsThoseBefore) {
  CompactibleLog log = Log();
  ASSERT_TRUE(log.Open().ok());
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.Add(i, i == 3 ? LogLines{} : LogLines{"{" + std::to_string(i) + "}"}).ok());
  EXPECT_EQ(Text("3"), "v1");
  EXPECT_EQ(Text("8"), "v1\n{8}");
  EXPECT_EQ(Text("9.compact"), "v1\n{0}\n{1}\n{2}\n{4}\n{5}\n{6}\n{7}\n{8}\n{9}");
  EXPECT_EQ(Text("10"), "v1\n{10}");
  CompactibleLog again = Log();
  ASSERT_TRUE(again.Open().ok());
  EXPECT_EQ(again.latest(), 11);
  EXPECT_THAT(*again.All(), testing::ElementsAre("{0}", "{1}", "{2}", "{4}", "{5}", "{6}", "{7}", "{8}", "{9}", "{10}", "{11}"));
  EXPECT_THAT(**again.Get(8), testing::ElementsAre("{8}"));
  EXPECT_EQ(*again.Get(12), std::nullopt);
}
TEST_F(CompactibleLogTest, NeverOverwritesAnEntry) {
  CompactibleLog one = Log(), other = Log();
  ASSERT_TRUE(one.Open().ok() && other.Open().ok());
  ASSERT_TRUE(one.Add(0, {"a"}).ok());
  EXPECT_TRUE(other.Add(0, {"b"}).Is(errors::kConcurrentFileLogUpdate));
  EXPECT_EQ(Text("0"), "v1\na");
}
TEST_F(CompactibleLogTest, NoticesAMissingEntry) {
  CompactibleLog log = Log();
  ASSERT_TRUE(log.Open().ok());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.Add(i, {"x"}).ok());
  std::filesystem::remove(directory_ + "/0/2");
  CompactibleLog again = Log();
  ASSERT_TRUE(again.Open().ok());
  EXPECT_TRUE(again.All().status().Is(errors::kFileLogUnreadable));
}
TEST_F(CompactibleLogTest, DropsWhatIsOldAndCompacted) {
  CompactibleLog log = Log({.compact_interval = 3, .cleanup_delay_ms = -1000, .min_batches_to_retain = 4});
  ASSERT_TRUE(log.Open().ok());
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.Add(i, {std::to_string(i)}).ok());
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/0")) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("5.compact", "6", "7", "8.compact", "9", "10", "11.compact"));
  EXPECT_EQ(log.All()->size(), 12u);
}
TEST(CompactInterval, GoesWithTheEntriesThatAreThere) {
  EXPECT_EQ(DeriveCompactInterval(10, {}), 10);
  EXPECT_EQ(DeriveCompactInterval(10, {2, 5, 8}), 3);
  EXPECT_EQ(DeriveCompactInterval(10, {4}), 5);
  EXPECT_EQ(DeriveCompactInterval(3, {19}), 4);
  EXPECT_EQ(DeriveCompactInterval(4, {6}), 7);
}
// Killed, or without power, after any step of the file system: an entry that Add has promised is there, and nothing is there twice.
TEST_F(CompactibleLogTest, KeepsWhatItPromisedThroughEveryCrash) {
  for (bool cut : {false, true}) {
    for (int dies_at = 1;; ++dies_at) {
      const std::string place = directory_ + "/" + std::to_string(cut) + "_" + std::to_string(dies_at);
      std::filesystem::create_directories(place);
      testing_storage::CrashDisk disk(place);
      testing_storage::CrashFs fs(disk, dies_at);
      int promised = 0;
      {
        CompactibleLog log(fs, Clock::System(), place + "/0", "test", {.compact_interval = 3});
        if (log.Open().ok())
          while (promised < 7 && log.Add(promised, {std::to_string(promised)}).ok()) ++promised;
      }
      if (cut) disk.CutPower();
      CompactibleLog again(Fs::Local(), Clock::System(), place + "/0", "test", {.compact_interval = 3});
      ASSERT_TRUE(again.Open().ok());
      const int latest = static_cast<int>(again.latest().value_or(-1));
      EXPECT_GE(latest, promised - 1);
      Result<LogLines> all = again.All();
      ASSERT_TRUE(all.ok()) << all.status().message();
      LogLines expected;
      for (int i = 0; i <= latest; ++i) expected.push_back(std::to_string(i));
      EXPECT_EQ(*all, expected) << "died at " << dies_at;
      if (!fs.dead()) break;
    }
  }
}

}  // namespace
}  // namespace millstream
