#pragma once

// avro_container.h   An Avro object container file: its header, and its blocks in a range of bytes.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "formats/block_codec.h"
#include "storage/fs.h"
#include "types/avro_schema.h"

namespace millstream {

struct AvroHeader {
  std::map<std::string, std::string> metadata;
  std::shared_ptr<const AvroSchema> schema;
  BlockCodec codec = BlockCodec::kNone;
  std::array<char, 16> sync{};
  int64_t size_bytes = 0;
};
// Errors: FAILED_READ_FILE, kAvroSchema, MILLSTREAM_UNSUPPORTED for a codec.
Result<AvroHeader> ReadAvroHeader(ReadableFile& file, const std::string& path, int64_t file_bytes);

// The blocks whose leading sync marker begins in [begin, end): each block is in one range of several that follow one another. The first range begins
// at the header's marker. Not thread-safe.
class AvroBlocks {
 public:
  AvroBlocks(std::shared_ptr<ReadableFile> file, const AvroHeader& header, std::string path, int64_t file_bytes, int64_t begin, int64_t end);
  // False at the end. `bytes` live until the next call.
  Result<bool> Next(int64_t* records, std::string_view* bytes);
  Status Damaged(std::string reason) const;

 private:
  Result<bool> FindFirst();
  Status Fill(int64_t offset, int64_t size);  // makes buffer_ hold [offset, offset + size), or up to the file's end

  const std::shared_ptr<ReadableFile> file_;
  const AvroHeader& header_;
  const std::string path_;
  const int64_t file_bytes_, begin_, end_;
  int64_t at_ = -1;  // of the next block's leading marker; -1: not found yet
  std::string buffer_, plain_;
  int64_t buffer_offset_ = 0;
};

}  // namespace millstream
