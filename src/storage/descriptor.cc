#include "storage/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "storage/fs.h"

namespace millstream {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Status PathError(std::string_view operation, const std::string& path, int error_number) {
  if (error_number == ENOENT) return Status::Error(errors::kFileNotFound, {{"path", path}});
  return Status::Errno(operation, path, error_number);
}

Result<Descriptor> OpenDescriptor(const std::string& path, int flags, unsigned mode) {
  for (;;) {
    int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return PathError("open", path, errno);
  }
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return PathError("write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status();
}

Result<int64_t> ReadFully(int fd, int64_t offset, int64_t size, void* out, const std::string& path) {
  int64_t done = 0;
  while (done < size) {
    ssize_t got = ::pread(fd, static_cast<char*>(out) + done, static_cast<size_t>(size - done), offset + done);
    if (got < 0) {
      if (errno == EINTR) continue;
      return PathError("read", path, errno);
    }
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace millstream
