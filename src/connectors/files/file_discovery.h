#pragma once

// file_discovery.h   Finds what is new: merges the sorted names of each directory with the sorted ledger, in constant memory.
//
// A known file costs a name comparison, no stat (but for a thousand of them in each full round, to notice those that were overwritten). A directory that holds
// the names that it held when all of them were known costs their reading and no comparison (names_digest.h). A directory whose ctime
// is what it was when it was last listed, and was then older than the clock of any file system ticks, is not listed again; as file systems exist whose
// directory times are no good, everything is listed in full every second, or every hundred times what that takes. So a wrong directory time costs latency,
// never a file. Nor does a lost event of the kernel: with hints, a look is one at the directories that it has told of, but every half second, or every twenty
// times what that takes, at the times of all of them.
//
// Streams that look at the same directories share what they read (shared_directories.h). Where such a look is a second line of defence only, one stream's look
// does for all others that have seen the same tree since it was last found changed (shared_looks.h).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "connectors/files/directory_hints.h"
#include "connectors/files/file_ledger.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/shared_looks.h"
#include "connectors/files/waiting_files.h"

namespace millstream {

struct DiscoveryOptions {
  ListerOptions lister;
  bool allow_overwrites = false;                  // a known file with another mtime or size is loaded again
  bool replaces_changed = false;                  // with allow_overwrites: in the place of its rows
  bool continues_changed = false;                 // with allow_overwrites: from where it was read to (file_part.h)
  bool identity_by_content = false;               // a file with the bytes of a known one is not loaded
  int64_t settle_ms = 0;                          // a file is taken when it has not changed for so long
  std::optional<int64_t> full_round_interval_ms;  // everything is listed at least so often
  bool load_empty_files = false;                  // formats in which a file without bytes is a row
  bool takes_hints = false;                       // of the kernel: directories of which it says nothing are looked at now and then only
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  SharedDirectories* shared = nullptr;  // with whom listings are shared, which outlives the discovery; null: with nobody
};
// Of a path, asked in the order of the ledger.
using IsKnownFile = std::function<Result<bool>(const std::string& path)>;

struct DiscoveryCounts {
  ListerCounts lister;
  int64_t known = 0, added = 0, changed = 0, gone = 0, empty = 0, vanished = 0, outside_time_range = 0, too_old = 0, unsettled = 0, duplicates = 0;
  int64_t changed_ignored = 0;  // since the start: loaded files that were found changed, and are not loaded again
  int64_t directories_listed = 0, directories_shared = 0;  // since the start: read, and of names that came from another stream's reading
};

// Not thread-safe.
class FileDiscovery {
 public:
  // `waiting`: where new files wait for their numbers, which outlives this; null: they get them when they are found.
  FileDiscovery(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, DiscoveryOptions options, WaitingFiles* waiting = nullptr);

  // Looks on until the ledger's last number reaches `number_wanted`, or the round has ended. Added files are written, not synced.
  // True: the round has ended; the next call begins another one.
  Result<bool> Advance(int64_t number_wanted);
  // Begins a new round that lists every directory, and ends it. New files get `state`.
  Status SweepEverything(FileState state = FileState::kAssigned);
  // The same for those new files alone of which `is_known` says so, as kExisting; the others are for later rounds.
  Status SweepKnown(IsKnownFile is_known);

  // Files that were changed last before this are not loaded. nullopt: all are.
  void set_oldest_ns(std::optional<int64_t> oldest_ns) { oldest_ns_ = oldest_ns; }
  // Files that the ledger knows no more are to be found again: the next round lists every directory.
  void ListAgain() { lists_again_ = true; }
  // Files were given up (FileLedger::IsGivenUp): those with their bytes are no duplicates any more.
  void LookAtDuplicates() { looks_at_duplicates_ = lists_again_ = true; }
  // The same of one directory: the next look at it compares its names with the ledger.
  void LookAgain(const std::string& directory);

  // Where the kernel may tell that something is new: all directories, when each of them is as it was listed and they are not too many.
  std::vector<std::string> WatchableDirectories() const;

  // Of the last round that has ended.
  const DiscoveryCounts& counts() const { return last_counts_; }
  // Looks at all directories that another stream's has spared.
  int64_t looks_shared() const { return peers_.taken(); }

 private:
  // Which directories a round lists: those that the kernel has told of, those whose times have changed, all.
  enum class Reach { kHinted, kChanged, kAll };
  struct Round {
    std::unique_ptr<FileLister> lister;
    std::unique_ptr<FileLedger::Cursor> cursor;  // null: the ledger was empty
    std::optional<ListedDirectory> directory;
    int64_t listed_ms = 0;  // just before the directory was listed
    size_t next_name = 0;
    bool complete = true;  // all files of the directory are settled, it need not be listed again
    Reach reach = Reach::kChanged;
    int64_t started_us = 0;
    int64_t gone_before = 0;    // counts.gone before the directory
    int64_t audited_known = 0;  // known files that an audit may look at, so far
    RoundSeen seen;
    DiscoveryCounts counts;
  };
  // False: there is nothing to look at.
  // `is_backup`: whatever it is that it finds, it is to be found by times and by what the kernel tells first.
  Result<bool> BeginRound(Reach reach, bool is_backup = false);
  Result<bool> Step(FileState state, int64_t number_wanted);
  bool PassKnownNames();
  bool TakesHints(const std::string& directory) const;
  bool IsListed(std::string_view directory, std::string_view name) const;
  Status MergeName(std::string_view name, FileState state);
  // Whether it is to be seen anew whose bytes a known file has.
  Result<bool> IsDoubtfulDuplicate(const FileRecord& record);
  // `known`: what the ledger has of it; null: nothing.
  Status Take(std::string_view name, const FileInfo& info, const std::string& path, FileState state, const FileRecord* known);
  // A known file that is loaded in parts.
  Status Continue(std::string_view name, const FileInfo& info, const std::string& path, const FileRecord& known);
  // A loaded file that has changed and is left alone.
  Status TellOfChange(int64_t number, std::string reason);
  bool IsSettled(const std::string& path, const FileInfo& info);
  // A known file's turn to be looked at, some of them in each full round: one that has changed since it was loaded is told of.
  Status Audit(std::string_view name, const FileRecord& record);
  Status EndDirectory();

  Fs& fs_;
  Clock& clock_;
  std::shared_ptr<FileLedger> ledger_;
  DiscoveryOptions options_;
  WaitingFiles* const waiting_;
  DirectoryMemory memory_;
  DirectoryHints hints_;
  IsKnownFile is_known_;  // during SweepKnown
  // Files that may still be written to, and since when they have been as they are (monotonic). Without those that no round has seen since.
  struct Unsettled {
    int64_t size_bytes = 0, changed_ns = 0, since_us = 0;
    int64_t round = 0;
  };
  std::unordered_map<std::string, Unsettled> unsettled_;
  int64_t rounds_ = 0;
  int64_t audit_from_ = 0;  // how many known files were looked at since the last time round
  int64_t changed_ignored_ = 0;
  std::optional<int64_t> oldest_ns_;
  bool lists_again_ = false;
  bool looks_at_duplicates_ = true;  // until a round that lists everything has ended; true: what an earlier process gave up may not have been seen
  std::optional<Round> round_;
  DiscoveryCounts last_counts_;
  int64_t last_full_us_ = 0, last_full_took_us_ = 0;
  int64_t last_look_us_ = 0, last_look_took_us_ = 0;  // at all directories
  bool swept_ = false;
  SharedLooks peers_;
  int64_t directories_listed_ = 0, directories_shared_ = 0;
};

}  // namespace millstream
