#include <arrow/array.h>
#include <arrow/scalar.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "connectors/api/bad_record_keeper.h"
#include "connectors/api/source.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/files_errors.h"
#include "types/spark_ddl.h"

namespace millstream {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class FileStreamSourceTest : public testing::Test {
 protected:
  FileStreamSourceTest() : root_(testing::TempDir() + "file_stream_" + std::to_string(::getpid())) { std::filesystem::create_directories(in()); }
  ~FileStreamSourceTest() override { std::filesystem::remove_all(root_); }
  std::string in() const { return root_ + "/in"; }

  void Write(const std::string& name, int64_t id, int64_t modified_s) {
    const std::string path = in() + "/" + name;
    std::filesystem::create_directories(ParentPath(path));
    std::ofstream(path) << "{\"id\":" << id << "}\n";
    const timespec times[2] = {{modified_s, 0}, {modified_s, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  Result<RelationSourcePtr> Open(OptionMap options, const std::string& path) {
    UnresolvedDataSource relation{
        .format = "json", .schema = *SchemaFromDdl("id BIGINT"), .options = std::move(options), .paths = {path}, .is_streaming = true};
    return OpenFiles(relation, {.fs = Fs::Local(), .clock = Clock::System()});
  }
  std::unique_ptr<Source> Start(OptionMap options = {}, std::string path = "") {
    Result<RelationSourcePtr> relation = Open(std::move(options), path.empty() ? in() : path);
    EXPECT_TRUE(relation.ok()) << relation.status().message();
    relation_ = *relation;
    auto source = dynamic_cast<const StreamingRelationSource&>(*relation_).CreateSource(root_ + "/cp/sources/0");
    EXPECT_TRUE(source.ok()) << source.status().message();
    return source.ok() ? std::move(*source) : nullptr;
  }
  std::string StartError(OptionMap options) {
    Result<RelationSourcePtr> relation = Open(std::move(options), in());
    if (!relation.ok()) return relation.status().message();
    return dynamic_cast<const StreamingRelationSource&>(**relation).CreateSource(root_ + "/cp/bad").status().message();
  }
  // The ids of the next batch, sorted; empty when there is none. Moves `at` on.
  std::string Next(Source& source, std::optional<StreamOffset>& at, const char* column = "id") {
    Result<std::optional<StreamOffset>> end = source.LatestOffset(at, {});
    if (!end.ok()) return end.status().message();
    if (!*end) return "";
    Result<RowStreamPtr> rows = source.ReadBatch(at, **end, {.columns = {column}});
    if (!rows.ok()) return rows.status().message();
    Result<std::vector<RecordBatchPtr>> batches = Drain(**rows);
    if (!batches.ok()) return batches.status().message();
    std::vector<std::string> ids;
    for (const RecordBatchPtr& batch : *batches)
      for (int64_t row = 0; row < batch->num_rows(); ++row) ids.push_back((*batch->column(0)->GetScalar(row))->ToString());
    std::sort(ids.begin(), ids.end());
    EXPECT_TRUE(source.Commit(**end).ok());
    at = *end;
    std::string text = (*end)->json + ":";
    for (const std::string& id : ids) text += " " + id;
    return text;
  }

  const std::string root_;
  RelationSourcePtr relation_;
};

TEST_F(FileStreamSourceTest, TakesFilesByTheirTimeAndWritesSparksLog) {
  Write("b.json", 1, 1700000002);
  Write("a.json", 2, 1700000001);
  Write("c d.json", 3, 1700000003);
  std::unique_ptr<Source> source = Start({{"maxFilesPerTrigger", "2"}});
  std::optional<StreamOffset> at;
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1 2");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 3");
  EXPECT_EQ(Next(*source, at), "");
  EXPECT_EQ(source->description(), "FileStreamSource[file:" + in() + "]");
  EXPECT_EQ(source->rows_read(), 1);
  EXPECT_EQ(ReadAll(root_ + "/cp/sources/0/0"), "v1\n{\"path\":\"file://" + in() + "/a.json\",\"timestamp\":1700000001000,\"batchId\":0}\n{\"path\":\"file://" +
                                                    in() + "/b.json\",\"timestamp\":1700000002000,\"batchId\":0}");
  EXPECT_EQ(ReadAll(root_ + "/cp/sources/0/1"), "v1\n{\"path\":\"file://" + in() + "/c%20d.json\",\"timestamp\":1700000003000,\"batchId\":1}");
}
TEST_F(FileStreamSourceTest, GoesOnAfterARestartAndReadsAnOldBatchAgain) {
  Write("a.json", 1, 1700000001);
  std::optional<StreamOffset> at;
  EXPECT_EQ(Next(*Start(), at), "{\"logOffset\":0}: 1");
  Write("b.json", 2, 1700000002);
  {
    // Logged, and then the process ends before the engine's offset is.
    std::unique_ptr<Source> source = Start();
    ASSERT_TRUE(source->LatestOffset(at, {}).ok());
  }
  Write("c.json", 3, 1700000003);
  std::unique_ptr<Source> source = Start();
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 2");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":2}: 3");
  std::optional<StreamOffset> start;
  EXPECT_EQ((*(*Drain(**source->ReadBatch(start, {"{\"logOffset\":2}"}, {.columns = {"id"}})))[0]).num_rows(), 3);
}
TEST_F(FileStreamSourceTest, HonoursTheLimitsOfBytesAndOfAge) {
  for (int i = 0; i < 5; ++i) Write(std::to_string(i) + ".json", i, 1700000000 + i * 86400);
  std::optional<StreamOffset> at;
  std::unique_ptr<Source> source = Start({{"maxBytesPerTrigger", "20"}});
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 0 1");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 2 3");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":2}: 4");
  // Older than the newest by more than seven days: left out, as in Spark.
  Write("old.json", 77, 1690000000);
  EXPECT_EQ(Next(*source, at), "");
  std::filesystem::remove_all(root_ + "/cp");
  at.reset();
  source = Start({{"latestFirst", "true"}, {"maxFilesPerTrigger", "4"}});
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1 2 3 4");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 0 77");
}
TEST_F(FileStreamSourceTest, KnowsFilesByNameAloneWhenAsked) {
  Write("x/a.json", 1, 1700000001);
  Write("y/a.json", 2, 1700000002);
  std::optional<StreamOffset> at;
  std::unique_ptr<Source> source = Start({{"fileNameOnly", "true"}, {"maxFilesPerTrigger", "1"}}, in() + "/*");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1");
  EXPECT_EQ(Next(*source, at), "");
}
TEST_F(FileStreamSourceTest, ReadsPartitionDirectories) {
  Write("p=1/a.json", 1, 1700000001);
  Write("p=x/a.json", 2, 1700000002);
  std::optional<StreamOffset> at;
  std::unique_ptr<Source> source = Start();
  EXPECT_EQ(source->schema().fields().back().name, "p");
  EXPECT_EQ(Next(*source, at, "p"), "{\"logOffset\":0}: 1 x");
  Write("p=y/b.json", 2, 1700000003);
  EXPECT_EQ(Next(*source, at, "p"), "{\"logOffset\":1}: y");
}
TEST_F(FileStreamSourceTest, SeesWhatComesIntoADirectoryThatWasQuiet) {
  Write("a.json", 1, 1700000001);
  std::optional<StreamOffset> at;
  std::unique_ptr<Source> source = Start();
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1");
  ::usleep(120'000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Next(*source, at), "");
  Write("b.json", 2, 1700000002);
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 2");
  Write("c.json", 3, 1700000002);
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":2}: 3");
}
TEST_F(FileStreamSourceTest, FreezesWhatThereIsForAvailableNow) {
  Write("a.json", 1, 1700000001);
  Write("b.json", 2, 1700000002);
  std::optional<StreamOffset> at;
  std::unique_ptr<Source> source = Start({{"maxFilesPerTrigger", "1"}});
  ASSERT_TRUE(dynamic_cast<SupportsTriggerAvailableNow&>(*source).PrepareForTriggerAvailableNow().ok());
  Write("c.json", 3, 1700000003);
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1");
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":1}: 2");
  EXPECT_EQ(Next(*source, at), "");
}
TEST_F(FileStreamSourceTest, DeletesOrArchivesWhatIsDone) {
  Write("a.json", 1, 1700000001);
  std::optional<StreamOffset> at;
  EXPECT_EQ(Next(*Start({{"cleanSource", "archive"}, {"sourceArchiveDir", root_ + "/done"}}), at), "{\"logOffset\":0}: 1");
  EXPECT_FALSE(std::filesystem::exists(in() + "/a.json"));
  EXPECT_TRUE(std::filesystem::exists(root_ + "/done" + in() + "/a.json"));
  Write("b.json", 1, 1700000001);
  EXPECT_EQ(Next(*Start({{"cleanSource", "delete"}}), at), "{\"logOffset\":1}: 1");
  EXPECT_TRUE(std::filesystem::is_empty(in()));
}
TEST_F(FileStreamSourceTest, RefusesOptionsInSparksWords) {
  Write("a.json", 1, 1700000001);
  EXPECT_EQ(StartError({{"maxFilesPerTrigger", "0"}}), "Invalid value '0' for option 'maxFilesPerTrigger', must be a positive integer");
  EXPECT_EQ(StartError({{"maxFilesPerTrigger", "1"}, {"maxBytesPerTrigger", "1"}}),
            "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time");
  EXPECT_EQ(StartError({{"cleanSource", "x"}}), "Invalid mode for clean source option Some(x). Must be one of ARCHIVE,DELETE,OFF");
  EXPECT_EQ(StartError({{"cleanSource", "archive"}}), "Archive mode must be used with 'sourceArchiveDir' option.");
  EXPECT_THAT(StartError({{"cleanSource", "archive"}, {"sourceArchiveDir", in() + "/x"}}), testing::StartsWith("requirement failed: Base archive path"));
  EXPECT_EQ(StartError({{"modifiedAfter", "2020-01-01T00:00:00"}}), "option 'modifiedafter' is not allowed in file stream sources");
}
// A batch that runs again, in another process too, leaves its bad records once.
TEST_F(FileStreamSourceTest, KeepsTheBadRecordsOfABatchOnce) {
  Write("a.json", 1, 1700000001);
  std::ofstream(in() + "/b.json") << "{\"id\":\n{\"id\":2}\n";
  auto kept = [&] {
    std::string text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ + "/bad")) {
      if (entry.is_regular_file()) text += entry.path().filename().string() + ": " + ReadAll(entry.path().string());
    }
    return text;
  };
  const std::string expected = "part-7-stream-q: {\"path\":\"file:" + in() + "/b.json\",\"record\":\"{\\\"id\\\":\",\"reason\":";
  for (int life = 0; life < 2; ++life) {
    std::unique_ptr<Source> source = Start({{"badRecordsPath", root_ + "/bad"}});
    for (int run = 0; run < 2; ++run) {
      dynamic_cast<KeepsBadRecords&>(*source).BeginBatch("q", BatchId(7));
      std::optional<StreamOffset> at;
      EXPECT_EQ(Next(*source, at), "{\"logOffset\":0}: 1 2");
      EXPECT_THAT(kept(), testing::StartsWith(expected));
      EXPECT_EQ(kept().find("part-", 1), std::string::npos) << kept();
    }
  }
}

// What Spark 4.2 left after eleven batches (tests/spark/record_stream_io.py): nothing is read again, and the next step is its twelfth.
TEST_F(FileStreamSourceTest, TakesASparkCheckpointOver) {
  const char* top = std::getenv("MILLSTREAM_SOURCE");
  const std::string recorded = std::string(top != nullptr ? top : ".") + "/tests/spark/data/stream_io/handover";
  std::filesystem::create_directories(root_ + "/cp/sources/0");
  for (const auto& entry : std::filesystem::directory_iterator(recorded + "/cp_files/sources/0")) {
    std::string text = ReadAll(entry.path());
    for (size_t found; (found = text.find("/tmp/millstream_handover/in")) != std::string::npos;) text.replace(found, 27, in());
    std::ofstream(root_ + "/cp/sources/0/" + entry.path().filename().string()) << text;
  }
  for (const auto& entry : std::filesystem::directory_iterator(recorded + "/in")) std::filesystem::copy(entry.path(), in());
  std::optional<StreamOffset> at = StreamOffset{"{\"logOffset\":10}"};
  std::unique_ptr<Source> source = Start({{"maxFilesPerTrigger", "1"}});
  EXPECT_EQ(Next(*source, at), "");
  Write("11.json", 11, 1800000011);
  EXPECT_EQ(Next(*source, at), "{\"logOffset\":11}: 11");
  // The compacted entry answers for its own step only.
  EXPECT_EQ((*Drain(**source->ReadBatch(StreamOffset{"{\"logOffset\":8}"}, {"{\"logOffset\":9}"}, {.columns = {"id"}})))[0]->num_rows(), 1);
}

}  // namespace
}  // namespace millstream
