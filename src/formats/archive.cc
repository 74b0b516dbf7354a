#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "formats/decompressor.h"
#include "formats/formats_errors.h"
#include "formats/input_bytes.h"

namespace millstream {
namespace {

constexpr int64_t kPulledBytes = 256 << 10;
constexpr int64_t kAlwaysAllowedBytes = int64_t{64} << 20;
constexpr int64_t kTarBlockBytes = 512;

enum class Packing { kNone, kZip, kTar, kTarGzip, kTarBzip2, kTarZstd, kTarXz };

Packing PackingOf(std::string_view path) {
  constexpr std::pair<std::string_view, Packing> kEndings[] = {{".zip", Packing::kZip},     {".tar", Packing::kTar},          {".tar.gz", Packing::kTarGzip},
                                                               {".tgz", Packing::kTarGzip}, {".tar.bz2", Packing::kTarBzip2}, {".tar.zst", Packing::kTarZstd},
                                                               {".tar.xz", Packing::kTarXz}};
  auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); };
  for (const auto& [ending, packing] : kEndings) {
    if (path.size() < ending.size()) continue;
    const std::string_view end = path.substr(path.size() - ending.size());
    if (std::equal(ending.begin(), ending.end(), end.begin(), same)) return packing;
  }
  return Packing::kNone;
}

Status DamagedAt(const std::string& path, std::string reason) {
  return Status::Error(errors::kFailedReadFile, {{"path", UriFromPath(path)}, {"reason", std::move(reason)}});
}

// Between the path of an archive and the name of a member.
constexpr std::string_view kMemberMark = "!/";

std::string MemberPath(const std::string& archive, std::string_view member) { return archive + std::string(kMemberMark) + std::string(member); }

// The archive's bytes as the library pulls them; of a compressed tar the tar's. A failure is kept: the library's errors have no class.
class PulledBytes {
 public:
  static Result<std::unique_ptr<PulledBytes>> Open(Fs& fs, const InputFile& file, Packing packing) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, fs.OpenForRead(file.path));
    MS_ASSIGN_OR_RETURN(const FileInfo info, opened->Stat());
    if (info.size_bytes != file.size_bytes || (file.modified_ns != 0 && info.modified_ns != file.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    std::unique_ptr<PulledBytes> bytes(new PulledBytes(file.size_bytes));
    switch (packing) {
      case Packing::kNone:
      case Packing::kZip:
      case Packing::kTar:
        bytes->file_ = std::move(opened);
        break;
      case Packing::kTarGzip: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kGzip));
        break;
      }
      case Packing::kTarBzip2: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kBzip2));
        break;
      }
      case Packing::kTarZstd: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kZstd));
        break;
      }
      case Packing::kTarXz: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::OpenXz(std::move(opened), file.path));
        break;
      }
    }
    return bytes;
  }

  bool can_seek() const { return stream_ == nullptr; }
  const Status& failed() const { return failed_; }
  int64_t pulled() const { return at_; }

  // -1: it failed.
  int64_t Pull(const char** out) {
    Result<int64_t> got = stream_ ? stream_->Read(buffer_.data(), kPulledBytes) : file_->ReadAt(at_, kPulledBytes, buffer_.data());
    if (!got.ok()) {
      failed_ = got.status();
      return -1;
    }
    at_ += *got;
    *out = buffer_.data();
    return *got;
  }
  int64_t Skip(int64_t bytes) {
    const int64_t skipped = std::clamp<int64_t>(bytes, 0, size_ - at_);
    at_ += skipped;
    return skipped;
  }
  int64_t Seek(int64_t offset, int whence) {
    const int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? at_ : size_;
    if (from + offset < 0 || from + offset > size_) return ARCHIVE_FATAL;
    return at_ = from + offset;
  }

 private:
  explicit PulledBytes(int64_t size) : buffer_(static_cast<size_t>(kPulledBytes)), size_(size) {}

  std::unique_ptr<ReadableFile> file_;
  std::unique_ptr<Decompressor> stream_;
  std::vector<char> buffer_;
  const int64_t size_;
  int64_t at_ = 0;
  Status failed_;
};

la_ssize_t PullBytes(archive* reader, void* data, const void** buffer) {
  auto* bytes = static_cast<PulledBytes*>(data);
  const char* out = nullptr;
  const int64_t got = bytes->Pull(&out);
  *buffer = out;
  if (got < 0) archive_set_error(reader, EIO, "reading failed");
  return got;
}
la_int64_t SkipBytes(archive*, void* data, la_int64_t bytes) { return static_cast<PulledBytes*>(data)->Skip(bytes); }
la_int64_t SeekBytes(archive*, void* data, la_int64_t offset, int whence) { return static_cast<PulledBytes*>(data)->Seek(offset, whence); }

// A pass over the entries of an archive. Not thread-safe.
class ArchiveCursor {
 public:
  static Result<std::unique_ptr<ArchiveCursor>> Open(Fs& fs, const InputFile& file) {
    const Packing packing = PackingOf(file.path);
    std::unique_ptr<ArchiveCursor> cursor(new ArchiveCursor(file.path, packing != Packing::kZip));
    MS_ASSIGN_OR_RETURN(cursor->bytes_, PulledBytes::Open(fs, file, packing));
    archive* reader = cursor->reader_.get();
    if (reader == nullptr) return Status::Internal("libarchive cannot be initialised");
    if (packing == Packing::kZip) {
      // By its directory, which stands at the end: an archive that was cut off has none, and is refused.
      archive_read_support_format_zip_seekable(reader);
    } else {
      archive_read_support_format_tar(reader);
      // A tar without entries is blocks of zeros, or nothing.
      archive_read_support_format_empty(reader);
    }
    archive_read_set_read_callback(reader, PullBytes);
    if (cursor->bytes_->can_seek()) {
      archive_read_set_skip_callback(reader, SkipBytes);
      archive_read_set_seek_callback(reader, SeekBytes);
    }
    archive_read_set_callback_data(reader, cursor->bytes_.get());
    if (archive_read_open1(reader) != ARCHIVE_OK) return cursor->Damaged(file.path);
    return cursor;
  }

  // nullptr at the end. `next` counts all entries.
  Result<archive_entry*> NextEntry() {
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader_.get(), &entry);
    if (code == ARCHIVE_EOF) {
      MS_RETURN_IF_ERROR(bytes_->failed());
      // Tar ends in blocks of zeros. Cut off between two members it would only look shorter.
      if (is_tar_ && archive_filter_bytes(reader_.get(), 0) < archive_read_header_position(reader_.get()) + kTarBlockBytes)
        return DamagedAt(path_, "The tar archive ends without its end mark: it is truncated. Put the whole archive in its place.");
      return static_cast<archive_entry*>(nullptr);
    }
    // What cannot be said of a name in this locale is no damage.
    if (code != ARCHIVE_OK && !(code == ARCHIVE_WARN && entry != nullptr && archive_entry_pathname_utf8(entry) == nullptr)) return Damaged(path_);
    ++next_;
    return entry;
  }

  // Fewer bytes than asked for at the end of the entry only, whose checksum is right then.
  Result<int64_t> Read(const std::string& member_path, char* out, int64_t size) {
    const la_ssize_t got = archive_read_data(reader_.get(), out, static_cast<size_t>(size));
    if (got < 0) return Damaged(member_path);
    return static_cast<int64_t>(got);
  }

  // What stands behind the last entry, to its checksum.
  Status Drain(int64_t bytes_max) {
    const char* ignored = nullptr;
    while (true) {
      const int64_t got = bytes_->Pull(&ignored);
      if (got < 0) return bytes_->failed();
      if (got == 0) return Status();
      if (bytes_->pulled() > bytes_max) return DamagedAt(path_, "Behind the end of the tar archive stands more than its limits allow.");
    }
  }

  int64_t next() const { return next_; }
  bool can_seek() const { return bytes_->can_seek(); }

 private:
  struct Freed {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };

  ArchiveCursor(std::string path, bool is_tar) : path_(std::move(path)), is_tar_(is_tar), reader_(archive_read_new()) {}

  Status Damaged(const std::string& path) const {
    MS_RETURN_IF_ERROR(bytes_->failed());
    const char* text = archive_error_string(reader_.get());
    return DamagedAt(path, std::string(is_tar_ ? "The tar archive" : "The zip archive") + " is damaged or truncated: " + (text == nullptr ? "bad data" : text) +
                               ". Put a whole one in its place, or leave it out with ignoreCorruptFiles.");
  }

  const std::string path_;
  const bool is_tar_;
  std::unique_ptr<PulledBytes> bytes_;  // outlives reader_
  const std::unique_ptr<archive, Freed> reader_;
  int64_t next_ = 0;
};

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
      if (has_failed_) return DamagedAt(info_.path, "The member has another size than the archive says.");
    }
    // The last bytes are given out when the checksum behind them is right.
    if (at_ == info_.size_bytes && !is_at_end_) {
      char none = 0;
      Result<int64_t> got = cursor_->Read(info_.path, &none, 1);
      has_failed_ = !got.ok() || *got > 0;
      MS_RETURN_IF_ERROR(got.status());
      if (has_failed_) return DamagedAt(info_.path, "The member has another size than the archive says.");
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
Result<MemberName> NameOf(archive_entry* entry, const std::string& archive_path) {
  const char* text = archive_entry_pathname_utf8(entry);
  if (text == nullptr) text = archive_entry_pathname(entry);
  if (text == nullptr) return DamagedAt(archive_path, "A member has a name that cannot be read.");
  MemberName result;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..")
      return DamagedAt(archive_path, std::string("The member ") + text + " has a name that leaves the archive. Make the archive anew without \"..\".");
    result.is_hidden |= part.starts_with('.') || (part.starts_with('_') && part.find('=') == std::string_view::npos) || part.ends_with("._COPYING_");
    result.name += (result.name.empty() ? "" : "/") + std::string(part);
  }
  if (result.name.empty() && archive_entry_filetype(entry) == AE_IFREG) return DamagedAt(archive_path, "A member has no name.");
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
    if (!cursor->can_seek()) MS_RETURN_IF_ERROR(cursor->Drain(StreamBytesMax()));
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
    return std::min(bytes_max_, INT64_MAX / 2) + std::min(selection_.limits.entries_max, kEntriesMax) * 2 * kTarBlockBytes;
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
    MS_ASSIGN_OR_RETURN(MemberName name, NameOf(entry, file_.path));
    const bool is_link = archive_entry_hardlink(entry) != nullptr;
    if ((archive_entry_filetype(entry) != AE_IFREG && !is_link) || name.is_hidden || !selection_.wants(BaseName(name.name))) return Status();
    std::string path = MemberPath(file_.path, name.name);
    if (is_link) return DamagedAt(path, "The member is a hard link. Make the archive with copies instead (tar --hard-dereference).");
    if (archive_entry_is_encrypted(entry) != 0) return DamagedAt(path, "The member is encrypted. Make the archive anew without a password.");
    if (IsArchivePath(name.name)) return DamagedAt(path, "The member is an archive itself. Unpack it, or pass over it with archiveMemberGlob.");
    if (!names_.insert(name.name).second) return DamagedAt(path, "The archive has two members of this name. Make it anew with one of them.");
    const int64_t modified_ns =
        archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry) * 1'000'000'000 + archive_entry_mtime_nsec(entry) : file_.modified_ns;
    const int64_t ordinal = cursor.next() - 1;
    if (!has_size) {
      std::vector<char> part(static_cast<size_t>(kPulledBytes));
      while (true) {
        MS_ASSIGN_OR_RETURN(const int64_t got, cursor.Read(path, part.data(), kPulledBytes));
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

bool IsArchivePath(std::string_view path) { return PackingOf(path) != Packing::kNone; }

Result<std::vector<InputFile>> ListArchive(Fs& fs, const InputFile& archive, const ArchiveSelection& selection) {
  return Listing(fs, archive, selection).Read(fs);
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
