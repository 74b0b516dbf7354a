#pragma once

// input_bytes.h   The bytes of what a scan reads: of a file on the disk, or of a member of an archive.

#include <memory>

#include "formats/decompressor.h"
#include "formats/file_format.h"
#include "storage/fs.h"

namespace millstream {

// Immutable and thread-safe.
class ArchiveMember {
 public:
  virtual ~ArchiveMember() = default;
  // Its bytes, unpacked as they are read: each ReadAt begins where the one before it ended, or behind that. At its end its checksum is verified:
  // FAILED_READ_FILE. Cheap for who opens the members of an archive in their order, once each.
  virtual Result<std::unique_ptr<ReadableFile>> Open() const = 0;
};

// For one pass from the start to the end.
Result<std::unique_ptr<ReadableFile>> OpenInput(Fs& fs, const InputFile& file);
// Likewise, decompressed by its name.
Result<std::unique_ptr<Decompressor>> OpenDecompressed(Fs& fs, const InputFile& file);
// For reads at any place: a member is unpacked into memory, and refused when it is larger than kWholeFileBytesMax.
Result<std::unique_ptr<ReadableFile>> OpenInputAnywhere(Fs& fs, const InputFile& file);
// All bytes of what has file.size_bytes; error kSourceFileChanged when they are more or fewer.
Result<std::string> ReadInput(Fs& fs, const InputFile& file);

}  // namespace millstream
