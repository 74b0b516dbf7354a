#pragma once

// file_tag.h   Extended attributes of files: small facts that travel with a file on its file system.

#include <string>

#include "base/status.h"

namespace millstream {

// Whether the file system that holds `path` keeps attributes of users.
Result<bool> KeepsFileTags(const std::string& path);
// Sets the attribute `name` ("user.…"); the file's size and times of change of its content stay as they are.
Status SetFileTag(const std::string& path, const std::string& name, const std::string& value);

}  // namespace millstream
