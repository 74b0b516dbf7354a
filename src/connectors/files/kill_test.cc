// The source in a process that is killed at random moments, again and again. Beside it, a log of offsets and an idempotent sink, as simple as they can be.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "connectors/files/cloud_files_source.h"
#include "connectors/files/fake_format.h"

extern char** environ;

namespace millstream {
namespace {

using test::TempDir;
using test::Values;
using test::WriteFile;

// Lines that were written whole.
std::vector<std::string> LoggedOffsets(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line) && !file.eof();) lines.push_back(line);
  return lines;
}

// One life of a query: runs the last logged batch again, then all that is new.
void RunQuery(const std::string& dir) {
  FilesContext context{.fs = Fs::Local(), .clock = Clock::System(), .make_format = test::MakeFakeFormat};
  OptionMap options{{"cloudFiles.format", "json"}, {"cloudFiles.maxFilesPerTrigger", "7"}};
  // What waits in one order goes on in the next one.
  if (const char* order = std::getenv("MILLSTREAM_KILL_ORDER")) options["cloudFiles.fileOrder"] = order;
  StructType schema({{"id", DataType::String()}});
  auto relation = OpenCloudFiles({.format = "cloudFiles", .schema = schema, .options = options, .paths = {dir + "/in"}, .is_streaming = true}, context);
  ASSERT_TRUE(relation.ok()) << relation.status().message();
  auto source = dynamic_cast<const StreamingRelationSource&>(**relation).CreateSource(dir + "/sources/0");
  ASSERT_TRUE(source.ok()) << source.status().message();
  std::vector<std::string> offsets = LoggedOffsets(dir + "/offsets");
  auto at = [&](size_t batch) { return batch == 0 ? std::nullopt : std::optional(StreamOffset{offsets[batch - 1]}); };
  auto run = [&](size_t batch) {
    auto rows = (*source)->ReadBatch(at(batch), *at(batch + 1), {.columns = {"id"}});
    ASSERT_TRUE(rows.ok()) << rows.status().message();
    std::string out;
    for (const std::string& value : Values(**rows, "id")) out += value + "\n";
    WriteFile(dir + "/out/" + std::to_string(batch), out);
  };
  if (!offsets.empty()) run(offsets.size() - 1);
  for (;;) {
    auto end = (*source)->LatestOffset(at(offsets.size()), {});
    ASSERT_TRUE(end.ok()) << end.status().message();
    if (!*end) break;
    std::ofstream(dir + "/offsets", std::ios::app) << ((*end)->json + "\n");
    offsets.push_back((*end)->json);
    run(offsets.size() - 1);
  }
}

TEST(KillTest, DISABLED_Child) {
  const char* dir = std::getenv("MILLSTREAM_KILL_DIR");
  ASSERT_NE(dir, nullptr);
  RunQuery(dir);
}

TEST(KillTest, LosesAndDoublesNothing) {
  TempDir dir;
  std::mt19937 random(7);
  setenv("MILLSTREAM_KILL_DIR", dir.path().c_str(), 1);
  int files = 0, killed = 0;
  constexpr const char* kOrders[] = {"discovery", "path", "modificationTime"};
  for (int round = 0; round < 25; ++round) {
    setenv("MILLSTREAM_KILL_ORDER", kOrders[random() % std::size(kOrders)], 1);
    for (int i = 0; i < 40; ++i, ++files) {
      WriteFile(dir / ("in/d" + std::to_string(files % 5) + "/" + std::to_string(files)), "id=" + std::to_string(files));
    }
    std::string filter = "--gtest_filter=KillTest.DISABLED_Child", disabled = "--gtest_also_run_disabled_tests", name = "child";
    char* arguments[] = {name.data(), filter.data(), disabled.data(), nullptr};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    ASSERT_EQ(posix_spawn(&child, "/proc/self/exe", &quiet, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    usleep(static_cast<useconds_t>(40'000 + random() % 160'000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ++killed;
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  }
  size_t batches_before = LoggedOffsets(dir / "offsets").size();
  RunQuery(dir.path());
  std::map<std::string, int> seen;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "out")) {
    std::ifstream out(entry.path());
    for (std::string line; std::getline(out, line);) ++seen[line];
  }
  EXPECT_EQ(static_cast<int>(seen.size()), files);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  RecordProperty("killed", killed);
  std::printf("killed %d of 25 lives, in which %zu batches were planned\n", killed, batches_before);
}

}  // namespace
}  // namespace millstream
