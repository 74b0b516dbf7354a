#pragma once

// pending_file.h   A file without a name until it is complete and on the disk.

#include <memory>
#include <string>

#include "storage/fs.h"

namespace millstream {

// Unnamed (O_TMPFILE) where the file system has it; else under a hidden temporary name that is removed again.
Result<std::unique_ptr<PendingFile>> CreateLocalPending(const std::string& directory);
// The same with the first `size` bytes of an open file, which share their blocks with it where the file system can do that (FICLONE), and are copied by the
// kernel elsewhere. Fewer when the file has become shorter.
Result<std::unique_ptr<PendingFile>> CreateLocalClone(const std::string& directory, int source, int64_t size);

}  // namespace millstream
