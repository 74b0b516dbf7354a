#pragma once

// clone_file.h   Files of others under a name of our own, without their bytes passing through this process.

#include <functional>
#include <string>

#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kCannotLinkFile{"MILLSTREAM_CANNOT_LINK_FILE", "58030", ExceptionKind::kSpark,
                                            "<from> cannot have the second name <to>: <reason>. Copy it instead (zeroCopy = copy)."};
}  // namespace errors

// Which file is meant: size, time of change and inode are compared.
struct FileMeant {
  int64_t size_bytes = 0, modified_ns = 0;
  uint64_t inode = 0, device = 0;
};

// Both make the bytes durable and then the name `to`, never over another file (kFileAlreadyExists); the directory is synced by the caller. `before_name` is
// called between the two. False: `from` is not what is meant any more, and there is nothing under `to`.
//
// A file of its own, with the same blocks where the file system shares them (FICLONE), else copied by the kernel.
Result<bool> CloneFile(const std::string& from, const std::string& to, const FileMeant& meant, const std::function<Status()>& before_name);
// A hard link. kCannotLinkFile: on another file system, or not allowed.
Result<bool> LinkFile(const std::string& from, const std::string& to, const FileMeant& meant, const std::function<Status()>& before_name);

}  // namespace millstream
