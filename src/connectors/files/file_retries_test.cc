#include "connectors/files/file_retries.h"

#include <gmock/gmock.h>

#include "connectors/files/content_hash.h"
#include "connectors/files/fake_format.h"
#include "formats/formats_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

using test::TempDir;

class FileRetriesTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }
  void TearDown() override { (void)ArmFailpoints(""); }
  void Start(std::optional<int64_t> retries_max = 2, bool identity_by_content = false) {
    retries_.reset();
    ledger_.reset();
    ledger_ = *FileLedger::Open(Fs::Local(), dir_ / "rocksdb");
    retries_ = *FileRetries::Create(Fs::Local(), clock_, ledger_, retries_max, identity_by_content);
  }
  void Add(const std::string& name) {
    ASSERT_TRUE(ledger_->Add(dir_.path(), name, {.size_bytes = 1}).ok());
    ASSERT_TRUE(ledger_->Write().ok());
  }
  NumberedFile Number(int64_t number) { return (*ledger_->Files(number - 1, number)).at(0); }
  Status Failure() { return Status::Error(errors::kFailedReadFile, {{"path", "x"}, {"reason", "broken"}}); }
  bool IsLeftOut(int64_t number) {
    auto fate = *ledger_->FindFate(number);
    return fate && fate->is_left_out();
  }

  TempDir dir_;
  ManualClock clock_{1'000'000};
  std::shared_ptr<FileLedger> ledger_;
  std::unique_ptr<FileRetries> retries_;
};

TEST_F(FileRetriesTest, AFileComesAgainAloneAfterPausesThatDouble) {
  for (const char* name : {"a", "b", "c"}) Add(name);
  ASSERT_TRUE(*retries_->Fail(Number(2), Failure()));
  EXPECT_TRUE(IsLeftOut(2));
  EXPECT_EQ(retries_->waiting(), 1);
  EXPECT_EQ(retries_->EndOf(0, 3), 3);
  ASSERT_TRUE(retries_->TryDue().ok());
  EXPECT_EQ(ledger_->last_number(), 3);  // not yet
  Start();                               // another process
  clock_.Advance(1'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  ASSERT_EQ(ledger_->last_number(), 4);
  EXPECT_EQ(Number(4).path, dir_ / "b");
  Add("d");
  EXPECT_EQ(retries_->EndOf(0, 5), 3);
  EXPECT_EQ(retries_->EndOf(3, 5), 4);
  EXPECT_EQ(retries_->EndOf(4, 5), 5);
  Start();
  EXPECT_EQ(retries_->EndOf(3, 5), 4);
  ASSERT_TRUE(*retries_->Fail(Number(4), Failure()));
  clock_.Advance(1'999);
  ASSERT_TRUE(retries_->TryDue().ok());
  EXPECT_EQ(ledger_->last_number(), 5);
  clock_.Advance(1);
  ASSERT_TRUE(retries_->TryDue().ok());
  ASSERT_EQ(ledger_->last_number(), 6);
  // The last retry.
  ASSERT_TRUE(*retries_->Fail(Number(6), Failure()));
  EXPECT_EQ(retries_->failed(), 1);
  EXPECT_EQ((*ledger_->FindFate(6))->skipped, FileFate::Skipped::kFailed);
  EXPECT_TRUE(IsLeftOut(6));
  clock_.Advance(1'000'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  EXPECT_EQ(ledger_->last_number(), 6);
  EXPECT_TRUE(ledger_->Retries()->empty());
}

TEST_F(FileRetriesTest, ATrialThatIsReadIsForgotten) {
  Add("a");
  ASSERT_TRUE(*retries_->Fail(Number(1), Failure()));
  clock_.Advance(1'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  ASSERT_TRUE(retries_->Committed(2).ok());
  EXPECT_EQ(retries_->EndOf(0, 2), 2);
  ASSERT_TRUE(ledger_->Write().ok());
  EXPECT_TRUE(ledger_->Retries()->empty());
  EXPECT_FALSE(IsLeftOut(2));
}

TEST_F(FileRetriesTest, WithoutTheOptionOrWhenItIsAnotherFileNothingIsDone) {
  Add("a");
  Add("a");
  EXPECT_FALSE(*retries_->Fail(Number(1), Failure()));  // 2 has taken its place
  ASSERT_TRUE(*retries_->Fail(Number(2), Failure()));
  Start(std::nullopt);
  ASSERT_NE(retries_, nullptr);
  clock_.Advance(1'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  ASSERT_EQ(ledger_->last_number(), 3);
  EXPECT_FALSE(*retries_->Fail(Number(3), Failure()));
  // Forgotten meanwhile.
  Start();
  ASSERT_TRUE(*retries_->Fail(Number(3), Failure()));
  ASSERT_TRUE(ledger_->Drop(dir_.path(), "a").ok());
  clock_.Advance(100'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  EXPECT_EQ(ledger_->last_number(), 3);
  EXPECT_EQ(retries_->waiting(), 0);
}

TEST_F(FileRetriesTest, ByContentATrialIsFoundByItsBytesAndNotTriedWhenTheyAreLoaded) {
  test::WriteFile(dir_ / "a", "one");
  test::WriteFile(dir_ / "b", "two");
  Start(2, /*identity_by_content=*/true);
  Add("a");
  Add("b");
  ASSERT_TRUE(*retries_->Fail(Number(1), Failure()));
  ASSERT_TRUE(*retries_->Fail(Number(2), Failure()));
  // Whole now; and the bytes of b have come by another name meanwhile.
  auto hash = [&](const std::string& name) { return **ContentHash(Fs::Local(), dir_ / name, *Fs::Local().Stat(dir_ / name)); };
  test::WriteFile(dir_ / "a", "one, whole");
  ASSERT_TRUE(ledger_->Add(dir_.path(), "c", {.size_bytes = 3}, hash("b")).ok());
  clock_.Advance(1'000);
  ASSERT_TRUE(retries_->TryDue().ok());
  ASSERT_EQ(ledger_->last_number(), 4);
  EXPECT_EQ(Number(4).path, dir_ / "a");
  EXPECT_EQ(*ledger_->FindContent(hash("a")), 4);
  const FileRecord b = **ledger_->Find(dir_.path(), "b");
  EXPECT_EQ(b.state, FileState::kDuplicate);
  EXPECT_EQ(b.number, 3);
  ASSERT_EQ(retries_->waiting(), 0);
}

TEST_F(FileRetriesTest, DiesBetweenItsSteps) {
  Add("a");
  ASSERT_TRUE(ArmFailpoints("files.retry.before_defer=error:5").ok());
  EXPECT_FALSE(retries_->Fail(Number(1), Failure()).ok());
  Start();
  EXPECT_FALSE(IsLeftOut(1));
  ASSERT_TRUE(ArmFailpoints("files.retry.after_defer=error:5").ok());
  EXPECT_FALSE(retries_->Fail(Number(1), Failure()).ok());
  ASSERT_TRUE(ArmFailpoints("").ok());
  Start();
  EXPECT_TRUE(IsLeftOut(1));
  clock_.Advance(1'000);
  ASSERT_TRUE(ArmFailpoints("files.retry.after_trial=error:5").ok());
  EXPECT_FALSE(retries_->TryDue().ok());
  ASSERT_TRUE(ArmFailpoints("").ok());
  Start();
  ASSERT_TRUE(retries_->TryDue().ok());
  EXPECT_EQ(ledger_->last_number(), 2);
  EXPECT_EQ(retries_->EndOf(1, 2), 2);
}

}  // namespace
}  // namespace millstream
