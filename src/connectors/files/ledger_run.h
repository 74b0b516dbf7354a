#pragma once

// ledger_run.h   One sorted, checksummed file of a table's file ledger: written once, never changed.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "connectors/files/ledger_run_format.h"
#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kTableLedgerDamaged{
    "MILLSTREAM_COPY_STATE_DAMAGED", "58030", ExceptionKind::kSpark,
    "<path>, which holds what COPY INTO knows of the files that it has loaded, cannot be used: <reason>. Going on without it would load files twice. Restore "
    "the file from a copy of the table, or make the table anew."};
}  // namespace errors

// A run that is read. Immutable, thread-safe.
class LedgerRun {
 public:
  // MILLSTREAM_COPY_STATE_DAMAGED.
  static Result<std::shared_ptr<const LedgerRun>> Open(Fs& fs, const std::string& path);

  const ledger_run::Footer& footer() const { return footer_; }
  int64_t modified_ms() const { return modified_ms_; }
  // The entries of a block, checked.
  Result<std::string> ReadBlock(size_t block) const;
  Status Damaged(std::string reason) const;

 private:
  std::string path_;
  std::unique_ptr<ReadableFile> file_;
  int64_t modified_ms_ = 0;
  ledger_run::Footer footer_;
};
using LedgerRunPtr = std::shared_ptr<const LedgerRun>;

// Entries in order. Not thread-safe.
class LedgerRunCursor {
 public:
  explicit LedgerRunCursor(LedgerRunPtr run) : run_(std::move(run)) {}
  // To the first entry at or after `key`. Forwards within a block nothing is read anew.
  Status Seek(std::string_view key);
  Status Next();
  bool valid() const { return valid_; }
  const std::string& key() const { return key_; }
  Result<LoadedFile> file() const;

 private:
  Status Load(size_t block);

  const LedgerRunPtr run_;
  size_t block_ = SIZE_MAX;
  std::string bytes_;
  std::string_view rest_;  // of bytes_
  std::string key_;
  std::string_view record_;  // in bytes_
  bool valid_ = false;
};

// A run that is written: entries in order, then Publish. Not thread-safe.
class LedgerRunWriter {
 public:
  static Result<LedgerRunWriter> Create(Fs& fs, const std::string& directory);
  Status Add(std::string_view key, const LoadedFile& file);
  // Durable under its name when it returns. kFileAlreadyExists: the name is taken; write another run.
  Status Publish(const std::string& path, int64_t number, const std::string& table_id, const std::vector<ledger_run::RunRef>& older);
  int64_t entries() const { return entries_; }

 private:
  explicit LedgerRunWriter(Fs& fs) : fs_(&fs) {}
  Status EndBlock();

  Fs* fs_;
  std::unique_ptr<PendingFile> file_;
  std::vector<ledger_run::BlockRef> blocks_;
  std::string block_, last_key_;
  int64_t entries_ = 0;
};

}  // namespace millstream
