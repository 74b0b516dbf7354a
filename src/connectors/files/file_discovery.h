#pragma once

// file_discovery.h   Finds what is new: merges the sorted names of each directory with the sorted ledger, in constant memory.
//
// A known file costs a name comparison, never a stat. A directory whose ctime is what it was when it was last listed, and was then older than
// the clock of any file system ticks, is not listed again; as file systems exist whose directory times are no good, everything is
// listed in full every second, or every hundred times what that takes. So a wrong directory time costs latency, never a file.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "connectors/files/file_ledger.h"
#include "connectors/files/file_lister.h"

namespace millstream {

struct DiscoveryOptions {
  ListerOptions lister;
  bool allow_overwrites = false;  // a known file with another mtime or size is loaded again
  bool load_empty_files = false;  // formats in which a file without bytes is a row
  std::optional<int64_t> modified_after_ns, modified_before_ns;
};

struct DiscoveryCounts {
  ListerCounts lister;
  int64_t known = 0, added = 0, changed = 0, gone = 0, empty = 0, vanished = 0, outside_time_range = 0;
};

// Not thread-safe.
class FileDiscovery {
 public:
  FileDiscovery(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, DiscoveryOptions options);

  // Looks on until the ledger's last number reaches `number_wanted`, or the round has ended. Added files are written, not synced.
  // True: the round has ended; the next call begins another one.
  Result<bool> Advance(int64_t number_wanted);
  // Begins a new round that lists every directory, and ends it. New files get `state`.
  Status SweepEverything(FileState state = FileState::kAssigned);

  // Of the last round that has ended.
  const DiscoveryCounts& counts() const { return last_counts_; }

 private:
  struct Round {
    std::unique_ptr<FileLister> lister;
    std::unique_ptr<FileLedger::Cursor> cursor;  // null: the ledger was empty
    std::optional<ListedDirectory> directory;
    int64_t listed_ms = 0;  // just before the directory was listed
    size_t next_name = 0;
    bool complete = true;  // all files of the directory are settled, it need not be listed again
    bool full = false;
    int64_t started_us = 0;
    DiscoveryCounts counts;
  };
  Status BeginRound(bool full);
  Result<bool> Step(FileState state, int64_t number_wanted);
  Status MergeName(std::string_view name, FileState state);
  Status EndDirectory();

  Fs& fs_;
  Clock& clock_;
  std::shared_ptr<FileLedger> ledger_;
  DiscoveryOptions options_;
  DirectoryMemory memory_;
  std::optional<Round> round_;
  DiscoveryCounts last_counts_;
  int64_t last_full_us_ = 0, last_full_took_us_ = 0;
  bool swept_ = false;
};

}  // namespace millstream
