#include "formats/text_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/ignore_case.h"
#include "base/option_table.h"
#include "formats/input_bytes.h"

namespace millstream {
namespace {

constexpr int64_t kReadBytes = 256 << 10;
constexpr int64_t kDeclarationBytesMax = 512;
const auto kNoConverter = reinterpret_cast<iconv_t>(-1);

bool IsUtf8(std::string_view name) {
  auto same = [&](std::string_view other) { return EqualsIgnoreCase(name, other); };
  return same("UTF-8") || same("UTF8") || same("US-ASCII") || same("ASCII");
}

// The encoding that <?xml … encoding="…"?> names; empty: none.
std::string DeclaredEncoding(std::string_view text) {
  if (!text.starts_with("<?xml")) return "";
  text = text.substr(0, text.find("?>"));
  size_t at = text.find("encoding");
  if (at == std::string_view::npos) return "";
  at = text.find_first_of("'\"", at);
  if (at == std::string_view::npos) return "";
  const size_t end = text.find(text[at], at + 1);
  return end == std::string_view::npos ? "" : std::string(text.substr(at + 1, end - at - 1));
}

}  // namespace

Result<std::unique_ptr<TextSource>> TextSource::Open(Fs& fs, const InputFile& file, const std::string& encoding, bool xml) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<Decompressor> bytes, OpenDecompressed(fs, file));
  std::unique_ptr<TextSource> source(new TextSource(std::move(bytes), file.path));
  MS_RETURN_IF_ERROR(source->Fill(kDeclarationBytesMax));
  const std::string_view start = source->pending_;
  std::string found = encoding;
  if (start.starts_with("\xEF\xBB\xBF")) {
    source->pending_.erase(0, 3);
    source->had_utf8_mark_ = true;
    found = "UTF-8";
  } else if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    found = start[0] == '\xFF' ? "UTF-16LE" : "UTF-16BE";
    source->pending_.erase(0, 2);
  } else if (const std::string declared = xml ? DeclaredEncoding(start) : ""; !declared.empty()) {
    found = declared;
  }
  if (!IsUtf8(found)) MS_RETURN_IF_ERROR(source->Convert(found));
  return source;
}

std::unique_ptr<TextSource> TextSource::Of(std::string text, const std::string& path) {
  std::unique_ptr<TextSource> source(new TextSource(nullptr, path));
  source->pending_ = std::move(text);
  source->at_end_ = true;
  return source;
}

TextSource::~TextSource() {
  if (converter_ != kNoConverter) iconv_close(converter_);
}

Status TextSource::Convert(const std::string& encoding) {
  converter_ = iconv_open("UTF-8", encoding.c_str());
  if (converter_ == kNoConverter) return Status::Unsupported("The encoding " + encoding, "Convert the files to UTF-8.");
  return Status();
}

Status TextSource::Fill(int64_t size) {
  while (!at_end_ && static_cast<int64_t>(pending_.size()) < size) {
    const size_t before = pending_.size();
    pending_.resize(before + static_cast<size_t>(kReadBytes));
    Result<int64_t> got = bytes_->Read(pending_.data() + before, kReadBytes);
    pending_.resize(before + static_cast<size_t>(got.ok() ? *got : 0));
    MS_RETURN_IF_ERROR(got.status());
    at_end_ = *got == 0;
  }
  return Status();
}

Result<int64_t> TextSource::Read(char* out, int64_t size_max) {
  if (pending_.empty()) MS_RETURN_IF_ERROR(Fill(1));
  if (converter_ == kNoConverter) {
    const int64_t size = std::min<int64_t>(size_max, static_cast<int64_t>(pending_.size()));
    std::memcpy(out, pending_.data(), static_cast<size_t>(size));
    pending_.erase(0, static_cast<size_t>(size));
    return size;
  }
  char* to = out;
  size_t room = static_cast<size_t>(size_max);
  while (to == out && !pending_.empty()) {
    char* in = pending_.data();
    size_t in_left = pending_.size();
    const size_t code = iconv(converter_, &in, &in_left, &to, &room);
    const int why = errno;
    pending_.erase(0, pending_.size() - in_left);
    if (code != static_cast<size_t>(-1) || why == E2BIG) continue;
    if (why == EINVAL && !at_end_) {
      MS_RETURN_IF_ERROR(Fill(static_cast<int64_t>(pending_.size()) + 1));
      continue;
    }
    // What is no character becomes one that says so, as Java's decoder does it.
    if (room < 3) break;
    std::memcpy(to, "\xEF\xBF\xBD", 3);
    to += 3;
    room -= 3;
    pending_.erase(0, 1);
  }
  return to - out;
}

}  // namespace millstream
