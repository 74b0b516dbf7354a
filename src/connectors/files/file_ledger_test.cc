#include "connectors/files/file_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>

#include "connectors/files/fake_format.h"
#include "connectors/files/file_ledger_format.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/ledger_view.h"

namespace millstream {
namespace {

using test::TempDir;

TEST(LedgerFormat, SurvivesARoundTrip) {
  FileRecord record{.state = FileState::kExisting, .number = 0, .size_bytes = 1LL << 60, .modified_ns = -5, .discovered_ms = 1'700'000'000'000};
  FileRecord back = *ledger_format::DecodeRecord(ledger_format::EncodeRecord(record));
  EXPECT_EQ(back.state, record.state);
  EXPECT_EQ(back.size_bytes, record.size_bytes);
  EXPECT_EQ(back.modified_ns, record.modified_ns);
  EXPECT_EQ(back.discovered_ms, record.discovered_ms);
  EXPECT_EQ(ledger_format::DecodeNumberKey(ledger_format::NumberKey(300)), 300);
  EXPECT_LT(ledger_format::NumberKey(255), ledger_format::NumberKey(256));
}

TEST(LedgerFormat, RefusesWhatItDidNotWrite) {
  std::string good = ledger_format::EncodeRecord({.number = 70000, .size_bytes = 5});
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(ledger_format::DecodeRecord(good.substr(0, size)).has_value());
  EXPECT_FALSE(ledger_format::DecodeRecord(good + "x").has_value());
  EXPECT_FALSE(ledger_format::DecodeRecord("\x09").has_value());
  EXPECT_FALSE(ledger_format::DecodeNumber(std::string(40, '\xff')).has_value());
}

TEST(LedgerFormat, CountsTakeTwoBytesAColumnWhereFilesAreAlike) {
  std::vector<FileCounts> counts(1000, {.rows = 10});
  EXPECT_LE(ledger_format::EncodeCounts(counts).size(), 10u);
  counts[7] = {.rows = 300, .rejected = 1, .malformed = 2, .rescued = 3};
  const std::string bytes = ledger_format::EncodeCounts(counts);
  EXPECT_EQ(ledger_format::DecodeCounts(bytes), counts);
  for (size_t size = 0; size < bytes.size(); size += 97) EXPECT_FALSE(ledger_format::DecodeCounts(bytes.substr(0, size)).has_value());
  EXPECT_FALSE(ledger_format::DecodeCounts(bytes + "x").has_value());
}

TEST(FileLedger, CountsFilesOfBatchesOfAnySize) {
  TempDir dir;
  constexpr int64_t kFiles = 10'000;
  {
    auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
    for (int64_t i = 1; i <= kFiles + 3; ++i) ASSERT_TRUE(ledger->Add("/in", "f" + std::to_string(i), {.size_bytes = i}).ok());
    ASSERT_TRUE(ledger->Sync().ok());
    std::vector<FileCounts> counts;
    for (int64_t i = 1; i <= kFiles; ++i) counts.push_back({.rows = i, .rescued = i % 2});
    ASSERT_TRUE(ledger->RecordCounts(0, counts).ok());
    // The next batch was never read, the one behind it was.
    ASSERT_TRUE(ledger->RecordCounts(kFiles + 1, {{.rows = 5}}).ok());
  }
  auto view = *LedgerView::Open(Fs::Local(), dir / "l");
  for (int64_t i = 1; i <= kFiles; ++i) {
    auto found = *view->Next();
    ASSERT_TRUE(found && found->counts) << i;
    ASSERT_EQ(found->counts->rows, i);
    ASSERT_EQ(found->counts->rescued, i % 2);
  }
  EXPECT_FALSE((*view->Next())->counts.has_value());
  EXPECT_EQ((*view->Next())->counts->rows, 5);
  EXPECT_FALSE((*view->Next())->counts.has_value());
}

TEST(FileLedger, ErasesCountsWhenTheLastOfTheirFilesIsErased) {
  TempDir dir;
  {
    auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
    for (int i = 1; i <= 6; ++i) ASSERT_TRUE(ledger->Add("/in", "f" + std::to_string(i), {}).ok());
    ASSERT_TRUE(ledger->Sync().ok());
    ASSERT_TRUE(ledger->RecordCounts(0, {{.rows = 1}, {.rows = 2}}).ok());
    ASSERT_TRUE(ledger->RecordCounts(2, {{.rows = 3}, {.rows = 4}}).ok());
    for (int64_t number : {1, 2, 3}) ASSERT_TRUE(ledger->EraseNumber(number).ok());
    ASSERT_TRUE(ledger->Write().ok());
    ASSERT_TRUE(ledger->EraseUnusedCounts(0, 4).ok());
    ASSERT_TRUE(ledger->Write().ok());
    ASSERT_TRUE(ledger->RecordCounts(4, {{.rows = 5}}).ok());
  }
  int counts = 0;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly({}, dir / "l", &opened).ok());
  std::unique_ptr<rocksdb::DB> db(opened);
  std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
  for (at->Seek("c"); at->Valid() && at->key().starts_with("c"); at->Next()) ++counts;
  EXPECT_EQ(counts, 2);  // 3 and 4 together, 5
  at.reset();
  auto view = *LedgerView::Open(Fs::Local(), dir / "l");
  EXPECT_EQ((*view->Next())->counts->rows, 4);
  EXPECT_EQ((*view->Next())->counts->rows, 5);
  EXPECT_FALSE((*view->Next())->counts.has_value());
}

TEST(FileLedger, KeepsNumbersAcrossReopening) {
  TempDir dir;
  {
    auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
    ASSERT_TRUE(ledger->Add("/in", "a", {.size_bytes = 10}).ok());
    ASSERT_TRUE(ledger->Add("/in", "b\n\xff", {.size_bytes = 20}).ok());
    ASSERT_TRUE(ledger->Add("/in", "old", {.state = FileState::kExisting}).ok());
    EXPECT_EQ(ledger->last_number(), 0);  // not written yet
    ASSERT_TRUE(ledger->Sync().ok());
    EXPECT_EQ(ledger->last_number(), 2);
  }
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  EXPECT_EQ(ledger->last_number(), 2);
  ASSERT_TRUE(ledger->Add("/in", "c", {.size_bytes = 30}).ok());
  ASSERT_TRUE(ledger->Write().ok());
  std::vector<NumberedFile> files = *ledger->Files(1, 3);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "/in/b\n\xff");
  EXPECT_EQ(files[1].number, 3);
  EXPECT_EQ(*ledger->BytesBetween(0, 3), 60);
  EXPECT_EQ(*ledger->BytesBetween(1, 2), 20);
}

TEST(FileLedger, IsOpenOnce) {
  TempDir dir;
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  EXPECT_TRUE(FileLedger::Open(Fs::Local(), dir / "l").status().Is(errors::kLedgerInUse));
}

TEST(FileLedger, LeavesForeignStateAlone) {
  TempDir dir;
  std::filesystem::create_directories(dir / "l/SSTs");
  EXPECT_TRUE(FileLedger::Open(Fs::Local(), dir / "l").status().Is(errors::kLedgerForeign));
  {
    auto ledger = *FileLedger::Open(Fs::Local(), dir / "m");
    ASSERT_TRUE(ledger->PutNote("version", "99").ok());
  }
  EXPECT_TRUE(FileLedger::Open(Fs::Local(), dir / "m").status().Is(errors::kLedgerForeign));
}

TEST(FileLedger, CursorStaysWithinItsDirectory) {
  TempDir dir;
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  for (const char* place : {"/a", "/a/b", "/a.b", "/ab"}) {
    ASSERT_TRUE(ledger->Add(place, "x", {}).ok());
    ASSERT_TRUE(ledger->Add(place, "y", {}).ok());
  }
  ASSERT_TRUE(ledger->Write().ok());
  auto cursor = ledger->NewCursor();
  for (const char* place : {"/a", "/ab", "/a/b"}) {
    ASSERT_TRUE(cursor->Seek(place).ok());
    std::vector<std::string> names;
    for (; cursor->valid(); (void)cursor->Next()) names.emplace_back(cursor->name());
    EXPECT_THAT(names, ::testing::ElementsAre("x", "y")) << place;
  }
  ASSERT_TRUE(cursor->Seek("/b").ok());
  EXPECT_FALSE(cursor->valid());
}

TEST(FileLedger, TakesOverNewSizes) {
  TempDir dir;
  auto ledger = *FileLedger::Open(Fs::Local(), dir / "l");
  ASSERT_TRUE(ledger->Add("/in", "a", {.size_bytes = 1}).ok());
  ASSERT_TRUE(ledger->Write().ok());
  NumberedFile file = (*ledger->Files(0, 1))[0];
  file.size_bytes = 99;
  ASSERT_TRUE(ledger->Refresh({file}).ok());
  EXPECT_EQ((*ledger->Files(0, 1))[0].size_bytes, 99);
}

}  // namespace
}  // namespace millstream
