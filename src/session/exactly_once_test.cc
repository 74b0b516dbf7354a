// A stream into a Delta table that dies at each of its steps in turn: by a kill, by a power cut, and by a kill with a power cut in the recovery from it.

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "connectors/delta/delta_connector.h"
#include "delta/delta_log.h"
#include "storage/crash_fs.h"
#include "streaming/fake_connectors.h"
#include "streaming/stream_execution.h"

namespace millstream {
namespace {

using namespace testing_streams;
using testing_storage::CrashDisk;
using testing_storage::CrashFs;

class ExactlyOnce : public testing::Test {
 protected:
  void SetUp() override {
    // Thousands of lives: where syncing costs nothing, when there is such a place.
    root_ = JoinPath(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : testing::TempDir(), "exactly_once_" + NewUuid());
    disk_ = std::make_unique<CrashDisk>(root_);
    world_->per_batch_max = 3;
    world_->available = 6;
    told_ = 0;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Again() {
    TearDown();
    SetUp();
  }

  // One process: loads what there is, or dies at a step. What its user was told is counted in told_.
  void Live(CrashFs& fs) {
    DeltaTables tables(fs, Clock::System());
    StreamRequest request;
    request.checkpoint.directory = JoinPath(root_, "checkpoint");
    request.conf.min_batches_to_retain = 1;
    auto relation = std::make_shared<NumberRelation>(world_);
    request.plan.streams = {relation};
    request.plan.compile = [relation](int64_t) -> Result<std::unique_ptr<StreamPlan>> {
      return std::make_unique<StreamPlan>(std::make_unique<PassThrough>(relation));
    };
    request.trigger = {Trigger::Kind::kAvailableNow};
    request.open_sink = [&](const std::string& query_id, const std::string&) { return OpenDeltaSink(tables, Table(), {.query_id = query_id}, 1); };
    request.listener = [&](const StreamingQueryEvent& event) {
      if (event.kind == StreamingQueryEvent::Kind::kProgress) told_ += nlohmann::json::parse(event.json)["progress"]["numInputRows"].get<int64_t>();
    };
    auto started = StreamExecution::Start(std::move(request), fs, Clock::System());
    if (!started.ok()) {
      ASSERT_TRUE(fs.dead()) << started.status().message();
      return;
    }
    auto ended = (*started)->AwaitTermination(20000);
    ASSERT_TRUE(ended.ok() || fs.dead()) << ended.status().message();
    ASSERT_TRUE(!ended.ok() || *ended);
    (*started)->Stop().ok();
  }

  std::string Table() const { return JoinPath(root_, "table"); }

  std::vector<int64_t> Values() {
    std::vector<int64_t> values;
    DeltaTables tables(Fs::Local(), Clock::System());
    auto is_table = IsDeltaTable(tables, Table());
    if (!is_table.ok() || !*is_table) return values;
    auto source = OpenDeltaTable(tables, Table());
    EXPECT_TRUE(source.ok()) << source.status().message();
    if (!source.ok()) return values;
    auto rows = (*source)->Scan({.columns = {"value"}, .filters = {}});
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    if (!rows.ok()) return values;
    auto batches = Drain(**rows);
    EXPECT_TRUE(batches.ok()) << batches.status().message();
    if (!batches.ok()) return values;
    for (const RecordBatchPtr& batch : *batches) {
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) values.push_back(column.Value(i));
    }
    std::sort(values.begin(), values.end());
    return values;
  }
  void ExpectNothingDoubledAndAllThatWasTold() {
    std::vector<int64_t> values = Values();
    EXPECT_EQ(std::adjacent_find(values.begin(), values.end()), values.end());
    EXPECT_GE(static_cast<int64_t>(values.size()), told_);
  }
  void ExpectAllAfterACleanStart() {
    CrashFs fs(*disk_);
    Live(fs);
    std::vector<int64_t> expected(static_cast<size_t>(world_->available.load()));
    for (size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<int64_t>(i);
    EXPECT_EQ(Values(), expected);
    // What a user was told at the end survives a cut, too.
    disk_->CutPower();
    EXPECT_EQ(Values(), expected);
  }
  int StepsOfACleanLife() {
    CrashFs fs(*disk_);
    Live(fs);
    Again();
    return fs.steps();
  }

  std::string root_;
  std::unique_ptr<CrashDisk> disk_;
  std::shared_ptr<NumberWorld> world_ = std::make_shared<NumberWorld>();
  int64_t told_ = 0;
};

TEST_F(ExactlyOnce, AfterAPowerCutAtAnyStep) {
  const int steps = StepsOfACleanLife();
  ASSERT_GT(steps, 20);
  for (int step = 1; step <= steps && !HasFailure(); ++step, Again()) {
    SCOPED_TRACE("power cut at step " + std::to_string(step));
    CrashFs fs(*disk_, step);
    Live(fs);
    disk_->CutPower();
    ExpectNothingDoubledAndAllThatWasTold();
    world_->available = 8;  // planned anew, a batch that was begun would now be another one
    ExpectAllAfterACleanStart();
  }
}

TEST_F(ExactlyOnce, AfterAKillAndAPowerCutInTheRecoveryFromIt) {
  const int steps = StepsOfACleanLife();
  for (int step = 1; step <= steps && !HasFailure(); ++step) {
    bool survived = false;
    // One in eleven of all pairs; each second step comes after some first.
    for (int second = 1 + step % 11; !survived && !HasFailure(); second += 11, Again()) {
      SCOPED_TRACE("kill at step " + std::to_string(step) + ", power cut at step " + std::to_string(second) + " of the next life");
      CrashFs first_life(*disk_, step);
      Live(first_life);
      ExpectNothingDoubledAndAllThatWasTold();
      world_->available = 8;
      CrashFs second_life(*disk_, second);
      Live(second_life);
      survived = !second_life.dead();
      disk_->CutPower();
      ExpectNothingDoubledAndAllThatWasTold();
      ExpectAllAfterACleanStart();
    }
  }
}

}  // namespace
}  // namespace millstream
