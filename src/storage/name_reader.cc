#include "storage/name_reader.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "storage/descriptor.h"

namespace millstream {
namespace {

class LocalNameReader : public NameReader {
 public:
  LocalNameReader(std::string directory, DIR* stream) : directory_(std::move(directory)), stream_(stream) {}
  ~LocalNameReader() override { ::closedir(stream_); }

  Result<bool> Next(int64_t count_max, const std::function<void(std::string_view, DirectoryEntry::Kind)>& visit) override {
    for (int64_t count = 0; count < count_max;) {
      errno = 0;
      const dirent* entry = ::readdir(stream_);
      if (entry == nullptr) {
        if (errno != 0) return PathError("readdir", directory_, errno);
        return false;
      }
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      visit(name, KindOf(entry->d_type));
      ++count;
    }
    return true;
  }

 private:
  static DirectoryEntry::Kind KindOf(unsigned char type) {
    switch (type) {
      case DT_REG:
        return DirectoryEntry::Kind::kFile;
      case DT_DIR:
        return DirectoryEntry::Kind::kDirectory;
      case DT_LNK:
        return DirectoryEntry::Kind::kSymlink;
      case DT_UNKNOWN:
        return DirectoryEntry::Kind::kUnknown;
      default:
        return DirectoryEntry::Kind::kOther;
    }
  }

  const std::string directory_;
  DIR* const stream_;
};

class ListedNameReader : public NameReader {
 public:
  explicit ListedNameReader(std::vector<DirectoryEntry> entries) : entries_(std::move(entries)) {}
  Result<bool> Next(int64_t count_max, const std::function<void(std::string_view, DirectoryEntry::Kind)>& visit) override {
    const size_t end = std::min(entries_.size(), next_ + static_cast<size_t>(count_max));
    for (; next_ < end; ++next_) visit(entries_[next_].name, entries_[next_].kind);
    return next_ < entries_.size();
  }

 private:
  const std::vector<DirectoryEntry> entries_;
  size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<NameReader>> NameReader::Open(Fs& fs, const std::string& directory) {
  if (&fs != &Fs::Local()) {
    MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs.List(directory));
    return std::unique_ptr<NameReader>(std::make_unique<ListedNameReader>(std::move(entries)));
  }
  MS_ASSIGN_OR_RETURN(Descriptor descriptor, OpenDescriptor(directory, O_RDONLY | O_DIRECTORY));
  DIR* stream = ::fdopendir(::fcntl(descriptor.fd(), F_DUPFD_CLOEXEC, 0));
  if (stream == nullptr) return PathError("opendir", directory, errno);
  return std::unique_ptr<NameReader>(std::make_unique<LocalNameReader>(directory, stream));
}

}  // namespace millstream
