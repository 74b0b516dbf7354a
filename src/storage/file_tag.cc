#include "storage/file_tag.h"

#include <sys/xattr.h>

#include <cerrno>

namespace millstream {

Result<bool> KeepsFileTags(const std::string& path) {
  if (::getxattr(path.c_str(), "user.millstream.probe", nullptr, 0) >= 0 || errno == ENODATA) return true;
  if (errno == ENOTSUP) return false;
  return Status::Errno("getxattr", path, errno);
}

Status SetFileTag(const std::string& path, const std::string& name, const std::string& value) {
  if (::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0) return Status();
  return Status::Errno("setxattr", path, errno);
}

}  // namespace millstream
