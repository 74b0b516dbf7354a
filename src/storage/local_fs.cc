#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/uuid.h"
#include "storage/descriptor.h"
#include "storage/fs.h"
#include "storage/pending_file.h"

namespace millstream {
namespace {

constexpr int kRemoveAttemptsMax = 100;

FileInfo InfoFrom(const std::string& path, const struct stat& status) {
  return FileInfo{.path = path,
                  .size_bytes = status.st_size,
                  .modified_ns = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec,
                  .inode = status.st_ino,
                  .is_directory = S_ISDIR(status.st_mode),
                  .is_regular = S_ISREG(status.st_mode),
                  .device = status.st_dev,
                  .changed_ns = status.st_ctim.tv_sec * 1000000000LL + status.st_ctim.tv_nsec};
}

class LocalReadableFile : public ReadableFile {
 public:
  LocalReadableFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  Result<int64_t> ReadAt(int64_t offset, int64_t size, void* out) override { return ReadFully(descriptor_.fd(), offset, size, out, path_); }
  Result<FileInfo> Stat() override {
    struct stat status {};
    if (::fstat(descriptor_.fd(), &status) != 0) return PathError("fstat", path_, errno);
    return InfoFrom(path_, status);
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

// Never waits for a writer of a FIFO, never becomes a terminal's owner.
constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

class LocalFs : public Fs {
 public:
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(path, kReadFlags));
    return std::make_unique<LocalReadableFile>(std::move(descriptor), path);
  }

  Result<std::string> ReadFile(const std::string& path, int64_t size_max) override {
    MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(path, kReadFlags));
    struct stat status {};
    if (::fstat(descriptor.fd(), &status) != 0) return PathError("fstat", path, errno);
    if (!S_ISREG(status.st_mode)) return Status::Errno("read", path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    if (status.st_size > size_max) return Status::Errno("read", path, EFBIG);
    std::string bytes(static_cast<size_t>(status.st_size), '\0');
    MS_ASSIGN_OR_RETURN(int64_t got, ReadFully(descriptor.fd(), 0, status.st_size, bytes.data(), path));
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }

  std::vector<ReadSlot> ReadFiles(std::span<const std::string* const> paths, int64_t size_max, std::string& buffer) override {
    std::vector<ReadSlot> slots(paths.size());
    constexpr size_t kFirstGuess = 16 << 10;  // most small files end within one read, which then also proves their end
    for (size_t i = 0; i < paths.size(); ++i) {
      const std::string& path = *paths[i];
      ReadSlot& slot = slots[i];
      slot.offset = buffer.size();
      Result<Descriptor> descriptor = OpenDescriptor(path, kReadFlags);
      if (!descriptor.ok()) {
        slot.status = descriptor.status();
        continue;
      }
      size_t want = kFirstGuess;
      for (;;) {
        size_t have = buffer.size() - slot.offset;
        if (buffer.capacity() - buffer.size() < want) buffer.reserve(std::max(buffer.capacity() * 2, buffer.size() + want));
        size_t before = buffer.size();
        buffer.resize(before + want);
        Result<int64_t> got = ReadFully(descriptor->fd(), static_cast<int64_t>(have), static_cast<int64_t>(want), buffer.data() + before, path);
        buffer.resize(before + (got.ok() ? static_cast<size_t>(*got) : 0));
        if (!got.ok()) {
          slot.status = got.status();
          break;
        }
        if (static_cast<size_t>(*got) < want) break;
        if (static_cast<int64_t>(buffer.size() - slot.offset) > size_max) {
          slot.status = Status::Errno("read", path, EFBIG);
          break;
        }
        want = std::min<size_t>(want * 4, 64 << 20);
      }
      if (!slot.status.ok()) buffer.resize(slot.offset);
      slot.size = buffer.size() - slot.offset;
    }
    return slots;
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return PathError("stat", path, errno);
    return InfoFrom(path, status);
  }

  Result<bool> Exists(const std::string& path) override {
    Result<FileInfo> info = Stat(path);
    if (info.ok()) return true;
    if (info.status().Is(errors::kFileNotFound) || info.status().error_number() == ENOTDIR) return false;
    return info.status();
  }

  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override {
    std::vector<DirectoryEntry> entries;
    MS_RETURN_IF_ERROR(VisitNames(directory, [&](std::string_view name, DirectoryEntry::Kind kind) { entries.push_back({std::string(name), kind}); }));
    return entries;
  }

  Status VisitNames(const std::string& directory, const std::function<void(std::string_view, DirectoryEntry::Kind)>& visit) override {
    MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(directory, O_RDONLY | O_DIRECTORY));
    DIR* stream = ::fdopendir(::fcntl(descriptor.fd(), F_DUPFD_CLOEXEC, 0));
    if (stream == nullptr) return PathError("opendir", directory, errno);
    for (;;) {
      errno = 0;
      dirent* entry = ::readdir(stream);
      if (entry == nullptr) break;
      std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      DirectoryEntry::Kind kind = DirectoryEntry::Kind::kOther;
      if (entry->d_type == DT_REG) kind = DirectoryEntry::Kind::kFile;
      if (entry->d_type == DT_DIR) kind = DirectoryEntry::Kind::kDirectory;
      if (entry->d_type == DT_LNK) kind = DirectoryEntry::Kind::kSymlink;
      if (entry->d_type == DT_UNKNOWN) kind = DirectoryEntry::Kind::kUnknown;
      visit(name, kind);
    }
    int error_number = errno;
    ::closedir(stream);
    if (error_number != 0) return PathError("readdir", directory, error_number);
    return Status();
  }

  Status CreateDirectories(const std::string& directory) override {
    std::vector<std::string> missing;
    for (std::string_view at = directory;; at = ParentPath(at)) {
      struct stat status {};
      if (::stat(std::string(at).c_str(), &status) == 0) {
        if (!S_ISDIR(status.st_mode)) return Status::Errno("mkdir", std::string(at), ENOTDIR);
        MS_RETURN_IF_ERROR(SyncNameOf(std::string(at), status.st_dev));
        break;
      }
      if (errno != ENOENT) return PathError("mkdir", std::string(at), errno);
      missing.emplace_back(at);
      if (at == "/" || at == ".") break;
    }
    for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
      if (::mkdir(at->c_str(), 0755) != 0 && errno != EEXIST) return PathError("mkdir", *at, errno);
      MS_RETURN_IF_ERROR(SyncDirectory(std::string(ParentPath(*at))));
    }
    return Status();
  }

  Result<std::unique_ptr<PendingFile>> CreatePending(const std::string& directory) override { return CreateLocalPending(directory); }

  Status SyncDirectory(const std::string& directory) override {
    MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(directory, O_RDONLY | O_DIRECTORY));
    if (::fsync(descriptor.fd()) != 0) return Status::Errno("fsync", directory, errno);
    return Status();
  }

  Status Move(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) {
      if (errno == EEXIST) return Status::Error(errors::kFileAlreadyExists, {{"path", to}});
      return PathError("link", to, errno);
    }
    MS_RETURN_IF_ERROR(SyncDirectory(std::string(ParentPath(to))));
    if (::unlink(from.c_str()) != 0 && errno != ENOENT) return PathError("unlink", from, errno);
    return SyncDirectory(std::string(ParentPath(from)));
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return PathError("unlink", path, errno);
    return Status();
  }

  Status RemoveRecursively(const std::string& path) override {
    // A checkpoint of the table may come into the directory while its files are removed: what has come meanwhile goes too.
    std::error_code error;
    for (int attempt = 0; attempt < kRemoveAttemptsMax; ++attempt) {
      std::filesystem::remove_all(path, error);
      if (error != std::errc::directory_not_empty) break;
    }
    if (error) return Status::Errno("remove", path, error.value());
    return Status();
  }

  Status Replace(const std::string& path, std::string_view bytes) override {
    std::string directory(ParentPath(path));
    std::string temporary = JoinPath(directory, "." + std::string(BaseName(path)) + "." + NewUuid() + ".tmp");
    Status written = WriteSynced(temporary, bytes);
    if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) written = PathError("rename", path, errno);
    if (!written.ok()) {
      ::unlink(temporary.c_str());
      return written;
    }
    return SyncDirectory(directory);
  }

 private:
  // A process that was killed may have made the directory and not synced its name: it was the last that it made.
  Status SyncNameOf(const std::string& directory, dev_t device) {
    const std::string parent(ParentPath(directory));
    struct stat status {};
    // The root of a mounted file system has no name of its own.
    if (::stat(parent.c_str(), &status) != 0 || status.st_dev != device) return Status();
    Status synced = SyncDirectory(parent);
    // Who may not read the parent has not made names in it, or nobody could sync them.
    const int reason = synced.error_number();
    return reason == EACCES || reason == EPERM || reason == EROFS || reason == EINVAL ? Status() : synced;
  }

  static Status WriteSynced(const std::string& path, std::string_view bytes) {
    MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(path, O_CREAT | O_EXCL | O_WRONLY, 0644));
    MS_RETURN_IF_ERROR(WriteAll(descriptor.fd(), bytes, path));
    if (::fdatasync(descriptor.fd()) != 0) return Status::Errno("fdatasync", path, errno);
    return Status();
  }
};

class HeldLock : public FileLock {
 public:
  explicit HeldLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

}  // namespace

Status Fs::VisitNames(const std::string& directory, const std::function<void(std::string_view, DirectoryEntry::Kind)>& visit) {
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, List(directory));
  for (const DirectoryEntry& entry : entries) visit(entry.name, entry.kind);
  return Status();
}

Status Fs::Move(const std::string& from, const std::string&) { return Status::Unsupported("Moving " + from + " on this file system"); }

Fs& Fs::Local() {
  static LocalFs fs;
  return fs;
}

Result<std::unique_ptr<FileLock>> TryLock(const std::string& path) {
  MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(path, O_CREAT | O_RDWR, 0644));
  while (::flock(descriptor.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::unique_ptr<FileLock>();
    if (errno != EINTR) return PathError("flock", path, errno);
  }
  return std::unique_ptr<FileLock>(std::make_unique<HeldLock>(std::move(descriptor)));
}

}  // namespace millstream
