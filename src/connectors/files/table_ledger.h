#pragma once

// table_ledger.h   Which files a table has loaded. It lies in the table's own directory, and the table's commits say which state of it is valid, so that
// rows and the memory of their files come and go together.
//
// Protocol, and why no file is loaded twice or lost:
//
//   1. A loader reads the snapshot. Its txn of kFileLedgerAppId names a run (number = the txn's version); the run names the older runs that are valid
//      with it. No txn, or version 0: nothing is known.
//   2. It loads what is not in these runs, and writes the next run under a number that nobody has used: durable before
//   3. the Delta commit, which holds the new rows and txn{kFileLedgerAppId, number}.
//
// Killed before 3: rows and run are unreferenced, the next loader begins anew. Two loaders at a time: both write the same txn, so the second to commit is
// told of the first (DELTA_CONCURRENT_TRANSACTION) and looks again. The newest run that knows a file is right about it.
//
// Format: docs/formats/copy_state.md. Why it lies there: docs/decisions/0011-copy-state-in-the-table.md.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/files/ledger_run.h"

namespace millstream {

struct KnownFile {
  std::string path;  // raw, absolute
  LoadedFile file;
};

// The ledger at one epoch. Immutable, thread-safe.
class TableLedger {
 public:
  // `epoch`: the txn's version, 0 without one. MILLSTREAM_COPY_STATE_DAMAGED when a run is missing or broken: never a guess.
  static Result<std::shared_ptr<const TableLedger>> Open(Fs& fs, const std::string& table_path, const std::string& table_id, int64_t epoch);

  // One run of it, whatever is valid now. MILLSTREAM_COPY_STATE_DAMAGED also when it has been removed.
  static Result<LedgerRunPtr> OpenRun(Fs& fs, const std::string& table_path, int64_t number);

  int64_t epoch() const { return epoch_; }
  bool empty() const { return runs_.empty(); }

  // All that is known, in the order of keys, each file once. Not thread-safe.
  class Cursor {
   public:
    explicit Cursor(const std::vector<LedgerRunPtr>& runs);
    // To the first file at or after `key`; cheap when that is near and ahead.
    Status Seek(std::string_view key);
    Status Next();
    bool valid() const { return newest_ != SIZE_MAX; }
    const std::string& key() const { return runs_[newest_].key(); }
    Result<LoadedFile> file() const { return runs_[newest_].file(); }

   private:
    void FindNewest();
    std::vector<LedgerRunCursor> runs_;  // newest first
    size_t newest_ = SIZE_MAX;           // of those that are at the smallest key
    std::optional<std::string> target_;  // all runs are at their first key at or after it
  };
  Cursor NewCursor() const { return Cursor(runs_); }
  Result<std::optional<LoadedFile>> Find(std::string_view path) const;

  // Makes the state after this one durable, and returns its number, for the commit. `changed`: by key, each once; a file's epoch 0 stands for the number.
  // Older runs that are not much larger are merged into the new one, so that there are never more than a logarithm of them.
  using Changes = std::vector<std::pair<std::string, LoadedFile>>;
  Result<int64_t> WriteNext(const Changes& changed) const;

  // After a commit of this epoch: removes runs that have been out of use for `kept_ms`, so that nobody who reads an older snapshot misses them.
  Status RemoveUnused(int64_t now_ms, int64_t kept_ms) const;

 private:
  TableLedger(Fs& fs, std::string directory, std::string table_id, int64_t epoch)
      : fs_(fs), directory_(std::move(directory)), table_id_(std::move(table_id)), epoch_(epoch) {}
  std::string PathOf(int64_t number) const;
  Result<int64_t> LargestNumber() const;
  // How many of the oldest runs stay as they are when `changes` more entries come.
  size_t KeptRuns(int64_t changes) const;
  Result<int64_t> WriteAs(int64_t number, const Changes& changed) const;

  Fs& fs_;
  const std::string directory_, table_id_;
  const int64_t epoch_;
  std::vector<LedgerRunPtr> runs_;  // oldest first
};
using TableLedgerPtr = std::shared_ptr<const TableLedger>;

}  // namespace millstream
