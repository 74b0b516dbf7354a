// What users ask of the files of a stream (UNDO, REPLAY, FORGET), and files that are replaced when they have changed.

#include <gmock/gmock.h>

#include <filesystem>
#include <random>
#include <set>

#include "connectors/files/files_errors.h"
#include "connectors/files/retraction_fixture.h"

namespace millstream {

void test::RetractedFiles::Write(const std::string& name, const std::string& text) {
  WriteFile(in_ / name, text);
  std::filesystem::last_write_time(in_ / name, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1) + std::chrono::seconds(++writes_));
}

namespace {

using test::RetractedFiles;
using test::Rows;
using test::TempDir;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST_F(RetractedFiles, UndoTakesTheRowsOfItsFilesAndTheyAreNotLoadedAgain) {
  Write("a", "id=1\nid=2");
  Write("b", "id=3");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  ASSERT_EQ(table_.size(), 3u);
  EXPECT_EQ(*Request(FileOperation::kUndo, {"a"}), 1);
  EXPECT_EQ(States()["a"], "INGESTED/UNDO");
  // A batch although there is no new file.
  ASSERT_TRUE(*RunBatch());
  EXPECT_THAT(offsets_.back().json, HasSubstr("\"requestNum\":1"));
  EXPECT_THAT(table_, ElementsAre(Pair("b", "3")));
  EXPECT_EQ(source_->metrics()["numFilesUndone"], "1");
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_EQ(States()["a"], "UNDONE");
  EXPECT_EQ(States()["b"], "INGESTED");
  Write("a", "id=other");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, ElementsAre(Pair("b", "3")));
  // Numbers are not used twice, although the first request is gone.
  EXPECT_EQ(*Request(FileOperation::kReplay, {"a"}), 2);
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "other"), Pair("b", "3")));
  EXPECT_EQ(States()["a"], "REPLACED INGESTED");
}

TEST_F(RetractedFiles, ReplayPutsTheFileInThePlaceOfItsRows) {
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  Write("a", "id=3");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
  ASSERT_TRUE(Request(FileOperation::kReplay, {"a", "b", "a"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "3"), Pair("b", "2")));
  EXPECT_EQ(source_->metrics()["numFilesReplaced"], "2");
  // Nothing to load in their place: the rows stay.
  std::filesystem::remove(in_ / "a");
  ASSERT_TRUE(Request(FileOperation::kReplay, {"a"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "3"), Pair("b", "2")));
}

TEST_F(RetractedFiles, ForgottenFilesAreFoundAgain) {
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  std::filesystem::remove(in_ / "b");
  ASSERT_TRUE(Request(FileOperation::kForget, {"a", "b", "never seen"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "1"), Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(States(), UnorderedElementsAre(Pair("a", "INGESTED")));
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(RetractedFiles, FilesThatWaitAreLeftOutOrLoadedOnce) {
  for (const char* name : {"a", "b", "c"}) Write(name, std::string("id=") + name);
  ASSERT_TRUE(Start({{"cloudFiles.maxFilesPerTrigger", "1"}}).ok());
  ASSERT_TRUE(*RunBatch());
  ASSERT_TRUE(Request(FileOperation::kUndo, {"b"}).ok());
  ASSERT_TRUE(Request(FileOperation::kReplay, {"c"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "a"), Pair("c", "c")));
  EXPECT_EQ(States()["b"], "UNDONE");
  EXPECT_EQ(States()["c"], "INGESTED");
  ASSERT_TRUE(Request(FileOperation::kForget, {"b"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_EQ(table_.count("b"), 1u);
}

TEST_F(RetractedFiles, AvailableNowTakesTheRequestsThatThereAreAtTheStart) {
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  source_.reset();
  ASSERT_TRUE(Request(FileOperation::kUndo, {"a"}).ok());
  ASSERT_TRUE(Request(FileOperation::kForget, {"b"}).ok());
  ASSERT_TRUE(Start({}, /*available_now=*/true).ok());
  ASSERT_TRUE(Request(FileOperation::kReplay, {"a"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("b", "2"), Pair("b", "2")));
  EXPECT_THAT(Waiting(), ElementsAre(3));
  ASSERT_TRUE(Start({}, /*available_now=*/true).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_EQ(table_.count("a"), 1u);
}

TEST_F(RetractedFiles, WhatCannotBeTakenBackIsRefusedBeforeAnythingIsDone) {
  Write("a", "id=1");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  ASSERT_TRUE(Request(FileOperation::kUndo, {"a"}).ok());
  auto& retracts = dynamic_cast<RetractsFiles&>(*source_);
  ASSERT_TRUE(retracts.SetRetractionSupport(Status::Error(errors::kRetractionUnsupported, {{"what", "x"}, {"reason", "y"}})).ok());
  Result<bool> ran = RunBatch();
  ASSERT_TRUE(ran.status().Is(errors::kRetractionUnsupported));
  EXPECT_THAT(ran.status().message(), HasSubstr("requests/1.json"));
  EXPECT_EQ(States()["a"], "INGESTED/UNDO");
  ASSERT_TRUE(Start({{"cloudFiles.changedFiles", "replaced"}}).ok());
  EXPECT_TRUE(dynamic_cast<RetractsFiles&>(*source_)
                  .SetRetractionSupport(Status::Error(errors::kRetractionUnsupported, {{"what", "x"}, {"reason", "y"}}))
                  .Is(errors::kRetractionUnsupported));
}

TEST_F(RetractedFiles, DamagedRequestsDoNothing) {
  Write("a", "id=1");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  const std::string header = "{\"version\":1,\"operation\":\"UNDO\",\"requestedMs\":1}\n", path = "\"file://" + in_.path() + "/a\"\n";
  for (const std::string& bytes : {std::string(), std::string("x"), header, header + path, header + path + "{\"files\":2}\n", header + "\"s3://a\"\n{\"files\":1}\n",
                                   std::string("{\"version\":2,\"operation\":\"UNDO\"}\n{\"files\":0}\n"),
                                   std::string("{\"version\":1,\"operation\":\"BURN\"}\n{\"files\":0}\n"), header + std::string(100'000, 'x')}) {
    WriteFile(directory() + "/requests/1.json", bytes);
    EXPECT_TRUE(RunBatch().status().Is(errors::kFileRequestUnreadable)) << bytes;
  }
  std::filesystem::remove(directory() + "/requests/1.json");
  EXPECT_FALSE(*RunBatch());
  WriteFile(directory() + "/requests/1.json", header + path + "{\"files\":1}\n");
  ASSERT_TRUE(*RunBatch(1));
  std::filesystem::remove(directory() + "/requests/1.json");
  EXPECT_TRUE(Start().Is(errors::kFileRequestMissing));
}

TEST_F(RetractedFiles, AChangedFileTakesThePlaceOfItsRows) {
  Write("a", "id=1\nid=2");
  Write("b", "id=3");
  ASSERT_TRUE(Start({{"cloudFiles.changedFiles", "replaced"}}).ok());
  ASSERT_TRUE(RunAll().ok());
  Write("a", "id=4");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "4"), Pair("b", "3")));
  EXPECT_EQ(States()["a"], "REPLACED INGESTED");
  // Twice before its batch runs: the first number is left out.
  Write("a", "id=5");
  ASSERT_TRUE(*RunBatch(0));
  Write("a", "id=6");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_EQ(table_.find("a")->second, "6");
  EXPECT_EQ(table_.size(), 2u);
  EXPECT_EQ(States()["a"], "REPLACED REPLACED INGESTED");
}

TEST_F(RetractedFiles, ByContentOnlyOtherBytesAreAChange) {
  Write("a", "id=1");
  ASSERT_TRUE(Start({{"cloudFiles.changedFiles", "replaced"}, {"cloudFiles.fileIdentity", "content"}}).ok());
  ASSERT_TRUE(RunAll().ok());
  Write("a", "id=1");  // touched
  EXPECT_FALSE(*RunBatch());
  Write("a", "id=2");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, ElementsAre(Pair("a", "2")));
  Write("b", "id=1");  // these bytes have left the table
  Write("c", "id=2");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "2"), Pair("b", "1")));
  EXPECT_EQ(States()["c"], "SKIPPED_DUPLICATE");
  ASSERT_TRUE(Request(FileOperation::kForget, {"b"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_EQ(table_.count("b"), 2u);
  ASSERT_TRUE(Request(FileOperation::kReplay, {"b"}).ok());
  Write("d", "id=1");
  ASSERT_TRUE(RunAll().ok());
  EXPECT_EQ(table_.count("b"), 1u);
  EXPECT_EQ(States()["d"], "SKIPPED_DUPLICATE");
}

TEST_F(RetractedFiles, CleaningLeavesFilesThatAreToBeLoadedAgain) {
  TempDir archive;
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  ASSERT_TRUE(Request(FileOperation::kReplay, {"a"}).ok());
  ASSERT_TRUE(Request(FileOperation::kUndo, {"b"}).ok());
  ASSERT_TRUE(Start({{"cloudFiles.cleanSource", "MOVE"},
                     {"cloudFiles.cleanSource.moveDestination", archive.path()},
                     {"cloudFiles.cleanSource.retentionDuration", "0 seconds"}})
                  .ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, ElementsAre(Pair("a", "1")));
  EXPECT_FALSE(std::filesystem::exists(in_ / "a"));
  EXPECT_TRUE(std::filesystem::exists(in_ / "b"));
}

TEST_F(RetractedFiles, RowsThatCannotBeFoundStayAndTheStreamGoesOn) {
  for (const char* name : {"a", "b", "c"}) Write(name, std::string("id=") + name);
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  ASSERT_TRUE(Request(FileOperation::kUndo, {"a"}).ok());
  Write("b", "id=other");
  ASSERT_TRUE(Request(FileOperation::kReplay, {"b"}).ok());
  std::filesystem::remove(in_ / "c");
  ASSERT_TRUE(Request(FileOperation::kRemove, {"c"}).ok());
  const StreamOffset before = offsets_.back();
  ASSERT_TRUE(*RunBatch(1));  // logged, and the sink says that it cannot
  auto& retracts = dynamic_cast<RetractsFiles&>(*source_);
  ASSERT_EQ(retracts.RetractedFiles(before, offsets_.back())->size(), 3u);
  const Status why = Status::Error(errors::kSourceRowsLost, {{"path", "x"}, {"table", "t"}, {"reason", "somebody has rewritten them"}});
  // Killed between its steps, it is done again.
  ASSERT_TRUE(ArmFailpoints("files.ledger.after_write=error:5").ok());
  EXPECT_FALSE(retracts.KeepRetractedRows(before, offsets_.back(), why).ok());
  ASSERT_TRUE(ArmFailpoints("").ok());
  ASSERT_TRUE(retracts.KeepRetractedRows(before, offsets_.back(), why).ok());
  EXPECT_THAT(*retracts.RetractedFiles(before, offsets_.back()), IsEmpty());
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "a"), Pair("b", "b"), Pair("c", "c")));
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_EQ(States()["a"], "INGESTED");
  EXPECT_EQ(States()["b"], "INGESTED FAILED");
  EXPECT_EQ(States()["c"], "INGESTED");
  // It can be asked for again, when the table is what it was.
  ASSERT_TRUE(Request(FileOperation::kUndo, {"a"}).ok());
  ASSERT_TRUE(Request(FileOperation::kReplay, {"b"}).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("b", "other"), Pair("c", "c")));
}

TEST_F(RetractedFiles, AMillionPathsInOneRequest) {
  Write("a", "id=1");
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(RunAll().ok());
  constexpr int kPaths = 100'000;  // the file that matters is the last; a million takes ten times as long
  std::vector<std::string> names;
  for (int i = 0; i < kPaths; ++i) names.push_back("day=2026-11-30/part-" + std::to_string(i) + ".json");
  names.emplace_back("a");
  ASSERT_TRUE(Request(FileOperation::kUndo, names).ok());
  ASSERT_TRUE(RunAll().ok());
  EXPECT_THAT(table_, IsEmpty());
}

// Random histories: files come, are overwritten and asked for, and the process dies between any two steps. At the end of each round the table is what the model
// says.
class RandomHistory : public RetractedFiles, public ::testing::WithParamInterface<int> {
 protected:
  // One life, which may end early.
  void LiveAndDie(std::mt19937& random) {
    constexpr const char* kPoints[] = {"files.ledger.before_write", "files.ledger.after_write", "files.ledger.before_sync",   "files.ledger.after_sync",
                                       "files.request.after_change", "files.request.after_taken", "files.request.before_remove", "files.request.after_remove"};
    if (random() % 2 == 0) {
      const std::string point = kPoints[random() % std::size(kPoints)];
      ASSERT_TRUE(ArmFailpoints(point + "=error:5@" + std::to_string(1 + random() % 4)).ok());
    }
    Status status = Start({}, random() % 3 == 0);
    for (int batches = 0; status.ok() && batches < 3; ++batches) {
      const int steps = random() % 3 == 0 ? static_cast<int>(random() % 3) : 3;
      Result<bool> ran = RunBatch(steps);
      status = ran.status();
      if (steps < 3 || !ran.ok() || !*ran) break;
    }
    (void)ArmFailpoints("");
    ++(status.ok() ? lives_ : deaths_);
  }
  int lives_ = 0, deaths_ = 0;
};

TEST_P(RandomHistory, EndsAsTheModelSays) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  options_ = {{"cloudFiles.changedFiles", "replaced"}, {"cloudFiles.maxFilesPerTrigger", std::to_string(1 + random() % 20)}};
  if (GetParam() % 3 == 0) options_["cloudFiles.changedFiles"] = "ignored";
  const bool replaces = options_["cloudFiles.changedFiles"] == "replaced";
  struct File {
    std::string text;
    bool is_undone = false;
    std::vector<std::string> rows;  // of the table
  };
  std::map<std::string, File> model;
  std::map<std::string, File> known;  // of the rounds before
  int versions = 0;
  for (int round = 0; round < 12; ++round) {
    for (int i = static_cast<int>(random() % 6); i > 0; --i) {
      std::string name = "d" + std::to_string(random() % 3) + "/" + std::to_string(model.size());
      std::string text = std::to_string(++versions);
      Write(name, "id=" + text);
      model[name] = {.text = text, .rows = {text}};
    }
    std::set<std::string> asked;
    const std::map<std::string, File> before = std::exchange(known, model);
    for (auto& [name, file] : model) {
      if (random() % 10 != 0) continue;
      ++versions;
      file.text = std::to_string(versions) + std::string(static_cast<size_t>(versions % 7), 'x');
      Write(name, "id=" + file.text);
      if (!file.is_undone && (replaces || !before.contains(name))) file.rows = {file.text};
      // Whether the rows are replaced before a FORGET of the same round, which leaves them, is chance.
      asked.insert(name);
    }
    ASSERT_TRUE(Start().ok());
    ASSERT_TRUE(RunAll().ok());
    for (int i = static_cast<int>(random() % 4); i > 0; --i) {
      const auto operation = static_cast<FileOperation>(random() % 3);
      std::vector<std::string> names;
      for (auto& [name, file] : model) {
        if (random() % 6 != 0 || (operation == FileOperation::kUndo && file.is_undone) || !asked.insert(name).second) continue;
        names.push_back(name);
        if (operation == FileOperation::kUndo) file.rows.clear();
        if (operation == FileOperation::kReplay) file.rows = {file.text};
        if (operation == FileOperation::kForget) file.rows.push_back(file.text);
        file.is_undone = operation == FileOperation::kUndo;
      }
      ASSERT_TRUE(Request(operation, names).ok());
    }
    for (int life = 0; life < 4; ++life) LiveAndDie(random);
    ASSERT_TRUE(Start().ok());
    ASSERT_TRUE(RunAll().ok());
    Rows expected;
    for (const auto& [name, file] : model)
      for (const std::string& row : file.rows) expected.emplace(name, row);
    auto sorted = [](const Rows& rows) { return std::multiset<std::pair<std::string, std::string>>(rows.begin(), rows.end()); };
    ASSERT_EQ(sorted(table_), sorted(expected)) << "round " << round;
    EXPECT_THAT(Waiting(), IsEmpty());
  }
  RecordProperty("deaths", deaths_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistory, ::testing::Range(1, 17));

}  // namespace
}  // namespace millstream
