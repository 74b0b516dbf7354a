#include "streaming/recovery.h"

#include <gmock/gmock.h>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

CheckpointFacts Facts(std::optional<int64_t> offsets, std::optional<int64_t> commit) {
  CheckpointFacts facts{.location = "/c", .has_metadata = true};
  if (offsets) facts.last_offsets = BatchId(*offsets);
  if (commit) facts.last_commit = BatchId(*commit);
  facts.has_offsets_before_last = true;
  return facts;
}

TEST(Recovery, StartsFreshInAnEmptyDirectory) { EXPECT_EQ(DecideRecovery({.location = "/c"}).step, NextStep::kStartFresh); }

TEST(Recovery, StartsFreshWhenOnlyTheIdIsThere) { EXPECT_EQ(DecideRecovery(Facts({}, {})).step, NextStep::kStartFresh); }

TEST(Recovery, RerunsTheBatchWhoseOffsetsAreLoggedButNotCommitted) {
  for (auto [offsets, commit] : {std::pair<int64_t, std::optional<int64_t>>{7, 6}, {0, std::nullopt}, {7, std::nullopt}, {7, 3}}) {
    Recovery recovery = DecideRecovery(Facts(offsets, commit));
    EXPECT_EQ(recovery.step, NextStep::kRerunBatch);
    EXPECT_EQ(recovery.batch, BatchId(offsets));
  }
}

TEST(Recovery, PlansTheNextBatchWhenTheLastIsCommitted) {
  Recovery recovery = DecideRecovery(Facts(7, 7));
  EXPECT_EQ(recovery.step, NextStep::kPlanNextBatch);
  EXPECT_EQ(recovery.batch, BatchId(8));
}

TEST(Recovery, RefusesWhenTheIdIsGoneButNotTheOffsets) {
  CheckpointFacts facts = Facts(7, 7);
  facts.has_metadata = false;
  Recovery recovery = DecideRecovery(facts);
  ASSERT_EQ(recovery.step, NextStep::kRefuse);
  EXPECT_TRUE(recovery.refusal.Is(errors::kMissingMetadataFile));
  EXPECT_THAT(recovery.refusal.message(), testing::HasSubstr("/c"));
}

TEST(Recovery, RefusesWhenTheOffsetsBeforeTheLastAreGone) {
  CheckpointFacts facts = Facts(7, 6);
  facts.has_offsets_before_last = false;
  Recovery recovery = DecideRecovery(facts);
  ASSERT_EQ(recovery.step, NextStep::kRefuse);
  EXPECT_THAT(recovery.refusal.message(), testing::HasSubstr("batch 6 doesn't exist"));
}

TEST(Recovery, RefusesACommitThatIsAheadOfTheOffsets) {
  EXPECT_EQ(DecideRecovery(Facts(7, 8)).step, NextStep::kRefuse);
  EXPECT_EQ(DecideRecovery(Facts({}, 0)).step, NextStep::kRefuse);
}

TEST(Recovery, DropsADamagedNewestEntryThatNothingRestsOn) {
  CheckpointFacts facts = Facts(6, 6);
  facts.damaged_offsets = BatchId(7);
  facts.last_in_sink = BatchId(6);
  Recovery recovery = DecideRecovery(facts);
  EXPECT_EQ(recovery.step, NextStep::kPlanNextBatch);
  EXPECT_EQ(recovery.batch, BatchId(7));
  EXPECT_TRUE(recovery.discard_damaged_offsets);
}

TEST(Recovery, RefusesToPlanADamagedBatchAnewWhenTheSinkHasIt) {
  CheckpointFacts facts = Facts(6, 6);
  facts.damaged_offsets = BatchId(7);
  facts.last_in_sink = BatchId(7);
  EXPECT_EQ(DecideRecovery(facts).step, NextStep::kRefuse);
  facts.last_in_sink.reset();
  facts.last_commit = BatchId(7);
  EXPECT_EQ(DecideRecovery(facts).step, NextStep::kRefuse);
}

TEST(Recovery, DropsADamagedCommitAndOffersTheBatchAgain) {
  CheckpointFacts facts = Facts(7, 6);
  facts.damaged_commit = BatchId(7);
  Recovery recovery = DecideRecovery(facts);
  EXPECT_EQ(recovery.step, NextStep::kRerunBatch);
  EXPECT_EQ(recovery.batch, BatchId(7));
  EXPECT_TRUE(recovery.discard_damaged_commit);
}

}  // namespace
}  // namespace millstream
