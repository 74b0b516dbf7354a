// Spark's file stream into a file sink, dying at each of its steps in turn: by a kill, by a power cut, and by a kill with a power cut in the recovery from it.
// What counts as written is what a reader sees who honours _spark_metadata.

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "connectors/api/table.h"
#include "connectors/files/files_connector.h"
#include "storage/crash_fs.h"
#include "streaming/fake_connectors.h"
#include "streaming/stream_execution.h"

namespace millstream {
namespace {

using testing_storage::CrashDisk;
using testing_storage::CrashFs;

class FilesExactlyOnce : public testing::Test {
 protected:
  void SetUp() override {
    root_ = JoinPath(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : testing::TempDir(), "files_exactly_once_" + NewUuid());
    disk_ = std::make_unique<CrashDisk>(root_);
    std::filesystem::create_directories(In());
    available_ = told_ = 0;
    AddFiles(13);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Again() {
    TearDown();
    SetUp();
  }
  void AddFiles(int count) {
    for (int i = 0; i < count; ++i, ++available_) std::ofstream(In() + "/" + std::to_string(available_) + ".json") << "{\"value\":" << available_ << "}\n";
  }
  UnresolvedDataSource Reads(const std::string& path, bool is_streaming) const {
    return {.format = "json",
            .schema = StructType({{"value", DataType::Long()}}),
            .options = is_streaming ? OptionMap{{"maxFilesPerTrigger", "3"}} : OptionMap{},
            .paths = {path},
            .is_streaming = is_streaming};
  }

  // One process: loads what there is, or dies at a step. What its user was told is counted in told_.
  void Live(CrashFs& fs) {
    // Compacted entries come early, and old ones go at once.
    FilesContext files{.fs = fs, .clock = Clock::System()};
    files.source_log = files.sink_log = {.compact_interval = 2, .cleanup_delay_ms = -1000, .min_batches_to_retain = 1};
    auto opened = OpenFiles(Reads(In(), true), files);
    if (!opened.ok()) {
      ASSERT_TRUE(fs.dead()) << opened.status().message();
      return;
    }
    RelationSourcePtr relation = *opened;
    StreamRequest request;
    request.checkpoint.directory = JoinPath(root_, "checkpoint");
    request.conf.min_batches_to_retain = 1;
    request.plan.streams = {relation};
    request.plan.compile = [relation](int64_t) -> Result<std::unique_ptr<StreamPlan>> {
      return std::make_unique<StreamPlan>(std::make_unique<testing_streams::PassThrough>(relation));
    };
    request.trigger = {Trigger::Kind::kAvailableNow};
    request.open_sink = [&](const std::string& query_id, const std::string&) { return OpenFileSink(files, "json", Out(), {.query_id = query_id}, 1); };
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

  std::string In() const { return JoinPath(root_, "in"); }
  std::string Out() const { return JoinPath(root_, "out"); }

  std::vector<int64_t> Values() {
    std::vector<int64_t> values;
    if (!std::filesystem::exists(Out() + "/_spark_metadata")) return values;
    auto table = OpenFiles(Reads(Out(), false), {.fs = Fs::Local(), .clock = Clock::System()});
    EXPECT_TRUE(table.ok()) << table.status().message();
    if (!table.ok()) return values;
    auto rows = dynamic_cast<const BatchRelationSource&>(**table).Scan({.columns = {"value"}, .filters = {}});
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
    std::vector<int64_t> expected(static_cast<size_t>(available_));
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
  int available_ = 0;
  int64_t told_ = 0;
};

TEST_F(FilesExactlyOnce, AfterAPowerCutAtAnyStep) {
  const int steps = StepsOfACleanLife();
  ASSERT_GT(steps, 40);
  for (int step = 1; step <= steps && !HasFailure(); ++step, Again()) {
    SCOPED_TRACE("power cut at step " + std::to_string(step));
    CrashFs fs(*disk_, step);
    Live(fs);
    disk_->CutPower();
    ExpectNothingDoubledAndAllThatWasTold();
    AddFiles(2);  // planned anew, a batch that was begun would now be another one
    ExpectAllAfterACleanStart();
  }
}

TEST_F(FilesExactlyOnce, AfterAKillAndAPowerCutInTheRecoveryFromIt) {
  const int steps = StepsOfACleanLife();
  for (int step = 1; step <= steps && !HasFailure(); step += 3) {
    bool survived = false;
    // A few of all pairs; each second step comes after some first.
    for (int second = 1 + step % 17; !survived && !HasFailure(); second += 17, Again()) {
      SCOPED_TRACE("kill at step " + std::to_string(step) + ", power cut at step " + std::to_string(second) + " of the next life");
      CrashFs first_life(*disk_, step);
      Live(first_life);
      ExpectNothingDoubledAndAllThatWasTold();
      AddFiles(2);
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
