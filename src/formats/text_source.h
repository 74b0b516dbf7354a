#pragma once

// text_source.h   A file's text as a stream of UTF-8: decompressed by its extension, converted from its encoding, in bounded memory.

#include <iconv.h>

#include <memory>
#include <string>

#include "formats/decompressor.h"
#include "formats/file_format.h"

namespace millstream {

// Not thread-safe.
class TextSource {
 public:
  // `encoding`: of a file that says nothing itself; a byte order mark or an XML declaration, when `xml`, says more.
  static Result<std::unique_ptr<TextSource>> Open(Fs& fs, const InputFile& file, const std::string& encoding, bool xml);
  // Of a text that is in memory already, as UTF-8 and without a mark.
  static std::unique_ptr<TextSource> Of(std::string text, const std::string& path);
  ~TextSource();
  // Up to `size_max` bytes; 0 at the end.
  Result<int64_t> Read(char* out, int64_t size_max);
  const std::string& path() const { return path_; }
  bool had_utf8_mark() const { return had_utf8_mark_; }

 private:
  TextSource(std::unique_ptr<Decompressor> bytes, std::string path) : bytes_(std::move(bytes)), path_(std::move(path)) {}
  Status Fill(int64_t size);  // until `size` bytes are pending, or the end
  Status Convert(const std::string& encoding);

  const std::unique_ptr<Decompressor> bytes_;  // null: all is pending
  const std::string path_;
  std::string pending_;  // read and not handed out or converted
  bool at_end_ = false, had_utf8_mark_ = false;
  iconv_t converter_ = reinterpret_cast<iconv_t>(-1);
};

}  // namespace millstream
