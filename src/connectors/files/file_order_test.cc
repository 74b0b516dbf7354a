#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "connectors/files/batch_pace.h"
#include "connectors/files/cloud_files_source.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/file_ledger_format.h"
#include "connectors/files/file_requests.h"
#include "connectors/files/ledger_view.h"
#include "connectors/files/waiting_files.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One file a batch, each with its name as its row.
class FileOrderTest : public ::testing::Test {
 protected:
  // Another process.
  Status Start(OptionMap options) {
    source_.reset();
    options.try_emplace("cloudFiles.format", "json");
    options.try_emplace("cloudFiles.maxFilesPerTrigger", "1");
    FilesContext context{.fs = Fs::Local(), .clock = clock_, .make_format = test::MakeFakeFormat};
    MS_ASSIGN_OR_RETURN(
        relation_,
        OpenCloudFiles(
            {.format = "cloudFiles", .schema = StructType({{"id", DataType::String()}}), .options = options, .paths = {in_.path()}, .is_streaming = true},
            context));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return dynamic_cast<RetractsFiles&>(*source_).SetRetractionSupport(Status());
  }
  void Write(const std::string& name, int64_t modified_s) {
    WriteFile(in_ / name, "id=" + name);
    const timespec time{.tv_sec = modified_s, .tv_nsec = 0}, times[2] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, (in_ / name).c_str(), times, 0), 0);
  }
  // The rows of the next batch; "-": there is none.
  std::string Next() {
    clock_.Advance(10'000);  // everything is listed again
    auto end = source_->LatestOffset(at_, {});
    EXPECT_TRUE(end.ok()) << end.status().message();
    if (!end.ok() || !*end) return "-";
    auto rows = source_->ReadBatch(at_, **end, {.columns = {"id"}});
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    std::string all;
    for (const std::string& value : Values(**rows, "id")) all += (all.empty() ? "" : " ") + value;
    EXPECT_TRUE(source_->Commit(**end).ok());
    at_ = *end;
    return all;
  }
  std::vector<std::string> Rest() {
    std::vector<std::string> batches;
    for (std::string rows = Next(); rows != "-"; rows = Next()) batches.push_back(rows);
    return batches;
  }
  void Ask(FileOperation operation, const std::string& name) {
    auto writer = FileRequestWriter::Begin(Fs::Local(), clock_, state_ / "sources/0", operation);
    ASSERT_TRUE(writer.ok()) << writer.status().message();
    ASSERT_TRUE((*writer)->Add(in_ / name).ok());
    ASSERT_TRUE((*writer)->Publish().ok());
  }

  TempDir in_, state_;
  ManualClock clock_{Clock::System().WallMillis()};
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::optional<StreamOffset> at_;
};

TEST_F(FileOrderTest, ByPathWhateverWasFoundFirst) {
  for (const char* name : {"b/z", "b/a/1", "a"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "b/a/1");
  // It comes late, and before what waits.
  Write("b/m", 1'700'000'000);
  Write("a0", 1'700'000'000);
  EXPECT_THAT(Rest(), ElementsAre("a0", "b/m", "b/z"));
}

TEST_F(FileOrderTest, ByTimeAndThenByPath) {
  Write("a", 1'700'000'009);
  Write("x/b", 1'700'000'003);
  Write("c", 1'700'000'003);
  Write("d", -5);  // before 1970
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "modificationTime"}}).ok());
  EXPECT_EQ(Next(), "d");
  EXPECT_EQ(Next(), "c");
  Write("e", 1'700'000'004);
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "2");
  EXPECT_THAT(Rest(), ElementsAre("x/b", "e", "a"));
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "0");
}

TEST_F(FileOrderTest, ALoggedBatchHasTheSameFilesInAnyOrder) {
  for (const char* name : {"a", "b", "c"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}, {"cloudFiles.maxFilesPerTrigger", "2"}}).ok());
  auto end = *source_->LatestOffset(at_, {});
  ASSERT_TRUE(end.has_value());
  // Killed before it ran; meanwhile an earlier name comes, and the order is another one.
  Write("0", 1'800'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "modificationTime"}, {"cloudFiles.maxFilesPerTrigger", "2"}}).ok());
  auto rows = source_->ReadBatch(at_, *end, {.columns = {"id"}});
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_THAT(Values(**rows, "id"), ElementsAre("a", "b"));
  ASSERT_TRUE(source_->Commit(*end).ok());
  at_ = end;
  EXPECT_THAT(Rest(), ElementsAre("0 c"));  // as they are read
}

TEST_F(FileOrderTest, WhatWaitsGoesOnInTheOrderOfTheNextStart) {
  for (int i = 1; i <= 6; ++i) Write("f" + std::to_string(i), 1'700'000'100 - i);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "f1");
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "modificationTime"}}).ok());
  EXPECT_EQ(Next(), "f6");
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "4");
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "f2");
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "3");
  ASSERT_TRUE(Start({}).ok());
  EXPECT_THAT(Rest(), ElementsAre("f3", "f4", "f5"));
}

TEST_F(FileOrderTest, AvailableNowFixesWhatThereIs) {
  for (const char* name : {"b/x", "a"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  ASSERT_TRUE(dynamic_cast<SupportsTriggerAvailableNow&>(*source_).PrepareForTriggerAvailableNow().ok());
  Write("0", 1'700'000'000);
  EXPECT_THAT(Rest(), ElementsAre("a", "b/x"));
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_THAT(Rest(), ElementsAre("0"));
}

TEST_F(FileOrderTest, AFileThatWaitsIsUndoneAndForgottenLikeAnyOther) {
  for (const char* name : {"a", "b", "c", "d"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "a");
  Ask(FileOperation::kUndo, "c");
  Ask(FileOperation::kForget, "d");
  Ask(FileOperation::kReplay, "b");
  std::string rest;
  for (const std::string& rows : Rest()) rest += rows + ",";
  // Batches of numbers that are left out have no rows. The forgotten file is found again.
  EXPECT_EQ(rest, ",,b,d,");
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "0");
}

TEST_F(FileOrderTest, AFileThatChangesWhileItWaitsIsLoadedOnceAndInThePlaceOfItsRows) {
  for (const char* name : {"a", "b"}) Write(name, 1'700'000'000);
  const OptionMap options{{"cloudFiles.fileOrder", "modificationTime"}, {"cloudFiles.changedFiles", "replaced"}};
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(Next(), "a");
  WriteFile(in_ / "b", "id=b2");  // now
  Write("c", 1'700'000'001);
  EXPECT_EQ(Next(), "c");
  WriteFile(in_ / "a", "id=a2");
  std::vector<std::string> rest = Rest();
  std::sort(rest.begin(), rest.end());
  EXPECT_THAT(rest, ElementsAre("a2", "b2"));
  EXPECT_EQ(source_->metrics().at("numFilesOutstanding"), "0");
}

TEST_F(FileOrderTest, ByContentAFileThatWaitsIsTheFirstOfItsBytes) {
  for (const char* name : {"a", "b", "c"}) Write(name, 1'700'000'000);
  WriteFile(in_ / "z", "id=c");
  const OptionMap options{{"cloudFiles.fileOrder", "path"}, {"cloudFiles.fileIdentity", "content"}, {"cloudFiles.allowOverwrites", "true"}};
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(Next(), "a");
  // Touched: it is no duplicate of itself.
  Write("b", 1'700'000'500);
  EXPECT_THAT(Rest(), ElementsAre("b", "c"));
}

TEST_F(FileOrderTest, AFileThatIsGoneBeforeItsTurnIsLeftOutAndLoadedWhenItComesBack) {
  for (const char* name : {"a", "b", "c", "d"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "a");
  std::filesystem::remove(in_ / "b");
  EXPECT_EQ(Next(), "c");
  auto& source = dynamic_cast<CloudFilesSource&>(*source_);
  EXPECT_EQ(source.metrics().at("numFilesOutstanding"), "1");
  EXPECT_EQ(Next(), "d");
  EXPECT_EQ(Next(), "-");
  source_.reset();
  auto view = *LedgerView::Open(Fs::Local(), state_ / "sources/0/rocksdb");
  std::string gone;
  for (auto file = *view->Next(); file; file = *view->Next()) gone += file->state == FileState::kGone ? file->file.path : "";
  EXPECT_EQ(gone, in_ / "b");
  view.reset();
  // The directory holds the names that it held.
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "-");
  Write("b", 1'700'000'000);
  EXPECT_EQ(Next(), "b");
  EXPECT_EQ(Next(), "-");
}

TEST_F(FileOrderTest, AFileThatIsGoneBeforeItsTurnMayComeBackUnseen) {
  for (const char* name : {"a", "b", "c"}) Write(name, 1'700'000'000);
  ASSERT_TRUE(Start({{"cloudFiles.fileOrder", "path"}}).ok());
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "b");
  std::filesystem::remove(in_ / "c");
  EXPECT_EQ(Next(), "-");
  Write("c", 1'700'000'000);
  EXPECT_EQ(Next(), "c");
  EXPECT_EQ(Next(), "-");
}

TEST(WaitingFiles, AKilledChangeOfOrderGoesOn) {
  TempDir dir;
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  {
    auto waiting = *WaitingFiles::Open(Fs::Local(), ledger, FileOrder::kPath);
    for (int i = 0; i < 2500; ++i) {
      WriteFile(dir / ("in/f" + std::to_string(10'000 + i)), "x");
      ASSERT_TRUE(waiting.Add(dir / "in", "f" + std::to_string(10'000 + i), {.size_bytes = 1, .modified_ns = 5000 - i}, nullptr, 0, {}).ok());
    }
    ASSERT_TRUE(ledger->Write().ok());
    EXPECT_EQ(waiting.count(), 2500);
  }
  // As far as the first thousand.
  std::vector<WaitingRecord> some = *ledger->Waiting("", 1000);
  for (const WaitingRecord& one : some) {
    auto entry = *ledger_format::DecodeWaiting(one.key, one.value);
    ASSERT_TRUE(ledger->DropWaiting(one.key).ok());
    ASSERT_TRUE(ledger->StageWaiting(ledger_format::WaitingKey(FileOrder::kModificationTime, entry.path, entry.record.modified_ns), one.value).ok());
  }
  ASSERT_TRUE(ledger->Write().ok());
  for (FileOrder order : {FileOrder::kModificationTime, FileOrder::kPath, FileOrder::kModificationTime}) {
    auto waiting = *WaitingFiles::Open(Fs::Local(), ledger, order);
    EXPECT_EQ(waiting.count(), 2500);
    EXPECT_EQ(waiting.bytes(), 2500);
  }
  auto waiting = *WaitingFiles::Open(Fs::Local(), ledger, FileOrder::kModificationTime);
  ASSERT_TRUE(waiting.NumberAll().ok());
  EXPECT_EQ(waiting.count(), 0);
  EXPECT_EQ(ledger->last_number(), 2500);
  EXPECT_EQ((*ledger->Files(0, 1))[0].path, dir / "in/f12499");
  EXPECT_EQ((*ledger->Files(2499, 2500))[0].path, dir / "in/f10000");
  EXPECT_THAT(*ledger->Waiting("", 10), IsEmpty());
}

TEST(BatchPace, PromisesWhatTheLastBatchesTook) {
  TempDir dir;
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  for (int i = 1; i <= 30; ++i) ASSERT_TRUE(ledger->Add("/in", "f" + std::to_string(i), {.size_bytes = 1000}).ok());
  ASSERT_TRUE(ledger->Sync().ok());
  EXPECT_EQ(*BytesWithin(*ledger, 0, 1000), 4 << 20);
  ASSERT_TRUE(ledger->RecordBatch(10, {.after = 0, .processed_ms = 5'000, .committed_ms = 7'000}).ok());
  EXPECT_EQ(*BytesWithin(*ledger, 10, 1000), 5'000);
  ASSERT_TRUE(ledger->RecordBatch(20, {.after = 10, .processed_ms = 8'000, .committed_ms = 14'000}).ok());
  EXPECT_EQ(*BytesWithin(*ledger, 20, 4'000), 10'000);  // 20,000 bytes in 8 seconds
  // One that runs promises nothing yet.
  ASSERT_TRUE(ledger->RecordBatch(30, {.after = 20, .processed_ms = 20'000}).ok());
  EXPECT_EQ(*BytesWithin(*ledger, 30, 4'000), 10'000);
}

TEST_F(FileOrderTest, ABatchEndsWithinItsTime) {
  for (int i = 0; i < 5; ++i) WriteFile(in_ / ("f" + std::to_string(i)), "id=" + std::string(1'500'000, 'x'));
  ASSERT_TRUE(Start({{"cloudFiles.maxBatchDuration", "1 second"}, {"cloudFiles.maxFilesPerTrigger", "4"}}).ok());
  auto batch = [&](int64_t takes_ms) -> std::string {
    auto end = *source_->LatestOffset(at_, {});
    if (!end) return "-";
    auto rows = source_->ReadBatch(at_, *end, {.columns = {"id"}});
    EXPECT_TRUE(rows.ok());
    const auto read = Values(**rows, "id").size();
    clock_.Advance(takes_ms);
    EXPECT_TRUE(source_->Commit(*end).ok());
    at_ = end;
    return std::to_string(read);
  };
  EXPECT_EQ(batch(6'000), "2");  // at first, 4 MiB a second
  EXPECT_EQ(batch(1'000), "1");  // half a megabyte a second: one file in any case
  ASSERT_TRUE(Start({{"cloudFiles.maxBatchDuration", "5 seconds"}, {"cloudFiles.maxFilesPerTrigger", "4"}}).ok());
  EXPECT_EQ(batch(1'000), "2");  // 4.5 MB in 7 seconds, in another process: 3.2 MB in 5
  EXPECT_EQ(batch(1'000), "-");
}

}  // namespace
}  // namespace millstream
