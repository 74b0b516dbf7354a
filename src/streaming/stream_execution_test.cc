#include "streaming/stream_execution.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "streaming/fake_connectors.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

using namespace testing_streams;
using testing::HasSubstr;

class StreamExecutionTest : public testing::Test {
 protected:
  StreamExecutionTest() { directory_ = JoinPath(testing::TempDir(), "stream_" + NewUuid()); }
  ~StreamExecutionTest() override { (void)Fs::Local().RemoveRecursively(directory_).ok(); }

  StreamRequest Request(Trigger trigger = {Trigger::Kind::kAvailableNow}) {
    StreamRequest request;
    request.checkpoint.directory = directory_;
    auto relation = std::make_shared<NumberRelation>(world_);
    request.plan.streams = {relation};
    request.plan.compile = [relation](int64_t) -> Result<std::unique_ptr<StreamPlan>> {
      return std::make_unique<StreamPlan>(std::make_unique<PassThrough>(relation));
    };
    request.trigger = trigger;
    request.open_sink = [this](const std::string&, const std::string&) -> Result<std::unique_ptr<Sink>> {
      return std::unique_ptr<Sink>(std::make_unique<NumberSink>(written_));
    };
    request.listener = [this](const StreamingQueryEvent& event) {
      std::lock_guard lock(events_mutex_);
      events_.push_back(event);
    };
    return request;
  }
  std::shared_ptr<StreamExecution> Start(StreamRequest request) {
    auto started = StreamExecution::Start(std::move(request), Fs::Local(), Clock::System());
    EXPECT_TRUE(started.ok()) << started.status().message();
    return started.ok() ? *started : nullptr;
  }
  void RunToEnd() {
    auto query = Start(Request());
    auto ended = query->AwaitTermination(20000);
    ASSERT_TRUE(ended.ok()) << ended.status().message();
    ASSERT_TRUE(*ended);
  }
  std::vector<int64_t> Values() {
    std::lock_guard lock(written_->mutex);
    std::vector<int64_t> values;
    for (auto& [id, batch] : written_->batches) values.insert(values.end(), batch.begin(), batch.end());
    std::sort(values.begin(), values.end());
    return values;
  }
  static std::vector<int64_t> UpTo(int64_t end) {
    std::vector<int64_t> values(static_cast<size_t>(end));
    for (int64_t i = 0; i < end; ++i) values[static_cast<size_t>(i)] = i;
    return values;
  }
  std::string ReadFile(const std::string& name) { return *Fs::Local().ReadFile(JoinPath(directory_, name)); }

  std::string directory_;
  std::shared_ptr<NumberWorld> world_ = std::make_shared<NumberWorld>();
  std::shared_ptr<Written> written_ = std::make_shared<Written>();
  std::mutex events_mutex_;
  std::vector<StreamingQueryEvent> events_;
};

TEST_F(StreamExecutionTest, AvailableNowTakesAllThereIsInSeveralBatchesAndEnds) {
  world_->available = 10;
  world_->per_batch_max = 4;
  RunToEnd();
  EXPECT_EQ(Values(), UpTo(10));
  EXPECT_EQ(written_->batches.size(), 3u);
  EXPECT_EQ(world_->committed, 10);
}

TEST_F(StreamExecutionTest, OnceTakesAllInOneBatch) {
  world_->available = 10;
  world_->per_batch_max = 4;
  auto query = Start(Request({Trigger::Kind::kOnce}));
  ASSERT_TRUE(query->AwaitTermination(20000).ok());
  EXPECT_EQ(written_->batches.size(), 1u);
  EXPECT_EQ(Values(), UpTo(10));
}

TEST_F(StreamExecutionTest, WritesTheCheckpointThatSparkWrites) {
  world_->available = 3;
  RunToEnd();
  auto query_id = nlohmann::json::parse(ReadFile("metadata"))["id"].get<std::string>();
  EXPECT_TRUE(IsUuid(query_id));
  EXPECT_EQ(ReadFile("commits/0"), "v1\n{\"nextBatchWatermarkMs\":0}");
  EXPECT_THAT(ReadFile("offsets/0"), testing::StartsWith("v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":"));
  EXPECT_THAT(ReadFile("offsets/0"), testing::EndsWith("}}\n3"));
}

TEST_F(StreamExecutionTest, ContinuesAfterARestartWithTheSameId) {
  world_->available = 3;
  RunToEnd();
  std::string id = ReadFile("metadata");
  world_->available = 5;
  RunToEnd();
  EXPECT_EQ(ReadFile("metadata"), id);
  EXPECT_EQ(Values(), UpTo(5));
  EXPECT_EQ(written_->batches.size(), 2u);
}

TEST_F(StreamExecutionTest, RerunsTheLoggedBatchWithItsOwnOffsetsAfterACrash) {
  world_->available = 3;
  written_->fails_after_write = 1;
  auto query = Start(Request());
  EXPECT_FALSE(query->AwaitTermination(20000).ok());
  // More data came meanwhile; batch 0 must stay as it was.
  world_->available = 9;
  RunToEnd();
  EXPECT_EQ(Values(), UpTo(9));
  EXPECT_EQ(written_->batches[0], UpTo(3));
}

TEST_F(StreamExecutionTest, SparksOwnCheckpointIsContinued) {
  Fs& fs = Fs::Local();
  ASSERT_TRUE(fs.CreateDirectories(directory_ + "/offsets").ok());
  ASSERT_TRUE(fs.CreateDirectories(directory_ + "/commits").ok());
  ASSERT_TRUE(fs.Replace(directory_ + "/metadata", "{\"id\":\"86667c73-5143-4edd-bd81-bd3b10104fbb\"}").ok());
  ASSERT_TRUE(
      fs.Replace(directory_ + "/offsets/0", "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1,\"conf\":{\"spark.sql.shuffle.partitions\":\"7\"}}\n4").ok());
  ASSERT_TRUE(fs.Replace(directory_ + "/offsets/.0.crc", "crc").ok());
  ASSERT_TRUE(fs.Replace(directory_ + "/commits/0", "v1\n{\"nextBatchWatermarkMs\":0}").ok());
  world_->available = 6;
  auto query = Start(Request());
  ASSERT_TRUE(query->AwaitTermination(20000).ok());
  EXPECT_EQ(query->id(), "86667c73-5143-4edd-bd81-bd3b10104fbb");
  EXPECT_EQ(Values(), (std::vector<int64_t>{4, 5}));
  EXPECT_THAT(ReadFile("offsets/1"), HasSubstr("\"spark.sql.shuffle.partitions\":\"7\""));
}

TEST_F(StreamExecutionTest, RefusesASecondQueryOnTheSameCheckpoint) {
  auto query = Start(Request({Trigger::Kind::kProcessingTime}));
  auto second = StreamExecution::Start(Request(), Fs::Local(), Clock::System());
  ASSERT_FALSE(second.ok());
  EXPECT_TRUE(second.status().Is(errors::kConcurrentStreamLogUpdate)) << second.status().message();
  EXPECT_TRUE(query->is_active());
  ASSERT_TRUE(query->Stop().ok());
  RunToEnd();
}

TEST_F(StreamExecutionTest, RefusesACheckpointWhoseIdIsLost) {
  world_->available = 3;
  RunToEnd();
  ASSERT_TRUE(Fs::Local().Remove(directory_ + "/metadata").ok());
  auto started = StreamExecution::Start(Request(), Fs::Local(), Clock::System());
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(started.status().Is(errors::kMissingMetadataFile));
  EXPECT_FALSE(*Fs::Local().Exists(directory_ + "/metadata"));
}

TEST_F(StreamExecutionTest, RefusesALogOfANewerVersion) {
  world_->available = 3;
  RunToEnd();
  ASSERT_TRUE(Fs::Local().Replace(directory_ + "/offsets/1", "v9\n{}\n4").ok());
  auto query = Start(Request());
  auto ended = query->AwaitTermination(20000);
  ASSERT_FALSE(ended.ok());
  EXPECT_TRUE(ended.status().Is(errors::kStreamFailed));
  EXPECT_THAT(ended.status().message(), HasSubstr("[INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION]"));
}

TEST_F(StreamExecutionTest, DropsTornNewestEntriesAndGoesOn) {
  for (const char* torn : {"offsets/1", "commits/0"}) {
    (void)Fs::Local().RemoveRecursively(directory_).ok();
    written_->batches.clear();
    world_->available = 3;
    RunToEnd();
    ASSERT_TRUE(Fs::Local().Replace(JoinPath(directory_, torn), "").ok());
    world_->available = 8;
    RunToEnd();
    EXPECT_EQ(Values(), UpTo(8)) << torn;
  }
}

TEST_F(StreamExecutionTest, ReadsAgainWhenAFileChangedUnderIt) {
  world_->available = 3;
  world_->failures_to_come = 2;
  RunToEnd();
  EXPECT_EQ(Values(), UpTo(3));
}

TEST_F(StreamExecutionTest, AFailureIsRaisedByAwaitTerminationInSparksWords) {
  world_->available = 3;
  written_->fails_after_write = 1;
  auto query = Start(Request({Trigger::Kind::kProcessingTime}));
  auto ended = query->AwaitTermination(20000);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.status().message(), "[STREAM_FAILED] Query [id = " + query->id() + ", runId = " + query->run_id() +
                                          "] terminated with exception: [INTERNAL_ERROR] power cut SQLSTATE: XX000 SQLSTATE: XXKST");
  EXPECT_FALSE(query->is_active());
  EXPECT_TRUE(query->exception().has_value());
  EXPECT_FALSE(query->ProcessAllAvailable().ok());
}

TEST_F(StreamExecutionTest, StopsInTheMiddleOfABatch) {
  world_->available = 3;
  world_->blocks = true;
  auto query = Start(Request({Trigger::Kind::kProcessingTime}));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(query->Stop().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_FALSE(query->exception().has_value());
  EXPECT_EQ(query->status().message, "Stopped");
  world_->blocks = false;
  RunToEnd();
  EXPECT_EQ(Values(), UpTo(3));
}

TEST_F(StreamExecutionTest, ProcessAllAvailableReturnsWhenTheDataIsCommitted) {
  auto query = Start(Request({Trigger::Kind::kProcessingTime}));
  for (int64_t upto : {5, 9}) {
    world_->available = upto;
    ASSERT_TRUE(query->ProcessAllAvailable().ok());
    EXPECT_EQ(world_->committed, upto);
    EXPECT_EQ(Values(), UpTo(upto));
  }
  EXPECT_EQ(query->status().message, "Waiting for data to arrive");
  ASSERT_TRUE(query->Stop().ok());
}

TEST_F(StreamExecutionTest, ProgressHasSparksFields) {
  world_->available = 5;
  auto query = Start(Request());
  ASSERT_TRUE(query->AwaitTermination(20000).ok());
  auto json = nlohmann::ordered_json::parse(*query->last_progress());
  std::vector<std::string> keys;
  for (auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("id", "runId", "name", "timestamp", "batchId", "batchDuration", "numInputRows", "inputRowsPerSecond",
                                         "processedRowsPerSecond", "durationMs", "stateOperators", "sources", "sink"));
  EXPECT_TRUE(json["name"].is_null());
  EXPECT_EQ(json["numInputRows"], 5);
  EXPECT_TRUE(json["inputRowsPerSecond"].is_number_float());
  EXPECT_EQ(json["sources"][0]["endOffset"], 5);
  EXPECT_TRUE(json["sources"][0]["startOffset"].is_null());
  EXPECT_EQ(json["sink"]["numOutputRows"], 5);
  std::vector<std::string> phases;
  for (auto& [key, value] : json["durationMs"].items()) phases.push_back(key);
  EXPECT_THAT(phases, testing::ElementsAre("addBatch", "commitOffsets", "getBatch", "latestOffset", "queryPlanning", "triggerExecution", "walCommit"));
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[0].kind, StreamingQueryEvent::Kind::kStarted);
  EXPECT_EQ(events_[1].kind, StreamingQueryEvent::Kind::kProgress);
  EXPECT_EQ(events_[2].kind, StreamingQueryEvent::Kind::kTerminated);
  EXPECT_TRUE(nlohmann::json::parse(events_[2].json)["exception"].is_null());
}

TEST_F(StreamExecutionTest, KeepsOnlyTheNewestHundredBatchesInTheLogs) {
  world_->available = 130;
  world_->per_batch_max = 1;
  RunToEnd();
  EXPECT_FALSE(*Fs::Local().Exists(directory_ + "/offsets/28"));
  EXPECT_TRUE(*Fs::Local().Exists(directory_ + "/offsets/29"));
  EXPECT_TRUE(*Fs::Local().Exists(directory_ + "/commits/129"));
  EXPECT_FALSE(*Fs::Local().Exists(directory_ + "/commits/28"));
}

TEST_F(StreamExecutionTest, ATemporaryCheckpointLeavesNothing) {
  world_->available = 3;
  StreamRequest request = Request();
  request.checkpoint.is_temporary = true;
  auto query = Start(std::move(request));
  ASSERT_TRUE(query->AwaitTermination(20000).ok());
  EXPECT_EQ(Values(), UpTo(3));
  query.reset();
  EXPECT_FALSE(*Fs::Local().Exists(directory_));
}

TEST_F(StreamExecutionTest, RefusesTheRealTimeTriggerByName) {
  auto started = StreamExecution::Start(Request({Trigger::Kind::kRealTime, 5000}), Fs::Local(), Clock::System());
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(started.status().Is(errors::kUnsupportedFeature));
  EXPECT_TRUE(StreamExecution::Start(Request({Trigger::Kind::kRealTime, 10}), Fs::Local(), Clock::System()).status().Is(errors::kRealTimeTriggerInterval));
}

}  // namespace
}  // namespace millstream
