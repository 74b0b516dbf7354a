#pragma once

// content_hash.h   What a file's bytes are, in 32 bytes: SHA-256, since files whose bytes are taken for known ones are not loaded, and names and bytes may come
// from somebody who would like that.

#include <optional>
#include <string>

#include "storage/fs.h"

namespace millstream {

// nullopt: the file has changed, or is not the one that `expected` tells of. Reads the whole file.
Result<std::optional<std::string>> ContentHash(Fs& fs, const std::string& path, const FileInfo& expected);

}  // namespace millstream
