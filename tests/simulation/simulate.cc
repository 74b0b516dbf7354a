// simulate   Many short histories of a streaming query on a disk that fails (history.h), as fast as the machine goes. `simulate --seed=N` replays one, step by
// step. Last, bugs are planted (planted_bug.h), and each must be found.

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "history.h"

namespace millstream::simulation {
namespace {

constexpr int kFailuresShown = 5;
constexpr int64_t kHistoriesPerBug = 20'000;
constexpr uint64_t kDeterminismChecks = 50;

struct Arguments {
  std::optional<uint64_t> seed;
  uint64_t first_seed = 1;
  int64_t histories = 10'000;
  double seconds = 0;  // 0: as long as it takes
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  std::string bug, shape;
  bool skip_bugs = false, shows_places = false;
};

thread_local uint64_t seed_of_thread = 0;

// An MS_CHECK has failed: the seed that brings it about must not be lost.
void SayWhichSeed(int signal_number) {
  const std::string text = fmt::format("\nsimulate --seed={} ends in signal {}\n", seed_of_thread, signal_number);
  [[maybe_unused]] ssize_t ignored = ::write(STDOUT_FILENO, text.data(), text.size());
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);
}

std::string ScratchDirectory(unsigned thread) {
  const char* base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  return fmt::format("{}/millstream-simulate-{}-{}", base, ::getpid(), thread);
}

struct Totals {
  std::mutex mutex;
  int64_t histories = 0, lives = 0, batches = 0, faults = 0, steps = 0;
  std::map<Shape, int64_t> by_shape, violations_by_shape;
  std::map<uint64_t, std::string> violations;  // by seed
  std::set<std::string> places;
};

HistoryResult RunOne(HistoryRunner& runner, const HistoryOptions& options) {
  seed_of_thread = options.seed;
  return runner.Run(options);
}

void RunMany(const Arguments& arguments, PlantedBug bug, std::optional<Shape> shape, int64_t histories, bool until_found, Totals* totals) {
  const auto ends = std::chrono::steady_clock::now() + std::chrono::duration<double>(arguments.seconds > 0 ? arguments.seconds : 1e6);
  std::atomic<int64_t> next{0};
  std::atomic<bool> found{false};
  auto work = [&](unsigned thread) {
    HistoryRunner runner(ScratchDirectory(thread));
    for (int64_t number; (number = next++) < histories && !(until_found && found) && std::chrono::steady_clock::now() < ends;) {
      const uint64_t seed = arguments.first_seed + static_cast<uint64_t>(number);
      HistoryResult result = RunOne(runner, {.seed = seed, .bug = bug, .shape = shape});
      std::lock_guard lock(totals->mutex);
      ++totals->histories;
      totals->lives += result.lives;
      totals->batches += result.batches;
      totals->faults += result.faults;
      totals->steps += result.steps;
      ++totals->by_shape[result.shape];
      totals->places.merge(result.places);
      if (result.violation.empty()) continue;
      found = true;
      ++totals->violations_by_shape[result.shape];
      totals->violations[seed] = std::move(result.violation);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < arguments.threads; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
}

std::optional<Shape> ShapeNamed(std::string_view name) {
  for (size_t i = 0; i < std::size(kShapes); ++i) {
    if (kShapes[i].name == name) return static_cast<Shape>(i);
  }
  return std::nullopt;
}

PlantedBug BugNamed(std::string_view name) {
  for (const PlantedBugName& planted : kPlantedBugs) {
    if (planted.name == name) return planted.bug;
  }
  return PlantedBug::kNone;
}

int Replay(const Arguments& arguments) {
  HistoryRunner runner(ScratchDirectory(0));
  std::vector<std::string> trace;
  HistoryResult result = RunOne(runner, {.seed = *arguments.seed, .bug = BugNamed(arguments.bug), .shape = ShapeNamed(arguments.shape), .trace = &trace});
  for (const std::string& line : trace) fmt::print("{}\n", line);
  fmt::print("{}\n", result.violation.empty() ? "nothing lost, nothing doubled" : "VIOLATION " + result.violation);
  return result.violation.empty() ? 0 : 1;
}

// The same seed gives the same steps.
bool RepeatsItself(const Arguments& arguments) {
  HistoryRunner runner(ScratchDirectory(0));
  for (uint64_t seed = arguments.first_seed; seed < arguments.first_seed + kDeterminismChecks; ++seed) {
    std::vector<std::string> once, again;
    RunOne(runner, {.seed = seed, .trace = &once});
    RunOne(runner, {.seed = seed, .trace = &again});
    if (once == again) continue;
    size_t at = 0;
    while (at < once.size() && at < again.size() && once[at] == again[at]) ++at;
    fmt::print("FAILED seed {} does not repeat itself: line {} is \"{}\" and then \"{}\"\n", seed, at, at < once.size() ? once[at] : "",
               at < again.size() ? again[at] : "");
    return false;
  }
  return true;
}

// Returns how many tests have failed.
int LookForViolations(const Arguments& arguments, int* tests) {
  Totals totals;
  const auto begun = std::chrono::steady_clock::now();
  RunMany(arguments, PlantedBug::kNone, ShapeNamed(arguments.shape), arguments.histories, false, &totals);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{} histories: {} lives, {} batches, {} faults in {} steps, {} violations; {:.1f} s, {:.0f} histories/s on {} threads\n", totals.histories,
             totals.lives, totals.batches, totals.faults, totals.steps, totals.violations.size(), seconds, static_cast<double>(totals.histories) / seconds,
             arguments.threads);
  fmt::print("faults came at {} places\n", totals.places.size());
  if (arguments.shows_places) {
    for (const std::string& place : totals.places) fmt::print("  {}\n", place);
  }
  int shown = 0;
  for (const auto& [seed, violation] : totals.violations) {
    if (++shown <= kFailuresShown)
      fmt::print("FAILED {}\n  simulate --seed={}{}\n", violation, seed, arguments.shape.empty() ? "" : " --shape=" + arguments.shape);
  }
  int failed = 0;
  for (const auto& [shape, histories] : totals.by_shape) {
    ++*tests;
    failed += totals.violations_by_shape[shape] > 0 ? 1 : 0;
    fmt::print("  {}: {} histories, {} violations\n", FactsOf(shape).name, histories, totals.violations_by_shape[shape]);
  }
  return failed;
}

int LookForPlantedBugs(Arguments arguments, int* tests) {
  int failed = 0;
  arguments.seconds = 0;
  for (const PlantedBugName& planted : kPlantedBugs) {
    // One that a rule checks, one that is compared with a run without faults.
    for (const Shape shape : {Shape::kDeduplicate, Shape::kWithinWatermark}) {
      Totals totals;
      RunMany(arguments, planted.bug, shape, kHistoriesPerBug, true, &totals);
      ++*tests;
      if (totals.violations.empty()) {
        ++failed;
        fmt::print("FAILED the planted bug {} was not found in {} histories of {}\n", planted.name, totals.histories, FactsOf(shape).name);
      } else {
        const auto& [seed, violation] = *totals.violations.begin();
        fmt::print("  planted bug {} found in history {} of {}: {}\n", planted.name, seed - arguments.first_seed + 1, FactsOf(shape).name, violation);
      }
    }
  }
  return failed;
}

int Simulate(const Arguments& arguments) {
  if (arguments.seed) return Replay(arguments);
  int tests = 1;
  int failed = RepeatsItself(arguments) ? 0 : 1;
  failed += LookForViolations(arguments, &tests);
  if (!arguments.skip_bugs) failed += LookForPlantedBugs(arguments, &tests);
  fmt::print("tests: {} passed, {} failed\n", tests - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace millstream::simulation

int main(int argc, char** argv) {
  using namespace millstream::simulation;
  Arguments arguments;
  CLI::App app("Histories of a streaming query on a disk that fails.");
  app.add_option("--histories", arguments.histories, "How many");
  app.add_option("--seconds", arguments.seconds, "Not longer than this");
  app.add_option("--threads", arguments.threads, "Histories at a time");
  app.add_option("--seed", arguments.seed, "Replay this one, with its steps");
  app.add_option("--first-seed", arguments.first_seed, "Seeds from here on");
  app.add_option("--shape", arguments.shape, "Only this query")
      ->check(CLI::Validator([](std::string& name) { return ShapeNamed(name) ? std::string() : "no such query"; }, "QUERY"));
  app.add_option("--bug", arguments.bug, "With --seed: plant this bug");
  app.add_flag("--skip-bugs", arguments.skip_bugs, "No planted bugs");
  app.add_flag("--places", arguments.shows_places, "List where faults came");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);
  for (int signal_number : {SIGABRT, SIGSEGV}) std::signal(signal_number, SayWhichSeed);
  return Simulate(arguments);
}
