#include "connectors/delta/source_rows.h"

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "connectors/api/source_files.h"
#include "connectors/delta/delta_append.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

const StructType& Columns() {
  static const StructType schema({{"id", DataType::Long()}, {"p", DataType::String()}});
  return schema;
}

// File `n` has the ids 1000 n … 1000 n + count - 1.
std::string PathOf(int64_t file) { return "/landing/f" + std::to_string(file) + ".json"; }

class SourceRowsTest : public testing::TestWithParam<std::tuple<bool, bool, bool>> {  // deletion vectors, partitions, change data feed
 protected:
  void SetUp() override {
    char folder[] = "/tmp/source_rows_XXXXXX";
    folder_ = mkdtemp(folder);
    table_ = folder_ + "/t";
    auto [vectors, partitions, feed] = GetParam();
    DeltaCreate create{.schema = Columns()};
    if (partitions) create.partition_columns = {"p"};
    if (vectors) create.properties["delta.enableDeletionVectors"] = "true";
    if (feed) create.properties["delta.enableChangeDataFeed"] = "true";
    ASSERT_TRUE(CreateDeltaTable(tables_, table_, create).ok());
  }
  void TearDown() override {
    tables_.Drain();
    ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok());
  }

  // Many batches, so that several threads write; rows of a file in order.
  static std::vector<RecordBatchPtr> RowsOf(const std::vector<std::pair<int64_t, int64_t>>& files) {
    std::vector<RecordBatchPtr> batches;
    int32_t number = 0;
    for (const auto& [file, count] : files) {
      for (int64_t row = 0; row < count; row += 100) {
        arrow::Int64Builder ids;
        arrow::StringBuilder parts;
        arrow::Int32Builder sources;
        for (int64_t i = row; i < std::min(row + 100, count); ++i) {
          EXPECT_TRUE(ids.Append(file * 1000 + i).ok() && parts.Append("p" + std::to_string(i % 3)).ok() && sources.Append(number).ok());
        }
        const int64_t rows = ids.length();
        batches.push_back(arrow::RecordBatch::Make(ToArrowSchema(WithSourceFile(Columns())), rows,
                                                   {ids.Finish().ValueOrDie(), parts.Finish().ValueOrDie(), sources.Finish().ValueOrDie()}));
      }
      ++number;
    }
    return batches;
  }

  static SourceFileNames NamesOf(const std::vector<std::pair<int64_t, int64_t>>& files) {
    std::vector<std::string> names;
    for (const auto& [file, count] : files) names.push_back(PathOf(file));
    return std::make_shared<const std::vector<std::string>>(std::move(names));
  }

  void Load(const std::vector<std::pair<int64_t, int64_t>>& files) {
    auto append = DeltaAppend::Begin(tables_, table_);
    ASSERT_TRUE(append.ok()) << append.status().message();
    auto rows = MakeRowStream(ToArrowSchema(WithSourceFile(Columns())), RowsOf(files));
    ASSERT_TRUE((*append)->Write(WithSourceFile(Columns()), *rows, false, 2, NamesOf(files)).ok());
    for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ((*append)->written().source_rows[i], files[i].second);
    ASSERT_TRUE((*append)->Commit({.operation = "COPY INTO", .parameters = {}, .metrics = {}, .user_metadata = {}}, {}).ok());
  }

  // Rows of other origin, as any writer makes them.
  void LoadUntraced(int64_t file, int64_t count) {
    auto batches = RowsOf({{file, count}});
    for (auto& batch : batches) batch = *batch->SelectColumns({0, 1});
    auto rows = MakeRowStream(ToArrowSchema(Columns()), batches);
    ASSERT_TRUE(WriteDelta(tables_, table_, {.mode = SaveMode::kAppend, .schema = Columns()}, *rows).ok());
  }

  Result<SourceRows> Find(const std::vector<std::string>& paths) {
    MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, tables_.Log(table_)->Update());
    return FindSourceRows(tables_.fs(), *snapshot, paths);
  }

  void TakeOut(const std::vector<std::string>& paths, const std::vector<std::pair<int64_t, int64_t>>& in = {}) {
    auto append = DeltaAppend::Begin(tables_, table_);
    ASSERT_TRUE(append.ok());
    auto found = FindSourceRows(tables_.fs(), (*append)->table(), paths);
    ASSERT_TRUE(found.ok()) << found.status().message();
    if (!in.empty()) {
      auto rows = MakeRowStream(ToArrowSchema(WithSourceFile(Columns())), RowsOf(in));
      ASSERT_TRUE((*append)->Write(WithSourceFile(Columns()), *rows, false, 2, NamesOf(in)).ok());
    }
    Status taken = (*append)->TakeOut(*found, 2);
    ASSERT_TRUE(taken.ok()) << taken.message();
    auto version = (*append)->Commit({.operation = "UNDO FILES", .parameters = {}, .metrics = {}, .user_metadata = {}}, {});
    ASSERT_TRUE(version.ok()) << version.status().message();
  }

  std::vector<int64_t> IdsOf(RowStreamPtr rows) {
    auto batches = Drain(*rows);
    EXPECT_TRUE(batches.ok()) << batches.status().message();
    std::vector<int64_t> ids;
    for (const auto& batch : *batches) {
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) ids.push_back(column.Value(i));
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::vector<int64_t> Ids() {
    DeltaTables fresh(Fs::Local(), Clock::System());
    auto source = OpenDeltaTable(fresh, table_);
    EXPECT_TRUE(source.ok());
    auto rows = (*source)->Scan({.columns = {"id"}, .filters = {}});
    EXPECT_TRUE(rows.ok());
    return IdsOf(std::move(*rows));
  }
  static std::vector<int64_t> Expected(const std::vector<std::pair<int64_t, int64_t>>& files) {
    std::vector<int64_t> ids;
    for (const auto& [file, count] : files) {
      for (int64_t i = 0; i < count; ++i) ids.push_back(file * 1000 + i);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  std::string folder_, table_;
  DeltaTables tables_{Fs::Local(), Clock::System()};
};

TEST_P(SourceRowsTest, RowsOfFilesAreFoundAndLeaveAlone) {
  Load({{1, 950}, {2, 3}, {3, 420}});
  Load({{4, 1}, {5, 777}});
  auto found = Find({PathOf(2), PathOf(5), PathOf(9)});
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_THAT(found->live, ElementsAre(3, 777, 0));
  EXPECT_TRUE(found->is_complete);
  TakeOut({PathOf(2), PathOf(5)});
  EXPECT_THAT(Ids(), ElementsAreArray(Expected({{1, 950}, {3, 420}, {4, 1}})));
  // What stayed is still known to be of its files, and can leave too; the last rows of a file take it along.
  TakeOut({PathOf(3), PathOf(4)});
  EXPECT_THAT(Ids(), ElementsAreArray(Expected({{1, 950}})));
  EXPECT_THAT(Find({PathOf(1)})->live, ElementsAre(950));
  TakeOut({PathOf(1)});
  EXPECT_TRUE(Ids().empty());
  EXPECT_EQ(tables_.Log(table_)->Update().value()->files.size(), 0u);
}

TEST_P(SourceRowsTest, OldRowsAndNewOnesChangePlacesInOneCommit) {
  Load({{1, 400}, {2, 300}});
  const int64_t before = tables_.Log(table_)->Update().value()->version;
  TakeOut({PathOf(1)}, {{1, 55}});
  EXPECT_THAT(Ids(), ElementsAreArray(Expected({{1, 55}, {2, 300}})));
  SnapshotPtr after = tables_.Log(table_)->Update().value();
  EXPECT_EQ(after->version, before + 1);
  EXPECT_THAT(Find({PathOf(1), PathOf(2)})->live, ElementsAre(55, 300));
  if (!std::get<2>(GetParam())) return;
  // The feed says the rows that went and those that came, and nothing of the rows that stayed.
  auto commit = tables_.Log(table_)->ReadVersion(after->version);
  ASSERT_TRUE(commit.ok());
  auto changes = ChangesOf(tables_.fs(), table_, commit->actions, after->version, commit->timestamp_ms);
  ASSERT_TRUE(changes.ok()) << changes.status().message();
  auto rows = ReadChanges(tables_.fs(), table_, after->metadata, {*changes}, {"id", "_change_type"});
  ASSERT_TRUE(rows.ok());
  auto batches = Drain(**rows);
  ASSERT_TRUE(batches.ok());
  std::map<std::string, int64_t> counts;
  for (const auto& batch : *batches) {
    const auto& types = static_cast<const arrow::StringArray&>(*batch->column(1));
    for (int64_t i = 0; i < types.length(); ++i) ++counts[types.GetString(i)];
  }
  EXPECT_EQ(counts, (std::map<std::string, int64_t>{{"delete", 400}, {"insert", 55}}));
}

TEST_P(SourceRowsTest, FilesThatOthersHaveWrittenAnewAreNotTakenForDeletedRows) {
  Load({{1, 40}, {2, 30}});
  std::shared_ptr<DeltaLog> log = tables_.Log(table_);
  SnapshotPtr loaded = log->Update().value();
  // As Spark's OPTIMIZE or an overwrite does it: the rows are there, and nobody knows where they came from.
  auto batches = RowsOf({{1, 40}});
  for (auto& batch : batches) batch = *batch->SelectColumns({0, 1});
  auto rows = MakeRowStream(ToArrowSchema(Columns()), batches);
  ASSERT_TRUE(WriteDelta(tables_, table_, {.mode = SaveMode::kOverwrite, .schema = Columns()}, *rows).ok());
  SnapshotPtr rewritten = log->Update().value();
  auto found = FindSourceRows(tables_.fs(), *rewritten, {PathOf(1)});
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->is_complete);
  EXPECT_THAT(found->live, ElementsAre(0));
  Status checked = CheckRowsWereDeleted(*log, *rewritten, {{PathOf(1), loaded->version}});
  EXPECT_TRUE(checked.Is(errors::kSourceRowsLost)) << checked.message();
  EXPECT_THAT(checked.message(), testing::HasSubstr("f1.json"));
  EXPECT_TRUE(CheckRowsWereDeleted(*log, *rewritten, {{PathOf(1), std::nullopt}}).Is(errors::kSourceRowsLost));
}

TEST_P(SourceRowsTest, RowsThatWereDeletedAreNotMissed) {
  Load({{1, 40}, {2, 30}});
  std::shared_ptr<DeltaLog> log = tables_.Log(table_);
  SnapshotPtr loaded = log->Update().value();
  LoadUntraced(7, 10);
  TakeOut({PathOf(1)});
  LoadUntraced(8, 10);
  SnapshotPtr now = log->Update().value();
  EXPECT_FALSE(FindSourceRows(tables_.fs(), *now, {PathOf(1)})->is_complete);
  Status checked = CheckRowsWereDeleted(*log, *now, {{PathOf(1), loaded->version}});
  EXPECT_TRUE(checked.ok()) << checked.message();
}

TEST_P(SourceRowsTest, AStreamsSinkWritesWhereRowsComeFromAndFindsThemAgain) {
  auto sink = OpenDeltaSink(tables_, table_, {.query_id = "q", .run_id = {}, .output_mode = OutputMode::kAppend, .partition_by = {}, .options = {}}, 2);
  ASSERT_TRUE(sink.ok()) << sink.status().message();
  const std::vector<std::pair<int64_t, int64_t>> files = {{1, 250}, {2, 130}};
  dynamic_cast<KeepsSourceFiles&>(**sink).SetSourceFiles(NamesOf(files));
  auto rows = MakeRowStream(ToArrowSchema(WithSourceFile(Columns())), RowsOf(files));
  auto added = (*sink)->AddBatch(BatchId(0), WithSourceFile(Columns()), *rows);
  ASSERT_TRUE(added.ok()) << added.status().message();
  EXPECT_EQ(added->rows_out, 380);
  EXPECT_THAT(Ids(), ElementsAreArray(Expected(files)));
  LoadUntraced(9, 5);
  std::shared_ptr<DeltaLog> log = tables_.Log(table_);
  auto found = FindStreamedRows(*log, *log->Update().value(), "q", {PathOf(1), PathOf(2)});
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_THAT(found->live, ElementsAre(250, 130));
  EXPECT_TRUE(FindStreamedRows(*log, *log->Update().value(), "q", {PathOf(3)}).status().Is(errors::kSourceRowsLost)) << "the log does not know it";
}

INSTANTIATE_TEST_SUITE_P(Tables, SourceRowsTest, testing::Combine(testing::Bool(), testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace millstream
