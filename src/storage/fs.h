#pragma once

// fs.h   Files, as the engine sees them: bytes under absolute paths. The local file system, and its simulated twin in tests.
//
// A path is the raw bytes that the kernel knows; any byte but NUL may be in it. What users write ("file:///in") becomes a path by
// PathFromUri, and a path becomes a URI by UriFromPath where Spark's formats store URIs.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kFileAlreadyExists{"MILLSTREAM_FILE_ALREADY_EXISTS", "58030", ExceptionKind::kSpark, "<path> exists already."};
inline constexpr ErrorClass kFileNotFound{"FILE_NOT_FOUND", "42K03", ExceptionKind::kSpark, "<path> does not exist."};
}  // namespace errors

struct FileInfo {
  std::string path;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;  // since the epoch
  uint64_t inode = 0;
  bool is_directory = false;
  bool is_regular = false;
  uint64_t device = 0;
  int64_t changed_ns = 0;  // ctime: of a directory, when a name in it last came or went; cannot be set by tools that copy times
};

struct DirectoryEntry {
  enum class Kind { kFile, kDirectory, kSymlink, kOther, kUnknown };
  std::string name;  // raw bytes, no slash
  Kind kind = Kind::kUnknown;
};

// A file opened for reading. Thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Reads up to `size` bytes at `offset` into `out`; fewer only at the end of the file.
  virtual Result<int64_t> ReadAt(int64_t offset, int64_t size, void* out) = 0;
  virtual Result<FileInfo> Stat() = 0;
};

// A new file being written. Invisible under its name until Publish. Not thread-safe.
class PendingFile {
 public:
  virtual ~PendingFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  virtual int64_t size_bytes() const = 0;
  // Makes the bytes durable; nothing can be appended any more. An fsync error is final: the file is given up, never retry.
  virtual Status Sync() = 0;
  // Sync unless that is done, then link under `path` without ever overwriting (kFileAlreadyExists). The directory itself is not synced: that is
  // SyncDirectory's, once for all files of a batch.
  virtual Status Publish(const std::string& path) = 0;
};

class Fs {
 public:
  virtual ~Fs() = default;
  static Fs& Local();

  virtual Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) = 0;
  // The whole file; error when larger than `size_max` bytes.
  virtual Result<std::string> ReadFile(const std::string& path, int64_t size_max = int64_t{1} << 31) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;  // follows symlinks; kFileNotFound
  virtual Result<bool> Exists(const std::string& path) = 0;
  // Names in a directory, in no order, without "." and "..". Never stats. kFileNotFound when there is none.
  virtual Result<std::vector<DirectoryEntry>> List(const std::string& directory) = 0;
  // The same, one by one: a directory of millions of names in constant memory. The name lives until `visit` returns.
  virtual Status VisitNames(const std::string& directory, const std::function<void(std::string_view name, DirectoryEntry::Kind kind)>& visit);

  // Creates the directory and its parents, and makes the new names durable; also one that is there because a process was killed before it could.
  virtual Status CreateDirectories(const std::string& directory) = 0;
  // Many small files in one go: their bytes one after another in `buffer` (appended), and where each begins. A file that cannot be read has its
  // Status in its slot and no bytes. Reads at most `size_max` bytes of each; longer ones get an error too.
  struct ReadSlot {
    Status status;
    size_t offset = 0, size = 0;
  };
  virtual std::vector<ReadSlot> ReadFiles(std::span<const std::string* const> paths, int64_t size_max, std::string& buffer) = 0;
  // A file that will be published somewhere below `directory` (same file system).
  virtual Result<std::unique_ptr<PendingFile>> CreatePending(const std::string& directory) = 0;
  virtual Status SyncDirectory(const std::string& directory) = 0;
  // Removes a file; fine when it is gone already.
  virtual Status Remove(const std::string& path) = 0;
  // Gives a file another name on the same file system, never over one that exists (kFileAlreadyExists). Durable when it returns.
  virtual Status Move(const std::string& from, const std::string& to);
  virtual Status RemoveRecursively(const std::string& path) = 0;
  // Atomic replacement for the few files that are hints (`_last_checkpoint`): temporary, fsync, rename, fsync of the directory.
  virtual Status Replace(const std::string& path, std::string_view bytes) = 0;
};

// The one durable primitive: unnamed temporary, write, fdatasync, link that never overwrites, fsync of the directory.
// kFileAlreadyExists when somebody was first. `failpoint` is a prefix: "<failpoint>.before_sync", "<failpoint>.before_link",
// "<failpoint>.after_link" and "<failpoint>.after_dirsync" must stand in the table of failpoint.cc.
Status Publish(Fs& fs, const std::string& path, std::string_view bytes, std::string_view failpoint);

// An exclusive advisory lock on a file (created when missing), held until destruction; also freed by the kernel when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};
// nullptr when another holder has it.
Result<std::unique_ptr<FileLock>> TryLock(const std::string& path);

// "file:///in/a b", "file:/in", "/in/a b" → raw path, without a trailing slash; a relative path is taken from the working directory.
// As in Hadoop's Path, "%20" is three characters. Other schemes are refused by name.
Result<std::string> PathFromUri(std::string_view uri_or_path);
// "/in/a b" → "file:///in/a%20b" (three slashes) or, as Hadoop's Path.toString prints it, "file:/in/a b" without encoding.
std::string UriFromPath(std::string_view path);
std::string HadoopPathString(std::string_view path);
std::string JoinPath(std::string_view directory, std::string_view name);
std::string_view ParentPath(std::string_view path);
std::string_view BaseName(std::string_view path);
// Percent-encoding as Delta's `add.path` wants it (RFC 3986, '/' and '=' kept), and its reverse.
std::string EncodeUriPath(std::string_view path);
std::string DecodeUriPath(std::string_view encoded);

}  // namespace millstream
