#pragma once

// compressor.h   Bytes on their way into a file, compressed or as they are.

#include <memory>
#include <string>
#include <string_view>

#include "formats/decompressor.h"
#include "storage/fs.h"

namespace millstream {

// Not thread-safe. What is written is in the file when Finish has returned.
class Compressor {
 public:
  virtual ~Compressor() = default;
  virtual Status Write(std::string_view bytes) = 0;
  virtual Status Finish() = 0;
  // `file` must outlive the compressor.
  static Result<std::unique_ptr<Compressor>> Make(Codec codec, PendingFile& file);
};

}  // namespace millstream
