#include "storage/pending_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/uuid.h"
#include "storage/descriptor.h"

namespace millstream {
namespace {

constexpr size_t kBufferBytes = 1 << 20;
// So much is written as it comes: collecting it would cost more than another call.
constexpr size_t kDirectBytes = 128 << 10;

class LocalPendingFile : public PendingFile {
 public:
  LocalPendingFile(Descriptor descriptor, std::string directory, std::string temporary_name)
      : descriptor_(std::move(descriptor)), directory_(std::move(directory)), temporary_name_(std::move(temporary_name)) {}

  ~LocalPendingFile() override {
    if (!temporary_name_.empty()) ::unlink(temporary_name_.c_str());
  }

  Status Append(std::string_view bytes) override {
    MS_CHECK(state_ == State::kOpen);
    size_ += static_cast<int64_t>(bytes.size());
    if (bytes.size() >= kDirectBytes) {
      MS_RETURN_IF_ERROR(Flush());
      return WriteAll(descriptor_.fd(), bytes, directory_);
    }
    buffer_.append(bytes);
    return buffer_.size() >= kBufferBytes ? Flush() : Status();
  }

  int64_t size_bytes() const override { return size_; }

  Status CopyFrom(int source, int64_t size) {
    MS_CHECK(state_ == State::kOpen && size_ == 0);
    if (::ioctl(descriptor_.fd(), FICLONE, source) == 0) {
      size_ = ::lseek(descriptor_.fd(), 0, SEEK_END);
      return size_ >= 0 ? Status() : Status::Errno("lseek", directory_, errno);
    }
    while (size_ < size) {
      const ssize_t copied = ::copy_file_range(source, nullptr, descriptor_.fd(), nullptr, static_cast<size_t>(size - size_), 0);
      if (copied < 0 && errno == EINTR) continue;
      // Between some file systems the kernel does not copy.
      if (copied < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) return CopyThroughMemory(source, size);
      if (copied < 0) return Status::Errno("copy_file_range", directory_, errno);
      if (copied == 0) break;
      size_ += copied;
    }
    return Status();
  }

  Status Sync() override {
    MS_CHECK(state_ == State::kOpen);
    // A failed sync leaves the pages in an unknown state, and asking again would be answered with "fine": the file is given up.
    state_ = State::kGivenUp;
    MS_RETURN_IF_ERROR(Flush());
    if (::fdatasync(descriptor_.fd()) != 0) return Status::Errno("fdatasync", directory_, errno);
    state_ = State::kSynced;
    return Status();
  }

  Status Publish(const std::string& path) override {
    if (state_ == State::kOpen) MS_RETURN_IF_ERROR(Sync());
    MS_CHECK(state_ == State::kSynced);
    state_ = State::kPublished;
    std::string from = temporary_name_.empty() ? "/proc/self/fd/" + std::to_string(descriptor_.fd()) : temporary_name_;
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno == EEXIST) return Status::Error(errors::kFileAlreadyExists, {{"path", path}});
      return PathError("link", path, errno);
    }
    return Status();
  }

 private:
  Status CopyThroughMemory(int source, int64_t size) {
    std::string bytes(kBufferBytes, '\0');
    while (size_ < size) {
      MS_ASSIGN_OR_RETURN(const int64_t read, ReadFully(source, size_, std::min<int64_t>(kBufferBytes, size - size_), bytes.data(), directory_));
      if (read == 0) return Status();
      MS_RETURN_IF_ERROR(WriteAll(descriptor_.fd(), std::string_view(bytes).substr(0, static_cast<size_t>(read)), directory_));
      size_ += read;
    }
    return Status();
  }

  Status Flush() {
    if (buffer_.empty()) return Status();
    MS_RETURN_IF_ERROR(WriteAll(descriptor_.fd(), buffer_, directory_));
    buffer_.clear();
    return Status();
  }

  Descriptor descriptor_;
  std::string directory_;
  std::string temporary_name_;  // empty: the file has no name
  std::string buffer_;
  int64_t size_ = 0;
  enum class State { kOpen, kSynced, kPublished, kGivenUp } state_ = State::kOpen;
};

Result<std::unique_ptr<LocalPendingFile>> CreatePendingIn(const std::string& directory) {
  Result<Descriptor> unnamed = OpenDescriptor(directory, O_TMPFILE | O_RDWR, 0644);
  if (unnamed.ok()) return std::make_unique<LocalPendingFile>(std::move(unnamed).value(), directory, "");
  int reason = unnamed.status().error_number();
  if (reason != EOPNOTSUPP && reason != EISDIR && reason != EINVAL) return unnamed.status();
  std::string name = JoinPath(directory, ".millstream-" + NewUuid() + ".tmp");
  MS_ASSIGN_OR_RETURN(Descriptor named, OpenDescriptor(name, O_CREAT | O_EXCL | O_RDWR, 0644));
  return std::make_unique<LocalPendingFile>(std::move(named), directory, std::move(name));
}

}  // namespace

Result<std::unique_ptr<PendingFile>> CreateLocalPending(const std::string& directory) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<LocalPendingFile> file, CreatePendingIn(directory));
  return std::unique_ptr<PendingFile>(std::move(file));
}

Result<std::unique_ptr<PendingFile>> CreateLocalClone(const std::string& directory, int source, int64_t size) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<LocalPendingFile> file, CreatePendingIn(directory));
  MS_RETURN_IF_ERROR(file->CopyFrom(source, size));
  return std::unique_ptr<PendingFile>(std::move(file));
}

}  // namespace millstream
