#pragma once

// known_elsewhere.h   Files that somebody else has loaded: a table (its COPY INTO, and what the footers of its data files say), a stream's checkpoint, a list.
// They are looked up in the order of the ledger's keys, while a directory walk comes to them, in bounded memory: what has no order of its own is sorted into
// runs on disk first.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/known_files.h"
#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kKnownFromNothing{
    "MILLSTREAM_KNOWN_FROM", "42K03", ExceptionKind::kSpark,
    "knownFrom names <from>, and <reason>. Name a Delta table, the checkpoint of a stream that reads files, or a table or "
    "file with a column path."};
}  // namespace errors

// The note of a stream's ledger that says from where its existing files are known.
inline constexpr char kKnownFromNote[] = "known from";

class KnownElsewhere {
 public:
  // `from`: for people, what was named. `spill_directory`: for runs; what an earlier process has left there is removed, and the runs are when this ends.
  KnownElsewhere(Fs& fs, std::string from, std::string spill_directory) : fs_(fs), from_(std::move(from)), spill_directory_(std::move(spill_directory)) {}
  ~KnownElsewhere();

  // Before the first Contains.
  Status Add(const std::string& path);
  // Loaded, undone and unwanted files of a ledger.
  Status Add(TableLedgerPtr ledger);
  void Add(std::unique_ptr<KnownFiles> files) { streams_.push_back(std::move(files)); }
  // What the sources of a checkpoint have loaded: ledgers of cloudFiles, logs of Spark's file stream. MILLSTREAM_KNOWN_FROM when there is nothing of the kind.
  Status AddCheckpoint(Clock& clock, const std::string& directory);
  Status Seal();

  // After Seal. Cheap when asked in the order of ledger_run::KeyOf.
  Result<bool> Contains(const std::string& path);
  const std::string& from() const { return from_; }
  int64_t added() const { return added_; }

 private:
  Status Spill();

  Fs& fs_;
  const std::string from_, spill_directory_;
  std::vector<std::string> keys_;  // since the last run; sorted by Seal
  std::vector<std::string> runs_;  // paths
  std::unique_ptr<TableLedger::Cursor> spilled_;
  std::vector<TableLedgerPtr> ledgers_;
  std::vector<TableLedger::Cursor> tables_;
  std::vector<std::unique_ptr<KnownFiles>> streams_;
  int64_t added_ = 0;
};

}  // namespace millstream
