#include "connectors/files/file_age_limit.h"

#include <gmock/gmock.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "connectors/files/cloud_files_source.h"
#include "connectors/files/fake_format.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kDayMs = 86'400'000;

class FileAge : public ::testing::Test {
 protected:
  // Another process.
  Status Start(const std::string& max_age) {
    source_.reset();
    OptionMap options{{"cloudFiles.format", "json"}};
    if (!max_age.empty()) options["cloudFiles.maxFileAge"] = max_age;
    FilesContext context{.fs = Fs::Local(), .clock = clock_, .make_format = test::MakeFakeFormat};
    MS_ASSIGN_OR_RETURN(relation_, OpenCloudFiles({.format = "cloudFiles",
                                                   .schema = StructType({{"id", DataType::String()}}),
                                                   .options = options,
                                                   .paths = {in_.path()},
                                                   .is_streaming = true},
                                                  context));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return at_ ? source_->Commit(*at_) : Status();
  }
  // What comes new, in as many batches as it takes.
  std::vector<std::string> Load() {
    std::vector<std::string> all;
    // Discovery lists in full once a second, and passes of forgetting are minutes apart.
    clock_.Advance(kDayMs);
    for (int looks = 0; looks < 4; ++looks) {
      auto end = source_->LatestOffset(at_, {});
      EXPECT_TRUE(end.ok()) << end.status().message();
      if (!end.ok() || !*end) continue;
      auto rows = source_->ReadBatch(at_, **end, {.columns = {"id"}});
      EXPECT_TRUE(rows.ok()) << rows.status().message();
      for (std::string& value : Values(**rows, "id")) all.push_back(std::move(value));
      EXPECT_TRUE(source_->Commit(**end).ok());
      at_ = *end;
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  void Write(const std::string& name, int days_ago) {
    WriteFile(in_ / name, "id=" + name);
    SetAge(name, days_ago);
  }
  void SetAge(const std::string& name, int days_ago) {
    const int64_t modified_ms = clock_.WallMillis() - days_ago * kDayMs;
    const timespec time{.tv_sec = modified_ms / 1000, .tv_nsec = 0}, times[2] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, (in_ / name).c_str(), times, 0), 0);
  }
  std::string Metric(const std::string& name) {
    const auto metrics = source_->metrics();
    auto found = metrics.find(name);
    return found == metrics.end() ? "" : found->second;
  }

  TempDir in_, state_;
  ManualClock clock_{Clock::System().WallMillis()};
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::optional<StreamOffset> at_;
};

TEST_F(FileAge, NewFilesThatAreTooOldAreNotLoaded) {
  Write("old", 20);
  Write("young", 1);
  ASSERT_TRUE(Start("14 days").ok());
  EXPECT_THAT(Load(), ElementsAre("young"));
  EXPECT_EQ(Metric("numFilesTooOld"), "1");
  SetAge("old", 0);  // touched: now it is new
  EXPECT_THAT(Load(), ElementsAre("old"));
}

TEST_F(FileAge, ForgottenFilesStayOut) {
  for (int i = 0; i < 5; ++i) Write(std::to_string(i), 1);
  ASSERT_TRUE(Start("14 days").ok());
  EXPECT_THAT(Load(), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_EQ(Metric("numFilesForgotten"), "");
  clock_.Advance(20 * kDayMs);
  Write("new", 1);
  SetAge("3", 1);  // touched since it was loaded: forgotten, it would be loaded again
  EXPECT_THAT(Load(), ElementsAre("new"));
  EXPECT_THAT(Load(), IsEmpty());
  EXPECT_EQ(Metric("numFilesForgotten"), "4");
  // Neither the clock, nor another limit, nor none at all brings them back.
  for (const char* age : {"14 days", "400 days", ""}) {
    ASSERT_TRUE(Start(age).ok());
    clock_.Advance(-30 * kDayMs);
    EXPECT_THAT(Load(), IsEmpty()) << age;
    clock_.Advance(30 * kDayMs);
    EXPECT_THAT(Load(), IsEmpty()) << age;
  }
  // Numbers go on.
  Write("newer", 0);
  EXPECT_THAT(Load(), ElementsAre("newer"));
  EXPECT_NE(at_->json.find("\"seqNum\":7"), std::string::npos) << at_->json;
}

TEST_F(FileAge, FilesThatWaitAreNotForgotten) {
  Write("a", 1);
  ASSERT_TRUE(Start("14 days").ok());
  auto end = source_->LatestOffset(std::nullopt, {});
  ASSERT_TRUE(end.ok() && *end);
  Write("b", 1);
  clock_.Advance(30 * kDayMs);
  ASSERT_TRUE(Start("14 days").ok());  // the batch was logged and has not run
  for (int looks = 0; looks < 4; ++looks) ASSERT_TRUE(source_->LatestOffset(*end, {}).ok());
  auto rows = source_->ReadBatch(std::nullopt, **end, {.columns = {"id"}});
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_THAT(Values(**rows, "id"), ElementsAre("a"));
}

TEST_F(FileAge, ALedgerOfManyFilesShrinksPieceByPiece) {
  constexpr int kFiles = 2500;
  for (int i = 0; i < kFiles; ++i) Write("d" + std::to_string(i % 3) + "/" + std::to_string(i), 1);
  ASSERT_TRUE(Start("14 days").ok());
  EXPECT_EQ(Load().size(), static_cast<size_t>(kFiles));
  clock_.Advance(20 * kDayMs);
  EXPECT_THAT(Load(), IsEmpty());
  EXPECT_EQ(Metric("numFilesForgotten"), std::to_string(kFiles - 1));  // the last number stays
  source_.reset();
  auto ledger = FileLedger::Open(Fs::Local(), state_ / "sources/0/rocksdb");
  ASSERT_TRUE(ledger.ok());
  EXPECT_EQ((*ledger)->Files(0, INT64_MAX)->size(), 1u);
  EXPECT_EQ((*ledger)->RecordedFiles("", "", INT64_MAX)->size(), 1u);
  EXPECT_EQ((*ledger)->last_number(), kFiles);
}

}  // namespace
}  // namespace millstream
