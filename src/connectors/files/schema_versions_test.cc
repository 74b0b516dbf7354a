// The schema log as users see it: why a version is there, and the way back to an earlier one.

#include "connectors/files/schema_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/files/cloud_files_source.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"
#include "formats/formats_errors.h"
#include "storage/failpoint.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SchemaChanges, SayWhatIsNewWiderAndGone) {
  const SchemaChanges changes =
      ChangesBetween(*SchemaFromDdl("id INT, user STRUCT<name: STRING, age: INT>, tags ARRAY<STRUCT<k: INT>>, gone STRING"),
                     *SchemaFromDdl("id BIGINT, user STRUCT<name: STRING, age: BIGINT, `e-mail`: STRING>, tags ARRAY<STRUCT<k: INT, v: INT>>, n INT"));
  EXPECT_THAT(changes.added, ElementsAre("user.`e-mail` STRING", "tags.element.v INT", "n INT"));
  EXPECT_THAT(changes.widened, ElementsAre("id INT -> BIGINT", "user.age INT -> BIGINT"));
  EXPECT_THAT(changes.removed, ElementsAre(ColumnPath{"gone"}));
}

TEST(SchemaLog, KeepsTheCauseAndWhatIsFrozen) {
  SchemaVersion version{.number = 4, .data = *SchemaFromDdl("a INT"), .frozen = {{"b"}, {"c.d", "e"}}};
  version.cause = {.time_ms = 1764529872000, .mode = "addNewColumns", .file = "/in/ü 1.json", .batch = 3, .added = {"a INT"}, .widened = {"b INT -> BIGINT"}};
  const std::string text = EncodeSchemaVersion(version);
  EXPECT_THAT(text, HasSubstr("\"frozen\":[\"b\",\"`c.d`.e\"],\"cause\":{\"timestamp\":1764529872000,\"mode\":\"addNewColumns\",\"file\":\"file:///in/"));
  const SchemaVersion read = *DecodeSchemaVersion(text, 4);
  EXPECT_EQ(read.frozen, version.frozen);
  EXPECT_EQ(read.cause.file, "/in/ü 1.json");
  EXPECT_EQ(read.cause.batch, 3);
  EXPECT_EQ(read.cause.added, version.cause.added);
  EXPECT_EQ(read.cause.widened, version.cause.widened);
  // What others have written there is not ours to refuse.
  EXPECT_EQ(DecodeSchemaVersion("v1\n{\"dataSchemaJson\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"cause\":7,\"frozen\":\"x\"}", 0)->cause.mode,
            "");
}

// A stream of the fake format whose schema is kept in its checkpoint.
class SchemaVersions : public testing::Test {
 protected:
  Status Start(OptionMap options = {}) {
    source_.reset();
    options.try_emplace("cloudFiles.format", "json");
    options.try_emplace("cloudFiles.schemaLocation", state_.path());
    MS_ASSIGN_OR_RETURN(relation_, OpenCloudFiles({.format = "cloudFiles", .options = options, .paths = {in_.path()}, .is_streaming = true},
                                                  {.fs = Fs::Local(), .clock = Clock::System(), .make_format = test::MakeFakeFormat}));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return Status();
  }
  // The next batch, from what is loaded: "id" of its rows. Its number is that of the attempt.
  Result<std::vector<std::string>> Load(const std::string& column = "id") {
    dynamic_cast<KeepsBadRecords&>(*source_).BeginBatch("q", BatchId(batch_++));
    MS_ASSIGN_OR_RETURN(std::optional<StreamOffset> end, source_->LatestOffset(at_, {}));
    if (!end) return std::vector<std::string>();
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, source_->ReadBatch(at_, *end, {.columns = {column}}));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*rows));
    RowStreamPtr read = MakeRowStream(rows->schema(), batches);
    at_ = end;
    return Values(*read, column);
  }
  std::string Columns() const {
    std::string names;
    for (const StructField& field : relation_->schema()) names += (names.empty() ? "" : ",") + field.name;
    return names;
  }
  SchemaVersion Latest() { return **SchemaLog(Fs::Local(), state_.path()).Latest(); }
  Result<SchemaReverted> Revert(const SchemaRevert& revert) { return RevertSchema(Fs::Local(), Clock::System(), state_.path(), revert); }

  TempDir in_, state_;
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
  std::optional<StreamOffset> at_;
  int64_t batch_ = 0;
};

TEST_F(SchemaVersions, NameTheFileAndTheBatch) {
  for (int i = 0; i < 5; ++i) WriteFile(in_ / ("a" + std::to_string(i)), "id=" + std::to_string(i));
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Latest().cause.mode, "inferred");
  EXPECT_GT(Latest().cause.time_ms, 0);
  ASSERT_TRUE(Load().ok());
  for (int i = 0; i < 9; ++i) WriteFile(in_ / ("b" + std::to_string(i)), i == 6 || i == 8 ? "id=1,extra=x" : "id=1");
  EXPECT_TRUE(Load().status().Is(errors::kNewFieldsInFile));
  const SchemaVersion latest = Latest();
  EXPECT_EQ(latest.number, 1);
  EXPECT_EQ(latest.cause.mode, "addNewColumns");
  EXPECT_EQ(latest.cause.file, in_ / "b6");
  EXPECT_EQ(latest.cause.batch, 1);
  EXPECT_THAT(latest.cause.added, ElementsAre("extra STRING"));
}

TEST_F(SchemaVersions, RulesGoBeforeTheMode) {
  WriteFile(in_ / "a", "id=1");
  OptionMap options{{"cloudFiles.schemaEvolutionMode", "rescue"}, {"cloudFiles.schemaEvolutionPolicy", "good: add, bad: fail"}};
  ASSERT_TRUE(Start(options).ok());
  ASSERT_TRUE(Load().ok());
  WriteFile(in_ / "b", "id=2,other=x");
  EXPECT_THAT(*Load(), ElementsAre("2"));
  WriteFile(in_ / "c", "id=3,other=x,good=y");
  Status status = Load().status();
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile));
  EXPECT_THAT(status.message(), HasSubstr("[good]"));
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(Columns(), "id,good,_rescued_data");
  EXPECT_THAT(*Load("good"), ElementsAre("y"));
  WriteFile(in_ / "d", "id=4,bad=x,good=z");
  status = Load().status();
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile));
  EXPECT_THAT(status.message(), HasSubstr("[bad]"));
  EXPECT_EQ(Latest().number, 1);
}

TEST_F(SchemaVersions, NewDirectoryLevelsAreColumnsWhereTheModeAddsThem) {
  WriteFile(in_ / "day=1/a", "id=1");
  ASSERT_TRUE(Start({{"cloudFiles.inferColumnTypes", "true"}}).ok());
  EXPECT_EQ(Columns(), "id,_rescued_data,day");
  ASSERT_TRUE(Load().ok());
  WriteFile(in_ / "day=2/hour=07/a", "id=2");
  Status status = Load().status();
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile)) << status.message();
  EXPECT_THAT(Latest().cause.added, ElementsAre("hour INT"));
  EXPECT_EQ(Latest().cause.file, in_ / "day=2/hour=07/a");
  ASSERT_TRUE(Start({{"cloudFiles.inferColumnTypes", "true"}}).ok());
  EXPECT_EQ(Columns(), "id,_rescued_data,day,hour");
  EXPECT_THAT(*Load("hour"), ElementsAre("07"));
  WriteFile(in_ / "a", "id=3");
  EXPECT_THAT(*Load("hour"), ElementsAre("<null>"));

  WriteFile(in_ / "day=3/minute=1/a", "id=4");
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionMode", "rescue"}}).ok());
  EXPECT_THAT(*Load(), ElementsAre("4"));
  WriteFile(in_ / "day=3000000000/a", "id=5");
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionMode", "addNewColumnsWithTypeWidening"}, {"cloudFiles.inferColumnTypes", "true"}}).ok());
  EXPECT_TRUE(Load().status().Is(errors::kNewFieldsInFile));
  EXPECT_THAT(Latest().cause.widened, ElementsAre("day INT -> BIGINT"));
}

TEST_F(SchemaVersions, DirectoriesThatDifferAreColumnsFromTheStart) {
  WriteFile(in_ / "a=1/f", "id=1");
  WriteFile(in_ / "a=1/b=2/f", "id=2");
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Columns(), "id,_rescued_data,a,b");
  EXPECT_THAT(*Load("b"), ElementsAre("2", "<null>"));
}

TEST_F(SchemaVersions, RevertAddsAVersionThatARunningQueryObeys) {
  WriteFile(in_ / "a", "id=1");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(Load().ok());
  WriteFile(in_ / "b", "id=2,wreck=x");
  EXPECT_FALSE(Load().ok());
  ASSERT_TRUE(Start().ok());
  EXPECT_THAT(*Load(), ElementsAre("2"));

  auto reverted = Revert({.to = 0, .freezes = true});
  ASSERT_TRUE(reverted.ok()) << reverted.status().message();
  EXPECT_EQ(reverted->version, 2);
  EXPECT_THAT(reverted->removed, ElementsAre("wreck"));
  EXPECT_THAT(reverted->frozen, ElementsAre(ColumnPath{"wreck"}));
  EXPECT_FALSE(Revert({.to = 0, .freezes = true})->is_new);
  WriteFile(in_ / "c", "id=3,wreck=x");
  Status status = Load().status();
  EXPECT_TRUE(status.Is(errors::kSchemaReverted)) << status.message();
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Columns(), "id,_rescued_data");
  EXPECT_THAT(*Load(), ElementsAre("3"));
  // Other columns still come; a rule that names the column lets it come again.
  WriteFile(in_ / "d", "id=4,wreck=x,fine=y");
  EXPECT_TRUE(Load().status().Is(errors::kNewFieldsInFile));
  EXPECT_THAT(Latest().cause.added, ElementsAre("fine STRING"));
  EXPECT_THAT(Latest().frozen, ElementsAre(ColumnPath{"wreck"}));
  ASSERT_TRUE(Start({{"cloudFiles.schemaEvolutionPolicy", "wreck: add"}}).ok());
  EXPECT_TRUE(Load().status().Is(errors::kNewFieldsInFile));
  EXPECT_THAT(Latest().cause.added, ElementsAre("wreck STRING"));
}

TEST_F(SchemaVersions, WithoutFreezeTheNextFileAddsTheColumnAgain) {
  WriteFile(in_ / "a", "id=1");
  OptionMap options{{"cloudFiles.schemaEvolutionMode", "addNewColumnsWithoutRestart"}};
  ASSERT_TRUE(Start(options).ok());
  WriteFile(in_ / "b", "id=2,c=x");
  EXPECT_TRUE(Load().status().retryable());
  ASSERT_NE(*dynamic_cast<SupportsSchemaEvolution&>(*source_).EvolvedRelation(), nullptr);
  EXPECT_THAT(*Load("c"), ElementsAre("<null>", "x"));
  ASSERT_THAT(Revert({.to = 0})->frozen, IsEmpty());
  WriteFile(in_ / "d", "id=3");
  Status status = Load().status();
  EXPECT_TRUE(status.Is(errors::kSchemaReverted) && status.retryable());
  RelationSourcePtr evolved = *dynamic_cast<SupportsSchemaEvolution&>(*source_).EvolvedRelation();
  EXPECT_EQ(evolved->schema().size(), 2u);
  EXPECT_THAT(*Load(), ElementsAre("3"));
  WriteFile(in_ / "e", "id=4,c=y");
  EXPECT_TRUE(Load().status().retryable());
  EXPECT_EQ(Latest().number, 3);
  EXPECT_TRUE(Revert({.to = 9}).status().Is(errors::kNoSchemaVersion));
}

TEST_F(SchemaVersions, AreFoundByTheCheckpoint) {
  WriteFile(in_ / "a", "id=1");
  TempDir elsewhere;
  ASSERT_TRUE(Start({{"cloudFiles.schemaLocation", elsewhere / "s"}}).ok());
  EXPECT_EQ(*FindSchemaLocation(Fs::Local(), state_.path()), elsewhere / "s");
  EXPECT_EQ(*FindSchemaLocation(Fs::Local(), state_ / "sources/0"), elsewhere / "s");
  EXPECT_EQ(*FindSchemaLocation(Fs::Local(), elsewhere / "s"), elsewhere / "s");
  EXPECT_TRUE(FindSchemaLocation(Fs::Local(), in_.path()).status().Is(errors::kNoSchemaLog));
  EXPECT_TRUE(FindSchemaLocation(Fs::Local(), in_ / "nowhere").status().Is(errors::kPathNotFound));
}

// Killed anywhere, the version is there or it is not; the same statement again ends in the same schema.
TEST_F(SchemaVersions, RevertIsWholeWhateverStepFails) {
  WriteFile(in_ / "a", "id=1");
  ASSERT_TRUE(Start().ok());
  WriteFile(in_ / "b", "id=2,c=x");
  EXPECT_FALSE(Load().ok());
  for (const char* step : {"before_sync", "before_link", "after_link", "after_dirsync"}) {
    ASSERT_TRUE(ArmFailpoints(std::string("files.schema_revert.") + step + "=error:5").ok());
    EXPECT_FALSE(Revert({.to = 0, .freezes = true}).ok()) << step;
    ASSERT_TRUE(ArmFailpoints("").ok());
    const bool is_there = std::string_view(step).starts_with("after");
    EXPECT_EQ(Revert({.to = 0, .freezes = true})->is_new, !is_there) << step;
    EXPECT_EQ(Latest().data.size(), 1u);
    ASSERT_TRUE(Revert({.to = 1})->frozen.empty());
    EXPECT_EQ(Latest().data.size(), 2u);
  }
}

}  // namespace
}  // namespace millstream
