#pragma once

// name_reader.h   The names in a directory, a piece at a time: a directory of any size in constant memory, and the first names before the last are read.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/fs.h"

namespace millstream {

// Not thread-safe. A name that comes or goes meanwhile may be missing or there, as with readdir(3); none comes twice.
class NameReader {
 public:
  // kFileNotFound when there is no such directory. Read piece by piece on the local file system, at once on others.
  static Result<std::unique_ptr<NameReader>> Open(Fs& fs, const std::string& directory);
  virtual ~NameReader() = default;
  // Visits at most `count_max` names, without "." and "..". False: these were the last.
  virtual Result<bool> Next(int64_t count_max, const std::function<void(std::string_view name, DirectoryEntry::Kind kind)>& visit) = 0;
};

}  // namespace millstream
