#include "connectors/files/table_ledger.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "base/clock.h"

namespace millstream {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

class TableLedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "/table_ledger_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  TableLedgerPtr Open(int64_t epoch) {
    Result<TableLedgerPtr> ledger = TableLedger::Open(Fs::Local(), directory_, "id", epoch);
    EXPECT_TRUE(ledger.ok()) << ledger.status().message();
    return *ledger;
  }
  static TableLedger::Changes Loaded(std::vector<std::string> paths, int64_t rows = 1) {
    TableLedger::Changes changes;
    for (const std::string& path : paths) changes.emplace_back(ledger_run::KeyOf(path), LoadedFile{.size_bytes = 10, .rows = rows});
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return changes;
  }
  int64_t Write(const TableLedger& ledger, const TableLedger::Changes& changes) {
    Result<int64_t> number = ledger.WriteNext(changes);
    EXPECT_TRUE(number.ok()) << number.status().message();
    return *number;
  }
  std::vector<std::string> Paths(const TableLedger& ledger) {
    std::vector<std::string> paths;
    TableLedger::Cursor cursor = ledger.NewCursor();
    EXPECT_TRUE(cursor.Seek("").ok());
    while (cursor.valid()) {
      paths.push_back(ledger_run::PathOf(cursor.key()));
      EXPECT_TRUE(cursor.Next().ok());
    }
    return paths;
  }
  std::string directory_;
};

TEST_F(TableLedgerTest, KeysOrderFilesAsTheyAreListed) {
  const std::vector<std::string> listed = {"/f", "/in/b", "/in/z", "/in/a/x", "/in/a/b/x", "/in/a-b/x", "/in/a.b/x", "/in/b/x"};
  for (size_t i = 1; i < listed.size(); ++i) EXPECT_LT(ledger_run::KeyOf(listed[i - 1]), ledger_run::KeyOf(listed[i])) << listed[i];
  for (const std::string& path : listed) EXPECT_EQ(ledger_run::PathOf(ledger_run::KeyOf(path)), path);
  EXPECT_TRUE(ledger_run::KeyOf("/in/a/x").starts_with(ledger_run::PrefixOf("/in")));
  EXPECT_FALSE(ledger_run::KeyOf("/in2/x").starts_with(ledger_run::PrefixOf("/in")));
}

TEST_F(TableLedgerTest, ARecordComesBackWhole) {
  const LoadedFile file{.state = LoadedFile::State::kSkippedCorrupt,
                        .size_bytes = int64_t{1} << 40,
                        .modified_ns = -5,
                        .epoch = 7,
                        .loaded_ms = 8,
                        .rows = 9,
                        .rejected = 10,
                        .malformed = 11,
                        .first_error = "no\nfile",
                        .content_hash = "0123456789abcdef"};
  std::string bytes;
  ledger_run::AppendRecord(bytes, file);
  bytes += "a field of a later version";
  std::optional<LoadedFile> read = ledger_run::ParseRecord(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, file.state);
  EXPECT_EQ(read->size_bytes, file.size_bytes);
  EXPECT_EQ(read->modified_ns, -5);
  EXPECT_EQ(read->malformed, 11);
  EXPECT_EQ(read->first_error, "no\nfile");
  EXPECT_EQ(read->content_hash, "0123456789abcdef");
  EXPECT_FALSE(ledger_run::ParseRecord(std::string_view(bytes).substr(0, 5)));
}

TEST_F(TableLedgerTest, TheNewestRunIsRight) {
  const int64_t first = Write(*Open(0), Loaded({"/in/a", "/in/b", "/in/c", "/in/d"}));
  const int64_t second = Write(*Open(first), Loaded({"/in/b"}, 5));
  TableLedgerPtr ledger = Open(second);
  EXPECT_EQ((*ledger->Find("/in/b"))->rows, 5);
  EXPECT_EQ((*ledger->Find("/in/b"))->epoch, second);
  EXPECT_EQ((*ledger->Find("/in/a"))->epoch, first);
  EXPECT_FALSE(*ledger->Find("/in/e"));
  EXPECT_THAT(Paths(*ledger), ::testing::ElementsAre("/in/a", "/in/b", "/in/c", "/in/d"));
  // The state before is still there for who has read the older snapshot.
  EXPECT_EQ((*Open(first)->Find("/in/b"))->rows, 1);
}

TEST_F(TableLedgerTest, TwoWritersGetDifferentNumbers) {
  TableLedgerPtr empty = Open(0);
  const int64_t one = Write(*empty, Loaded({"/in/a"})), other = Write(*empty, Loaded({"/in/b"}));
  EXPECT_NE(one, other);
  EXPECT_THAT(Paths(*Open(one)), ::testing::ElementsAre("/in/a"));
  EXPECT_THAT(Paths(*Open(other)), ::testing::ElementsAre("/in/b"));
}

TEST_F(TableLedgerTest, ManySmallLoadsAreAsOneLargeOne) {
  std::mt19937 random(7);
  std::vector<std::string> all;
  int64_t epoch = 0;
  for (int load = 0; load < 60; ++load) {
    std::vector<std::string> paths;
    for (int i = 0; i < 20; ++i) paths.push_back("/in/d" + std::to_string(random() % 7) + "/" + std::string(40, 'n') + std::to_string(load * 100 + i));
    all.insert(all.end(), paths.begin(), paths.end());
    epoch = Write(*Open(epoch), Loaded(paths));
  }
  TableLedgerPtr ledger = Open(epoch);
  std::vector<std::string> found = Paths(*ledger);
  EXPECT_EQ(found.size(), all.size());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return ledger_run::KeyOf(a) < ledger_run::KeyOf(b); });
  EXPECT_EQ(found, all);
  // In any order too.
  TableLedger::Cursor cursor = ledger->NewCursor();
  std::shuffle(all.begin(), all.end(), random);
  for (const std::string& path : all) {
    ASSERT_TRUE(cursor.Seek(ledger_run::KeyOf(path)).ok());
    ASSERT_TRUE(cursor.valid() && cursor.key() == ledger_run::KeyOf(path)) << path;
    ASSERT_TRUE(cursor.Seek(ledger_run::KeyOf(path + "-")).ok());
    ASSERT_TRUE(!cursor.valid() || cursor.key() > ledger_run::KeyOf(path + "-"));
  }
  size_t used = 0;
  for (int64_t number = 1; number <= epoch; ++number) used += TableLedger::Open(Fs::Local(), directory_, "id", number).ok();
  EXPECT_EQ(used, 60U);
  ASSERT_TRUE(ledger->RemoveUnused(Clock::System().WallMillis() + 8 * kDayMs, 7 * kDayMs).ok());
  size_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory_ + "/_file_ledger")) ++left;
  EXPECT_LE(left, 10U);
  EXPECT_EQ(Paths(*Open(epoch)).size(), all.size());
}

TEST_F(TableLedgerTest, NothingIsRemovedWithinAWeek) {
  const int64_t first = Write(*Open(0), Loaded({"/in/a"}));
  const int64_t second = Write(*Open(first), Loaded({"/in/b", "/in/c"}));
  ASSERT_TRUE(Open(second)->RemoveUnused(Clock::System().WallMillis(), 7 * kDayMs).ok());
  EXPECT_THAT(Paths(*Open(first)), ::testing::ElementsAre("/in/a"));
}

TEST_F(TableLedgerTest, AForgottenFileLeavesWithTheRunsBelow) {
  const int64_t first = Write(*Open(0), Loaded({"/in/a", "/in/b", "/in/d", "/in/e"}));
  TableLedger::Changes forgotten = Loaded({"/in/a"});
  forgotten[0].second.state = LoadedFile::State::kForgotten;
  forgotten[0].second.written = 0;
  const int64_t second = Write(*Open(first), forgotten);
  EXPECT_FALSE((*Open(second)->Find("/in/a"))->is_settled());
  const int64_t third = Write(*Open(second), Loaded({"/in/c"}));
  EXPECT_THAT(Paths(*Open(third)), ::testing::ElementsAre("/in/b", "/in/c", "/in/d", "/in/e"));
}

// UNDO after another load takes out its rows too, and must account for them.
TEST_F(TableLedgerTest, AForgottenFileWhoseRowsAreInTheTableStaysKnown) {
  const int64_t first = Write(*Open(0), Loaded({"/in/a", "/in/b", "/in/d", "/in/e"}));
  TableLedger::Changes forgotten = Loaded({"/in/a"});
  forgotten[0].second.state = LoadedFile::State::kForgotten;
  forgotten[0].second.written = 2;
  const int64_t second = Write(*Open(first), forgotten);
  const int64_t third = Write(*Open(second), Loaded({"/in/c"}));
  std::optional<LoadedFile> found = *Open(third)->Find("/in/a");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->is_settled());
  EXPECT_EQ(found->written, 2);
}

TEST_F(TableLedgerTest, DamageIsFoundWhereverItIs) {
  std::vector<std::string> paths;
  for (int i = 0; i < 5000; ++i) paths.push_back("/in/f" + std::to_string(i));
  const int64_t epoch = Write(*Open(0), Loaded(paths));
  const std::string path = directory_ + "/_file_ledger/" + std::string(19, '0') + std::to_string(epoch) + ".run";
  std::string bytes = *Fs::Local().ReadFile(path);
  auto state = [&]() -> Status {
    Result<TableLedgerPtr> ledger = TableLedger::Open(Fs::Local(), directory_, "id", epoch);
    if (!ledger.ok()) return ledger.status();
    TableLedger::Cursor cursor = (*ledger)->NewCursor();
    Status status = cursor.Seek("");
    while (status.ok() && cursor.valid()) {
      if (Result<LoadedFile> file = cursor.file(); !file.ok()) return file.status();
      status = cursor.Next();
    }
    return status;
  };
  ASSERT_TRUE(state().ok());
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    std::string broken = bytes;
    if (i % 3 == 0) {
      broken.resize(random() % bytes.size());
    } else {
      broken[8 + random() % (bytes.size() - 8)] ^= static_cast<char>(1 << random() % 8);
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << broken;
    EXPECT_TRUE(state().Is(errors::kTableLedgerDamaged)) << i;
  }
  std::filesystem::remove(path);
  EXPECT_TRUE(state().Is(errors::kTableLedgerDamaged));
  EXPECT_TRUE(TableLedger::Open(Fs::Local(), directory_, "id", 0).ok());
}

}  // namespace
}  // namespace millstream
