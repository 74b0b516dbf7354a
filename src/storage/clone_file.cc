#include "storage/clone_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/descriptor.h"
#include "storage/pending_file.h"

namespace millstream {
namespace {

bool IsMeant(const struct stat& found, const FileMeant& meant) {
  return found.st_size == meant.size_bytes && found.st_mtim.tv_sec * 1000000000LL + found.st_mtim.tv_nsec == meant.modified_ns &&
         found.st_ino == meant.inode && found.st_dev == meant.device;
}

// An invalid descriptor: another file is there.
Result<Descriptor> OpenMeant(const std::string& from, const FileMeant& meant) {
  MS_ASSIGN_OR_RETURN(Descriptor source, OpenDescriptor(from, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat found {};
  if (::fstat(source.fd(), &found) != 0) return PathError("fstat", from, errno);
  return IsMeant(found, meant) ? std::move(source) : Descriptor();
}

}  // namespace

Result<bool> CloneFile(const std::string& from, const std::string& to, const FileMeant& meant, const std::function<Status()>& before_name) {
  MS_ASSIGN_OR_RETURN(const Descriptor source, OpenMeant(from, meant));
  if (!source.valid()) return false;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> copy, CreateLocalClone(std::string(ParentPath(to)), source.fd(), meant.size_bytes));
  struct stat now {};
  if (::fstat(source.fd(), &now) != 0) return PathError("fstat", from, errno);
  if (!IsMeant(now, meant) || copy->size_bytes() != meant.size_bytes) return false;
  MS_RETURN_IF_ERROR(copy->Sync());
  MS_RETURN_IF_ERROR(before_name());
  MS_RETURN_IF_ERROR(copy->Publish(to));
  return true;
}

Result<bool> LinkFile(const std::string& from, const std::string& to, const FileMeant& meant, const std::function<Status()>& before_name) {
  MS_ASSIGN_OR_RETURN(const Descriptor source, OpenMeant(from, meant));
  if (!source.valid()) return false;
  // Whoever wrote the file may not have synced it, and the table's commit will be.
  if (::fdatasync(source.fd()) != 0) return Status::Errno("fdatasync", from, errno);
  MS_RETURN_IF_ERROR(before_name());
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == EEXIST) return Status::Error(errors::kFileAlreadyExists, {{"path", to}});
    if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP) return PathError("link", from, errno);
    const char* reason = errno == EXDEV ? "they are on different file systems" : std::strerror(errno);
    return Status::Error(errors::kCannotLinkFile, {{"from", from}, {"to", to}, {"reason", reason}});
  }
  // A file that was put in the place of the other between the two calls.
  struct stat linked {};
  if (::lstat(to.c_str(), &linked) != 0) return PathError("lstat", to, errno);
  if (IsMeant(linked, meant)) return true;
  if (::unlink(to.c_str()) != 0) return PathError("unlink", to, errno);
  return false;
}

}  // namespace millstream
