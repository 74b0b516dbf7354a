#pragma once

// archive_cursor.h   One pass over the entries of a zip or tar archive, with libarchive. Only for archive.cc.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "formats/file_format.h"
#include "storage/fs.h"

struct archive;
struct archive_entry;

namespace millstream {

// Not thread-safe.
class ArchiveCursor {
 public:
  // Error kSourceFileChanged when the file is another one than discovery saw.
  static Result<std::unique_ptr<ArchiveCursor>> Open(Fs& fs, const InputFile& file);
  ~ArchiveCursor();

  // nullptr at the end; the entry lives until the next call.
  Result<archive_entry*> NextEntry();
  // How many entries of any kind were met.
  int64_t next() const { return next_; }
  // As UTF-8, or as the bytes that stand there when they are none; nullopt: it has none.
  static std::optional<std::string> NameOf(archive_entry* entry);
  // The data of the entry: 0 at its end, whose checksum is right then.
  Result<int64_t> Read(const std::string& member_path, char* out, int64_t size);
  // Behind the last entry of a tar: nothing but zeros to the file's end, and of a compressed one to its checksum.
  Status Drain(int64_t bytes_max);

 private:
  class PulledBytes;
  struct Library;

  ArchiveCursor(std::string path, bool is_tar);
  Status Damaged(const std::string& path) const;

  const std::string path_;
  const bool is_tar_;
  std::unique_ptr<PulledBytes> bytes_;  // outlives library_
  std::unique_ptr<Library> library_;
  bool has_no_entries_ = false;  // and the library was not asked
  int64_t next_ = 0;
  int64_t end_mark_ = 0;  // of a tar that was read to its end: where the mark begins
};

}  // namespace millstream
