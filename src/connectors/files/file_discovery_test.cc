#include "connectors/files/file_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <set>

#include "connectors/files/fake_format.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DiscoveryOptions Options(const std::string& path) { return {.lister = {.glob = *PathGlob::Parse(path, PathGlob::Mode::kLoose)}}; }

std::set<std::string> Known(FileLedger& ledger) {
  std::set<std::string> paths;
  std::vector<NumberedFile> files = *ledger.Files(0, INT64_MAX);
  for (const NumberedFile& file : files) paths.insert(file.path);
  EXPECT_EQ(paths.size(), files.size()) << "a file has two numbers";
  return paths;
}

class Discovery : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(in_ / "x");
    std::filesystem::remove(in_ / "x");
    Reopen();
  }
  void Reopen(std::optional<DiscoveryOptions> options = std::nullopt) {
    discovery_.reset();
    ledger_.reset();
    auto opened = FileLedger::Open(Fs::Local(), state_ / "rocksdb");
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    ledger_ = *opened;
    discovery_.emplace(Fs::Local(), clock_, ledger_, options.value_or(Options(in_.path())));
  }
  Status Sweep() { return discovery_->SweepEverything(); }
  Status Look() { return discovery_->Advance(INT64_MAX).status(); }

  TempDir in_, state_;
  ManualClock clock_{4'000'000'000'000};  // far behind all files' times: directories count as settled
  std::shared_ptr<FileLedger> ledger_;
  std::optional<FileDiscovery> discovery_;
};

TEST_F(Discovery, FindsFilesAtAnyDepthInAStableOrder) {
  WriteFile(in_ / "b", "1");
  WriteFile(in_ / "a/z", "1");
  WriteFile(in_ / "a/b/c/d/e/f", "1");
  WriteFile(in_ / "a.b", "1");
  ASSERT_TRUE(Sweep().ok());
  std::vector<std::string> order;
  std::vector<NumberedFile> files = *ledger_->Files(0, INT64_MAX);
  for (const NumberedFile& file : files) order.push_back(file.path.substr(in_.path().size() + 1));
  EXPECT_THAT(order, ElementsAre("a.b", "b", "a/z", "a/b/c/d/e/f"));
  EXPECT_EQ(*ledger_->BytesBetween(0, 4), 4);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 4);
}

TEST_F(Discovery, TakesEveryNameAsItIs) {
  std::vector<std::string> names = {"a b",
                                    "a\nb",
                                    "a%20b",
                                    "a#b",
                                    "[x]",
                                    "*",
                                    "a:b",
                                    "?",
                                    "{a,b}",
                                    "'q'",
                                    "\"q\"",
                                    "back\\slash",
                                    "tab\tx",
                                    "\xff\xfe",
                                    "\xc3\xa9",
                                    "a+b",
                                    "a&b",
                                    "a;b",
                                    "a=b",
                                    "$HOME",
                                    "~",
                                    "-rf",
                                    "a,b",
                                    "a|b",
                                    "a<b>",
                                    "!",
                                    "@",
                                    "(x)",
                                    "^",
                                    "`",
                                    " lead",
                                    "trail ",
                                    "a..b",
                                    "...x"[0] == '.' ? "x..." : "",
                                    "\x01",
                                    "\x7f",
                                    "emoji\xf0\x9f\x98\x80",
                                    "CON",
                                    "a//b"[0] == 'a' ? "nul" : "",
                                    std::string(255, 'n')};
  ASSERT_EQ(names.size(), 40u);
  for (const std::string& name : names) WriteFile(in_ / name, "1");
  ASSERT_TRUE(Sweep().ok());
  std::set<std::string> expected;
  for (const std::string& name : names) expected.insert(in_ / name);
  EXPECT_EQ(Known(*ledger_), expected);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 40);
}

TEST_F(Discovery, LeavesOutWhatIsNoInputAndCountsIt) {
  WriteFile(in_ / "_SUCCESS", "1");
  WriteFile(in_ / ".hidden", "1");
  WriteFile(in_ / "_tmp/inside", "1");
  WriteFile(in_ / "x._COPYING_", "1");
  WriteFile(in_ / "x.COPYING", "1");
  WriteFile(in_ / "x.crdownload", "1");
  WriteFile(in_ / "_p=1/kept", "1");
  ASSERT_EQ(mkfifo((in_ / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", (in_ / "dangling").c_str()), 0);
  ASSERT_EQ(symlink("self", (in_ / "self").c_str()), 0);
  std::filesystem::create_directories(in_ / "d");
  ASSERT_EQ(symlink("..", (in_ / "d/up").c_str()), 0);
  ASSERT_EQ(symlink("/dev/null", (in_ / "device").c_str()), 0);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "_p=1/kept"));
  const ListerCounts& counts = discovery_->counts().lister;
  EXPECT_EQ(counts.hidden, 4);
  EXPECT_EQ(counts.unfinished, 2);
  EXPECT_EQ(counts.special, 2);
  EXPECT_EQ(counts.dangling, 1);
  EXPECT_EQ(counts.symlink_loops, 2);
}

TEST_F(Discovery, FollowsSymlinksToFilesAndDirectories) {
  TempDir elsewhere;
  WriteFile(elsewhere / "f", "1");
  ASSERT_EQ(symlink(elsewhere.path().c_str(), (in_ / "link").c_str()), 0);
  ASSERT_EQ(symlink((elsewhere / "f").c_str(), (in_ / "file").c_str()), 0);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "file", in_ / "link/f"));
}

TEST_F(Discovery, StartsBehindAPath) {
  for (const char* name : {"a/1", "b/1", "b/2", "b/3", "b/2/x", "b-/1", "b0/1", "c/1", "0"}) {
    if (std::string_view(name) != "b/2") WriteFile(in_ / name, "1");
  }
  DiscoveryOptions options = Options(in_.path());
  options.lister.start_after = in_ / "b/2";
  Reopen(options);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "b/2/x", in_ / "b/3", in_ / "b0/1", in_ / "c/1"));
  EXPECT_EQ(discovery_->counts().lister.filtered, 2);            // 0 and b/1
  EXPECT_EQ(discovery_->counts().lister.directories_listed, 5);  // not a and b-
  // What is known and lies before it is not gone.
  options.lister.start_after = in_ / "b/3";
  Reopen(options);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(discovery_->counts().gone, 0);
}

TEST(StartKey, LiesBelowTheLoadPath) {
  EXPECT_EQ(*ResolveStartKey("startAfter", "day=1/x", "/in"), "/in/day=1/x");
  EXPECT_EQ(*ResolveStartKey("startAfter", "/in/day=1", "/in"), "/in/day=1");
  EXPECT_EQ(*ResolveStartKey("startAfter", "file:///in/a b", "/in"), "/in/a b");
  EXPECT_EQ(*ResolveStartKey("startAfter", "x", "/"), "/x");
  for (const char* text : {"", "/inner/x", "/in", "../x", "/other"}) {
    EXPECT_TRUE(ResolveStartKey("startAfter", text, "/in").status().Is(errors::kInvalidOptionValue)) << text;
  }
  EXPECT_TRUE(LiesBeforeStartKey("/in/b/2", "/in/a"));
  EXPECT_TRUE(LiesBeforeStartKey("/in/b/2", "/in/b-"));
  EXPECT_FALSE(LiesBeforeStartKey("/in/b/2", "/in/b"));
  EXPECT_FALSE(LiesBeforeStartKey("/in/b/2", "/in/b/2"));
  EXPECT_FALSE(LiesBeforeStartKey("/in/b/2", "/in"));
  EXPECT_FALSE(LiesBeforeStartKey("", "/in"));
}

TEST(FileLister, NamesADirectoryThatItMayNotList) {
  TempDir in;
  WriteFile(in / "locked/f", "1");
  chmod(in.path().c_str(), 0755);
  chmod((in / "locked").c_str(), 0);
  bool is_root = geteuid() == 0;
  ASSERT_TRUE(!is_root || seteuid(65534) == 0);  // root may list everything
  ListerOptions options{.glob = *PathGlob::Parse(in.path(), PathGlob::Mode::kLoose)};
  FileLister lister(Fs::Local(), options, nullptr);
  bool root_listed = lister.Next().ok();
  Status status = lister.Next().status();
  ASSERT_TRUE(!is_root || seteuid(0) == 0);
  chmod((in / "locked").c_str(), 0700);
  EXPECT_TRUE(root_listed);
  EXPECT_TRUE(status.Is(errors::kDirectoryUnreadable));
  EXPECT_THAT(status.message(), HasSubstr(in / "locked"));
}

TEST_F(Discovery, SaysThatTheRootIsGone) {
  Reopen(Options(in_ / "missing"));
  EXPECT_TRUE(Sweep().Is(errors::kPathNotFound));
}

TEST_F(Discovery, WaitsForTheFirstBytesOfAnEmptyFile) {
  WriteFile(in_ / "f", "");
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 0);
  EXPECT_EQ(discovery_->counts().empty, 1);
  ASSERT_TRUE(Look().ok());
  WriteFile(in_ / "f", "now");
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 1);
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 1);
}

TEST_F(Discovery, LoadsAnOverwrittenFileAgainOnlyWhenAsked) {
  WriteFile(in_ / "f", "1");
  ASSERT_TRUE(Sweep().ok());
  WriteFile(in_ / "f", "22");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 1);
  DiscoveryOptions options = Options(in_.path());
  options.allow_overwrites = true;
  Reopen(options);
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 2);
  WriteFile(in_ / "f", "333");
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 3);
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 3);
}

TEST_F(Discovery, DoesNotListADirectoryThatHasNotChanged) {
  for (int i = 0; i < 10; ++i) WriteFile(in_ / ("d" + std::to_string(i) + "/f"), "1");
  ASSERT_TRUE(Look().ok());
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(discovery_->counts().lister.directories_listed, 0);
  EXPECT_EQ(discovery_->counts().lister.directories_unchanged, 11);
  WriteFile(in_ / "d3/g", "1");
  WriteFile(in_ / "d4/new/deep/h", "1");
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(ledger_->last_number(), 12);
  EXPECT_EQ(discovery_->counts().lister.directories_listed, 4);
  clock_.Advance(1'000'000);  // time for a full round
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(discovery_->counts().lister.directories_unchanged, 0);
}

TEST_F(Discovery, DoesNotTrustTheTimesOfADirectoryThatChangesNow) {
  Clock& system = Clock::System();
  discovery_.emplace(Fs::Local(), system, ledger_, Options(in_.path()));
  for (int i = 0; i < 200; ++i) {
    WriteFile(in_ / ("f" + std::to_string(i)), "1");
    ASSERT_TRUE(Look().ok());
    ASSERT_EQ(ledger_->last_number(), i + 1);
  }
}

TEST_F(Discovery, StopsWhenEnoughIsFoundAndGoesOnLater) {
  for (int i = 0; i < 100; ++i) WriteFile(in_ / ("d" + std::to_string(i % 7) + "/f" + std::to_string(i)), "1");
  int rounds = 0;
  for (int64_t wanted = 10;; wanted += 10, ++rounds) {
    bool ended = *discovery_->Advance(wanted);
    EXPECT_LE(ledger_->last_number(), wanted);
    if (ended) break;
  }
  EXPECT_GE(rounds, 9);
  EXPECT_EQ(Known(*ledger_).size(), 100u);
}

TEST_F(Discovery, CountsFilesThatAreGone) {
  WriteFile(in_ / "a", "1");
  WriteFile(in_ / "b", "1");
  WriteFile(in_ / "c", "1");
  ASSERT_TRUE(Sweep().ok());
  std::filesystem::remove(in_ / "a");
  std::filesystem::remove(in_ / "c");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(discovery_->counts().gone, 2);
  EXPECT_EQ(discovery_->counts().known, 1);
}

// The merge against what a set would say, over random trees that change between looks.
TEST_F(Discovery, AgreesWithANaiveSetOverRandomTrees) {
  std::mt19937 random(20260102);
  auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::set<std::string> ever;
  const std::string letters[] = {"a", "b", "a.b", "a b", "a-", "a0", "[a]", "ab", "a\xff", "A"};
  for (int round = 0; round < 60; ++round) {
    for (int i = below(20); i > 0; --i) {
      std::string path = in_.path();
      for (int depth = below(4); depth > 0; --depth) path += "/d" + letters[below(10)];
      path += "/f" + letters[below(10)] + letters[below(10)];
      WriteFile(path, "1");
      ever.insert(path);
    }
    std::vector<std::string> present;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(in_.path())) {
      if (below(10) == 0 && entry.is_regular_file()) present.push_back(entry.path().string());
    }
    if (round % 10 == 9) Reopen();
    Status status = below(2) == 0 ? Sweep() : Look();
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(Known(*ledger_), ever) << "round " << round;
    for (const std::string& path : present) std::filesystem::remove(path);
  }
}

// Directories that hold the names that they held are passed over without a look at the ledger; threads read them ahead.
TEST_F(Discovery, FullRoundsFindWhatIsNewAmongDirectoriesOfTheSameNames) {
  std::mt19937 random(11);
  DiscoveryOptions options = Options(in_.path());
  options.lister.threads_ahead = 2;
  options.lister.names_at_once = 9;
  Reopen(options);
  std::set<std::string> there, ever;
  auto add = [&](const std::string& path) {
    WriteFile(path, "1");
    there.insert(path);
  };
  for (int round = 0; round < 60; ++round) {
    for (int change = 0; change < 4; ++change) {
      const std::string directory = in_ / ("d" + std::to_string(random() % 40) + (random() % 3 == 0 ? "/e" + std::to_string(random() % 20) : ""));
      switch (random() % 4) {
        case 0:
        case 1:
          add(directory + "/f" + std::to_string(random() % 12));
          break;
        case 2:  // one goes, another comes: the number of names stays
          if (!there.empty()) {
            auto gone = std::next(there.begin(), static_cast<std::ptrdiff_t>(random() % there.size()));
            const std::string path = *gone;
            std::filesystem::remove(path);
            there.erase(gone);
            add(path + "x");
          }
          break;
        case 3:
          for (int i = 0; i < 30; ++i) add(in_ / ("big/f" + std::to_string(round) + "-" + std::to_string(i)));
          break;
      }
    }
    ASSERT_TRUE(Sweep().ok());
    ever.insert(there.begin(), there.end());
    ASSERT_EQ(Known(*ledger_), ever);
    const int64_t numbers = ledger_->last_number();
    ASSERT_TRUE(Sweep().ok());
    EXPECT_EQ(ledger_->last_number(), numbers);
    EXPECT_EQ(discovery_->counts().known, static_cast<int64_t>(there.size()));
  }
}

// The clock stands still: after the first rounds nothing is looked at but what the kernel tells of.
TEST_F(Discovery, HintsOfTheKernelAreEnough) {
  std::mt19937 random(12);
  DiscoveryOptions options = Options(in_.path());
  options.takes_hints = true;
  Reopen(options);
  std::set<std::string> expected;
  auto add = [&](const std::string& path) {
    WriteFile(path, "1");
    expected.insert(path);
  };
  for (int i = 0; i < 20; ++i) add(in_ / ("d" + std::to_string(i) + "/f"));
  ASSERT_EQ(symlink("..", (in_ / "d3/up").c_str()), 0);
  ASSERT_TRUE(Sweep().ok());
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(discovery_->WatchableDirectories().size(), 21u);
  int64_t listed = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string name = std::to_string(round);
    const std::string directory = in_ / ("d" + std::to_string(random() % 20));
    const int kind = static_cast<int>(random() % 4);
    switch (kind) {
      case 0:
        add(directory + "/g" + name);
        break;
      case 1:  // more directories at once than the kernel tells of
        add(directory + "/n" + name + "/a/b/f");
        break;
      case 2: {  // one comes from elsewhere, with all that is in it
        WriteFile(state_ / ("made" + name + "/x/f"), "1");
        std::filesystem::rename(state_ / ("made" + name), directory + "/m" + name);
        expected.insert(directory + "/m" + name + "/x/f");
        break;
      }
      default:  // another one takes the place of one
        std::filesystem::remove_all(in_ / "e");
        add(in_ / ("e/f" + name));
        break;
    }
    for (int attempt = 0; attempt < 500 && ledger_->last_number() < static_cast<int64_t>(expected.size()); ++attempt) {
      usleep(2000);
      ASSERT_TRUE(Look().ok());
      const ListerCounts& counts = discovery_->counts().lister;
      if (kind == 0) listed = std::max(listed, counts.directories_listed + counts.directories_unchanged);
    }
    ASSERT_EQ(Known(*ledger_), expected) << "round " << round;
  }
  EXPECT_LT(listed, 20);
}

TEST_F(Discovery, HintsStayWithinALoadPathOfOneFile) {
  WriteFile(in_ / "one", "1");
  WriteFile(in_ / "other", "1");
  DiscoveryOptions options = Options(in_ / "one");
  options.takes_hints = true;
  Reopen(options);
  ASSERT_TRUE(Sweep().ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Look().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "one"));
}

TEST(NamesDigest, IsThatOfASet) {
  NamesDigest one, other, third;
  for (const char* name : {"a", "b", "ab", ""}) one.Add(name);
  for (const char* name : {"", "ab", "b", "a"}) other.Add(name);
  for (const char* name : {"", "a", "b", "ba"}) third.Add(name);
  EXPECT_EQ(one, other);
  EXPECT_NE(one, third);
  other.Add("a");
  EXPECT_NE(one, other);
}

TEST(FileLister, AppliesGlobsAndNameFilters) {
  TempDir in, state;
  WriteFile(in / "x=a/1.json", "1");
  WriteFile(in / "x=b/1.csv", "1");
  WriteFile(in / "x=c/1.json", "1");
  ListerOptions options{.glob = *PathGlob::Parse(in / "x=[ab]", PathGlob::Mode::kStrict), .name_filter = *NameGlob::Parse("*.json")};
  FileLister lister(Fs::Local(), options, nullptr);
  std::vector<std::string> found;
  for (;;) {
    std::optional<ListedDirectory> listed = *lister.Next();
    if (!listed) break;
    for (size_t i = 0; i < listed->names.size(); ++i) found.push_back(JoinPath(listed->path, listed->names[i]));
  }
  EXPECT_THAT(found, ElementsAre(in / "x=a/1.json"));
  EXPECT_EQ(lister.counts().directories_listed, 3);  // the base and two that match
}

// Of two, one is still being written to.
TEST_F(Discovery, WaitsUntilAFileHasSettled) {
  DiscoveryOptions options = Options(in_.path());
  options.settle_ms = 60'000;
  auto set_clock = [&](int64_t wall_ms) { clock_.Advance(wall_ms - clock_.WallMillis()); };
  set_clock(Clock::System().WallMillis());
  Reopen(options);
  WriteFile(in_ / "a", "1");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ::testing::IsEmpty());
  EXPECT_EQ(discovery_->counts().unsettled, 1);
  clock_.Advance(61'000);
  ASSERT_TRUE(Look().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "a"));
  // By a clock that is behind the file system's, a file has settled when it was seen unchanged for so long.
  set_clock(1'000'000);
  WriteFile(in_ / "b", "1");
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(Known(*ledger_).size(), 1u);
  clock_.Advance(40'000);
  WriteFile(in_ / "b", "12");
  ASSERT_TRUE(Look().ok());
  clock_.Advance(40'000);
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(Known(*ledger_).size(), 1u) << "it was written to 40 s ago";
  clock_.Advance(21'000);
  ASSERT_TRUE(Look().ok());
  EXPECT_EQ(Known(*ledger_).size(), 2u);
}

TEST_F(Discovery, ByContentTheSameBytesUnderAnotherNameAreNotLoadedAgain) {
  DiscoveryOptions options = Options(in_.path());
  options.identity_by_content = true;
  Reopen(options);
  WriteFile(in_ / "a", "one");
  WriteFile(in_ / "b", "one");
  WriteFile(in_ / "c", "two");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "a", in_ / "c"));
  EXPECT_EQ(discovery_->counts().duplicates, 1);
  Reopen(options);
  std::filesystem::remove(in_ / "a");
  WriteFile(in_ / "later/renamed", "one");
  WriteFile(in_ / "later/new", "three");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(Known(*ledger_).size(), 3u);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(discovery_->counts().duplicates, 0) << "it is known by now";
}

// A file that is renamed between being found and being read has its bytes under the new name alone.
TEST_F(Discovery, AFileWithTheBytesOfOneThatNobodyHasReadIsNoDuplicate) {
  DiscoveryOptions options = Options(in_.path());
  options.identity_by_content = true;
  Reopen(options);
  WriteFile(in_ / "a", "one");
  WriteFile(in_ / "b", "one");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "a"));
  std::filesystem::remove(in_ / "a");
  ASSERT_TRUE(ledger_->RecordFate(1, {.skipped = FileFate::Skipped::kMissing}).ok());
  discovery_->LookAtDuplicates();
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 1) << "its batch may run again, and find it";
  ASSERT_TRUE(ledger_->RecordBatch(1, {.after = 0, .processed_ms = 1, .committed_ms = 2}).ok());
  discovery_->LookAtDuplicates();
  ASSERT_TRUE(Sweep().ok());
  EXPECT_THAT(Known(*ledger_), ElementsAre(in_ / "a", in_ / "b"));
  WriteFile(in_ / "c", "one");
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 2) << "a duplicate of b";
  // What an earlier process has given up is seen by the first round of the next.
  ASSERT_TRUE(ledger_->RecordFate(2, {.skipped = FileFate::Skipped::kFailed}).ok());
  Reopen(options);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 3);
  ASSERT_TRUE(Sweep().ok());
  EXPECT_EQ(ledger_->last_number(), 3);
}

TEST_F(Discovery, ReadsAHugeDirectoryInParts) {
  DiscoveryOptions options = Options(in_.path());
  options.lister.names_at_once = 7;
  Reopen(options);
  std::set<std::string> expected;
  auto write = [&](const std::string& name) {
    WriteFile(in_ / name, "1");
    expected.insert(in_ / name);
  };
  for (int i = 0; i < 100; ++i) write("f" + std::to_string(i));
  for (int i = 0; i < 20; ++i) write("d" + std::to_string(i % 3) + "/" + std::to_string(i));
  // The first are there before the last are read.
  ASSERT_FALSE(*discovery_->Advance(5));
  EXPECT_EQ(ledger_->last_number(), 5);
  while (!*discovery_->Advance(ledger_->last_number() + 10)) continue;
  EXPECT_EQ(Known(*ledger_), expected);
  for (int round = 0; round < 5; ++round) {
    write("new" + std::to_string(round));
    write("d1/new" + std::to_string(round));
    if (round == 3) Reopen(options);
    ASSERT_TRUE(Sweep().ok());
    EXPECT_EQ(Known(*ledger_), expected);
    EXPECT_EQ(discovery_->counts().added, 2);
  }
}

}  // namespace
}  // namespace millstream
