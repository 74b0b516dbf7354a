#include "formats/archive_cursor.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <vector>

#include "formats/decompressor.h"
#include "formats/failed_read.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

constexpr int64_t kPulledBytes = 256 << 10;
constexpr int64_t kTarBlockBytes = 512;
constexpr int64_t kZipEndBytes = 22;  // with two bytes at its end that say how long a comment follows

enum class ArchivePacking { kNone, kZip, kTar, kTarGzip, kTarBzip2, kTarZstd, kTarXz };

ArchivePacking PackingOf(std::string_view path) {
  constexpr std::pair<std::string_view, ArchivePacking> kEndings[] = {{".zip", ArchivePacking::kZip},          {".tar", ArchivePacking::kTar},
                                                                      {".tar.gz", ArchivePacking::kTarGzip},   {".tgz", ArchivePacking::kTarGzip},
                                                                      {".tar.bz2", ArchivePacking::kTarBzip2}, {".tar.zst", ArchivePacking::kTarZstd},
                                                                      {".tar.xz", ArchivePacking::kTarXz}};
  auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); };
  for (const auto& [ending, packing] : kEndings) {
    if (path.size() < ending.size()) continue;
    const std::string_view end = path.substr(path.size() - ending.size());
    if (std::equal(ending.begin(), ending.end(), end.begin(), same)) return packing;
  }
  return ArchivePacking::kNone;
}

// The library gives names in the locale of its thread, and a server may run in one of ASCII.
class Utf8Names {
 public:
  Utf8Names() : before_(uselocale(Locale())) {}
  ~Utf8Names() { uselocale(before_); }

 private:
  static locale_t Locale() {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  const locale_t before_;
};

}  // namespace

bool IsArchivePath(std::string_view path) { return PackingOf(path) != ArchivePacking::kNone; }

// The archive's bytes as the library pulls them; of a compressed tar the tar's. A failure is kept: the library's errors have no class.
class ArchiveCursor::PulledBytes {
 public:
  static Result<std::unique_ptr<PulledBytes>> Open(Fs& fs, const InputFile& file, ArchivePacking packing) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, fs.OpenForRead(file.path));
    MS_ASSIGN_OR_RETURN(const FileInfo info, opened->Stat());
    if (info.size_bytes != file.size_bytes || (file.modified_ns != 0 && info.modified_ns != file.modified_ns)) {
      return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size or time differs"}}).Retryable();
    }
    std::unique_ptr<PulledBytes> bytes(new PulledBytes(file.size_bytes));
    switch (packing) {
      case ArchivePacking::kNone:
      case ArchivePacking::kZip:
      case ArchivePacking::kTar:
        bytes->file_ = std::move(opened);
        break;
      case ArchivePacking::kTarGzip: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kGzip));
        break;
      }
      case ArchivePacking::kTarBzip2: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kBzip2));
        break;
      }
      case ArchivePacking::kTarZstd: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::Open(std::move(opened), file.path, Codec::kZstd));
        break;
      }
      case ArchivePacking::kTarXz: {
        MS_ASSIGN_OR_RETURN(bytes->stream_, Decompressor::OpenXz(std::move(opened), file.path));
        break;
      }
    }
    return bytes;
  }

  bool can_seek() const { return stream_ == nullptr; }
  // A zip without entries is the end of a directory and nothing before it, where the library does not look for one.
  Result<bool> IsZipWithoutEntries() {
    unsigned char end[kZipEndBytes];
    MS_ASSIGN_OR_RETURN(const int64_t got, file_->ReadAt(0, kZipEndBytes, end));
    if (got < kZipEndBytes || std::string_view(reinterpret_cast<const char*>(end), 4) != "PK\5\6") return false;
    const bool counts_none = std::all_of(end + 4, end + kZipEndBytes - 2, [](unsigned char byte) { return byte == 0; });
    return counts_none && size_ == kZipEndBytes + end[kZipEndBytes - 2] + 256 * end[kZipEndBytes - 1];
  }
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
    last_bytes_ = *got;
    *out = buffer_.data();
    return *got;
  }
  // Of what was pulled last, the bytes from this place on.
  std::string_view PulledFrom(int64_t place) const {
    const int64_t passed = std::clamp<int64_t>(place - (at_ - last_bytes_), 0, last_bytes_);
    return {buffer_.data() + passed, static_cast<size_t>(last_bytes_ - passed)};
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
  int64_t at_ = 0, last_bytes_ = 0;
  Status failed_;
};

struct ArchiveCursor::Library {
  explicit Library(PulledBytes& bytes) : reader(archive_read_new()) {
    if (reader == nullptr) return;
    archive_read_set_read_callback(reader, Pull);
    if (bytes.can_seek()) {
      archive_read_set_skip_callback(reader, Skip);
      archive_read_set_seek_callback(reader, Seek);
    }
    archive_read_set_callback_data(reader, &bytes);
  }
  ~Library() { archive_read_free(reader); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  static la_ssize_t Pull(archive* reader, void* data, const void** buffer) {
    auto* bytes = static_cast<PulledBytes*>(data);
    const char* out = nullptr;
    const int64_t got = bytes->Pull(&out);
    *buffer = out;
    if (got < 0) archive_set_error(reader, EIO, "reading failed");
    return got;
  }
  static la_int64_t Skip(archive*, void* data, la_int64_t bytes) { return static_cast<PulledBytes*>(data)->Skip(bytes); }
  static la_int64_t Seek(archive*, void* data, la_int64_t offset, int whence) { return static_cast<PulledBytes*>(data)->Seek(offset, whence); }

  archive* const reader;
};

ArchiveCursor::ArchiveCursor(std::string path, bool is_tar) : path_(std::move(path)), is_tar_(is_tar) {}
ArchiveCursor::~ArchiveCursor() = default;

Result<std::unique_ptr<ArchiveCursor>> ArchiveCursor::Open(Fs& fs, const InputFile& file) {
  const ArchivePacking packing = PackingOf(file.path);
  std::unique_ptr<ArchiveCursor> cursor(new ArchiveCursor(file.path, packing != ArchivePacking::kZip));
  MS_ASSIGN_OR_RETURN(cursor->bytes_, PulledBytes::Open(fs, file, packing));
  cursor->library_ = std::make_unique<Library>(*cursor->bytes_);
  archive* reader = cursor->library_->reader;
  if (reader == nullptr) return Status::Internal("libarchive cannot be initialised");
  if (packing == ArchivePacking::kZip) {
    MS_ASSIGN_OR_RETURN(cursor->has_no_entries_, cursor->bytes_->IsZipWithoutEntries());
    if (cursor->has_no_entries_) return cursor;
    // By its directory, which stands at the end: an archive that was cut off has none, and is refused.
    archive_read_support_format_zip_seekable(reader);
  } else {
    archive_read_support_format_tar(reader);
    // A tar without entries is blocks of zeros, or nothing.
    archive_read_support_format_empty(reader);
  }
  if (archive_read_open1(reader) != ARCHIVE_OK) return cursor->Damaged(file.path);
  return cursor;
}

Result<archive_entry*> ArchiveCursor::NextEntry() {
  if (has_no_entries_) return static_cast<archive_entry*>(nullptr);
  const Utf8Names names_in_utf8;
  archive* reader = library_->reader;
  archive_entry* entry = nullptr;
  const int code = archive_read_next_header(reader, &entry);
  if (code == ARCHIVE_EOF) {
    MS_RETURN_IF_ERROR(bytes_->failed());
    // Tar ends in blocks of zeros. Cut off between two members it would only look shorter.
    if (is_tar_ && archive_filter_bytes(reader, 0) < archive_read_header_position(reader) + kTarBlockBytes)
      return FailedRead(path_, "The tar archive ends without its end mark: it is truncated. Put the whole archive in its place.");
    end_mark_ = archive_read_header_position(reader);
    return static_cast<archive_entry*>(nullptr);
  }
  // A name in another encoding is no damage.
  if (code != ARCHIVE_OK && !(code == ARCHIVE_WARN && entry != nullptr && archive_entry_pathname_utf8(entry) == nullptr)) return Damaged(path_);
  ++next_;
  return entry;
}

std::optional<std::string> ArchiveCursor::NameOf(archive_entry* entry) {
  const Utf8Names names_in_utf8;
  const char* text = archive_entry_pathname_utf8(entry);
  if (text == nullptr) text = archive_entry_pathname(entry);
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

Result<int64_t> ArchiveCursor::Read(const std::string& member_path, char* out, int64_t size) {
  const la_ssize_t got = archive_read_data(library_->reader, out, static_cast<size_t>(size));
  if (got < 0) return Damaged(member_path);
  return static_cast<int64_t>(got);
}

Status ArchiveCursor::Drain(int64_t bytes_max) {
  if (!is_tar_) return Status();
  std::string_view rest;
  if (bytes_->can_seek()) {
    bytes_->Seek(end_mark_, SEEK_SET);
  } else {
    rest = bytes_->PulledFrom(end_mark_);
  }
  while (true) {
    if (std::any_of(rest.begin(), rest.end(), [](char byte) { return byte != 0; }))
      return FailedRead(path_, "Behind the end mark of the tar archive stands more, as when archives were put behind each other. Make one archive of them.");
    const char* pulled = nullptr;
    const int64_t got = bytes_->Pull(&pulled);
    if (got < 0) return bytes_->failed();
    if (got == 0) return Status();
    if (!bytes_->can_seek() && bytes_->pulled() > bytes_max) return FailedRead(path_, "Behind the end of the tar archive stands more than its limits allow.");
    rest = {pulled, static_cast<size_t>(got)};
  }
}

Status ArchiveCursor::Damaged(const std::string& path) const {
  MS_RETURN_IF_ERROR(bytes_->failed());
  const char* text = archive_error_string(library_->reader);
  return FailedRead(path, std::string(is_tar_ ? "The tar archive" : "The zip archive") + " is damaged or truncated: " + (text == nullptr ? "bad data" : text) +
                              ". Put a whole one in its place, or leave it out with ignoreCorruptFiles.");
}

}  // namespace millstream
