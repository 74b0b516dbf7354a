// cloudFiles.deletedFiles = removed: the rows of files that are gone leave the table, and nothing else makes them go.

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "connectors/files/files_errors.h"
#include "connectors/files/retraction_fixture.h"

namespace millstream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SourceMirrorTest : public test::RetractedFiles {
 protected:
  static OptionMap Mirrored(OptionMap more = {}) {
    more.try_emplace("cloudFiles.deletedFiles", "removed");
    more.try_emplace("cloudFiles.deletedFiles.confirmAfter", "0 seconds");
    more.try_emplace("cloudFiles.deletedFiles.maxFraction", "1");
    return more;
  }
  void Remove(const std::string& name) { ASSERT_TRUE(std::filesystem::remove(in_ / name)) << name; }
  // A life with availableNow, which looks for what is gone once at least.
  Status Run(OptionMap options = Mirrored()) {
    MS_RETURN_IF_ERROR(Start(std::move(options), true));
    return RunAll();
  }
};

TEST_F(SourceMirrorTest, RowsOfGoneFilesLeaveAndFilesThatComeBackAreNew) {
  Write("a", "id=1\nid=2");
  Write("d/b", "id=3");
  Write("d/c", "id=4");
  ASSERT_TRUE(Run().ok());
  ASSERT_EQ(table_.size(), 4u);
  Remove("a");
  Remove("d/c");
  ASSERT_TRUE(Start(Mirrored(), true).ok());
  ASSERT_TRUE(*RunBatch());
  EXPECT_EQ(source_->metrics()["numFilesRemoved"], "2");
  EXPECT_THAT(table_, ElementsAre(Pair("d/b", "3")));
  EXPECT_FALSE(*RunBatch());
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(States(), UnorderedElementsAre(Pair("a", "REMOVED"), Pair("b", "INGESTED"), Pair("c", "REMOVED")));
  Write("a", "id=5");
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "5"), Pair("d/b", "3")));
  EXPECT_EQ(States()["a"], "REMOVED INGESTED");
  // A whole directory.
  std::filesystem::remove_all(in_ / "d");
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(table_, ElementsAre(Pair("a", "5")));
}

TEST_F(SourceMirrorTest, WithoutTheOptionNothingLeaves) {
  Write("a", "id=1");
  ASSERT_TRUE(Run({{"cloudFiles.format", "json"}}).ok());
  Remove("a");
  ASSERT_TRUE(Run({{"cloudFiles.format", "json"}}).ok());
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SourceMirrorTest, ARunningStreamConfirmsBeforeItRemoves) {
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Start(Mirrored({{"cloudFiles.deletedFiles.confirmAfter", "1 seconds"}})).ok());
  ASSERT_TRUE(*RunBatch());
  ::usleep(1'100'000);
  Remove("a");
  EXPECT_FALSE(*RunBatch());  // found, not confirmed
  EXPECT_EQ(table_.size(), 2u);
  Write("a", "id=1");
  ::usleep(1'100'000);
  EXPECT_FALSE(*RunBatch());  // it is back
  Remove("b");
  for (int i = 0; i < 50 && table_.size() == 2; ++i) {
    ASSERT_TRUE(RunBatch().ok());
    ::usleep(100'000);
  }
  EXPECT_THAT(table_, ElementsAre(Pair("a", "1")));
}

TEST_F(SourceMirrorTest, TooManyGoneFilesStopTheQueryAndNothingLeaves) {
  for (const char* name : {"a", "b", "c", "d"}) Write(name, "id=1");
  ASSERT_TRUE(Run().ok());
  for (const char* name : {"a", "b", "c"}) Remove(name);
  Status stopped = Run(Mirrored({{"cloudFiles.deletedFiles.maxFraction", "0.5"}}));
  EXPECT_TRUE(stopped.Is(errors::kTooManyFilesGone));
  EXPECT_THAT(stopped.message(), HasSubstr("3 of 4 loaded files"));
  EXPECT_THAT(stopped.message(), HasSubstr("cloudFiles.deletedFiles.maxFraction = 0.5"));
  EXPECT_EQ(table_.size(), 4u);
  ASSERT_TRUE(Run(Mirrored({{"cloudFiles.deletedFiles.maxFraction", "0.75"}})).ok());
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SourceMirrorTest, FilesThatWaitToBeReplacedCountAmongTheLoadedOnes) {
  for (const char* name : {"a", "b", "c", "d"}) Write(name, "id=1");
  const OptionMap options = Mirrored({{"cloudFiles.deletedFiles.maxFraction", "0.5"}, {"cloudFiles.changedFiles", "replaced"}});
  ASSERT_TRUE(Run(options).ok());
  for (const char* name : {"a", "b", "c"}) Write(name, "id=22");
  Remove("d");
  Status ran = Run(options);
  ASSERT_TRUE(ran.ok()) << ran.message();
  EXPECT_THAT(table_, UnorderedElementsAre(Pair("a", "22"), Pair("b", "22"), Pair("c", "22")));
}

TEST_F(SourceMirrorTest, ASourceThatCannotBeReadIsNotAnEmptyOne) {
  Write("d/a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Run().ok());
  const std::string away = in_.path() + "-away";
  std::filesystem::rename(in_.path(), away);
  EXPECT_FALSE(Run().ok());  // the load path is gone
  std::filesystem::rename(away, in_.path());
  if (::geteuid() != 0) {
    ASSERT_EQ(::chmod((in_ / "d").c_str(), 0), 0);
    EXPECT_FALSE(Run().ok());
    ASSERT_EQ(::chmod((in_ / "d").c_str(), 0755), 0);
  }
  // A directory in whose place stands a loop of links.
  std::filesystem::rename(in_ / "d", away);
  std::filesystem::create_symlink("d", in_ / "d");
  [[maybe_unused]] Status looped = Run();
  std::filesystem::remove(in_ / "d");
  std::filesystem::rename(away, in_ / "d");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(SourceMirrorTest, FilesThatCleanSourceTookKeepTheirRows) {
  test::TempDir archive;
  Write("a", "id=1");
  Write("b", "id=2");
  const OptionMap cleaning = {{"cloudFiles.cleanSource", "MOVE"},
                              {"cloudFiles.cleanSource.moveDestination", archive / "old"},
                              {"cloudFiles.cleanSource.retentionDuration", "0 seconds"}};
  // Killed between the removal and its record.
  ASSERT_TRUE(ArmFailpoints("files.clean.after_remove=error:5").ok());
  EXPECT_FALSE(Run(cleaning).ok());
  ASSERT_TRUE(ArmFailpoints("").ok());
  ASSERT_FALSE(std::filesystem::exists(in_ / "a") && std::filesystem::exists(in_ / "b"));
  Write("c", "id=3");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(table_.size(), 3u);
  Remove("c");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(table_.size(), 2u);
  EXPECT_EQ(table_.count("c"), 0u);
  OptionMap both = Mirrored(cleaning);
  EXPECT_TRUE(Start(both).Is(errors::kInvalidOptionValue));
}

TEST_F(SourceMirrorTest, AFilterThatLeavesFilesOutRemovesNothing) {
  Write("a.json", "id=1");
  Write("b.txt", "id=2");
  ASSERT_TRUE(Run().ok());
  ASSERT_TRUE(Run(Mirrored({{"pathGlobFilter", "*.json"}})).ok());
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(SourceMirrorTest, UndoneFilesStayUndoneAndForgottenOnesKeepTheirRows) {
  Write("a", "id=1");
  Write("b", "id=2");
  ASSERT_TRUE(Run().ok());
  Remove("a");
  Remove("b");
  ASSERT_TRUE(Request(FileOperation::kUndo, {"a"}).ok());
  ASSERT_TRUE(Request(FileOperation::kForget, {"b"}).ok());
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(table_, ElementsAre(Pair("b", "2")));
  EXPECT_EQ(States()["a"], "UNDONE");
}

// Files come, go and change, and the process dies between any two steps: in the end the table holds what the directory holds.
class MirroredHistory : public SourceMirrorTest, public ::testing::WithParamInterface<int> {};

TEST_P(MirroredHistory, EndsAsTheDirectoryIs) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  options_ = Mirrored({{"cloudFiles.changedFiles", "replaced"}, {"cloudFiles.maxFilesPerTrigger", std::to_string(1 + random() % 20)}});
  constexpr const char* kPoints[] = {"files.ledger.before_write",   "files.ledger.after_write",    "files.ledger.before_sync",  "files.ledger.after_sync",
                                     "files.request.before_publish", "files.request.after_publish", "files.request.after_dirsync", "files.request.after_change",
                                     "files.request.after_taken",   "files.request.before_remove", "files.request.after_remove"};
  std::map<std::string, std::string> there;
  int versions = 0, deaths = 0;
  auto disturb = [&](int files) {
    for (int i = 0; i < files; ++i) {
      const std::string name = "d" + std::to_string(random() % 3) + "/" + std::to_string(random() % 40);
      if (there.contains(name) && random() % 2 == 0) {
        Remove(name);
        there.erase(name);
      } else {
        ++versions;
        there[name] = std::to_string(versions) + std::string(static_cast<size_t>(versions % 7), 'x');
        Write(name, "id=" + there[name]);
      }
    }
  };
  for (int round = 0; round < 15; ++round) {
    disturb(1 + static_cast<int>(random() % 8));
    for (int life = 0; life < 4; ++life) {
      if (random() % 2 == 0) {
        ASSERT_TRUE(ArmFailpoints(std::string(kPoints[random() % std::size(kPoints)]) + "=error:5@" + std::to_string(1 + random() % 4)).ok());
      }
      Status status = Start({}, random() % 2 == 0);
      for (int batches = 0; status.ok() && batches < 3; ++batches) {
        const int steps = random() % 3 == 0 ? static_cast<int>(random() % 3) : 3;
        Result<bool> ran = RunBatch(steps);
        status = ran.status();
        // What is in a batch that has not been read may not go: a missing file stops its batch.
        if (steps < 3 || !ran.ok() || !*ran) break;
      }
      ASSERT_TRUE(ArmFailpoints("").ok());
      deaths += !status.ok();
    }
    // All is loaded before something goes again.
    ASSERT_TRUE(Run({}).ok());
    ASSERT_TRUE(Run({}).ok());
    const std::map<std::string, std::string> found(table_.begin(), table_.end());
    ASSERT_EQ(table_.size(), found.size()) << "round " << round;
    ASSERT_EQ(found, there) << "round " << round;
    EXPECT_THAT(Waiting(), IsEmpty());
  }
  RecordProperty("deaths", deaths);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MirroredHistory, ::testing::Range(1, 17));

}  // namespace
}  // namespace millstream
