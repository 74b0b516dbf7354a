#include "formats/archive.h"

#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "formats/archive_cursor.h"
#include "formats/failed_read.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"

namespace millstream {
namespace {

constexpr int64_t kReadToCountBytes = 256 << 10;
constexpr int64_t kAlwaysAllowedBytes = int64_t{64} << 20;
constexpr int64_t kTarBlockOfEntry = 512;

// Between the path of an archive and the name of a member.
constexpr std::string_view kMemberMark = "!/";

std::string MemberPath(const std::string& archive, std::string_view member) { return archive + std::string(kMemberMark) + std::string(member); }

// An archive whose members are being read. Thread-safe.
class OpenArchive {
 public:
  OpenArchive(Fs& fs, InputFile file) : fs_(fs), file_(std::move(file)) {}
  void set_last(int64_t ordinal) { last_ = ordinal; }

  // A cursor that stands in the entry.
  Result<std::unique_ptr<ArchiveCursor>> CursorAt(int64_t ordinal) {
    std::unique_ptr<ArchiveCursor> cursor;
    {
      std::lock_guard lock(mutex_);
      auto best = idle_.end();
      for (auto at = idle_.begin(); at != idle_.end(); ++at)
        if ((*at)->next() <= ordinal && (best == idle_.end() || (*at)->next() > (*best)->next())) best = at;
      if (best != idle_.end()) {
        cursor = std::move(*best);
        idle_.erase(best);
      }
      // No cursor is kept once the last member was opened: an archive that is read holds no file open.
      if (ordinal == last_) {
        is_passed_ = true;
        idle_.clear();
      }
    }
    if (cursor == nullptr) {
      MS_ASSIGN_OR_RETURN(cursor, ArchiveCursor::Open(fs_, file_));
    }
    while (cursor->next() <= ordinal) {
      MS_ASSIGN_OR_RETURN(archive_entry * entry, cursor->NextEntry());
      if (entry == nullptr)
        return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file_.path)}, {"detail", "it has fewer members now"}}).Retryable();
    }
    return cursor;
  }
  void GiveBack(std::unique_ptr<ArchiveCursor> cursor) {
    std::lock_guard lock(mutex_);
    if (!is_passed_) idle_.push_back(std::move(cursor));
  }

 private:
  Fs& fs_;
  const InputFile file_;
  int64_t last_ = -1;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ArchiveCursor>> idle_;  // GUARDED_BY(mutex_)
  bool is_passed_ = false;                            // GUARDED_BY(mutex_)
};

class MemberBytes : public ReadableFile {
 public:
  MemberBytes(std::shared_ptr<OpenArchive> archive, std::unique_ptr<ArchiveCursor> cursor, FileInfo info)
      : archive_(std::move(archive)), cursor_(std::move(cursor)), info_(std::move(info)) {}
  ~MemberBytes() override {
    if (!has_failed_) archive_->GiveBack(std::move(cursor_));
  }

  Result<int64_t> ReadAt(int64_t offset, int64_t size, void* out) override {
    if (offset < at_) return Status::Internal("the member " + info_.path + " was to be read backwards");
    char passed_over[4096];
    while (at_ < offset && !is_at_end_) MS_RETURN_IF_ERROR(Read(passed_over, std::min<int64_t>(offset - at_, sizeof(passed_over))).status());
    return Read(static_cast<char*>(out), size);
  }
  Result<FileInfo> Stat() override { return info_; }

 private:
  Result<int64_t> Read(char* out, int64_t size) {
    int64_t done = 0;
    while (done < size && !is_at_end_) {
      Result<int64_t> got = cursor_->Read(info_.path, out + done, size - done);
      has_failed_ = !got.ok();
      MS_RETURN_IF_ERROR(got.status());
      is_at_end_ = *got == 0;
      done += *got;
      at_ += *got;
      has_failed_ = at_ > info_.size_bytes || (is_at_end_ && at_ < info_.size_bytes);
      if (has_failed_) return FailedRead(info_.path, "The member has another size than the archive says.");
    }
    // The last bytes are given out when the checksum behind them is right.
    if (at_ == info_.size_bytes && !is_at_end_) {
      char none = 0;
      Result<int64_t> got = cursor_->Read(info_.path, &none, 1);
      has_failed_ = !got.ok() || *got > 0;
      MS_RETURN_IF_ERROR(got.status());
      if (has_failed_) return FailedRead(info_.path, "The member has another size than the archive says.");
      is_at_end_ = true;
    }
    return done;
  }

  const std::shared_ptr<OpenArchive> archive_;
  std::unique_ptr<ArchiveCursor> cursor_;
  const FileInfo info_;
  int64_t at_ = 0;
  bool is_at_end_ = false, has_failed_ = false;
};

class MemberOfArchive : public ArchiveMember {
 public:
  MemberOfArchive(std::shared_ptr<OpenArchive> archive, int64_t ordinal, FileInfo info)
      : archive_(std::move(archive)), ordinal_(ordinal), info_(std::move(info)) {}
  Result<std::unique_ptr<ReadableFile>> Open() const override {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ArchiveCursor> cursor, archive_->CursorAt(ordinal_));
    return std::unique_ptr<ReadableFile>(std::make_unique<MemberBytes>(archive_, std::move(cursor), info_));
  }

 private:
  const std::shared_ptr<OpenArchive> archive_;
  const int64_t ordinal_;
  const FileInfo info_;
};

struct MemberName {
  std::string name;  // without a slash in front, and without "."
  bool is_hidden = false;
};

// As tar unpacks it: below the place where the archive is. What would leave that is refused.
Result<MemberName> MemberNameOf(archive_entry* entry, const std::string& archive_path) {
  const std::optional<std::string> text = ArchiveCursor::NameOf(entry);
  if (!text) return FailedRead(archive_path, "A member has a name that cannot be read.");
  MemberName result;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return FailedRead(archive_path, "The member " + *text + " has a name that leaves the archive. Make the archive anew without \"..\".");
    result.is_hidden |= part.starts_with('.') || (part.starts_with('_') && part.find('=') == std::string_view::npos) || part.ends_with("._COPYING_");
    result.name += (result.name.empty() ? "" : "/") + std::string(part);
  }
  if (result.name.empty() && archive_entry_filetype(entry) == AE_IFREG) return FailedRead(archive_path, "A member has no name.");
  return result;
}

class Listing {
 public:
  Listing(Fs& fs, const InputFile& file, const ArchiveSelection& selection)
      : file_(file), selection_(selection), archive_(std::make_shared<OpenArchive>(fs, file)), bytes_max_(BytesMax()) {}

  Result<std::vector<InputFile>> Read(Fs& fs) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ArchiveCursor> cursor, ArchiveCursor::Open(fs, file_));
    while (true) {
      MS_ASSIGN_OR_RETURN(archive_entry * entry, cursor->NextEntry());
      if (entry == nullptr) break;
      if (cursor->next() > selection_.limits.entries_max) {
        return TooLarge("has more than " + std::to_string(selection_.limits.entries_max) + " members", "archiveMaxMembers");
      }
      MS_RETURN_IF_ERROR(Take(*cursor, entry));
    }
    MS_RETURN_IF_ERROR(cursor->Drain(StreamBytesMax()));
    if (!members_.empty()) archive_->set_last(last_);
    return std::move(members_);
  }

 private:
  int64_t BytesMax() const {
    const ArchiveLimits& limits = selection_.limits;
    const int64_t by_ratio = file_.size_bytes > INT64_MAX / limits.ratio_max ? INT64_MAX : file_.size_bytes * limits.ratio_max;
    return std::min(limits.bytes_max, std::max(by_ratio, kAlwaysAllowedBytes));
  }
  // Of a tar with its headers.
  int64_t StreamBytesMax() const {
    constexpr int64_t kEntriesMax = int64_t{1} << 40;
    return std::min(bytes_max_, INT64_MAX / 2) + std::min(selection_.limits.entries_max, kEntriesMax) * 2 * kTarBlockOfEntry;
  }
  Status TooLarge(std::string detail, const char* option) const {
    return Status::Error(errors::kArchiveTooLarge, {{"path", UriFromPath(file_.path)}, {"detail", std::move(detail)}, {"option", option}});
  }
  Status Add(int64_t bytes) {
    if (bytes < 0 || bytes > bytes_max_ - unpacked_) {
      const bool by_size = bytes_max_ == selection_.limits.bytes_max;
      return TooLarge(by_size ? fmt::format("unpacks to more than {} bytes", bytes_max_)
                              : fmt::format("unpacks to more than {} times its {} bytes", selection_.limits.ratio_max, file_.size_bytes),
                      by_size ? "archiveMaxBytes" : "archiveMaxRatio");
    }
    unpacked_ += bytes;
    return Status();
  }

  Status Take(ArchiveCursor& cursor, archive_entry* entry) {
    const bool has_size = archive_entry_size_is_set(entry) != 0;
    int64_t size = has_size ? archive_entry_size(entry) : 0;
    // What is passed over is unpacked too, on the way to the next.
    MS_RETURN_IF_ERROR(Add(size));
    MS_ASSIGN_OR_RETURN(MemberName name, MemberNameOf(entry, file_.path));
    const bool is_link = archive_entry_hardlink(entry) != nullptr;
    if ((archive_entry_filetype(entry) != AE_IFREG && !is_link) || name.is_hidden || !selection_.wants(BaseName(name.name))) return Status();
    std::string path = MemberPath(file_.path, name.name);
    if (is_link) return FailedRead(path, "The member is a hard link. Make the archive with copies instead (tar --hard-dereference).");
    if (archive_entry_is_encrypted(entry) != 0) return FailedRead(path, "The member is encrypted. Make the archive anew without a password.");
    if (IsArchivePath(name.name)) return FailedRead(path, "The member is an archive itself. Unpack it, or pass over it with archiveMemberGlob.");
    if (!names_.insert(name.name).second) return FailedRead(path, "The archive has two members of this name. Make it anew with one of them.");
    const int64_t modified_ns =
        archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry) * 1'000'000'000 + archive_entry_mtime_nsec(entry) : file_.modified_ns;
    const int64_t ordinal = cursor.next() - 1;
    if (!has_size) {
      std::vector<char> part(static_cast<size_t>(kReadToCountBytes));
      while (true) {
        MS_ASSIGN_OR_RETURN(const int64_t got, cursor.Read(path, part.data(), kReadToCountBytes));
        if (got == 0) break;
        MS_RETURN_IF_ERROR(Add(got));
        size += got;
      }
    }
    if (size == 0 && !selection_.wants_empty) return Status();
    InputFile member{.path = path, .size_bytes = size, .modified_ns = modified_ns, .partition_values = file_.partition_values};
    member.member = std::make_shared<MemberOfArchive>(archive_, ordinal,
                                                      FileInfo{.path = std::move(path), .size_bytes = size, .modified_ns = modified_ns, .is_regular = true});
    members_.push_back(std::move(member));
    last_ = ordinal;
    return Status();
  }

  const InputFile& file_;
  const ArchiveSelection& selection_;
  const std::shared_ptr<OpenArchive> archive_;
  const int64_t bytes_max_;
  int64_t unpacked_ = 0, last_ = -1;
  std::unordered_set<std::string> names_;
  std::vector<InputFile> members_;
};

}  // namespace

Result<std::vector<InputFile>> ListArchive(Fs& fs, const InputFile& archive, const ArchiveSelection& selection) {
  return Listing(fs, archive, selection).Read(fs);
}

std::string FileThatHolds(const std::string& path) {
  for (size_t mark = path.find(kMemberMark); mark != std::string::npos; mark = path.find(kMemberMark, mark + 1)) {
    if (IsArchivePath(std::string_view(path).substr(0, mark))) return path.substr(0, mark);
  }
  return path;
}

Result<InputFile> FindInput(Fs& fs, const std::string& path) {
  // It was read once, within the limits of its reader.
  const ArchiveSelection all{.wants = [](std::string_view) { return true; }, .wants_empty = true, .limits = {INT64_MAX, INT64_MAX, INT64_MAX}};
  for (size_t mark = path.find(kMemberMark); mark != std::string::npos; mark = path.find(kMemberMark, mark + 1)) {
    InputFile archive{.path = path.substr(0, mark)};
    if (!IsArchivePath(archive.path)) continue;
    Result<FileInfo> info = fs.Stat(archive.path);
    if (info.status().Is(errors::kFileNotFound)) continue;
    MS_RETURN_IF_ERROR(info.status());
    archive.size_bytes = info->size_bytes;
    archive.modified_ns = info->modified_ns;
    MS_ASSIGN_OR_RETURN(std::vector<InputFile> members, ListArchive(fs, archive, all));
    auto member = std::find_if(members.begin(), members.end(), [&](const InputFile& one) { return one.path == path; });
    if (member == members.end()) continue;
    member->modified_ns = archive.modified_ns;
    return std::move(*member);
  }
  MS_ASSIGN_OR_RETURN(FileInfo info, fs.Stat(path));
  return InputFile{.path = path, .size_bytes = info.size_bytes, .modified_ns = info.modified_ns};
}

}  // namespace millstream
