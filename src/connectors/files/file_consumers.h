#pragma once

// file_consumers.h   cloudFiles.cleanSource.consumers: other streams and tables that load the same files. A file is cleaned up when all of them have committed it.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/known_files.h"

namespace millstream {

// Not thread-safe.
class FileConsumers {
 public:
  // `paths`: of checkpoints, and of Delta tables into which COPY INTO loads. MILLSTREAM_INVALID_OPTION_VALUE: one of them is neither.
  static Result<std::unique_ptr<FileConsumers>> Open(Fs& fs, Clock& clock, std::vector<std::string> paths);

  // Looks at what they know now; false: they were looked at so recently that nobody need ask again.
  Result<bool> Refresh();
  // By the last look, every one has committed the file, or will never load it.
  Result<bool> AreDoneWith(const std::string& path);

 private:
  FileConsumers(Fs& fs, Clock& clock, std::vector<std::string> paths) : fs_(fs), clock_(clock), paths_(std::move(paths)) {}
  Status OpenOne(const std::string& path);

  Fs& fs_;
  Clock& clock_;
  std::vector<std::string> paths_;
  std::vector<std::unique_ptr<KnownFiles>> known_;
  int64_t looked_us_ = -1;
};

}  // namespace millstream
