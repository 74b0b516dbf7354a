#pragma once

// pending_file.h   A file without a name until it is complete and on the disk.

#include <memory>
#include <string>

#include "storage/fs.h"

namespace millstream {

// Unnamed (O_TMPFILE) where the file system has it; else under a hidden temporary name that is removed again.
Result<std::unique_ptr<PendingFile>> CreateLocalPending(const std::string& directory);

}  // namespace millstream
