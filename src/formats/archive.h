#pragma once

// archive.h   The members of zip and tar archives, as files that formats read. Nothing is ever unpacked onto the disk. docs/archives.md

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "formats/file_format.h"
#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kArchiveTooLarge{"MILLSTREAM_ARCHIVE_TOO_LARGE", "54000", ExceptionKind::kSpark,
                                             "<path> <detail>. Raise the option <option> if the archive can be trusted."};
}  // namespace errors

// .zip, .tar, .tar.gz, .tgz, .tar.bz2, .tar.zst, .tar.xz, in any case.
bool IsArchivePath(std::string_view path);
// The archive of a member's path, the path itself of another one.
std::string FileThatHolds(const std::string& path);

struct ArchiveLimits {
  // Of all members together, unpacked.
  int64_t bytes_max = 0;
  int64_t ratio_max = 0;  // times the bytes of the archive; 64 MiB are always allowed
  int64_t entries_max = 0;
};

struct ArchiveSelection {
  // By the last part of the name. Names with a part that begins with '.' or '_' are passed over as hidden files are.
  std::function<bool(std::string_view name)> wants;
  bool wants_empty = false;
  ArchiveLimits limits;
};

// The members in the order in which they lie in the archive; `fs` outlives them. All of a compressed tar is decompressed for it, and its checksum verified.
// Errors: FAILED_READ_FILE (also of what is encrypted, nested, linked, or twice of one name), MILLSTREAM_ARCHIVE_TOO_LARGE, MILLSTREAM_SOURCE_FILE_CHANGED.
Result<std::vector<InputFile>> ListArchive(Fs& fs, const InputFile& archive, const ArchiveSelection& selection);
// What was read under this path: a file, or the member of an archive. Its time is that of the file on the disk. FILE_NOT_FOUND.
Result<InputFile> FindInput(Fs& fs, const std::string& path);

}  // namespace millstream
