// Speed and memory of discovery: files_discovery_bench EMPTY_DIRECTORY FILES FILES_PER_DIRECTORY [generated | streams]
//
// With `streams`: what 1, 4 and 16 streams over the same files cost, each on a thread of its own and with a look every 100 ms, while a file comes every second;
// with shared listings and without.
// With `generated` the files are only names that a program makes: what they cost is the ledger and the merge, and a hundred million of them need no disk.
// Otherwise it
// makes the files (hard links to one file of a byte, so that a million of them fit into memory) unless an earlier run has, then prints what each look at them
// takes. Files that an earlier run has noted are known from the start.

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "connectors/files/file_discovery.h"
#include "connectors/files/generated_fs.h"
#include "connectors/files/read_ahead.h"

namespace millstream {
namespace {

int64_t PeakRssKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int64_t CpuMicros(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

Status MakeFiles(const std::string& root, int64_t files, int64_t per_directory) {
  Fs& fs = Fs::Local();
  MS_RETURN_IF_ERROR(fs.CreateDirectories(root));
  for (int64_t i = 0; i < files; ++i) {
    std::string directory = fmt::format("{}/day={:04}", root, i / per_directory);
    if (i % per_directory == 0) MS_RETURN_IF_ERROR(fs.CreateDirectories(directory));
    // ext4 allows 65,000 links to a file.
    std::string one = fmt::format("{}/../one-{}", root, i / 60'000);
    if (i % 60'000 == 0) MS_RETURN_IF_ERROR(fs.Replace(one, "1"));
    std::string path = fmt::format("{}/part-{:08}.json", directory, (i * 7919) % files);
    if (::link(one.c_str(), path.c_str()) != 0 && errno != EEXIST) return Status::Errno("link", path, errno);
  }
  return Status();
}

Result<int64_t> BytesOf(const std::string& directory, std::string_view ending) {
  int64_t bytes = 0;
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, Fs::Local().List(directory));
  for (const DirectoryEntry& entry : entries) {
    MS_ASSIGN_OR_RETURN(FileInfo info, Fs::Local().Stat(JoinPath(directory, entry.name)));
    if (entry.name.ends_with(ending)) bytes += info.size_bytes;
  }
  return bytes;
}

Status Look(const std::string& work, int64_t files, int64_t per_directory, bool generated) {
  GeneratedFs generated_fs(work + "/in", files, per_directory);
  Fs& fs = generated ? static_cast<Fs&>(generated_fs) : Fs::Local();
  MS_ASSIGN_OR_RETURN(bool is_made, Fs::Local().Exists(work + "/in"));
  if (!generated && !is_made) MS_RETURN_IF_ERROR(MakeFiles(work + "/in", files, per_directory));
  Clock& clock = Clock::System();
  ::sleep(1);  // the directories settle
  fmt::print("before: peak RSS {} KiB\n", PeakRssKib());
  DiscoveryOptions options;
  MS_ASSIGN_OR_RETURN(options.lister.glob, PathGlob::Parse(work + "/in", PathGlob::Mode::kLoose));
  options.takes_hints = !generated;
  options.lister.threads_ahead = ThreadsAhead(Fs::Local());  // also for generated names, which any thread may ask for
  int64_t open_from = clock.MonotonicMicros();
  MS_ASSIGN_OR_RETURN(auto ledger, FileLedger::Open(Fs::Local(), work + "/ledger"));
  fmt::print("ledger created: {} us, peak RSS {} KiB\n", clock.MonotonicMicros() - open_from, PeakRssKib());
  ledger.reset();
  open_from = clock.MonotonicMicros();
  MS_ASSIGN_OR_RETURN(ledger, FileLedger::Open(Fs::Local(), work + "/ledger"));
  fmt::print("ledger opened again: {} us\n", clock.MonotonicMicros() - open_from);
  FileDiscovery discovery(fs, clock, ledger, options);
  auto look = [&](const char* name, auto&& act) -> Status {
    int64_t from = clock.MonotonicMicros(), cpu_from = CpuMicros(RUSAGE_SELF), thread_from = CpuMicros(RUSAGE_THREAD);
    MS_RETURN_IF_ERROR(act());
    int64_t took = clock.MonotonicMicros() - from, cpu = CpuMicros(RUSAGE_SELF) - cpu_from, thread = CpuMicros(RUSAGE_THREAD) - thread_from;
    const DiscoveryCounts& counts = discovery.counts();
    fmt::print("{:<34} {:>9.2f} ms  {:>7.3f} us/file  cpu {:.3f} (this thread {:.3f}) us/file  listed {} unchanged {} known {} added {}  peak RSS {} KiB\n",
               name, static_cast<double>(took) / 1000, static_cast<double>(took) / static_cast<double>(files),
               static_cast<double>(cpu) / static_cast<double>(files), static_cast<double>(thread) / static_cast<double>(files),
               counts.lister.directories_listed, counts.lister.directories_unchanged, counts.known, counts.added, PeakRssKib());
    return Status();
  };
  MS_RETURN_IF_ERROR(look("first look, everything is new", [&] { return discovery.SweepEverything(); }));
  MS_RETURN_IF_ERROR(look("  and sync of the ledger", [&] { return ledger->Sync(); }));
  MS_RETURN_IF_ERROR(look("second look, every directory listed", [&] { return discovery.SweepEverything(); }));
  MS_RETURN_IF_ERROR(look("third look, again", [&] { return discovery.SweepEverything(); }));
  MS_RETURN_IF_ERROR(look("fourth look, unchanged directories", [&] { return discovery.Advance(INT64_MAX).status(); }));
  if (!generated) {
    const std::string one_more = work + "/in/day=0000/one-more.json";
    MS_RETURN_IF_ERROR(discovery.Advance(INT64_MAX).status());  // the first after the watches
    MS_RETURN_IF_ERROR(look("fifth look, the kernel says nothing", [&] { return discovery.Advance(INT64_MAX).status(); }));
    [[maybe_unused]] Status removed = Fs::Local().Remove(one_more);
    MS_RETURN_IF_ERROR(Fs::Local().Replace(one_more, "1"));
    ::usleep(20'000);
    MS_RETURN_IF_ERROR(look("sixth look, it tells of one file", [&] { return discovery.Advance(INT64_MAX).status(); }));
  }
  MS_ASSIGN_OR_RETURN(int64_t ledger_bytes, BytesOf(work + "/ledger", ".sst"));
  fmt::print("the ledger has {:.1f} bytes a file on disk, without RocksDB's log\n", static_cast<double>(ledger_bytes) / static_cast<double>(files));
  int64_t from = clock.MonotonicMicros();
  int64_t last = ledger->last_number(), read = 0;
  for (int64_t at = 0; at < last; at += 1000) {
    MS_ASSIGN_OR_RETURN(auto batch, ledger->Files(at, std::min(at + 1000, last)));
    read += static_cast<int64_t>(batch.size());
  }
  fmt::print("{} files taken out in batches of 1000: {:.3f} us/file, peak RSS {} KiB\n", read,
             static_cast<double>(clock.MonotonicMicros() - from) / static_cast<double>(files), PeakRssKib());
  return Status();
}

struct StreamCosts {
  int64_t listed = 0, shared = 0, looks_shared = 0, files = 0;
};

Result<StreamCosts> RunStream(const std::string& in, const std::string& ledger_directory, SharedDirectories* shared, const std::atomic<int>& phase,
                              std::atomic<int>& ready) {
  DiscoveryOptions options{.takes_hints = true, .shared = shared};
  MS_ASSIGN_OR_RETURN(options.lister.glob, PathGlob::Parse(in, PathGlob::Mode::kLoose));
  options.lister.threads_ahead = ThreadsAhead(Fs::Local());
  MS_ASSIGN_OR_RETURN(auto ledger, FileLedger::Open(Fs::Local(), ledger_directory));
  FileDiscovery discovery(Fs::Local(), Clock::System(), ledger, options);
  MS_RETURN_IF_ERROR(discovery.SweepEverything());
  ++ready;
  while (phase == 0) ::usleep(1000);
  const DiscoveryCounts before = discovery.counts();
  while (phase == 1) {
    MS_RETURN_IF_ERROR(discovery.Advance(INT64_MAX).status());
    ::usleep(100'000);
  }
  MS_RETURN_IF_ERROR(discovery.SweepEverything());
  return StreamCosts{.listed = discovery.counts().directories_listed - before.directories_listed,
                     .shared = discovery.counts().directories_shared - before.directories_shared,
                     .looks_shared = discovery.looks_shared(),
                     .files = ledger->last_number()};
}

Status RunStreams(const std::string& work, int streams, SharedDirectories* shared, int& written) {
  constexpr int kSeconds = 10;
  std::atomic<int> phase = 0, ready = 0;
  std::vector<Result<StreamCosts>> costs(static_cast<size_t>(streams), Result<StreamCosts>(StreamCosts()));
  std::vector<std::thread> threads;
  const std::string ledgers = fmt::format("{}/ledgers-{}-{}", work, streams, shared == nullptr ? "alone" : "shared");
  const int64_t first_from = CpuMicros(RUSAGE_SELF);
  for (int i = 0; i < streams; ++i) {
    const auto at = static_cast<size_t>(i);
    threads.emplace_back([&, at] { costs[at] = RunStream(work + "/in", fmt::format("{}-{}", ledgers, at), shared, phase, ready); });
  }
  while (ready < streams) ::usleep(1000);
  ::sleep(1);
  const int64_t first = CpuMicros(RUSAGE_SELF) - first_from, from = CpuMicros(RUSAGE_SELF);
  phase = 1;
  for (int second = 0; second < kSeconds; ++second) {
    MS_RETURN_IF_ERROR(Fs::Local().Replace(fmt::format("{}/in/day=0000/more-{:06}.json", work, written++), "1"));
    ::sleep(1);
  }
  const int64_t cpu = CpuMicros(RUSAGE_SELF) - from;
  phase = 2;
  StreamCosts sum;
  for (std::thread& thread : threads) thread.join();
  for (const Result<StreamCosts>& one : costs) {
    MS_RETURN_IF_ERROR(one.status());
    sum.listed += one->listed, sum.shared += one->shared, sum.looks_shared += one->looks_shared, sum.files += one->files;
  }
  fmt::print("{:>2} streams, {:<6}  first listing {:.2f} s CPU; then {} s: {:.2f} s CPU, directories read {}, shared {}, looks spared {}; files {}; peak RSS {} KiB\n", streams,
             shared == nullptr ? "alone" : "shared", static_cast<double>(first) / 1e6, kSeconds, static_cast<double>(cpu) / 1e6, sum.listed, sum.shared,
             sum.looks_shared, sum.files, PeakRssKib());
  return Status();
}

Status CompareStreams(const std::string& work, int64_t files, int64_t per_directory) {
  MS_ASSIGN_OR_RETURN(bool is_made, Fs::Local().Exists(work + "/in"));
  if (!is_made) MS_RETURN_IF_ERROR(MakeFiles(work + "/in", files, per_directory));
  ::sleep(1);
  int written = 0;
  for (int streams : {1, 4, 16}) {
    MS_RETURN_IF_ERROR(RunStreams(work, streams, nullptr, written));
    MS_RETURN_IF_ERROR(RunStreams(work, streams, SharedDirectories::Of(Fs::Local()), written));
  }
  return Status();
}

// As a stream records its batches, with as many rows in each file as in no other one near it. Then all that the ledger has on disk is counted.
Status Record(const std::string& work) {
  Clock& clock = Clock::System();
  MS_ASSIGN_OR_RETURN(auto ledger, FileLedger::Open(Fs::Local(), work + "/ledger"));
  const int64_t from = clock.MonotonicMicros(), last = ledger->last_number();
  std::mt19937_64 random(7);
  for (int64_t at = 0; at < last; at += 1000) {
    const int64_t through = std::min(at + 1000, last), now_ms = clock.WallMillis();
    std::vector<FileCounts> counts(static_cast<size_t>(through - at));
    for (FileCounts& file : counts) file.rows = static_cast<int64_t>(random() % 10'000);
    MS_RETURN_IF_ERROR(ledger->RecordBatch(through, {.after = at, .processed_ms = now_ms}));
    MS_RETURN_IF_ERROR(ledger->RecordCounts(at, counts));
    MS_RETURN_IF_ERROR(ledger->RecordBatch(through, {.after = at, .processed_ms = now_ms, .committed_ms = now_ms + 100}));
  }
  MS_RETURN_IF_ERROR(ledger->Sync());
  fmt::print("their batches and uneven counts of rows recorded: {:.3f} us/file, peak RSS {} KiB\n",
             static_cast<double>(clock.MonotonicMicros() - from) / static_cast<double>(last), PeakRssKib());
  ledger.reset();
  // A start takes RocksDB's log into a table.
  MS_ASSIGN_OR_RETURN(ledger, FileLedger::Open(Fs::Local(), work + "/ledger"));
  MS_ASSIGN_OR_RETURN(int64_t bytes, BytesOf(work + "/ledger", ""));
  fmt::print("the ledger has {:.1f} bytes a file on disk, with everything\n", static_cast<double>(bytes) / static_cast<double>(last));
  return Status();
}

}  // namespace
}  // namespace millstream

int main(int argc, char** argv) {
  const std::string mode = argc == 5 ? argv[4] : "";
  if (argc != 4 && mode != "generated" && mode != "streams") {
    fmt::print("usage: {} EMPTY_DIRECTORY FILES FILES_PER_DIRECTORY [generated | streams]\n", argv[0]);
    return 2;
  }
  mallopt(M_ARENA_MAX, 4);  // as the program has it
  if (mode == "streams") {
    millstream::Status compared = millstream::CompareStreams(argv[1], std::atoll(argv[2]), std::atoll(argv[3]));
    if (!compared.ok()) fmt::print("{}\n", compared.message());
    return compared.ok() ? 0 : 1;
  }
  millstream::Status status = millstream::Look(argv[1], std::atoll(argv[2]), std::atoll(argv[3]), mode == "generated");
  if (status.ok()) status = millstream::Record(argv[1]);
  if (!status.ok()) fmt::print("{}\n", status.message());
  return status.ok() ? 0 : 1;
}
