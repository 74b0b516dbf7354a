#include "connectors/files/file_part.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

namespace millstream {
namespace {

constexpr int64_t kHashedBytes = 4 << 10;
constexpr int64_t kStepBytes = 256 << 10;
// A batch has the text of its parts in memory.
constexpr int64_t kPartBytesMax = 64 << 20;
constexpr int64_t kHeaderBytesMax = 1 << 20;

Result<std::string> ReadRange(ReadableFile& file, int64_t begin, int64_t end) {
  std::string bytes(static_cast<size_t>(end - begin), '\0');
  MS_ASSIGN_OR_RETURN(int64_t got, file.ReadAt(begin, end - begin, bytes.data()));
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

// Of the first and last bytes before `through`, and of how many there are.
Result<std::string> HashBefore(ReadableFile& file, int64_t through) {
  MS_ASSIGN_OR_RETURN(std::string bytes, ReadRange(file, 0, std::min(through, kHashedBytes)));
  MS_ASSIGN_OR_RETURN(std::string last, ReadRange(file, std::max<int64_t>(0, through - kHashedBytes), through));
  bytes += last + std::to_string(through);
  std::string digest(32, '\0');
  MS_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

// Just behind the last line end in [from, to); `from`: there is none.
Result<int64_t> BehindLastLine(ReadableFile& file, int64_t from, int64_t to) {
  for (int64_t end = to; end > from;) {
    const int64_t begin = std::max(from, end - kStepBytes);
    MS_ASSIGN_OR_RETURN(std::string bytes, ReadRange(file, begin, end));
    if (size_t at = bytes.rfind('\n'); at != std::string::npos) return begin + static_cast<int64_t>(at) + 1;
    end = begin;
  }
  return from;
}

// Just behind the first one in [from, to); -1: there is none.
Result<int64_t> BehindFirstLine(ReadableFile& file, int64_t from, int64_t to) {
  for (int64_t begin = from; begin < to; begin += kStepBytes) {
    MS_ASSIGN_OR_RETURN(std::string bytes, ReadRange(file, begin, std::min(to, begin + kStepBytes)));
    if (size_t at = bytes.find('\n'); at != std::string::npos) return begin + static_cast<int64_t>(at) + 1;
  }
  return int64_t{-1};
}

Result<bool> IsStill(ReadableFile& file, const FileInfo& now, int64_t through, const FilePart& part) {
  if (now.inode != part.inode || now.size_bytes < through) return false;
  MS_ASSIGN_OR_RETURN(std::string hash, HashBefore(file, through));
  return hash == part.hash;
}

}  // namespace

Result<Growth> LookAtGrowth(Fs& fs, const std::string& path, const FileInfo& now, const FilePart& part) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  MS_ASSIGN_OR_RETURN(bool is_same, IsStill(*file, now, part.end, part));
  if (!is_same) return Growth::kReplaced;
  MS_ASSIGN_OR_RETURN(int64_t line, BehindFirstLine(*file, part.end, now.size_bytes));
  return line < 0 ? Growth::kNone : Growth::kGrown;
}

Result<FilePart> PartReader::Plan(const std::string& path, const FilePart& noted) const {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs_.OpenForRead(path));
  MS_ASSIGN_OR_RETURN(FileInfo now, file->Stat());
  FilePart part{.start = noted.start, .inode = now.inode};
  if (part.start > 0) {
    MS_ASSIGN_OR_RETURN(bool is_same, IsStill(*file, now, part.start, noted));
    if (!is_same) part.start = 0;
  }
  const int64_t limit = std::min(now.size_bytes, part.start + kPartBytesMax);
  MS_ASSIGN_OR_RETURN(part.end, BehindLastLine(*file, part.start, limit));
  if (part.end == part.start && limit < now.size_bytes) {
    MS_ASSIGN_OR_RETURN(int64_t line, BehindFirstLine(*file, limit, now.size_bytes));
    if (line > 0) part.end = line;
  }
  MS_ASSIGN_OR_RETURN(part.hash, HashBefore(*file, part.end));
  return part;
}

Result<std::optional<std::string>> PartReader::Read(const std::string& path, const FilePart& part) const {
  Result<std::unique_ptr<ReadableFile>> file = fs_.OpenForRead(path);
  if (!file.ok() && file.status().Is(errors::kFileNotFound)) return std::optional<std::string>();
  MS_RETURN_IF_ERROR(file.status());
  MS_ASSIGN_OR_RETURN(FileInfo now, (*file)->Stat());
  MS_ASSIGN_OR_RETURN(bool is_same, IsStill(**file, now, part.end, part));
  if (!is_same) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string text, ReadRange(**file, part.start, part.end));
  if (static_cast<int64_t>(text.size()) != part.end - part.start) return std::optional<std::string>();
  if (part.start == 0 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (part.start > 0 && header_ && !text.empty()) {
    MS_ASSIGN_OR_RETURN(std::string header, HeaderOf(**file));
    text.insert(0, header);
  }
  return std::optional(std::move(text));
}

Result<std::string> PartReader::HeaderOf(ReadableFile& file) const {
  MS_ASSIGN_OR_RETURN(std::string head, ReadRange(file, 0, kHeaderBytesMax));
  if (head.starts_with("\xEF\xBB\xBF")) head.erase(0, 3);
  for (size_t begin = 0; begin < head.size();) {
    const size_t end = head.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string line = head.substr(begin, end + 1 - begin);
    const bool is_blank = line.find_first_not_of(" \t\r\n") == std::string::npos;
    if (!is_blank && (header_->comment == 0 || line[0] != header_->comment)) return line;
    begin = end + 1;
  }
  return std::string();
}

}  // namespace millstream
