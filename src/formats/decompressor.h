#pragma once

// decompressor.h   .gz and .zst files, read in bounded memory.

#include <cstdint>
#include <memory>
#include <string>

#include "storage/fs.h"

namespace millstream {

enum class Codec { kNone, kGzip, kZstd };
// By the file's extension, as Hadoop's codec factory chooses.
Codec CodecOfPath(std::string_view path);

// A compressed file's content, from its start to its end. Not thread-safe.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Up to `size_max` bytes; 0 at the end. A truncated or damaged file is an error that names it.
  virtual Result<int64_t> Read(char* out, int64_t size_max) = 0;
  static Result<std::unique_ptr<Decompressor>> Open(Fs& fs, const std::string& path, Codec codec);
};

}  // namespace millstream
