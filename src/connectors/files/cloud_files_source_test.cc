#include "connectors/files/cloud_files_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "connectors/files/cloud_files_offset.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "formats/formats_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Offset = std::optional<StreamOffset>;

class CloudFiles : public ::testing::Test {
 protected:
  void TearDown() override { (void)ArmFailpoints(""); }

  Result<RelationSourcePtr> Open(OptionMap options = {}, std::optional<StructType> schema = std::nullopt, std::string path = "") {
    options.try_emplace("cloudFiles.format", "json");
    options.try_emplace("cloudFiles.schemaLocation", state_ / "schema");
    FilesContext context{.fs = Fs::Local(), .clock = Clock::System(), .make_format = test::MakeFakeFormat};
    return OpenCloudFiles(
        {.format = "cloudFiles", .schema = std::move(schema), .options = options, .paths = {path.empty() ? in_.path() : path}, .is_streaming = true}, context);
  }
  // A new process: everything in memory is gone.
  Status Start(OptionMap options = {}, std::optional<StructType> schema = std::nullopt) {
    source_.reset();
    MS_ASSIGN_OR_RETURN(relation_, Open(std::move(options), std::move(schema)));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return Status();
  }
  Offset Latest(const Offset& start) {
    auto latest = source_->LatestOffset(start, {});
    EXPECT_TRUE(latest.ok()) << latest.status().message();
    return latest.ok() ? *latest : std::nullopt;
  }
  std::vector<std::string> Read(const Offset& start, const Offset& end, const std::string& column = "id") {
    auto rows = source_->ReadBatch(start, *end, {.columns = {column}});
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    return rows.ok() ? Values(**rows, column) : std::vector<std::string>{};
  }
  Status ReadStatus(const Offset& start, const Offset& end) {
    auto rows = source_->ReadBatch(start, *end, {.columns = {"id"}});
    return rows.ok() ? Drain(**rows).status() : rows.status();
  }

  TempDir in_, state_;
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
};

TEST_F(CloudFiles, LoadsNewFilesOnce) {
  WriteFile(in_ / "a", "id=1\nid=2");
  WriteFile(in_ / "sub/b", "id=3");
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(relation_->schema().size(), 2u);
  EXPECT_EQ(relation_->schema()[1].name, "_rescued_data");
  EXPECT_EQ(source_->description(), "CloudFilesSource[file:" + in_.path() + "]");
  Offset first = Latest(std::nullopt);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->json, "{\"seqNum\":2,\"sourceVersion\":1,\"lastBackfillStartTimeMs\":0,\"lastBackfillFinishTimeMs\":0}");
  EXPECT_THAT(Read(std::nullopt, first), ElementsAre("1", "2", "3"));
  EXPECT_EQ(source_->rows_read(), 3);
  EXPECT_FALSE(Latest(first).has_value());
  WriteFile(in_ / "c", "id=4");
  Offset second = Latest(first);
  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(Read(first, second), ElementsAre("4"));

  ASSERT_TRUE(Start().ok());
  EXPECT_FALSE(Latest(second).has_value());
  EXPECT_THAT(Read(std::nullopt, first), ElementsAre("1", "2", "3"));
  EXPECT_THAT(Read(first, second), ElementsAre("4"));
}

TEST_F(CloudFiles, HonoursTheLimitsOfABatch) {
  for (int i = 0; i < 10; ++i) WriteFile(in_ / std::to_string(i), "id=" + std::to_string(i));
  ASSERT_TRUE(Start({{"cloudFiles.maxFilesPerTrigger", "4"}}).ok());
  std::vector<size_t> sizes;
  Offset at;
  while (Offset next = Latest(at)) {
    sizes.push_back(Read(at, next).size());
    at = next;
  }
  EXPECT_THAT(sizes, ElementsAre(4, 4, 2));
  EXPECT_EQ(source_->metrics()["numFilesOutstanding"], "0");

  std::filesystem::remove_all(state_ / "sources");
  ASSERT_TRUE(Start({{"cloudFiles.maxBytesPerTrigger", "10"}}).ok());  // files of 4 bytes
  Offset end = Latest(std::nullopt);
  EXPECT_EQ(Read(std::nullopt, end).size(), 3u);
  EXPECT_EQ(source_->metrics()["numFilesOutstanding"], "7");
  EXPECT_EQ(source_->metrics()["numBytesOutstanding"], "28");
  EXPECT_EQ(Read(end, *source_->LatestOffset(end, {.all = true})).size(), 7u);
}

TEST_F(CloudFiles, AvailableNowTakesWhatIsThereAtTheStartAndNothingElse) {
  for (int i = 0; i < 5; ++i) WriteFile(in_ / std::to_string(i), "id=" + std::to_string(i));
  ASSERT_TRUE(Start({{"cloudFiles.maxFilesPerTrigger", "2"}}).ok());
  ASSERT_TRUE(dynamic_cast<SupportsTriggerAvailableNow&>(*source_).PrepareForTriggerAvailableNow().ok());
  WriteFile(in_ / "late", "id=late");
  std::vector<std::string> all;
  Offset at;
  int batches = 0;
  while (Offset next = Latest(at)) {
    for (std::string& value : Read(at, next)) all.push_back(std::move(value));
    at = next;
    ++batches;
  }
  EXPECT_EQ(batches, 3);
  EXPECT_EQ(all.size(), 5u);
  ASSERT_TRUE(Start().ok());
  EXPECT_THAT(Read(at, Latest(at)), ElementsAre("late"));
}

TEST_F(CloudFiles, CanLeaveOutWhatIsThereAtTheFirstStart) {
  WriteFile(in_ / "old", "id=old");
  OptionMap options{{"cloudFiles.includeExistingFiles", "false"}};
  ASSERT_TRUE(Start(options).ok());
  EXPECT_FALSE(Latest(std::nullopt).has_value());
  WriteFile(in_ / "new", "id=new");
  ASSERT_TRUE(Start(options).ok());
  EXPECT_THAT(Read(std::nullopt, Latest(std::nullopt)), ElementsAre("new"));
}

TEST_F(CloudFiles, TakesPartitionColumnsFromThePath) {
  WriteFile(in_ / "day=2026-01-02/city=a%2Fb/f", "id=1");
  WriteFile(in_ / "day=2026-01-03/city=__HIVE_DEFAULT_PARTITION__/f", "id=2");
  ASSERT_TRUE(Start({{"cloudFiles.inferColumnTypes", "true"}}).ok());
  const StructType& schema = relation_->schema();
  ASSERT_EQ(schema.size(), 4u);
  EXPECT_EQ(schema[2].name, "day");
  EXPECT_EQ(schema[2].type, DataType::Date());
  Offset end = Latest(std::nullopt);
  EXPECT_THAT(Read(std::nullopt, end, "city"), ElementsAre("<null>", "a/b"));
  EXPECT_EQ((*Open({{"cloudFiles.partitionColumns", ""}, {"cloudFiles.schemaLocation", state_ / "other"}}))->schema().size(), 2u);
}

TEST_F(CloudFiles, AddsANewColumnAndAsksForARestart) {
  WriteFile(in_ / "a", "id=1");
  ASSERT_TRUE(Start().ok());
  Offset first = Latest(std::nullopt);
  WriteFile(in_ / "b", "id=2,extra=x,more=y");
  Offset second = Latest(first);
  Status status = ReadStatus(first, second);
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile));
  EXPECT_FALSE(status.retryable());
  EXPECT_TRUE(std::filesystem::exists(state_ / "schema/_schemas/1"));
  ASSERT_TRUE(Start().ok());
  ASSERT_EQ(relation_->schema().size(), 4u);
  EXPECT_EQ(relation_->schema()[1].name, "extra");
  EXPECT_THAT(Read(first, second, "extra"), ElementsAre("x"));
}

TEST_F(CloudFiles, OtherModesDoNotTouchTheSchema) {
  WriteFile(in_ / "a", "id=1");
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionMode", "rescue"}}).ok());
  WriteFile(in_ / "b", "id=2,extra=x");
  Offset end = Latest(std::nullopt);
  EXPECT_THAT(Read(std::nullopt, end), ElementsAre("1", "2"));
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionMode", "failOnNewColumns"}}).ok());
  const Status refused = ReadStatus(std::nullopt, end);
  EXPECT_TRUE(refused.Is(errors::kNewFieldsInFile));
  EXPECT_THAT(refused.message(), testing::HasSubstr("automatic retry: false. Change the schema"));
  EXPECT_FALSE(std::filesystem::exists(state_ / "schema/_schemas/1"));
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionMode", "none"}}).ok());
  EXPECT_EQ(relation_->schema().size(), 1u);
  EXPECT_TRUE(ReadStatus(std::nullopt, end).ok());
}

TEST_F(CloudFiles, GrownFilesAreReadAgainWithTheirNewSize) {
  WriteFile(in_ / "a", "id=1");
  std::filesystem::last_write_time(in_ / "a", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(Start().ok());
  Offset end = Latest(std::nullopt);
  WriteFile(in_ / "a", "id=1\nid=2");
  Status status = ReadStatus(std::nullopt, end);
  EXPECT_TRUE(status.Is(errors::kSourceFileChanged));
  EXPECT_TRUE(status.retryable());
  EXPECT_THAT(Read(std::nullopt, end), ElementsAre("1", "2"));
}

TEST_F(CloudFiles, AFileThatVanishesBeforeItIsReadIsAnErrorNotALoss) {
  WriteFile(in_ / "a", "id=1");
  WriteFile(in_ / "b", "id=2");
  ASSERT_TRUE(Start().ok());
  Offset end = Latest(std::nullopt);
  std::filesystem::remove(in_ / "b");
  EXPECT_TRUE(ReadStatus(std::nullopt, end).Is(errors::kSourceFileMissing));
}

TEST_F(CloudFiles, RefusesACheckpointWhoseLedgerIsGone) {
  WriteFile(in_ / "a", "id=1");
  ASSERT_TRUE(Start().ok());
  Offset end = Latest(std::nullopt);
  source_.reset();
  std::filesystem::remove_all(state_ / "sources");
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(source_->LatestOffset(end, {}).status().Is(errors::kLedgerBehindCheckpoint));
  EXPECT_TRUE(ReadStatus(std::nullopt, end).Is(errors::kLedgerBehindCheckpoint));
  EXPECT_TRUE(source_->LatestOffset(StreamOffset{"{\"logOffset\":3}"}, {}).status().Is(errors::kOffsetUnreadable));
}

// Whatever step fails, and however often: each file is in exactly one logged batch.
TEST_F(CloudFiles, LosesAndDoublesNothingWhenAnyStepFails) {
  WriteFile(in_ / "seed", "id=seed");
  ASSERT_TRUE(Start().ok());  // the schema is there
  source_.reset();
  for (std::string failpoint : {"files.ledger.before_write", "files.ledger.after_write", "files.ledger.before_sync", "files.ledger.after_sync"}) {
    for (int nth = 1; nth <= 3; ++nth) {
      std::filesystem::remove_all(in_.path());
      std::filesystem::remove_all(state_ / "sources");
      std::vector<std::string> loaded;
      std::set<std::string> expected;
      Offset logged;
      for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 7; ++i) {
          std::string id = std::to_string(round) + "_" + std::to_string(i);
          WriteFile(in_ / ("d" + std::to_string(i % 3) + "/" + id), "id=" + id);
          expected.insert(id);
        }
        ASSERT_TRUE(ArmFailpoints(failpoint + "=error:5@" + std::to_string(nth)).ok());
        Status started = Start({{"cloudFiles.maxFilesPerTrigger", "3"}});
        for (int batch = 0; started.ok() && batch < 3; ++batch) {
          Result<Offset> end = source_->LatestOffset(logged, {});
          if (!end.ok()) break;  // "the process dies here"
          if (!*end) break;
          for (std::string& id : Read(logged, *end)) loaded.push_back(std::move(id));
          logged = *end;
        }
        if (round % 2 == 0) source_.reset();  // a restart, or the same source called again after its error
      }
      ASSERT_TRUE(ArmFailpoints("").ok());
      ASSERT_TRUE(Start().ok());
      while (Offset end = Latest(logged)) {
        for (std::string& id : Read(logged, end)) loaded.push_back(std::move(id));
        logged = end;
      }
      std::sort(loaded.begin(), loaded.end());
      EXPECT_EQ(loaded, std::vector<std::string>(expected.begin(), expected.end())) << failpoint << "@" << nth;
    }
  }
}

TEST_F(CloudFiles, SchemaIsWholeWhateverStepFails) {
  WriteFile(in_ / "a", "id=1");
  for (const char* failpoint : {"files.schema.before_sync", "files.schema.before_link", "files.schema.after_link", "files.schema.after_dirsync"}) {
    std::filesystem::remove_all(state_ / "schema");
    ASSERT_TRUE(ArmFailpoints(std::string(failpoint) + "=error:5").ok());
    EXPECT_FALSE(Open().ok()) << failpoint;
    ASSERT_TRUE(ArmFailpoints("").ok());
    auto opened = Open();
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    EXPECT_EQ((*opened)->schema().size(), 2u);
  }
}

TEST_F(CloudFiles, ExplainsWhatIsMissing) {
  EXPECT_TRUE(Open().status().Is(errors::kCloudFilesEmptyDirectory));
  EXPECT_TRUE(Open({}, std::nullopt, in_ / "nowhere").status().Is(errors::kPathNotFound));
  WriteFile(in_ / "a", "id=1");
  FilesContext context{.fs = Fs::Local(), .clock = Clock::System(), .make_format = test::MakeFakeFormat};
  UnresolvedDataSource relation{.format = "cloudFiles", .options = {{"cloudFiles.format", "json"}}, .paths = {in_.path()}, .is_streaming = true};
  EXPECT_TRUE(OpenCloudFiles(relation, context).status().Is(errors::kCloudFilesSchemaLocationMissing));
  relation.options = {{"cloudFiles.fromat", "json"}};
  EXPECT_THAT(OpenCloudFiles(relation, context).status().message(), HasSubstr("Did you mean `cloudFiles.format`?"));
  StructType schema({{"id", DataType::String()}});
  EXPECT_TRUE(Open({{"cloudFiles.schemaEvolutionMode", "addNewColumns"}}, schema).status().Is(errors::kCloudFilesEvolutionWithSchema));
  EXPECT_EQ((*Open({}, schema))->schema(), schema);
}

TEST_F(CloudFiles, OptionsAreCheckedByNameAndByWhatIsBuilt) {
  WriteFile(in_ / "a", "id=1");
  EXPECT_TRUE(Open({{"multiLin", "true"}}).status().Is(errors::kUnknownOption));
  EXPECT_THAT(Open({{"multiLin", "true"}}).status().message(), HasSubstr("multiLine"));
  EXPECT_TRUE(Open({{"multiLin", "true"}, {"cloudFiles.validateOptions", "false"}}).ok());
  EXPECT_TRUE(Open({{"cloudFiles.useNotifications", "true"}}).status().Is(errors::kUnsupportedFeature));
  EXPECT_TRUE(Open({{"cloudFiles.useNotifications", "false"}}).ok());
  EXPECT_TRUE(Open({{"cloudFiles.maxFilesPerTrigger", "0"}}).status().Is(errors::kInvalidOptionValue));
  EXPECT_TRUE(Open({{"CLOUDFILES.MAXFILESPERTRIGGER", "5"}}).ok());
}

TEST_F(CloudFiles, HintsWinOverInference) {
  WriteFile(in_ / "a", "id=1,n=2");
  auto relation = *Open({{"cloudFiles.schemaHints", "n INT, absent.inner ARRAY<DATE>"}});
  EXPECT_EQ(relation->schema()[1].type, DataType::Integer());
  EXPECT_EQ(relation->schema()[2].type.SimpleString(), "struct<inner:array<date>>");
}

TEST_F(CloudFiles, GoesOnWithANewColumnWhenItNeedNotRestart) {
  WriteFile(in_ / "a", "id=1");
  OptionMap options{{"cloudFiles.schemaEvolutionMode", "addNewColumnsWithoutRestart"}};
  ASSERT_TRUE(Start(options).ok());
  auto& evolving = dynamic_cast<SupportsSchemaEvolution&>(*source_);
  Offset first = Latest(std::nullopt);
  EXPECT_EQ(*evolving.EvolvedRelation(), nullptr);
  WriteFile(in_ / "b", "id=2,extra=x");
  Offset second = Latest(first);
  Status status = ReadStatus(first, second);
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile));
  EXPECT_TRUE(status.retryable());
  RelationSourcePtr evolved = *evolving.EvolvedRelation();
  ASSERT_NE(evolved, nullptr);
  EXPECT_EQ(evolved->schema()[1].name, "extra");
  EXPECT_EQ(evolved->schema()[2].name, "_rescued_data");
  EXPECT_THAT(Read(first, second, "extra"), ElementsAre("x"));
  EXPECT_EQ(*evolving.EvolvedRelation(), nullptr);
}

}  // namespace
}  // namespace millstream
