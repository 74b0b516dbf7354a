#pragma once

// descriptor.h   An owned file descriptor, and system calls that finish what they began (EINTR, short writes).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace millstream {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int fd() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC, repeated on EINTR. kFileNotFound for ENOENT.
Result<Descriptor> OpenDescriptor(const std::string& path, int flags, unsigned mode = 0);
// The error of a call on a path: kFileNotFound for ENOENT, else Status::Errno.
Status PathError(std::string_view operation, const std::string& path, int error_number);
Status WriteAll(int fd, std::string_view bytes, const std::string& path);
// Fewer bytes than asked only at the end of the file.
Result<int64_t> ReadFully(int fd, int64_t offset, int64_t size, void* out, const std::string& path);

}  // namespace millstream
