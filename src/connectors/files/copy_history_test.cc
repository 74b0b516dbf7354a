#include "connectors/files/copy_history.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "connectors/files/fake_format.h"

namespace millstream {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CopyHistoryTest : public ::testing::Test {
 protected:
  using State = LoadedFile::State;
  // A commit that says this of these files.
  void Commit(const std::vector<std::string>& names, State state = State::kLoaded) {
    TableLedger::Changes changes;
    for (const std::string& name : names) changes.emplace_back(ledger_run::KeyOf("/in/" + name), LoadedFile{.state = state, .size_bytes = 1, .rows = 2});
    const int64_t epoch = *(*TableLedger::Open(Fs::Local(), table_.path(), "id", moments_.empty() ? 0 : moments_.back().epoch))->WriteNext(changes);
    moments_.push_back({static_cast<int64_t>(moments_.size()) + 1, epoch, 1000, "COPY INTO"});
  }
  // "version EVENT name"
  std::vector<std::string> History() {
    RelationSourcePtr report = OpenCopyHistory(Fs::Local(), "h", table_.path(), "id", [&] { return Result<std::vector<LedgerMoment>>(moments_); });
    auto rows = dynamic_cast<const BatchRelationSource&>(*report).Scan({.columns = {"version", "event", "path"}});
    std::vector<std::string> events;
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        auto text = [&](int column) { return (*batch->column(column)->GetScalar(row))->ToString(); };
        events.push_back(text(0) + " " + text(1) + " " + text(2).substr(text(2).rfind('/') + 1));
      }
    }
    return events;
  }

  TempDir table_;
  std::vector<LedgerMoment> moments_;
};

TEST_F(CopyHistoryTest, ShowsEachEventOnceHoweverRunsAreMerged) {
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    std::string name = "f" + std::to_string((i * 7) % 40);
    Commit({name});
    expected.push_back(std::to_string(i + 1) + " LOADED " + name);
  }
  EXPECT_THAT(History(), ::testing::ElementsAreArray(expected));
}

TEST_F(CopyHistoryTest, TellsLoadsFromWhatIsDoneToThemLater) {
  Commit({"a", "b", "c"});
  Commit({"d"}, State::kSkippedCorrupt);
  Commit({"d"});
  Commit({"b"}, State::kUndone);
  Commit({"b"});
  Commit({"a"});
  Commit({"c"}, State::kForgotten);
  Commit({"c"});
  EXPECT_THAT(History(), ElementsAre("1 LOADED a", "1 LOADED b", "1 LOADED c", "2 SKIPPED_CORRUPTED d", "3 LOADED d", "4 UNDONE b", "5 REDONE b",
                                     "6 RELOADED a", "7 FORGOTTEN c", "8 LOADED c"));
  EXPECT_EQ(*RowsLoadedBy(Fs::Local(), table_.path(), moments_[0].epoch), 6);
  EXPECT_EQ(*RowsLoadedBy(Fs::Local(), table_.path(), moments_[3].epoch), 0);
}

TEST_F(CopyHistoryTest, SaysWhichPartOfItIsLost) {
  Commit({"a"});
  Commit({"b", "c", "d", "e", "f", "g"});
  Commit({"h"});
  moments_.push_back({4, 0, 1000, "CREATE OR REPLACE TABLE"});
  std::filesystem::remove(table_ / "_file_ledger/00000000000000000001.run");
  EXPECT_THAT(History(),
              ElementsAre("1 EXPIRED null", "2 LOADED b", "2 LOADED c", "2 LOADED d", "2 LOADED e", "2 LOADED f", "2 LOADED g", "3 LOADED h", "4 RESET null"));
  EXPECT_EQ(*RowsLoadedBy(Fs::Local(), table_.path(), 1), std::nullopt);
  moments_.clear();
  EXPECT_THAT(History(), IsEmpty());
}

}  // namespace
}  // namespace millstream
