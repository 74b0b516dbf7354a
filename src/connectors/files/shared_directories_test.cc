#include "connectors/files/shared_directories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "connectors/files/fake_format.h"
#include "connectors/files/file_discovery.h"
#include "storage/crash_fs.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;
using ::testing::Contains;
using ::testing::IsSupersetOf;

// The local file system, with an ear and a hand at each listing. Thread-safe.
class WatchedFs : public testing_storage::CrashFs {
 public:
  explicit WatchedFs(testing_storage::CrashDisk& disk) : CrashFs(disk) {}
  Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
    ++listings;
    if (before_list) MS_RETURN_IF_ERROR(before_list(path));
    Result<std::vector<DirectoryEntry>> entries = CrashFs::List(path);
    if (after_list) after_list(path);
    return entries;
  }
  Result<FileInfo> Stat(const std::string& path) override {
    ++stats;
    return CrashFs::Stat(path);
  }
  std::atomic<int> listings = 0, stats = 0;
  std::function<Status(const std::string&)> before_list;
  std::function<void(const std::string&)> after_list;
};

std::vector<std::string> NamesIn(Result<SharedNames> shared) {
  std::vector<std::string> names;
  if (!shared.ok()) return {shared.status().message()};
  for (bool more = true; more;) {
    more = *shared->reader->Next(3, [&](std::string_view name, DirectoryEntry::Kind) { names.emplace_back(name); });
  }
  return names;
}

class SharedDirectory : public ::testing::Test {
 protected:
  Result<SharedNames> Open(uint64_t asked, int64_t age_ms_max = 0) {
    return shared_.Open(fs_, in_.path(), *fs_.Stat(in_.path()), {.began_after = asked, .age_ms_max = age_ms_max});
  }
  TempDir in_, trash_;
  testing_storage::CrashDisk disk_{trash_.path()};
  WatchedFs fs_{disk_};
  ManualClock clock_{Clock::System().WallMillis()};
  SharedDirectories shared_{clock_};
};

TEST_F(SharedDirectory, OneReadingServesAllWhoAskedBeforeItBegan) {
  for (int i = 0; i < 10; ++i) WriteFile(in_ / std::to_string(i), "x");
  const uint64_t first = NextMoment(), second = NextMoment();
  EXPECT_EQ(NamesIn(Open(first)).size(), 10u);
  Result<SharedNames> names = Open(second);
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(names->is_shared);
  EXPECT_EQ(NamesIn(std::move(names)).size(), 10u);
  EXPECT_EQ(fs_.listings, 1);
  WriteFile(in_ / "late", "x");
  EXPECT_THAT(NamesIn(Open(NextMoment())), Contains("late"));
  EXPECT_EQ(fs_.listings, 2);
}

TEST_F(SharedDirectory, AReadingThatIsUnderWayDoesNotServeAndThoseWhoWaitShareTheNextOne) {
  WriteFile(in_ / "early", "x");
  std::atomic<bool> is_listed = false, goes_on = false;
  fs_.after_list = [&](const std::string&) {
    is_listed = true;
    while (!goes_on) std::this_thread::yield();
  };
  std::thread first([&] { EXPECT_EQ(NamesIn(Open(NextMoment())).size(), 1u); });
  while (!is_listed) std::this_thread::yield();
  WriteFile(in_ / "late", "x");
  std::vector<std::thread> others;
  for (int i = 0; i < 5; ++i) {
    others.emplace_back([this, asked = NextMoment()] { EXPECT_THAT(NamesIn(Open(asked)), Contains("late")); });
  }
  goes_on = true;
  first.join();
  for (std::thread& other : others) other.join();
  EXPECT_EQ(fs_.listings, 2);
}

TEST_F(SharedDirectory, AnErrorReachesAllWhoWaitForItAndIsKeptForNobody) {
  WriteFile(in_ / "a", "x");
  std::atomic<int> waiting = 0;
  fs_.before_list = [&](const std::string& path) {
    while (waiting < 3) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return Status::Errno("readdir", path, EIO);
  };
  std::vector<std::thread> streams;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 3; ++i) {
    streams.emplace_back([&, asked = NextMoment()] {
      ++waiting;
      if (Open(asked).status().error_number() == EIO) ++failed;
    });
  }
  for (std::thread& stream : streams) stream.join();
  EXPECT_EQ(failed, 3);
  EXPECT_LT(fs_.listings, 3);  // one, but for a thread that sleeps so long before it asks
  fs_.before_list = nullptr;
  EXPECT_EQ(NamesIn(Open(0)).size(), 1u);
}

TEST_F(SharedDirectory, AnOlderReadingServesWhileTheSettledTimesAreWhatTheyWere) {
  WriteFile(in_ / "a", "x");
  EXPECT_EQ(NamesIn(Open(NextMoment())).size(), 1u);
  NamesIn(Open(NextMoment(), 1000));  // the directory has changed just now
  EXPECT_EQ(fs_.listings, 2);
  clock_.Advance(200);
  NamesIn(Open(NextMoment()));
  NamesIn(Open(NextMoment(), 1000));
  EXPECT_EQ(fs_.listings, 3);
  WriteFile(in_ / "b", "x");
  EXPECT_EQ(NamesIn(Open(NextMoment(), 1000)).size(), 2u);
  EXPECT_EQ(fs_.listings, 4);
  clock_.Advance(1000);
  NamesIn(Open(NextMoment(), 1000));
  EXPECT_EQ(fs_.listings, 5);
}

TEST_F(SharedDirectory, VeryManyNamesAreReadByEachForItself) {
  const int count = static_cast<int>(SharedDirectories::kDirectoryBytesMax / 200) + 5000;
  for (int i = 0; i < count; ++i) WriteFile(in_ / (std::string(194, 'x') + std::to_string(i)), "");
  const uint64_t asked = NextMoment();
  EXPECT_EQ(NamesIn(Open(asked)).size(), static_cast<size_t>(count));
  EXPECT_EQ(NamesIn(Open(asked)).size(), static_cast<size_t>(count));
  EXPECT_EQ(fs_.listings, 2);
}

TEST(QuietTimes, JoinOnlyWhereTheyOverlap) {
  const QuietTime joined = JoinQuietTimes({.since = 5, .until = 9, .until_us = 90}, {.since = 8, .until = 12, .until_us = 120});
  EXPECT_EQ(joined.since, 5u);
  EXPECT_EQ(joined.until, 12u);
  EXPECT_EQ(joined.until_us, 120);
  EXPECT_EQ(JoinQuietTimes({.since = 10, .until = 12}, {.since = 5, .until = 9}).since, 10u);
}

// Streams of one process over one tree, each with its own ledger, filter and pace.
class SharingStreams {
 public:
  SharingStreams(Fs& fs, ManualClock& clock, SharedDirectories* shared, const std::string& in, const std::string& state)
      : fs_(fs), clock_(clock), shared_(shared), in_(in), state_(state) {}
  void Add(const std::string& glob, std::optional<std::string> name_filter = std::nullopt, bool takes_hints = true) {
    DiscoveryOptions options{.lister = {.glob = *PathGlob::Parse(JoinPath(in_, glob), PathGlob::Mode::kLoose)}, .takes_hints = takes_hints, .shared = shared_};
    if (name_filter) options.lister.name_filter = *NameGlob::Parse(*name_filter);
    options_.push_back(options);
    ledgers_.push_back(*FileLedger::Open(Fs::Local(), state_ + "/" + std::to_string(ledgers_.size())));
    streams_.push_back(std::make_unique<FileDiscovery>(fs_, clock_, ledgers_.back(), options));
  }
  size_t size() const { return streams_.size(); }
  FileDiscovery& operator[](size_t i) { return *streams_[i]; }
  FileLedger& ledger(size_t i) { return *ledgers_[i]; }
  std::set<std::string> Known(size_t i) {
    std::set<std::string> paths;
    const std::vector<NumberedFile> files = *ledgers_[i]->Files(0, INT64_MAX);
    for (const NumberedFile& file : files) paths.insert(file.path);
    EXPECT_EQ(paths.size(), files.size()) << "a file has two numbers";
    return paths;
  }
  // What the stream would find alone.
  std::set<std::string> Wanted(size_t i) const {
    const ListerOptions& lister = options_[i].lister;
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(in_)) {
      const std::string path = entry.path();
      if (!entry.is_regular_file() || IsHiddenName(BaseName(path)) || !path.starts_with(lister.glob.base() + "/")) continue;
      if (lister.name_filter && !lister.name_filter->Matches(BaseName(path))) continue;
      if (!lister.glob.has_glob() || lister.glob.MatchesFile(path)) paths.insert(path);
    }
    return paths;
  }

 private:
  Fs& fs_;
  ManualClock& clock_;
  SharedDirectories* const shared_;
  const std::string in_, state_;
  std::vector<DiscoveryOptions> options_;
  std::vector<std::shared_ptr<FileLedger>> ledgers_;
  std::vector<std::unique_ptr<FileDiscovery>> streams_;
};

class SharedDiscovery : public ::testing::TestWithParam<int> {};

TEST_P(SharedDiscovery, EachStreamFindsWhatItWouldFindAlone) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  TempDir in, state, trash;
  testing_storage::CrashDisk disk(trash.path());
  WatchedFs fs(disk);
  const bool fails = GetParam() % 2 == 0;
  bool may_fail = fails;
  fs.before_list = [&](const std::string& path) { return may_fail && random() % 25 == 0 ? Status::Errno("readdir", path, EIO) : Status(); };
  ManualClock clock(Clock::System().WallMillis());
  SharedDirectories shared(clock);
  SharingStreams streams(fs, clock, &shared, in.path(), state.path());
  streams.Add("");
  streams.Add("");
  streams.Add("", "*[02468]");
  streams.Add("", "*[02468]");
  streams.Add("d1");
  streams.Add("d*");
  streams.Add("", std::nullopt, /*takes_hints=*/false);
  int written = 0, errors = 0;
  std::vector<std::string> there;
  for (int step = 0; step < 400; ++step) {
    const auto action = random() % 20;
    const std::string folder = "d" + std::to_string(random() % 4) + (random() % 3 == 0 ? "/e" + std::to_string(random() % 3) : "");
    if (action < 5 || there.empty()) {
      there.push_back(folder + "/" + std::to_string(written++));
      WriteFile(in / there.back(), "x");
    } else if (action == 5) {
      // Goes, and comes back as another file of the same name.
      const std::string name = there[random() % there.size()];
      std::filesystem::remove(in / name);
      ASSERT_TRUE(streams[random() % 4].Advance(INT64_MAX).ok() || fails);
      WriteFile(in / name, "x");
    } else if (action == 6) {
      // A directory that was filled elsewhere.
      const std::string hidden = in / ("." + std::to_string(step));
      const std::string name = "d1/m" + std::to_string(step);
      WriteFile(hidden + "/0", "x");
      std::filesystem::create_directories(in / "d1");
      std::filesystem::rename(hidden, in / name);
      there.push_back(name + "/0");
    }
    clock.Advance(static_cast<int64_t>(random() % 300));
    const size_t i = random() % streams.size();
    if (action == 7) {
      // Whoever lists everything finds what was there when it asked.
      const std::set<std::string> wanted = std::filesystem::exists(in / "d1") ? streams.Wanted(i) : std::set<std::string>();
      Status swept = streams[i].SweepEverything();
      if (!swept.ok()) {
        ++errors;
        continue;
      }
      EXPECT_THAT(streams.Known(i), IsSupersetOf(wanted));
      continue;
    }
    const int64_t wanted = random() % 3 == 0 ? streams.ledger(i).last_number() + 1 + static_cast<int64_t>(random() % 4) : INT64_MAX;
    Result<bool> looked = streams[i].Advance(wanted);
    if (!looked.ok()) ++errors;
    if (!fails && (i != 4 || std::filesystem::exists(in / "d1"))) {
      ASSERT_TRUE(looked.ok()) << looked.status().message();
    }
  }
  may_fail = false;
  EXPECT_EQ(errors > 10, fails);
  for (int pause = 0; pause < 8; ++pause) {
    clock.Advance(500);
    for (size_t i = 0; i < streams.size(); ++i) ASSERT_TRUE(streams[i].Advance(INT64_MAX).ok());
  }
  int64_t shared_directories = 0, shared_looks = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(streams.Known(i), streams.Wanted(i)) << i;
    shared_directories += streams[i].counts().directories_shared;
    shared_looks += streams[i].looks_shared();
  }
  EXPECT_GT(shared_directories, 0);
  EXPECT_GT(shared_looks, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SharedDiscovery, ::testing::Range(1, 7));

TEST(SharedDiscovery, SixteenStreamsPayForOne) {
  TempDir in, state, trash;
  for (int i = 0; i < 200; ++i) WriteFile(in / ("d" + std::to_string(i % 20) + "/" + std::to_string(i)), "x");
  // A poll every 100 ms of each of them, for a minute.
  auto listings_of = [&](int count) {
    testing_storage::CrashDisk disk(trash.path());
    WatchedFs fs(disk);
    ManualClock clock(Clock::System().WallMillis() + 10'000);
    SharedDirectories shared(clock);
    SharingStreams streams(fs, clock, &shared, in.path(), state / std::to_string(count));
    for (int i = 0; i < count; ++i) streams.Add("");
    for (int i = 0; i < count; ++i) EXPECT_TRUE(streams[static_cast<size_t>(i)].SweepEverything().ok());
    fs.listings = fs.stats = 0;
    for (int at = 0; at < 600; ++at) {
      for (int i = 0; i < count; ++i) {
        clock.Advance(i == 0 ? 100 : 0);
        EXPECT_TRUE(streams[static_cast<size_t>(i)].Advance(INT64_MAX).ok());
      }
    }
    return std::pair(fs.listings.load(), fs.stats.load());
  };
  const auto one = listings_of(1), sixteen = listings_of(16);
  EXPECT_GT(one.first, 1000);
  EXPECT_LT(sixteen.first, one.first * 5 / 4);
  EXPECT_LT(sixteen.second, one.second * 5 / 2);
}

TEST(SharedDiscovery, ManyThreadsFindWhatWasThereWhenTheyAsked) {
  TempDir in, state;
  SharedDirectories shared(Clock::System());
  std::atomic<int> written = 0;
  std::atomic<bool> ends = false;
  WriteFile(in / "d0/0", "x");
  std::thread writer([&] {
    for (int i = 1; !ends && i < 20'000; ++i) {
      WriteFile(in / ("d" + std::to_string(i % 7) + "/" + std::to_string(i)), "x");
      written = i;
    }
  });
  std::atomic<int64_t> shared_directories = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      auto ledger = *FileLedger::Open(Fs::Local(), state / std::to_string(t));
      FileDiscovery discovery(Fs::Local(), Clock::System(), ledger,
                              {.lister = {.glob = *PathGlob::Parse(in.path(), PathGlob::Mode::kLoose)}, .takes_hints = true, .shared = &shared});
      for (int round = 0; round < 15; ++round) {
        const int asked_at = written;
        EXPECT_TRUE(discovery.SweepEverything().ok());
        EXPECT_GE(ledger->last_number(), asked_at);
        EXPECT_TRUE(discovery.Advance(INT64_MAX).ok());
      }
      shared_directories += discovery.counts().directories_shared;
    });
  }
  for (std::thread& thread : threads) thread.join();
  ends = true;
  writer.join();
  EXPECT_GT(shared_directories, 0);
}

}  // namespace
}  // namespace millstream
