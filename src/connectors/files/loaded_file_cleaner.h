#pragma once

// loaded_file_cleaner.h   cloudFiles.cleanSource: what is loaded is deleted, moved away or tagged, once its batch is committed and the retention is over.
//
// By file number, and no further than the first that is not due. A file that has changed since it was loaded stays: nobody has its new bytes yet. Killed
// between the removal and its record, the next start finds the file gone and records that. Each file's fate stands in the ledger.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_consumers.h"
#include "connectors/files/file_ledger.h"
#include "formats/path_glob.h"

namespace millstream {

// Not thread-safe.
class LoadedFileCleaner {
 public:
  // Null when nothing is to be done. Error: a destination that the stream would read again, or that lies on another file system; one that keeps no tags.
  static Result<std::unique_ptr<LoadedFileCleaner>> Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, const CleanSourceOptions& options,
                                                           const PathGlob& source);
  // Cleans at most `files_max` of the files up to `committed_through`. True: nothing more is due now.
  Result<bool> Clean(int64_t committed_through, int64_t files_max);

  int64_t done_through() const { return done_through_; }
  int64_t cleaned() const { return cleaned_; }
  int64_t kept() const { return kept_; }

 private:
  LoadedFileCleaner(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, CleanSourceOptions options, std::string source_base)
      : fs_(fs), clock_(clock), ledger_(std::move(ledger)), options_(std::move(options)), source_base_(std::move(source_base)) {}
  // `committed_ms`: when its batch was.
  Result<FileFate> CleanOne(const NumberedFile& file, int64_t committed_ms);
  Result<FileFate> Move(const NumberedFile& file, FileFate fate);

  Fs& fs_;
  Clock& clock_;
  std::shared_ptr<FileLedger> ledger_;
  const CleanSourceOptions options_;
  const std::string source_base_;
  std::unique_ptr<FileConsumers> consumers_;  // null: nobody is to be waited for
  int64_t done_through_ = 0;
  int64_t next_due_ms_ = 0;      // nothing is due before
  int64_t next_due_number_ = 0;  // of the file that next_due_ms_ speaks of
  int64_t cleaned_ = 0, kept_ = 0;
};

}  // namespace millstream
