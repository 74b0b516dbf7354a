#include "connectors/delta/delta_stream_source.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "connectors/delta/delta_connector.h"
#include "connectors/delta/delta_stream_errors.h"
#include "storage/crash_fs.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

const StructType& Id() {
  static const StructType schema({{"id", DataType::Long()}});
  return schema;
}

Status Append(DeltaTables& tables, const std::string& table, int64_t id, std::map<std::string, std::string> properties = {}) {
  arrow::Int64Builder ids;
  EXPECT_TRUE(ids.Append(id).ok());
  auto rows = MakeRowStream(ToArrowSchema(Id()), {arrow::RecordBatch::Make(ToArrowSchema(Id()), 1, {ids.Finish().ValueOrDie()})});
  return WriteDelta(tables, table, {.mode = SaveMode::kAppend, .schema = Id(), .properties = std::move(properties)}, *rows).status();
}

class DeltaStreamSourceTest : public testing::Test {
 protected:
  DeltaStreamSourceTest() : folder_(testing::TempDir() + "delta_stream_" + std::to_string(::getpid())) { std::filesystem::create_directories(folder_); }
  ~DeltaStreamSourceTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Source> Open(DeltaTables& tables, const std::string& table, OptionMap options = {}) {
    Result<RelationSourcePtr> relation = OpenDeltaStream(tables, table, {.options = std::move(options)});
    EXPECT_TRUE(relation.ok()) << relation.status().message();
    auto source = dynamic_cast<const StreamingRelationSource&>(**relation).CreateSource(folder_ + "/cp/sources/0");
    EXPECT_TRUE(source.ok());
    held_ = *relation;
    return std::move(*source);
  }
  // The column of the next batch; moves `at` on.
  std::string Next(Source& source, std::optional<StreamOffset>& at, const char* column = "id") {
    Result<std::optional<StreamOffset>> end = source.LatestOffset(at, {});
    if (!end.ok()) return end.status().message();
    if (!*end) return "nothing";
    Result<RowStreamPtr> rows = source.ReadBatch(at, **end, {.columns = {column}});
    if (!rows.ok()) return rows.status().message();
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    std::vector<std::string> values;
    for (const RecordBatchPtr& batch : batches)
      for (int64_t row = 0; row < batch->num_rows(); ++row) values.push_back((*batch->column(0)->GetScalar(row))->ToString());
    std::sort(values.begin(), values.end());
    EXPECT_TRUE(source.Commit(**end).ok());
    at = *end;
    std::string text;
    for (const std::string& value : values) text += (text.empty() ? "" : " ") + value;
    return text;
  }

  const std::string folder_;
  RelationSourcePtr held_;
};

// Another writer dies anywhere in its commit, a stream moves its offset past what it finds, and then the power goes: what the offset covers is still there.
TEST_F(DeltaStreamSourceTest, AnOffsetNeverCoversACommitThatAPowerCutTakes) {
  int covered = 0;
  for (int dies_at = 1;; ++dies_at) {
    const std::string place = folder_ + "/" + std::to_string(dies_at), table = place + "/t";
    std::filesystem::create_directories(place);
    testing_storage::CrashDisk disk(place);
    {
      testing_storage::CrashFs fs(disk);
      DeltaTables tables(fs, Clock::System());
      ASSERT_TRUE(Append(tables, table, 1).ok());
    }
    testing_storage::CrashFs dying(disk, dies_at);
    {
      DeltaTables tables(dying, Clock::System());
      (void)Append(tables, table, 2);
    }
    std::optional<StreamOffset> at;
    {
      testing_storage::CrashFs fs(disk);
      DeltaTables tables(fs, Clock::System());
      std::unique_ptr<Source> source = Open(tables, table);
      at = *source->LatestOffset(std::nullopt, {});
      held_.reset();
    }
    disk.CutPower();
    ASSERT_TRUE(at.has_value());
    Result<DeltaStreamOffset> place_reached = DecodeDeltaStreamOffset(*at);
    ASSERT_TRUE(place_reached.ok());
    DeltaTables tables(Fs::Local(), Clock::System());
    Result<SnapshotPtr> survived = tables.Log(table)->Update();
    ASSERT_TRUE(survived.ok() && *survived);
    EXPECT_GE((*survived)->version, place_reached->version - 1) << "the writer died at step " << dies_at;
    covered += place_reached->version == 2;
    if (!dying.dead()) break;
  }
  EXPECT_GE(covered, 2) << "no writer has died behind the link of its commit";
}
TEST_F(DeltaStreamSourceTest, ReadsChangesAsRowsOfTheirVersions) {
  DeltaTables tables(Fs::Local(), Clock::System());
  const std::string table = folder_ + "/t";
  ASSERT_TRUE(Append(tables, table, 1, {{"delta.enableChangeDataFeed", "true"}}).ok());
  ASSERT_TRUE(Append(tables, table, 2).ok());
  std::unique_ptr<Source> source = Open(tables, table, {{"readChangeFeed", "true"}, {"startingVersion", "0"}, {"maxFilesPerTrigger", "1"}});
  EXPECT_EQ(source->schema().fields().back().name, "_commit_timestamp");
  std::optional<StreamOffset> at;
  EXPECT_EQ(Next(*source, at, "_commit_version"), "0");
  EXPECT_EQ(Next(*source, at, "_commit_version"), "1");
  EXPECT_EQ(Next(*source, at), "nothing");
  ASSERT_TRUE(Append(tables, table, 3).ok());
  EXPECT_EQ(Next(*source, at, "_change_type"), "insert");
}
TEST_F(DeltaStreamSourceTest, RefusesChangesOfACommitThatRecordedNone) {
  DeltaTables tables(Fs::Local(), Clock::System());
  const std::string table = folder_ + "/t";
  ASSERT_TRUE(Append(tables, table, 1).ok());
  ASSERT_TRUE(AlterDeltaProperties(tables, table, {{"delta.enableChangeDataFeed", "true"}}, {}).ok());
  ASSERT_TRUE(Append(tables, table, 2).ok());
  std::optional<StreamOffset> at;
  EXPECT_THAT(Next(*Open(tables, table, {{"readChangeFeed", "true"}, {"startingVersion", "0"}}), at), testing::HasSubstr("DELTA_MISSING_CHANGE_DATA"));
  EXPECT_EQ(Next(*Open(tables, table, {{"readChangeFeed", "true"}, {"startingVersion", "1"}}), at), "2");
}
TEST_F(DeltaStreamSourceTest, WritesDownOnceWhereItBegan) {
  DeltaTables tables(Fs::Local(), Clock::System());
  const std::string table = folder_ + "/t";
  ASSERT_TRUE(Append(tables, table, 1).ok());
  std::optional<StreamOffset> at;
  EXPECT_EQ(Next(*Open(tables, table, {{"startingVersion", "latest"}}), at), "nothing");
  ASSERT_TRUE(Append(tables, table, 2).ok());
  // Another start, still without an offset: "latest" is what it was.
  EXPECT_EQ(Next(*Open(tables, table, {{"startingVersion", "latest"}}), at), "2");
}

}  // namespace
}  // namespace millstream
