#pragma once

// file_part.h   cloudFiles.changedFiles = continued: a file of lines that grows is loaded part by part, each from where the one before has ended to the end of the
// last whole line. A part is written down before it is read, with what tells later whether its bytes are still the file's: then a batch that runs again has
// the same rows, a half line waits for its end, and a file that was truncated or replaced is not taken for the old one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/fs.h"

namespace millstream {

struct FilePart {
  static constexpr int64_t kNotPlanned = -1;
  int64_t start = 0;          // bytes
  int64_t end = kNotPlanned;  // just behind a line end, or `start`
  uint64_t inode = 0;
  std::string hash;  // of the file's bytes before `end`, or of those before `start` while the part is not planned: its first and its last 4 KiB
  bool is_planned() const { return end != kNotPlanned; }
};

// What a file is compared to its last part that was planned.
enum class Growth {
  kNone,      // no whole line has come
  kGrown,     // whole lines have come
  kReplaced,  // it is another file, or has other bytes
};
// `now`: the file as it was found. FILE_NOT_FOUND.
Result<Growth> LookAtGrowth(Fs& fs, const std::string& path, const FileInfo& now, const FilePart& part);

// Reads parts of text files that are not compressed. Immutable.
class PartReader {
 public:
  // The first line of a file, but for empty ones and comments, names the columns of all parts. nullopt: there is none.
  struct Header {
    char comment = 0;  // with which lines begin that are none; 0: there are no such lines
  };
  PartReader(Fs& fs, std::optional<Header> header) : fs_(fs), header_(header) {}

  // The next part, `noted` while it was not planned; from the beginning when that was for other bytes. At most 64 MiB, but for a longer line. FILE_NOT_FOUND.
  Result<FilePart> Plan(const std::string& path, const FilePart& noted) const;
  // The text of a planned part. nullopt: the file is gone, or these bytes are.
  Result<std::optional<std::string>> Read(const std::string& path, const FilePart& part) const;

 private:
  Result<std::string> HeaderOf(ReadableFile& file) const;

  Fs& fs_;
  const std::optional<Header> header_;
};

}  // namespace millstream
