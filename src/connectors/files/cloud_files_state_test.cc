// What a stream says of its files, and what it does with them once they are loaded.

#include "connectors/files/cloud_files_state.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "connectors/api/table.h"
#include "connectors/files/cloud_files_history.h"
#include "connectors/files/cloud_files_source.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr int64_t kDayMs = 86'400'000;

class CloudFilesLife : public ::testing::Test {
 protected:
  void TearDown() override { (void)ArmFailpoints(""); }

  Result<RelationSourcePtr> Open(OptionMap options = {}) {
    options.try_emplace("cloudFiles.format", "json");
    FilesContext context{.fs = Fs::Local(), .clock = clock_, .make_format = test::MakeFakeFormat};
    return OpenCloudFiles(
        {.format = "cloudFiles", .schema = StructType({{"id", DataType::String()}}), .options = options, .paths = {in_.path()}, .is_streaming = true}, context);
  }
  // Another process.
  Status Start(OptionMap options = {}) {
    source_.reset();
    MS_ASSIGN_OR_RETURN(relation_, Open(std::move(options)));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return Status();
  }
  // One batch, if there is something new: its rows.
  Result<std::vector<std::string>> RunBatch(bool commit = true) {
    MS_ASSIGN_OR_RETURN(std::optional<StreamOffset> end, source_->LatestOffset(at_, {}));
    if (!end) return std::vector<std::string>();
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, source_->ReadBatch(at_, *end, {.columns = {"id"}}));
    std::vector<std::string> values = Values(*rows, "id");
    at_ = end;
    if (commit) MS_RETURN_IF_ERROR(source_->Commit(*end));
    return values;
  }
  std::vector<std::string> Column(const std::string& name) {
    auto state = OpenCloudFilesState(Fs::Local(), state_.path());
    EXPECT_TRUE(state.ok()) << state.status().message();
    if (!state.ok()) return {};
    auto rows = dynamic_cast<const BatchRelationSource&>(**state).Scan({.columns = {name}});
    std::vector<std::string> values;
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row)
        values.push_back(batch->column(0)->IsNull(row) ? "<null>" : (*batch->column(0)->GetScalar(row))->ToString());
    }
    return values;
  }
  // "EVENT name", of cloud_files_history.
  std::vector<std::string> Events() {
    auto rows = dynamic_cast<const BatchRelationSource&>(**OpenCloudFilesHistory(Fs::Local(), state_.path())).Scan({.columns = {"event", "path"}});
    std::vector<std::string> events;
    const std::vector<RecordBatchPtr> batches = *Drain(**rows);
    for (const RecordBatchPtr& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        const std::string path = (*batch->column(1)->GetScalar(row))->ToString();
        events.push_back((*batch->column(0)->GetScalar(row))->ToString() + path.substr(path.rfind('/')));
      }
    }
    return events;
  }
  void WriteOld(const std::string& path, const std::string& text) {
    WriteFile(path, text);
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  bool IsThere(const std::string& name) { return std::filesystem::exists(in_ / name); }
  OptionMap Move() {
    return {{"cloudFiles.cleanSource", "MOVE"},
            {"cloudFiles.cleanSource.moveDestination", archive_.path()},
            {"cloudFiles.cleanSource.retentionDuration", "0 seconds"}};
  }

  TempDir in_, state_, archive_;
  ManualClock clock_{4'000'000'000'000};
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::optional<StreamOffset> at_;
};

TEST_F(CloudFilesLife, StateFollowsAFileFromDiscoveryToCommit) {
  WriteFile(in_ / "a b", "id=1");
  ASSERT_TRUE(Start({{"cloudFiles.maxFilesPerTrigger", "1"}}).ok());
  WriteFile(in_ / "c", "id=2");
  WriteFile(in_ / "empty", "");
  ASSERT_TRUE(RunBatch(/*commit=*/false).ok());
  // Beside the running query.
  EXPECT_THAT(Column("path"), ElementsAre("file://" + in_.path() + "/a%20b", "file://" + in_.path() + "/c"));
  EXPECT_THAT(Column("ingestion_state"), ElementsAre("PROCESSING", "<null>"));
  ASSERT_TRUE(source_->Commit(*at_).ok());
  ASSERT_TRUE(RunBatch().ok());
  ASSERT_TRUE(RunBatch().ok());
  EXPECT_THAT(Column("ingestion_state"), ElementsAre("INGESTED", "INGESTED", "<null>"));
  EXPECT_THAT(Column("size"), ElementsAre("4", "4", "0"));
  EXPECT_THAT(Column("commit_time"), ElementsAre(StartsWith("2096-10-02"), StartsWith("2096-10-02"), "<null>"));
  EXPECT_THAT(Column("reason"), ElementsAre("<null>", "<null>", "has no bytes yet"));
  EXPECT_THAT(Column("source_id"), ElementsAre("0", "0", "0"));
  EXPECT_TRUE(OpenCloudFilesState(Fs::Local(), state_ / "sources/0").ok());
  EXPECT_TRUE(OpenCloudFilesState(Fs::Local(), in_.path()).status().Is(errors::kCloudFilesStateMissing));
  EXPECT_TRUE(OpenCloudFilesState(Fs::Local(), in_ / "nowhere").status().Is(errors::kPathNotFound));
}

TEST_F(CloudFilesLife, StateSaysWhatWasLeftOutAndWhy) {
  WriteOld(in_ / "old", "id=0");
  OptionMap options{{"cloudFiles.includeExistingFiles", "false"}, {"ignoreMissingFiles", "true"}};
  ASSERT_TRUE(Start(options).ok());
  EXPECT_THAT(Column("ingestion_state"), ElementsAre("SKIPPED_EXISTING"));
}

TEST_F(CloudFilesLife, AFileThatIsBackWhenItsBatchRunsAgainIsNotToldOfAsMissing) {
  WriteOld(in_ / "a", "id=1");
  WriteOld(in_ / "b", "id=2");
  ASSERT_TRUE(Start().ok());
  std::optional<StreamOffset> end = *source_->LatestOffset(at_, {});
  ASSERT_TRUE(end.has_value());
  // A run with ignoreMissingFiles, which ended before its rows were in the sink.
  source_.reset();
  {
    std::shared_ptr<FileLedger> ledger = *FileLedger::Open(Fs::Local(), state_ / "sources/0/rocksdb");
    ASSERT_TRUE(ledger->RecordFate(2, {.skipped = FileFate::Skipped::kMissing, .reason = "b does not exist"}).ok());
    ASSERT_TRUE(ledger->Sync().ok());
  }
  EXPECT_EQ(Column("ingestion_state").at(1), "SKIPPED_MISSING");
  ASSERT_TRUE(Start().ok());
  EXPECT_THAT(Values(**source_->ReadBatch(at_, *end, {.columns = {"id"}}), "id"), ElementsAre("1", "2"));
  ASSERT_TRUE(source_->Commit(*end).ok());
  EXPECT_THAT(Column("ingestion_state"), ElementsAre("INGESTED", "INGESTED"));
  EXPECT_THAT(Column("reason"), ElementsAre("<null>", "<null>"));
}

TEST_F(CloudFilesLife, AnOverwrittenFileIsNotLoadedAgainButToldOf) {
  WriteOld(in_ / "a", "id=1");
  WriteOld(in_ / "b", "id=2");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunBatch().ok());
  WriteFile(in_ / "a", "id=other");
  clock_.Advance(10'000);  // everything is listed again
  EXPECT_THAT(*RunBatch(), IsEmpty());
  EXPECT_EQ(source_->metrics()["numFilesChangedIgnored"], "1");
  EXPECT_THAT(Column("ingestion_state"), ElementsAre("INGESTED", "INGESTED"));
  EXPECT_THAT(Column("reason"), ElementsAre(HasSubstr("changed since it was loaded"), "<null>"));
  EXPECT_THAT(Events(), ElementsAre("FOUND/a", "LOADED/a", "CHANGED/a", "FOUND/b", "LOADED/b"));
}

TEST_F(CloudFilesLife, DeletesLoadedFilesWhenTheirTimeHasCome) {
  OptionMap options{{"cloudFiles.cleanSource", "DELETE"}, {"cloudFiles.cleanSource.retentionDuration", "8 days"}};
  WriteOld(in_ / "a", "id=1");
  ASSERT_TRUE(Start(options).ok());
  ASSERT_TRUE(RunBatch().ok());
  clock_.Advance(4 * kDayMs);
  WriteOld(in_ / "d/b", "id=2");
  EXPECT_THAT(*RunBatch(), ElementsAre("2"));
  EXPECT_TRUE(IsThere("a"));
  clock_.Advance(4 * kDayMs);
  ASSERT_TRUE(RunBatch().ok());
  EXPECT_FALSE(IsThere("a"));
  EXPECT_TRUE(IsThere("d/b"));
  EXPECT_THAT(Column("archive_mode"), ElementsAre("DELETE", "<null>"));
  EXPECT_EQ(source_->metrics()["numFilesCleaned"], "1");
  // A file that came back changed is another file, which was not loaded: it is not this one that is removed.
  WriteFile(in_ / "d/b", "id=changed");
  ASSERT_TRUE(Start(options).ok());
  ASSERT_TRUE(source_->Commit(*at_).ok());
  clock_.Advance(4 * kDayMs);
  ASSERT_TRUE(RunBatch().ok());
  EXPECT_TRUE(IsThere("d/b"));
  EXPECT_THAT(Column("reason"), ElementsAre("<null>", HasSubstr("changed since it was loaded")));
  EXPECT_THAT(Events(), ElementsAre("FOUND/a", "LOADED/a", "DELETED/a", "FOUND/b", "LOADED/b", "KEPT/b"));
}

TEST_F(CloudFilesLife, MovesLoadedFilesUnderTheirPaths) {
  WriteOld(in_ / "x/a", "id=1");
  ASSERT_TRUE(Start(Move()).ok());
  WriteFile(archive_ / "x/a", "of another day");
  ASSERT_TRUE(RunBatch().ok());
  EXPECT_FALSE(IsThere("x/a"));
  EXPECT_TRUE(std::filesystem::exists(archive_ / "x/a.1"));
  EXPECT_THAT(Column("move_location"), ElementsAre("file://" + archive_.path() + "/x/a.1"));
  EXPECT_THAT(*RunBatch(), IsEmpty());
}

TEST_F(CloudFilesLife, CleaningIsCompleteWhateverStepFails) {
  for (std::string failpoint : {"files.clean.before_remove", "files.clean.after_remove", "files.clean.after_note"}) {
    for (int nth = 1; nth <= 3; ++nth) {
      source_.reset();
      for (const std::string& directory : {in_.path(), state_ / "sources"}) std::filesystem::remove_all(directory);
      at_.reset();
      std::filesystem::create_directories(in_.path());
      for (int i = 0; i < 4; ++i) WriteOld(in_ / std::to_string(i), "id=" + std::to_string(i));
      Status started = Start(Move());
      ASSERT_TRUE(started.ok()) << started.message();
      ASSERT_TRUE(ArmFailpoints(failpoint + "=error:5@" + std::to_string(nth)).ok());
      auto first = source_->LatestOffset(std::nullopt, {});
      ASSERT_TRUE(first.ok());
      EXPECT_EQ(Values(**source_->ReadBatch(std::nullopt, **first, {.columns = {"id"}}), "id").size(), 4u);
      Status committed = source_->Commit(**first);
      ASSERT_TRUE(ArmFailpoints("").ok());
      ASSERT_TRUE(Start(Move()).ok());
      ASSERT_TRUE(source_->Commit(**first).ok()) << failpoint;
      for (int i = 0; i < 4; ++i) EXPECT_FALSE(IsThere(std::to_string(i))) << failpoint << "@" << nth;
      EXPECT_THAT(Column("archive_mode"), ElementsAre("MOVE", "MOVE", "MOVE", "MOVE")) << failpoint << "@" << nth << " " << committed.message();
      int archived = 0;
      for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(archive_.path())) ++archived;
      EXPECT_EQ(archived, 4) << failpoint << "@" << nth;
      std::filesystem::remove_all(archive_.path());
    }
  }
}

TEST_F(CloudFilesLife, OptionsOfCleaningMustFitTogether) {
  WriteFile(in_ / "a", "id=1");
  auto message = [&](OptionMap options) { return Start(std::move(options)).message(); };
  const std::string prefix = "cloudFiles.cleanSource";
  EXPECT_THAT(message({{prefix, "MOVE"}}), HasSubstr("moveDestination"));
  EXPECT_THAT(message({{prefix, "MOVE"}, {prefix + ".moveDestination", in_ / "archive"}}), HasSubstr("below the load path"));
  EXPECT_THAT(message({{prefix, "MOVE"}, {prefix + ".moveDestination", "/proc/x"}}), HasSubstr("another file system"));
  EXPECT_THAT(message({{prefix, "DELETE"}, {prefix + ".retentionDuration", "7 days"}}), HasSubstr("more than 7 days"));
  EXPECT_THAT(message({{prefix, "DELETE"}, {prefix + ".moveDestination", "/x"}}), HasSubstr("set it to MOVE"));
  EXPECT_THAT(message({{prefix + ".retentionDuration", "8 days"}}), HasSubstr("OFF"));
  EXPECT_THAT(message({{prefix, "ERASE"}}), HasSubstr("OFF DELETE MOVE"));
  EXPECT_THAT(message({{"cloudFiles.maxFileAge", "3 days"}}), HasSubstr("14 days"));
  EXPECT_TRUE(Start({{"cloudFiles.backfillInterval", "1 hour"}}).ok());
  EXPECT_THAT(message({{"cloudFiles.backfillInterval", "soon"}}), HasSubstr("interval"));
  EXPECT_THAT(message({{"cloudFiles.allowOverwrites", "true"}, {"cloudFiles.changedFiles", "ignored"}}), HasSubstr("says otherwise"));
  EXPECT_THAT(message({{"cloudFiles.resourceTag.team", "x"}}), HasSubstr("resourceTag"));
  EXPECT_THAT(message({{"cloudFiles.settelTime", "1 second"}}), HasSubstr("Did you mean `cloudFiles.settleTime`?"));
}

}  // namespace
}  // namespace millstream
