#pragma once

// source_cleaner.h   What becomes of files that a stream has processed: cleanSource = delete or archive, as in Spark. A file that cannot be cleaned is
// left where it is with a warning; it is never read again.

#include <memory>
#include <string>

#include "connectors/files/file_stream_options.h"
#include "storage/fs.h"

namespace millstream {

class SourceCleaner {
 public:
  // Null when nothing is to be done. Error: an archive that the stream would read again. `fs` must outlive the cleaner.
  static Result<std::unique_ptr<SourceCleaner>> Create(Fs& fs, const FileStreamOptions& options, const std::string& source_path);
  // Fine when the file is gone already.
  void Clean(const std::string& path);

 private:
  SourceCleaner(Fs& fs, std::string archive_directory) : fs_(fs), archive_directory_(std::move(archive_directory)) {}
  Status Archive(const std::string& path);

  Fs& fs_;
  const std::string archive_directory_;  // empty: files are deleted
};

}  // namespace millstream
