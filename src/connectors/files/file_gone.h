#pragma once

// file_gone.h   Whether what was asked for is not there (any more): neither it nor, where a file has taken a directory's place, the way to it.

#include <cerrno>

#include "storage/fs.h"

namespace millstream {

inline bool IsGone(const Status& status) { return status.Is(errors::kFileNotFound) || status.error_number() == ENOTDIR; }

}  // namespace millstream
