#pragma once

// known_files.h   What a table or a stream knows of files, directory by directory: one face of both kinds of ledger, to be merged with a listing.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/files/table_ledger.h"

namespace millstream {

struct FileStanding {
  enum class State {
    kLoaded,
    kWaiting,   // found, and not loaded yet
    kUnwanted,  // not to be loaded: undone, a duplicate, there before the stream
  };
  State state = State::kLoaded;
  int64_t size_bytes = 0, modified_ns = 0;  // as it was loaded, or found
  int64_t number = 0;                       // of a stream's ledger
  std::string why;                          // it is not loaded
};

// Not thread-safe.
class KnownFiles {
 public:
  virtual ~KnownFiles() = default;
  // To the first file of a directory at or after a name.
  virtual Status Seek(const std::string& directory, std::string_view name) = 0;
  virtual bool valid() const = 0;  // false: the directory has no more
  virtual std::string_view name() const = 0;
  virtual Result<FileStanding> file() = 0;
  virtual Status Next() = 0;
  // The first directory after this one, in the ledger's order, in which files are known; "" begins. nullopt: there is none.
  virtual Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) = 0;
  // It is gone because cleanSource has removed or moved it.
  virtual Result<bool> IsCleaned(const FileStanding& file) = 0;
  struct Totals {
    int64_t files = 0, loaded = 0, rows = 0;
  };
  // One pass over all that is known.
  virtual Result<Totals> Total() = 0;
};

std::unique_ptr<KnownFiles> KnownFilesOf(TableLedgerPtr ledger);
// Of a stream, read beside it: ledger_view.h. MILLSTREAM_LEDGER_FORMAT, MILLSTREAM_LEDGER_IO.
Result<std::unique_ptr<KnownFiles>> OpenKnownFiles(Fs& fs, const std::string& ledger_directory);

}  // namespace millstream
