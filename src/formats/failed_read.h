#pragma once

// failed_read.h   The error of a file that cannot be read for what is in it: readers with ignoreCorruptFiles leave it out.

#include <string>
#include <utility>

#include "formats/formats_errors.h"
#include "storage/fs.h"

namespace millstream {

// kFailedReadFile. `path`: a file's, or that of a member of an archive.
inline Status FailedRead(const std::string& path, std::string reason) {
  return Status::Error(errors::kFailedReadFile, {{"path", UriFromPath(path)}, {"reason", std::move(reason)}});
}

}  // namespace millstream
