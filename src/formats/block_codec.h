#pragma once

// block_codec.h   A block in memory, compressed and back, for formats that compress block by block (Avro).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace millstream {

enum class BlockCodec { kNone, kDeflate, kSnappy, kZstd, kBzip2, kXz };
// By Avro's names: null, deflate, snappy, zstandard, bzip2, xz.
std::optional<BlockCodec> BlockCodecNamed(std::string_view name);

// Into `out`, which is overwritten. False with `reason` when the block is damaged or would hold more than `size_max` bytes.
bool DecompressBlock(BlockCodec codec, std::string_view block, int64_t size_max, std::string* out, std::string* reason);
// False: the library fails.
bool CompressBlock(BlockCodec codec, std::string_view block, std::string* out);

}  // namespace millstream
