#pragma once

// ledger_view.h   What a file ledger holds, read beside a query that may be running on it: a look at one moment, which takes no lock and changes nothing.

#include <memory>
#include <optional>
#include <string>

#include "connectors/files/file_ledger.h"

namespace millstream {

struct LedgerFile {
  FileState state = FileState::kAssigned;
  NumberedFile file;                 // its number is 0 unless the state is kAssigned
  std::optional<BatchRecord> batch;  // that it was put into, if that is recorded
  FileFate fate;
  std::optional<FileCounts> counts;  // null: not read yet, or by an older version
  std::string duplicate_of;          // of kDuplicate: the path with the same bytes
  std::string known_from;            // of kExisting: what knownFrom named; empty: includeExistingFiles = false
};

// Not thread-safe.
class LedgerView {
 public:
  // Errors: MILLSTREAM_LEDGER_FORMAT, MILLSTREAM_LEDGER_IO.
  static Result<std::unique_ptr<LedgerView>> Open(Fs& fs, const std::string& directory);
  virtual ~LedgerView() = default;
  // First the files that have numbers, by number; then the others, by path. nullopt at the end.
  // Without those that are forgotten, and numbers in whose place the file has got another one before they were loaded.
  virtual Result<std::optional<LedgerFile>> Next() = 0;
};

// A small fact of the ledger; empty: none. Errors: as Open.
Result<std::string> ReadLedgerNote(Fs& fs, const std::string& directory, const std::string& name);

}  // namespace millstream
