#pragma once

// decompressor.h   Compressed files (.gz, .bz2, .zst, .deflate, .snappy, .lz4), read in bounded memory.

#include <cstdint>
#include <memory>
#include <string>

#include "storage/fs.h"

namespace millstream {

enum class Codec { kNone, kGzip, kZstd, kBzip2, kDeflate, kSnappy, kLz4 };
// By the file's extension, as Hadoop's codec factory chooses.
Codec CodecOfPath(std::string_view path);
// ".gz"; "" of kNone.
std::string_view ExtensionOf(Codec codec);

// A file's content, decompressed, from its start to its end. Not thread-safe.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // `size_max` bytes, fewer at the end only. A truncated or damaged file is an error that names it.
  virtual Result<int64_t> Read(char* out, int64_t size_max) = 0;
  static Result<std::unique_ptr<Decompressor>> Open(Fs& fs, const std::string& path, Codec codec);
  // The same of a file that is open; `path` is for errors.
  static Result<std::unique_ptr<Decompressor>> Open(std::unique_ptr<ReadableFile> file, const std::string& path, Codec codec);
  // .xz, which Hadoop has no codec for: of archives only.
  static Result<std::unique_ptr<Decompressor>> OpenXz(std::unique_ptr<ReadableFile> file, const std::string& path);
};

}  // namespace millstream
