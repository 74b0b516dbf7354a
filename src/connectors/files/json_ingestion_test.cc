// Auto Loader and batch reads with the real JSON reader.

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "connectors/api/source.h"
#include "connectors/api/table.h"
#include "connectors/files/fake_format.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/files_errors.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JsonIngestion : public ::testing::Test {
 protected:
  FilesContext Context() { return {.fs = Fs::Local(), .clock = Clock::System()}; }
  Status Start(OptionMap options = {}) {
    source_.reset();
    options.try_emplace("cloudFiles.format", "json");
    options.try_emplace("cloudFiles.schemaLocation", state_.path());
    MS_ASSIGN_OR_RETURN(relation_, OpenCloudFiles({.format = "cloudFiles", .options = options, .paths = {in_.path()}, .is_streaming = true}, Context()));
    MS_ASSIGN_OR_RETURN(source_, dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(state_ / "sources/0"));
    return Status();
  }
  // All there is, as one column, read beside all others.
  Result<std::vector<std::string>> ReadAll(const std::string& column) {
    MS_ASSIGN_OR_RETURN(auto end, source_->LatestOffset(std::nullopt, {.all = true}));
    ScanNeeds needs{.columns = {column}};
    for (const StructField& field : relation_->schema()) {
      if (field.name != column) needs.columns.push_back(field.name);
    }
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, source_->ReadBatch(std::nullopt, *end, needs));
    std::vector<std::string> values;
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
      if (!batch) break;
      auto array = std::static_pointer_cast<arrow::StringArray>(batch->column(0));
      for (int64_t i = 0; i < array->length(); ++i) values.push_back(array->IsNull(i) ? "<null>" : array->GetString(i));
    }
    std::sort(values.begin(), values.end());
    return values;
  }

  TempDir in_, state_;
  RelationSourcePtr relation_;
  std::unique_ptr<Source> source_;
};

TEST_F(JsonIngestion, InfersStringsLoadsAndEvolves) {
  WriteFile(in_ / "a.json", "{\"id\":1,\"event\":\"x\"}\n{\"id\":2,\"event\":\"y\"}\n");
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(DataType::Struct(relation_->schema()).SimpleString(), "struct<event:string,id:string,_rescued_data:string>");
  EXPECT_THAT(*ReadAll("id"), ElementsAre("1", "2"));
  EXPECT_EQ(source_->rows_read(), 2);
  WriteFile(in_ / "b.json", "{\"id\":3,\"event\":\"z\",\"amount\":1.5}\n");
  Status status = ReadAll("id").status();
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile)) << status.message();
  EXPECT_FALSE(status.retryable());
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(DataType::Struct(relation_->schema()).SimpleString(), "struct<event:string,id:string,amount:string,_rescued_data:string>");
  EXPECT_THAT(*ReadAll("amount"), ElementsAre("1.5", "<null>", "<null>"));
}

TEST_F(JsonIngestion, WidensTypesAndAsksForARestart) {
  OptionMap options{{"cloudFiles.schemaEvolutionMode", "addNewColumnsWithTypeWidening"}, {"cloudFiles.inferColumnTypes", "true"}};
  WriteFile(in_ / "a.json", "{\"id\":1,\"s\":{\"n\":1},\"h\":1}\n");
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(relation_->schema()[1].type, DataType::Long());
  WriteFile(in_ / "b.json", "{\"id\":12345678901234567890,\"s\":{\"n\":12345678901234567890},\"more\":true,\"h\":\"x\"}\n");
  Status status = ReadAll("_rescued_data").status();
  EXPECT_TRUE(status.Is(errors::kNewFieldsInFile)) << status.message();
  EXPECT_THAT(status.message(), HasSubstr("id BIGINT -> DECIMAL(20,0)"));
  EXPECT_FALSE(status.retryable());
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(DataType::Struct(relation_->schema()).SimpleString(),
            "struct<h:bigint,id:decimal(20,0),s:struct<n:decimal(20,0)>,more:boolean,_rescued_data:string>");
  // A text is no wider number: it is rescued.
  EXPECT_THAT(*ReadAll("_rescued_data"), ElementsAre("<null>", HasSubstr("\"h\":\"x\"")));
}

TEST_F(JsonIngestion, RescuesWhatDoesNotFit) {
  WriteFile(in_ / "a.json", "{\"id\":1}\n");
  OptionMap options{{"cloudFiles.schemaEvolutionMode", "rescue"}, {"cloudFiles.inferColumnTypes", "true"}};
  ASSERT_TRUE(Start(options).ok());
  EXPECT_EQ(relation_->schema()[0].type, DataType::Long());
  WriteFile(in_ / "b.json", "{\"id\":\"no number\",\"other\":{\"k\":1}}\n");
  std::vector<std::string> rescued = *ReadAll("_rescued_data");
  ASSERT_EQ(rescued.size(), 2u);
  EXPECT_EQ(rescued[0], "<null>");
  EXPECT_THAT(rescued[1], HasSubstr("no number"));
  EXPECT_THAT(rescued[1], HasSubstr("_file_path"));
}

TEST_F(JsonIngestion, EveryNameCanBeRead) {
  for (const char* name : {"a b.json", "a\nb.json", "a%20b.json", "a#b.json", "[x].json", "*.json", "a:b.json", "\xff.json", "?.json"}) {
    WriteFile(in_ / name, "{\"id\":1}\n");
  }
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(ReadAll("id")->size(), 9u);
}

TEST_F(JsonIngestion, AHalfWrittenTailIsRescuedNotLost) {
  WriteFile(in_ / "a.json", "{\"id\":1}\n{\"id\":2,\"ev");
  ASSERT_TRUE(Start({{"cloudFiles.schemaHints", "id STRING"}}).ok());
  Result<std::vector<std::string>> ids = ReadAll("id");
  ASSERT_TRUE(ids.ok()) << ids.status().message();
  EXPECT_EQ(ids->size(), 2u);
}

TEST_F(JsonIngestion, BatchReadsTakePartitionsAndGlobs) {
  WriteFile(in_ / "day=2026-01-02/a.json", "{\"id\":1}\n");
  WriteFile(in_ / "day=2026-01-03/b.json", "{\"id\":2}\n");
  WriteFile(in_ / "day=2026-01-03/_hidden.json", "{\"id\":9}\n");
  auto open = [&](std::string path, OptionMap options = {}) {
    return OpenFiles({.format = "JSON", .options = std::move(options), .paths = {std::move(path)}}, Context());
  };
  auto table = open(in_.path());
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ(DataType::Struct((*table)->schema()).SimpleString(), "struct<id:bigint,day:date>");
  RowStreamPtr rows = *dynamic_cast<const BatchRelationSource&>(**table).Scan({.columns = {"id", "day"}});
  int64_t count = 0;
  std::vector<RecordBatchPtr> batches = *Drain(*rows);
  for (const RecordBatchPtr& batch : batches) count += batch->num_rows();
  EXPECT_EQ(count, 2);
  // Spark: what a glob names is a root, whose own name is no partition.
  EXPECT_EQ(DataType::Struct((*open(in_ / "day=*"))->schema()).SimpleString(), "struct<id:bigint>");
  EXPECT_EQ(DataType::Struct((*open(in_ / "day=*", {{"basePath", in_.path()}}))->schema()).SimpleString(), "struct<id:bigint,day:date>");
  EXPECT_EQ(DataType::Struct((*open(in_ / "day=2026-01-02/a.json"))->schema()).SimpleString(), "struct<id:bigint>");
  EXPECT_TRUE(open(in_ / "day=1*").status().Is(errors::kPathNotFound));
  EXPECT_TRUE(open(in_ / "nowhere").status().Is(errors::kPathNotFound));
  TempDir empty;
  EXPECT_TRUE(open(empty.path()).status().Is(errors::kUnableToInferSchema));
}

TEST_F(JsonIngestion, BatchReadsOfADirectoryWithoutPartitionsStayInIt) {
  WriteFile(in_ / "a.json", "{\"id\":1}\n");
  WriteFile(in_ / "sub/b.json", "{\"other\":2}\n");
  auto open = [&](OptionMap options) { return *OpenFiles({.format = "json", .options = std::move(options), .paths = {in_.path()}}, Context()); };
  EXPECT_EQ(DataType::Struct(open({})->schema()).SimpleString(), "struct<id:bigint>");
  EXPECT_EQ(DataType::Struct(open({{"recursiveFileLookup", "true"}})->schema()).SimpleString(), "struct<id:bigint,other:bigint>");
}

}  // namespace
}  // namespace millstream
