#pragma once

// source_mirror.h   cloudFiles.deletedFiles = removed: the rows of loaded files that have gone from the source leave the table.
//
// What it finds (gone_files.h) it asks of the stream as a user would, by a request that the next batch takes (request_taker.h): durable before anything is done,
// and done once however often the process dies. Killed before the request is published: the files are looked for again.

#include <memory>
#include <optional>

#include "connectors/files/file_requests.h"
#include "connectors/files/gone_files.h"

namespace millstream {

// Not thread-safe.
class SourceMirror {
 public:
  // Null when nothing is to be done. Notes in the ledger which files cleanSource may have taken, so that they do not count as gone.
  static Result<std::unique_ptr<SourceMirror>> Create(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory,
                                                      const DeletedFilesOptions& options, const PathGlob& source);
  // Looks when it is time to. Files up to number `loaded` are loaded, requests up to `taken` are in the ledger. `waits`: ends when all that is gone by now is
  // confirmed, or a request is published. The number of the request that it has published; 0: none. Errors: those of GoneFileFinder.
  Result<int64_t> Look(int64_t loaded, int64_t taken, bool waits);
  // Before the process that cleans up a source removes its first file.
  static Status NoteCleaning(FileLedger& ledger);

 private:
  SourceMirror(Fs& fs, Clock& clock, std::shared_ptr<FileLedger> ledger, std::string source_directory, const DeletedFilesOptions& options, const PathGlob& source)
      : fs_(fs),
        clock_(clock),
        ledger_(std::move(ledger)),
        source_directory_(std::move(source_directory)),
        options_(options),
        finder_(fs, clock, source, options, "cloudFiles.deletedFiles.maxFraction") {}
  Status Find(int64_t loaded);
  Result<int64_t> Ask(int64_t taken);

  Fs& fs_;
  Clock& clock_;
  const std::shared_ptr<FileLedger> ledger_;
  const std::string source_directory_;
  const DeletedFilesOptions options_;
  GoneFileFinder finder_;
  int64_t cleaned_ = 0;  // cleanSource may have taken files up to this number
  std::optional<GoneFiles> gone_;  // to be confirmed
  int64_t found_us_ = 0, took_us_ = 0;
  bool has_looked_ = false;
};

}  // namespace millstream
