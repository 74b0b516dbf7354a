#include "connectors/rate/rate_batch_source.h"

#include <arrow/array.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/api/source.h"

namespace millstream {
namespace {

TEST(RateBatchSource, MakesTheSameRowsInEveryRun) {
  Result<RelationSourcePtr> relation = OpenRateBatch({{"rowsPerBatch", "3"}, {"startTimestamp", "5"}});
  ASSERT_TRUE(relation.ok());
  auto source = *dynamic_cast<const StreamingRelationSource&>(**relation).CreateSource("");
  EXPECT_EQ(source->description(), "RatePerMicroBatchStream[rowsPerBatch=3, numPartitions=1, startTimestamp=5, advanceMsPerBatch=1000]");
  std::optional<StreamOffset> first = *source->LatestOffset(std::nullopt, {});
  EXPECT_EQ(first->json, "{\"offset\":3,\"timestamp\":1005}");
  EXPECT_EQ((*source->LatestOffset(first, {}))->json, "{\"offset\":6,\"timestamp\":2005}");
  auto rows = *Drain(**source->ReadBatch(first, {"{\"offset\":6,\"timestamp\":2005}"}, {.columns = {"value", "timestamp"}}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*rows[0]->column(0)).Value(2), 5);
  EXPECT_EQ(static_cast<const arrow::TimestampArray&>(*rows[0]->column(1)).Value(2), 1'005'000);
  EXPECT_FALSE(source->LatestOffset(StreamOffset{"x"}, {}).ok());
}
TEST(RateBatchSource, RefusesInSparksWords) {
  auto refusal = [](OptionMap options) { return OpenRateBatch(options).status().message(); };
  EXPECT_EQ(refusal({}), "Invalid value '0'. The option 'rowsPerBatch' must be positive");
  EXPECT_EQ(refusal({{"rowsPerBatch", "2"}, {"startTimestamp", "-1"}}), "Invalid value '-1'. The option 'startTimestamp' must be non-negative");
  EXPECT_EQ(refusal({{"rowsPerBatch", "2"}, {"advanceMillisPerBatch", "-1"}}), "Invalid value '-1'. The option 'advanceMillisPerBatch' must be non-negative");
}

}  // namespace
}  // namespace millstream
