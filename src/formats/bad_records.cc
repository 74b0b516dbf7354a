#include "formats/bad_records.h"

#include <algorithm>

#include "formats/decompressor.h"
#include "formats/input_chunks.h"

namespace millstream {
namespace {
constexpr int64_t kReadBytes = 1 << 20;
}  // namespace

int64_t LinesBetween(const char* begin, const char* p) {
  int64_t lines = 0;
  for (const char* at = begin; at < p; ++at) {
    if (*at == '\n') {
      lines += at == begin || at[-1] != '\r';
    } else {
      lines += *at == '\r';
    }
  }
  return lines;
}

Result<int64_t> GiveBadRecords(BadRecords& to, const std::vector<BadText>& found, const ChunkPiece& piece, const InputFile& file, const char* begin,
                               LineNumbers& lines, std::string_view header) {
  // Of a member, as of what is compressed, only the first chunk knows where its lines are.
  std::optional<int64_t> line = file.member && piece.file_offset > 0 ? std::nullopt : lines.LineAt(piece.file, file.path, piece.file_offset);
  const char* counted = begin;
  for (const BadText& bad : found) {
    const char* at = bad.text.data();
    if (line) *line += LinesBetween(counted, at);
    counted = at;
    MS_RETURN_IF_ERROR(to.Add({.file = piece.file,
                               .byte_offset = piece.file_offset + (at - begin),
                               .byte_length = static_cast<int64_t>(bad.text.size()),
                               .line = line,
                               .column = bad.column,
                               .error_class = bad.error_class,
                               .reason = bad.reason,
                               .raw = bad.text,
                               .header = header}));
  }
  return static_cast<int64_t>(found.size());
}

std::optional<int64_t> LineNumbers::LineAt(int32_t file, const std::string& path, int64_t offset) {
  if (offset == 0) return 1;
  if (CodecOfPath(path) != Codec::kNone) return std::nullopt;
  std::lock_guard lock(mutex_);
  std::map<int64_t, int64_t>& known = known_[file];
  known.emplace(0, 0);
  auto before = std::prev(known.upper_bound(offset));
  int64_t at = before->first, lines = before->second;
  if (at == offset) return lines + 1;
  Result<std::unique_ptr<ReadableFile>> opened = fs_.OpenForRead(path);
  if (!opened.ok()) return std::nullopt;
  // One byte before each part, for a line end of two bytes that it may cut.
  std::string part(static_cast<size_t>(kReadBytes) + 1, '\n');
  bool has_before = false;
  while (at < offset) {
    Result<int64_t> got = (*opened)->ReadAt(at, std::min(kReadBytes, offset - at), part.data() + 1);
    if (!got.ok() || *got == 0) return std::nullopt;
    const char* begin = part.data() + 1;
    lines += LinesBetween(begin, begin + *got);
    if (has_before && part[0] == '\r' && part[1] == '\n') --lines;
    part[0] = part[static_cast<size_t>(*got)];
    has_before = true;
    at += *got;
  }
  known.emplace(offset, lines);
  return lines + 1;
}

}  // namespace millstream
