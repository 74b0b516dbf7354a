// A stream's batches that take rows of earlier ones back, by the files that they came from.

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "connectors/api/retractions.h"
#include "connectors/api/source_files.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/delta/source_rows.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RetractingSink : public testing::TestWithParam<std::tuple<bool, bool>> {  // deletion vectors, change data feed
 protected:
  void SetUp() override {
    char folder[] = "/tmp/delta_sink_XXXXXX";
    folder_ = mkdtemp(folder);
    table_ = folder_ + "/t";
    auto [vectors, feed] = GetParam();
    DeltaCreate create{.schema = Rows()};
    if (vectors) create.properties["delta.enableDeletionVectors"] = "true";
    if (feed) create.properties["delta.enableChangeDataFeed"] = "true";
    ASSERT_TRUE(CreateDeltaTable(tables_, table_, create).ok());
    Open();
  }
  void TearDown() override {
    tables_.Drain();
    ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok());
  }
  // As another process does.
  void Open(OutputMode mode = OutputMode::kAppend) {
    auto sink = OpenDeltaSink(tables_, table_, {.query_id = "q", .run_id = "r", .output_mode = mode, .partition_by = {}, .options = {}}, 2);
    ASSERT_TRUE(sink.ok()) << sink.status().message();
    sink_ = std::move(*sink);
  }
  static StructType Rows() { return StructType({{"id", DataType::Long()}}); }

  // Each file has the ids 10 n and 10 n + 1, and is called n.
  Result<BatchResult> Add(int64_t batch, const std::vector<int64_t>& files, std::vector<std::string> retracted = {}) {
    StructType schema = Rows();
    schema.Add({std::string(kSourceFileColumn), DataType::Integer()});
    arrow::Int64Builder ids;
    arrow::Int32Builder numbers;
    std::vector<std::string> names;
    for (int64_t file : files) {
      for (int64_t row = 0; row < 2; ++row) EXPECT_TRUE(ids.Append(10 * file + row).ok() && numbers.Append(static_cast<int32_t>(names.size())).ok());
      names.push_back(std::to_string(file));
    }
    std::vector<RecordBatchPtr> batches;
    const int64_t count = ids.length();
    if (count > 0) batches = {arrow::RecordBatch::Make(ToArrowSchema(schema), count, {*ids.Finish(), *numbers.Finish()})};
    auto rows = MakeRowStream(ToArrowSchema(schema), batches);
    dynamic_cast<KeepsSourceFiles&>(*sink_).SetSourceFiles(std::make_shared<const std::vector<std::string>>(std::move(names)));
    dynamic_cast<RemovesFileRows&>(*sink_).SetRetractedFiles(std::move(retracted));
    return sink_->AddBatch(BatchId(batch), schema, *rows);
  }
  std::vector<int64_t> Ids() {
    auto source = OpenDeltaTable(tables_, table_);
    auto rows = (*source)->Scan({.columns = {"id"}});
    std::vector<int64_t> ids;
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t i = 0; i < batch->num_rows(); ++i) ids.push_back(static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(i));
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  int64_t Version() { return DescribeDeltaTable(tables_, table_)->version; }

  std::string folder_, table_;
  DeltaTables tables_{Fs::Local(), Clock::System()};
  std::unique_ptr<Sink> sink_;
};

TEST_P(RetractingSink, RowsLeaveAndComeInOneCommit) {
  ASSERT_TRUE(Add(0, {1, 2}).ok());
  ASSERT_TRUE(Add(1, {3}).ok());
  const int64_t before = Version();
  auto added = Add(2, {4}, {"1", "3"});
  ASSERT_TRUE(added.ok()) << added.status().message();
  EXPECT_THAT(Ids(), ElementsAre(20, 21, 40, 41));
  EXPECT_EQ(Version(), before + 1);
  // A file takes the place of its own rows.
  ASSERT_TRUE(Add(3, {2}, {"2"}).ok());
  EXPECT_THAT(Ids(), ElementsAre(20, 21, 40, 41));
  // Nothing comes, and nothing is there of a file that has no rows.
  ASSERT_TRUE(Add(4, {}, {"2", "4", "9"}).ok());
  EXPECT_THAT(Ids(), IsEmpty());
  EXPECT_EQ(Version(), before + 3);
}

TEST_P(RetractingSink, ABatchThatIsOfferedAgainChangesNothing) {
  ASSERT_TRUE(Add(0, {1, 2}).ok());
  ASSERT_TRUE(Add(1, {1}, {"1"}).ok());
  Open();
  auto again = Add(1, {1}, {"1"});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->was_done_before);
  EXPECT_THAT(Ids(), ElementsAre(10, 11, 20, 21));
  // What is to leave holds for one batch.
  ASSERT_TRUE(Add(2, {5}).ok());
  EXPECT_THAT(Ids(), ElementsAre(10, 11, 20, 21, 50, 51));
}

TEST_P(RetractingSink, RowsWithoutATraceAreAnErrorAndNothingChanges) {
  ASSERT_TRUE(Add(0, {1}).ok());
  arrow::Int64Builder ids;
  ASSERT_TRUE(ids.Append(7).ok());
  auto untraced = MakeRowStream(ToArrowSchema(Rows()), {arrow::RecordBatch::Make(ToArrowSchema(Rows()), 1, {*ids.Finish()})});
  ASSERT_TRUE(WriteDelta(tables_, table_, {.mode = SaveMode::kAppend, .schema = Rows()}, *untraced).ok());
  EXPECT_TRUE(Add(1, {2}, {"unknown"}).status().Is(errors::kSourceRowsLost));
  EXPECT_THAT(Ids(), ElementsAre(7, 10, 11));
  ASSERT_TRUE(Add(1, {2}, {"1"}).ok());
  EXPECT_THAT(Ids(), ElementsAre(7, 20, 21));
}

TEST_P(RetractingSink, CompleteModeCannot) {
  EXPECT_TRUE(dynamic_cast<RemovesFileRows&>(*sink_).CanRemoveFileRows().ok());
  Open(OutputMode::kComplete);
  EXPECT_TRUE(dynamic_cast<RemovesFileRows&>(*sink_).CanRemoveFileRows().Is(errors::kRetractionUnsupported));
}

INSTANTIATE_TEST_SUITE_P(Tables, RetractingSink, testing::Combine(testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace millstream
