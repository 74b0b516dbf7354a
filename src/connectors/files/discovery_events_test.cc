// Events that say "something is new" end a pause, and mean nothing more. Lost, doubled or in another order, they lead to the same ledger as a full listing.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <vector>

#include "connectors/files/fake_format.h"
#include "connectors/files/file_discovery.h"

namespace millstream {
namespace {

using test::TempDir;
using test::WriteFile;

std::set<std::string> Known(FileLedger& ledger) {
  std::set<std::string> paths;
  const std::vector<NumberedFile> files = *ledger.Files(0, INT64_MAX);
  for (const NumberedFile& file : files) paths.insert(file.path);
  EXPECT_EQ(paths.size(), files.size()) << "a file has two numbers";
  return paths;
}

class DiscoveryEvents : public ::testing::TestWithParam<int> {};

TEST_P(DiscoveryEvents, AnyOrderOfEventsGivesTheLedgerOfAFullListing) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  TempDir in, state;
  const DiscoveryOptions options{.lister = {.glob = *PathGlob::Parse(in.path(), PathGlob::Mode::kLoose)}};
  ManualClock clock(Clock::System().WallMillis());
  auto ledger = FileLedger::Open(Fs::Local(), state / "watched");
  ASSERT_TRUE(ledger.ok());
  FileDiscovery discovery(Fs::Local(), clock, *ledger, options);

  // What a stream that watches directories does with an event: it looks, and takes no more than it needs for a batch.
  auto look = [&] {
    clock.Advance(static_cast<int64_t>(random() % 20));
    const int64_t wanted = random() % 3 == 0 ? (*ledger)->last_number() + 1 + static_cast<int64_t>(random() % 4) : INT64_MAX;
    ASSERT_TRUE(discovery.Advance(wanted).ok());
    if (random() % 4 == 0) {
      ASSERT_TRUE((*ledger)->Sync().ok());
    }
  };
  std::vector<std::string> there;
  int events = 0, written = 0;
  for (int step = 0; step < 300; ++step) {
    const auto action = random() % 20;
    const std::string folder = "d" + std::to_string(random() % 5) + (random() % 3 == 0 ? "/e" + std::to_string(random() % 3) : "");
    if (action < 12 || there.empty()) {
      const std::string name = folder + "/" + std::to_string(written++);
      WriteFile(in / name, "x");
      there.push_back(name);
    } else if (action < 16) {
      // A name that was there for a while: whether it was seen is chance, so it comes back in the end.
      const std::string name = there[random() % there.size()];
      std::filesystem::rename(in / name, in / ("." + std::to_string(step)));
      look();
      std::filesystem::create_directories(std::filesystem::path(in / name).parent_path());
      std::filesystem::rename(in / ("." + std::to_string(step)), in / name);
    } else {
      const std::string from = there[random() % there.size()], to = folder + "/m" + std::to_string(step);
      std::filesystem::create_directories(in / folder);
      std::filesystem::copy_file(in / from, in / to);
      there.push_back(to);
    }
    ++events;
    // Lost, delivered, doubled; one that comes later comes together with others.
    switch (random() % 4) {
      case 0:
        break;
      case 1:
        look();
        look();
        [[fallthrough]];
      default:
        for (; events > 0 && random() % 2 == 0; --events) look();
    }
  }
  // A pause ends after half a second without any event; a full round comes after a second.
  for (int pause = 0; pause < 8; ++pause) {
    clock.Advance(500);
    ASSERT_TRUE(discovery.Advance(INT64_MAX).ok());
  }
  auto listed = FileLedger::Open(Fs::Local(), state / "listed");
  ASSERT_TRUE(listed.ok());
  FileDiscovery listing(Fs::Local(), clock, *listed, options);
  ASSERT_TRUE(listing.SweepEverything().ok());
  EXPECT_EQ(Known(**ledger), Known(**listed));
  EXPECT_EQ(Known(**ledger).size(), there.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DiscoveryEvents, ::testing::Range(1, 13));

}  // namespace
}  // namespace millstream
