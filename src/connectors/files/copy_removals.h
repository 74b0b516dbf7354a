#pragma once

// copy_removals.h   COPY_OPTIONS ('deletedFiles' = 'removed'): loaded files that have gone from the source of a COPY INTO, whose rows leave the table in the
// statement's commit.

#include <map>
#include <string>

#include "connectors/files/gone_files.h"

namespace millstream {

class CopyRemovals {
 public:
  CopyRemovals() = default;  // none
  // Looks twice, options.confirm_after_ms apart. `source`: the statement's path. Errors: those of GoneFileFinder.
  static Result<CopyRemovals> Find(Fs& fs, Clock& clock, const std::string& source, const DeletedFilesOptions& options, const TableLedger& ledger);

  int64_t files() const { return static_cast<int64_t>(known_.size()); }
  // The changes of those that are gone by now, too.
  Result<TableLedger::Changes> Changes(Fs& fs, int64_t now_ms) const;
  // Whether the file is still what it was when it was found gone: nobody has loaded, undone or forgotten it meanwhile.
  bool HoldsFor(const std::string& path, const LoadedFile& known) const;

 private:
  std::map<std::string, LoadedFile> known_;
};

}  // namespace millstream
