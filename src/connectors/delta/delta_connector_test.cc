#include "connectors/delta/delta_connector.h"

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/log_files.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

const StructType& IdAndName() {
  static const StructType schema({{"id", DataType::Long()}, {"name", DataType::String()}});
  return schema;
}

RecordBatchPtr Rows(int64_t first, int64_t count) {
  arrow::Int64Builder ids;
  arrow::StringBuilder names;
  for (int64_t i = first; i < first + count; ++i) {
    EXPECT_TRUE(ids.Append(i).ok());
    EXPECT_TRUE((i % 3 == 0 ? names.AppendNull() : names.Append("n" + std::to_string(i % 7))).ok());
  }
  return arrow::RecordBatch::Make(ToArrowSchema(IdAndName()), count, {ids.Finish().ValueOrDie(), names.Finish().ValueOrDie()});
}

class DeltaConnector : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/delta_XXXXXX";
    folder_ = mkdtemp(folder);
    table_ = folder_ + "/a table";
  }
  void TearDown() override {
    tables_.Drain();
    ASSERT_TRUE(Fs::Local().RemoveRecursively(folder_).ok());
  }

  std::unique_ptr<Sink> OpenSink(const std::string& query_id, OptionMap options = {}, OutputMode mode = OutputMode::kAppend,
                                 std::vector<std::string> partition_by = {}) {
    auto sink =
        OpenDeltaSink(tables_, table_, {.query_id = query_id, .output_mode = mode, .partition_by = std::move(partition_by), .options = std::move(options)}, 2);
    EXPECT_TRUE(sink.ok()) << sink.status().message();
    return std::move(sink).value();
  }

  Result<BatchResult> Add(Sink& sink, int64_t batch, std::vector<RecordBatchPtr> batches, const StructType& schema = IdAndName()) {
    auto rows = MakeRowStream(ToArrowSchema(schema), std::move(batches));
    return sink.AddBatch(BatchId(batch), schema, *rows);
  }

  // ids of the table as another process would read them.
  std::vector<int64_t> Ids(OptionMap options = {}) {
    DeltaTables fresh(Fs::Local(), Clock::System());
    auto source = OpenDeltaTable(fresh, table_, {.options = std::move(options)});
    EXPECT_TRUE(source.ok()) << source.status().message();
    if (!source.ok()) return {};
    auto rows = (*source)->Scan({.columns = {"id"}, .filters = {}});
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    auto batches = Drain(**rows);
    EXPECT_TRUE(batches.ok()) << batches.status().message();
    std::vector<int64_t> ids;
    for (const auto& batch : *batches) {
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) ids.push_back(column.Value(i));
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  std::string folder_, table_;
  DeltaTables tables_{Fs::Local(), Clock::System()};
};

TEST_F(DeltaConnector, AStreamsBatchIsWrittenOnceHoweverOftenItIsOffered) {
  auto sink = OpenSink("q1");
  EXPECT_EQ(Add(*sink, 0, {Rows(0, 3)})->rows_out, 3);
  EXPECT_TRUE(Add(*sink, 0, {Rows(0, 3)})->was_done_before);
  auto again = OpenSink("q1");
  EXPECT_TRUE(Add(*again, 0, {Rows(0, 3)})->was_done_before);
  EXPECT_EQ(Add(*again, 1, {Rows(3, 2)})->rows_out, 2);
  EXPECT_THAT(Ids(), testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(DeltaConnector, AnotherProcesssTxnIsFoundAfterRestart) {
  {
    DeltaTables other(Fs::Local(), Clock::System());
    auto sink = OpenDeltaSink(other, table_, {.query_id = "q1"}, 1);
    auto rows = MakeRowStream(ToArrowSchema(IdAndName()), {Rows(0, 2)});
    ASSERT_TRUE((*sink)->AddBatch(BatchId(4), IdAndName(), *rows).ok());
  }
  auto sink = OpenSink("q1");
  EXPECT_TRUE(Add(*sink, 4, {Rows(0, 2)})->was_done_before);
}

TEST_F(DeltaConnector, BlindAppendsOfTwoWritersAreRebased) {
  auto ours = OpenSink("q1");
  ASSERT_TRUE(Add(*ours, 0, {Rows(0, 1)}).ok());
  DeltaTables others(Fs::Local(), Clock::System());
  auto theirs = OpenDeltaSink(others, table_, {.query_id = "q2"}, 1);
  for (int i = 1; i < 15; ++i) {
    auto rows = MakeRowStream(ToArrowSchema(IdAndName()), {Rows(100 + i, 1)});
    ASSERT_TRUE((*theirs)->AddBatch(BatchId(i), IdAndName(), *rows).ok());
    auto added = Add(*ours, i, {Rows(i, 1)});
    ASSERT_TRUE(added.ok()) << added.status().message();
  }
  EXPECT_EQ(Ids().size(), 29u);
}

TEST_F(DeltaConnector, TwoRunsOfOneStreamConflict) {
  auto ours = OpenSink("q1");
  ASSERT_TRUE(Add(*ours, 0, {Rows(0, 1)}).ok());
  DeltaTables others(Fs::Local(), Clock::System());
  auto twin = OpenDeltaSink(others, table_, {.query_id = "q1"}, 1);
  auto rows = MakeRowStream(ToArrowSchema(IdAndName()), {Rows(1, 1)});
  ASSERT_TRUE((*twin)->AddBatch(BatchId(1), IdAndName(), *rows).ok());
  Result<BatchResult> added = Add(*ours, 1, {Rows(1, 1)});
  ASSERT_FALSE(added.ok());
  EXPECT_TRUE(added.status().Is(errors::kDeltaConcurrentTransaction));
  EXPECT_TRUE(Add(*ours, 1, {Rows(1, 1)})->was_done_before);
}

TEST_F(DeltaConnector, CheckpointsLeadToTheSameTable) {
  auto sink = OpenSink("q1");
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(Add(*sink, i, {Rows(i, 1)}).ok());
  tables_.Drain();
  EXPECT_TRUE(*Fs::Local().Exists(ClassicCheckpointPath(table_, 20)));
  EXPECT_TRUE(*Fs::Local().Exists(LastCheckpointPath(table_)));
  ASSERT_TRUE(Fs::Local().Remove(CommitPath(table_, 3)).ok());
  EXPECT_EQ(Ids().size(), 25u);
  auto again = OpenSink("q1");
  EXPECT_TRUE(Add(*again, 24, {})->was_done_before);
}

TEST_F(DeltaConnector, ACheckpointAloneKnowsWhichBatchesAreIn) {
  auto sink = OpenSink("q1");
  for (int i = 0; i <= 10; ++i) ASSERT_TRUE(Add(*sink, i, {Rows(i, 1)}).ok());
  tables_.Drain();
  ASSERT_TRUE(*Fs::Local().Exists(ClassicCheckpointPath(table_, 10)));
  DeltaTables others(Fs::Local(), Clock::System());
  auto again = OpenDeltaSink(others, table_, {.query_id = "q1"}, 1);
  ASSERT_TRUE(again.ok()) << again.status().message();
  auto rows = MakeRowStream(ToArrowSchema(IdAndName()), {Rows(10, 1)});
  EXPECT_TRUE((*again)->AddBatch(BatchId(10), IdAndName(), *rows)->was_done_before);
}

TEST_F(DeltaConnector, CompleteModeReplacesAllRows) {
  auto sink = OpenSink("q1", {}, OutputMode::kComplete);
  ASSERT_TRUE(Add(*sink, 0, {Rows(0, 5)}).ok());
  ASSERT_TRUE(Add(*sink, 1, {Rows(7, 2)}).ok());
  EXPECT_THAT(Ids(), testing::ElementsAre(7, 8));
  EXPECT_EQ(Ids({{"versionAsOf", "0"}}).size(), 5u);
}

TEST_F(DeltaConnector, NewColumnsNeedMergeSchema) {
  auto sink = OpenSink("q1");
  ASSERT_TRUE(Add(*sink, 0, {Rows(0, 2)}).ok());
  StructType wider({{"ID", DataType::Integer()}, {"extra", DataType::Double()}});
  arrow::Int32Builder ids;
  arrow::DoubleBuilder extra;
  ASSERT_TRUE(ids.Append(2).ok() && extra.Append(0.5).ok());
  auto batch = arrow::RecordBatch::Make(ToArrowSchema(wider), 1, {ids.Finish().ValueOrDie(), extra.Finish().ValueOrDie()});
  Result<BatchResult> refused = Add(*sink, 1, {batch}, wider);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(), testing::HasSubstr("A schema mismatch detected when writing to the Delta table"));
  auto merging = OpenSink("q1", {{"mergeSchema", "true"}});
  Result<BatchResult> added = Add(*merging, 1, {batch}, wider);
  ASSERT_TRUE(added.ok()) << added.status().message();
  EXPECT_THAT(Ids(), testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(DescribeDeltaTable(tables_, table_)->schema.size(), 3u);
}

TEST_F(DeltaConnector, PartitionedRowsComeBackWhole) {
  auto sink = OpenSink("q1", {}, OutputMode::kAppend, {"name"});
  ASSERT_TRUE(Add(*sink, 0, {Rows(0, 50), Rows(50, 50)}).ok());
  EXPECT_EQ(Ids().size(), 100u);
  EXPECT_TRUE(*Fs::Local().Exists(table_ + "/name=n1"));
  EXPECT_TRUE(*Fs::Local().Exists(table_ + "/name=__HIVE_DEFAULT_PARTITION__"));
}

TEST_F(DeltaConnector, BadLogsAreErrorsAndNothingElse) {
  auto sink = OpenSink("q1");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Add(*sink, i, {Rows(i, 1)}).ok());
  auto open = [&] {
    DeltaTables fresh(Fs::Local(), Clock::System());
    return OpenDeltaTable(fresh, table_).status();
  };
  ASSERT_TRUE(Fs::Local().Replace(LastCheckpointPath(table_), "\x00garbage{").ok());
  EXPECT_TRUE(open().ok());
  std::string third = CommitPath(table_, 3);
  std::string saved = *Fs::Local().ReadFile(third);
  std::string deep(200000, '[');
  for (std::string bad :
       {std::string(), std::string("{"), std::string("[1,2]"), std::string("{\"add\":{\"path\":7}}"), deep,
        std::string("{\"add\":{\"path\":\"x\",\"size\":99999999999999999999999,\"partitionValues\":{},\"modificationTime\":1,\"dataChange\":true}}"),
        std::string("{\"protocol\":{\"minReaderVersion\":9,\"minWriterVersion\":9}}")}) {
    ASSERT_TRUE(Fs::Local().Replace(third, bad).ok());
    EXPECT_FALSE(open().ok()) << bad.substr(0, 80);
  }
  ASSERT_TRUE(Fs::Local().Remove(third).ok());
  EXPECT_TRUE(open().Is(errors::kDeltaVersionsNotContiguous)) << open().message();
  ASSERT_TRUE(Fs::Local().Replace(third, saved).ok());
  EXPECT_TRUE(open().ok());
  ASSERT_TRUE(
      Fs::Local()
          .Replace(third, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"iceAge\"],\"writerFeatures\":[\"iceAge\"]}}")
          .ok());
  EXPECT_TRUE(open().Is(errors::kDeltaUnsupportedForRead));
  EXPECT_THAT(open().message(), testing::HasSubstr("iceAge"));
}

TEST_F(DeltaConnector, BatchWritesKeepSparksModes) {
  auto write = [&](SaveMode mode, std::vector<RecordBatchPtr> batches, DeltaWrite options = {}) {
    options.mode = mode;
    options.schema = IdAndName();
    auto rows = MakeRowStream(ToArrowSchema(IdAndName()), std::move(batches));
    return WriteDelta(tables_, table_, options, *rows);
  };
  ASSERT_TRUE(write(SaveMode::kErrorIfExists, {Rows(0, 4)}).ok());
  EXPECT_TRUE(write(SaveMode::kErrorIfExists, {Rows(0, 4)}).status().Is(errors::kDeltaPathExists));
  EXPECT_EQ(write(SaveMode::kIgnore, {Rows(0, 4)})->version, -1);
  ASSERT_TRUE(write(SaveMode::kAppend, {Rows(4, 4)}).ok());
  EXPECT_EQ(Ids().size(), 8u);
  ASSERT_TRUE(write(SaveMode::kOverwrite, {Rows(1, 1)}).ok());
  EXPECT_THAT(Ids(), testing::ElementsAre(1));
  auto history = DescribeDeltaHistory(tables_, table_, std::nullopt);
  ASSERT_TRUE(history.ok());
  EXPECT_EQ((*Drain(**history))[0]->num_rows(), 3);
}

TEST_F(DeltaConnector, ATableMadeAnewIsNotTheOldOne) {
  auto sink = OpenSink("q1");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Add(*sink, i, {Rows(i, 1)}).ok());
  tables_.Drain();
  ASSERT_TRUE(Fs::Local().RemoveRecursively(table_).ok());
  EXPECT_FALSE(*IsDeltaTable(tables_, table_));
  auto other = OpenSink("q2");
  ASSERT_TRUE(Add(*other, 0, {Rows(9, 1)}).ok());
  EXPECT_THAT(Ids(), testing::ElementsAre(9));
}

// Not a promise of the unit tests: what a small batch costs on this disk. Run with --gtest_also_run_disabled_tests.
TEST_F(DeltaConnector, DISABLED_LatencyOfASmallBatch) {
  auto sink = OpenSink("q1");
  std::vector<int64_t> micros;
  for (int i = 0; i < 500; ++i) {
    auto batch = Rows(i * 10, 10);
    int64_t start = Clock::System().MonotonicMicros();
    ASSERT_TRUE(Add(*sink, i, {batch}).ok());
    micros.push_back(Clock::System().MonotonicMicros() - start);
  }
  std::sort(micros.begin(), micros.end());
  printf("addBatch: p50 %ld us, p90 %ld us, p99 %ld us\n", micros[250], micros[450], micros[495]);
}

}  // namespace
}  // namespace millstream
