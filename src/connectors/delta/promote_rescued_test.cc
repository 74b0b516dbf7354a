// PROMOTE RESCUED in tables of every kind: the same rows, each once, with what was rescued in columns; and nothing half done when a step fails.

#include "connectors/delta/promote_rescued.h"

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "connectors/api/source_files.h"
#include "connectors/delta/delta_append.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/source_rows.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "storage/failpoint.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using testing::ElementsAre;

const StructType& Columns() {
  static const StructType schema({{"id", DataType::Long()}, {"p", DataType::String()}, {"_rescued_data", DataType::String()}});
  return schema;
}

class PromoteRescuedTest : public testing::TestWithParam<std::tuple<bool, bool, bool>> {  // deletion vectors, partitions, change data feed
 protected:
  void SetUp() override {
    char folder[] = "/tmp/promote_rescued_XXXXXX";
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
    (void)ArmFailpoints("");
    tables_.Drain();
    ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok());
  }

  // Ids from `first` on, out of a source file; every third has n rescued.
  void Load(int64_t first, int64_t count, bool rescues = true) {
    auto append = DeltaAppend::Begin(tables_, table_);
    ASSERT_TRUE(append.ok());
    arrow::Int64Builder ids;
    arrow::StringBuilder parts, rescued;
    arrow::Int32Builder sources;
    for (int64_t i = first; i < first + count; ++i) {
      const std::string text = "{\"n\":" + std::to_string(i * 10) + ",\"_file_path\":\"/f\"}";
      EXPECT_TRUE(ids.Append(i).ok() && parts.Append("p" + std::to_string(i % 2)).ok() && sources.Append(0).ok());
      EXPECT_TRUE((rescues && i % 3 == 0 ? rescued.Append(text) : rescued.AppendNull()).ok());
    }
    auto batch =
        arrow::RecordBatch::Make(ToArrowSchema(WithSourceFile(Columns())), count,
                                 {ids.Finish().ValueOrDie(), parts.Finish().ValueOrDie(), rescued.Finish().ValueOrDie(), sources.Finish().ValueOrDie()});
    auto rows = MakeRowStream(ToArrowSchema(WithSourceFile(Columns())), {batch});
    auto names = std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"/landing/" + std::to_string(first)});
    ASSERT_TRUE((*append)->Write(WithSourceFile(Columns()), *rows, false, 2, names).ok());
    ASSERT_TRUE((*append)->Commit({.operation = "COPY INTO", .parameters = {}, .metrics = {}, .user_metadata = {}}, {}).ok());
  }

  Result<PromoteResult> Promote(const std::string& ddl = "n BIGINT") {
    return PromoteRescuedFields(tables_, table_, "t", {.columns = *SchemaFromDdl(ddl), .time_zone = "UTC"});
  }

  // "id:n:rescued" of each row, sorted.
  std::vector<std::string> Rows() {
    SnapshotPtr snapshot = *tables_.Log(table_)->Update();
    const bool has_n = snapshot->metadata->schema.IndexOf("n").has_value();
    std::vector<std::string> columns = {"id", "_rescued_data"};
    if (has_n) columns.emplace_back("n");
    auto rows = *ScanSnapshot(tables_.fs(), snapshot, columns, {});
    std::vector<std::string> texts;
    const std::vector<RecordBatchPtr> batches = *Drain(*rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        std::string text;
        for (int c : {0, 2, 1}) {
          if (c >= batch->num_columns() || batch->column(c)->IsNull(i)) {
            text += "-:";
          } else {
            text += batch->column(c)->GetScalar(i).ValueOrDie()->ToString() + ":";
          }
        }
        texts.push_back(text);
      }
    }
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  static std::vector<std::string> Promoted(int64_t first, int64_t count, bool rescues = true) {
    std::vector<std::string> texts;
    for (int64_t i = first; i < first + count; ++i) texts.push_back(std::to_string(i) + ":" + (rescues && i % 3 == 0 ? std::to_string(i * 10) : "-") + ":-:");
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  std::string folder_, table_;
  DeltaTables tables_{Fs::Local(), Clock::System()};
};

TEST_P(PromoteRescuedTest, MovesOnceAndRewritesOnlyFilesThatHoldTheField) {
  Load(0, 10);
  Load(10, 10, /*rescues=*/false);
  const SnapshotPtr before = *tables_.Log(table_)->Update();
  auto done = Promote();
  ASSERT_TRUE(done.ok()) << done.status().message();
  EXPECT_EQ(done->rows, 4);
  EXPECT_EQ(done->files, std::get<1>(GetParam()) ? 2 : 1);
  std::vector<std::string> expected = Promoted(0, 10);
  for (const std::string& row : Promoted(10, 10, false)) expected.push_back(row);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Rows(), expected);
  const SnapshotPtr after = *tables_.Log(table_)->Update();
  EXPECT_EQ(after->version, before->version + 1);
  EXPECT_EQ(Promote()->version, -1);
  EXPECT_EQ((*tables_.Log(table_)->Update())->version, after->version);
  EXPECT_EQ(Rows(), expected);
}

TEST_P(PromoteRescuedTest, KnowsStillWhereTheRowsComeFrom) {
  Load(0, 10);
  ASSERT_TRUE(Promote().ok());
  auto found = FindSourceRows(tables_.fs(), **tables_.Log(table_)->Update(), {"/landing/0"});
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(found->live, ElementsAre(10));
  EXPECT_TRUE(found->is_complete);
}

TEST_P(PromoteRescuedTest, DeletedRowsStayDeleted) {
  Load(0, 6);
  Load(100, 6);
  std::shared_ptr<DeltaLog> log = tables_.Log(table_);
  SnapshotPtr snapshot = *log->Update();
  SourceRows going = *FindSourceRows(tables_.fs(), *snapshot, {"/landing/100"});
  // Of each file its first row alone goes.
  for (SourceRows::Piece& piece : going.pieces) piece.rows = std::make_shared<const std::vector<uint64_t>>(std::vector<uint64_t>{piece.rows->front()});
  auto out = TakeOutRows(*log, *snapshot, going, 1);
  ASSERT_TRUE(out.ok()) << out.status().message();
  CommitRequest request{.read = snapshot, .operation = "DELETE"};
  out->AddTo(request);
  ASSERT_TRUE(log->Commit(std::move(request)).ok());
  const size_t rows = Rows().size();
  ASSERT_TRUE(Promote().ok());
  EXPECT_EQ(Rows().size(), rows);
}

TEST_P(PromoteRescuedTest, TheFeedHasTheRowsAsTheyWereAndAre) {
  if (!std::get<2>(GetParam())) return;
  Load(0, 10);
  const int64_t version = Promote()->version;
  const SnapshotPtr snapshot = *tables_.Log(table_)->Update();
  auto commit = tables_.Log(table_)->ReadVersion(version);
  ASSERT_TRUE(commit.ok());
  auto changes = ChangesOf(tables_.fs(), table_, commit->actions, version, 0);
  auto rows = ReadChanges(tables_.fs(), table_, snapshot->metadata, {*changes}, {"id", "n", "_change_type"});
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  std::vector<std::string> texts;
  const std::vector<RecordBatchPtr> batches = *Drain(**rows);
  for (const RecordBatchPtr& batch : batches) {
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      texts.push_back(batch->column(2)->GetScalar(i).ValueOrDie()->ToString() + " " + batch->column(0)->GetScalar(i).ValueOrDie()->ToString() + " " +
                      (batch->column(1)->IsNull(i) ? "null" : batch->column(1)->GetScalar(i).ValueOrDie()->ToString()));
    }
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_THAT(texts, ElementsAre("update_postimage 0 0", "update_postimage 3 30", "update_postimage 6 60", "update_postimage 9 90", "update_preimage 0 null",
                                 "update_preimage 3 null", "update_preimage 6 null", "update_preimage 9 null"));
}

// Whatever step fails, the table is as before or as after.
TEST_P(PromoteRescuedTest, IsWholeWhateverStepFails) {
  Load(0, 10);
  for (const char* failpoint : {"delta.data.before_publish", "delta.data.after_publish", "delta.commit.before_sync", "delta.commit.before_link"}) {
    const std::vector<std::string> before = Rows();
    ASSERT_TRUE(ArmFailpoints(std::string(failpoint) + "=error:5").ok());
    EXPECT_FALSE(Promote().ok()) << failpoint;
    ASSERT_TRUE(ArmFailpoints("").ok());
    EXPECT_EQ(Rows(), before) << failpoint;
  }
  ASSERT_TRUE(Promote().ok());
  EXPECT_EQ(Rows(), Promoted(0, 10));
}

TEST_P(PromoteRescuedTest, RefusesWhatCannotBe) {
  Load(0, 3);
  EXPECT_TRUE(Promote("_rescued_data STRING").status().Is(errors::kPromotedColumn));
  EXPECT_TRUE(PromoteRescuedFields(tables_, table_, "t", {.columns = *SchemaFromDdl("n INT"), .rescued_column = "id", .time_zone = "UTC"})
                  .status()
                  .Is(errors::kNoRescuedColumn));
  EXPECT_FALSE(Promote("id STRUCT<a: INT>").ok());
  if (std::get<1>(GetParam())) {
    EXPECT_TRUE(Promote("P STRING").status().Is(errors::kPromotedColumn));
  }
  EXPECT_TRUE(Promote("other INT")->files == 0);  // the column is there now, and empty
  EXPECT_TRUE((*tables_.Log(table_)->Update())->metadata->schema.IndexOf("other").has_value());
}

INSTANTIATE_TEST_SUITE_P(Tables, PromoteRescuedTest, testing::Combine(testing::Bool(), testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace millstream
