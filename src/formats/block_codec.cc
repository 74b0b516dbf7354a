#include "formats/block_codec.h"

#include <bzlib.h>
#include <lzma.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace millstream {
namespace {

constexpr size_t kFirstBytes = 64 << 10;

bool TooLarge(int64_t size_max, std::string* reason) {
  *reason = "a block holds more than " + std::to_string(size_max) + " bytes";
  return false;
}

// Grows `out` until `step` says that all is done. `step(to, room, &made)`: 1 done, 0 go on, -1 damaged.
template <typename Step>
bool Stream(int64_t size_max, std::string* out, std::string* reason, const char* name, Step&& step) {
  size_t used = 0;
  out->resize(std::min<size_t>(kFirstBytes, static_cast<size_t>(size_max) + 1));
  while (true) {
    size_t made = 0;
    const int state = step(out->data() + used, out->size() - used, &made);
    used += made;
    if (static_cast<int64_t>(used) > size_max) return TooLarge(size_max, reason);
    if (state > 0) break;
    if (state < 0 || (made == 0 && used < out->size())) {
      *reason = std::string("a ") + name + " block is damaged";
      return false;
    }
    if (used == out->size()) out->resize(std::min<size_t>(out->size() * 2, static_cast<size_t>(size_max) + 1));
  }
  out->resize(used);
  return true;
}

bool Inflate(std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
  stream.avail_in = static_cast<uInt>(block.size());
  const bool good = Stream(size_max, out, reason, "deflate", [&](char* to, size_t room, size_t* made) {
    stream.next_out = reinterpret_cast<Bytef*>(to);
    stream.avail_out = static_cast<uInt>(room);
    const int code = inflate(&stream, Z_NO_FLUSH);
    *made = room - stream.avail_out;
    return code == Z_STREAM_END ? 1 : code == Z_OK ? 0 : -1;
  });
  inflateEnd(&stream);
  return good;
}

bool Bunzip(std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) return false;
  stream.next_in = const_cast<char*>(block.data());
  stream.avail_in = static_cast<unsigned>(block.size());
  const bool good = Stream(size_max, out, reason, "bzip2", [&](char* to, size_t room, size_t* made) {
    stream.next_out = to;
    stream.avail_out = static_cast<unsigned>(room);
    const int code = BZ2_bzDecompress(&stream);
    *made = room - stream.avail_out;
    return code == BZ_STREAM_END ? 1 : code == BZ_OK ? 0 : -1;
  });
  BZ2_bzDecompressEnd(&stream);
  return good;
}

bool Unxz(std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  constexpr uint64_t kMemoryMax = uint64_t{128} << 20;
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMemoryMax, 0) != LZMA_OK) return false;
  stream.next_in = reinterpret_cast<const uint8_t*>(block.data());
  stream.avail_in = block.size();
  const bool good = Stream(size_max, out, reason, "xz", [&](char* to, size_t room, size_t* made) {
    stream.next_out = reinterpret_cast<uint8_t*>(to);
    stream.avail_out = room;
    const lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    *made = room - stream.avail_out;
    return code == LZMA_STREAM_END ? 1 : code == LZMA_OK ? 0 : -1;
  });
  lzma_end(&stream);
  return good;
}

bool Unzstd(std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 27);
  ZSTD_inBuffer in{block.data(), block.size(), 0};
  const bool good = Stream(size_max, out, reason, "zstandard", [&](char* to, size_t room, size_t* made) {
    ZSTD_outBuffer buffer{to, room, 0};
    const size_t code = ZSTD_decompressStream(stream, &buffer, &in);
    *made = buffer.pos;
    if (ZSTD_isError(code) != 0) return -1;
    return code == 0 && in.pos == in.size ? 1 : 0;
  });
  ZSTD_freeDStream(stream);
  return good;
}

// With the CRC-32 of what was compressed behind it, as Avro has it.
bool Unsnappy(std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  *reason = "a snappy block is damaged";
  if (block.size() < 4) return false;
  const std::string_view packed = block.substr(0, block.size() - 4);
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) return false;
  if (size > static_cast<size_t>(size_max)) return TooLarge(size_max, reason);
  out->resize(size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), out->data())) return false;
  uint32_t expected = 0;
  for (size_t i = block.size() - 4; i < block.size(); ++i) expected = expected << 8 | static_cast<uint8_t>(block[i]);
  if (crc32(0, reinterpret_cast<const Bytef*>(out->data()), static_cast<uInt>(size)) == expected) return true;
  *reason = "a snappy block does not match its checksum";
  return false;
}

}  // namespace

bool DecompressBlock(BlockCodec codec, std::string_view block, int64_t size_max, std::string* out, std::string* reason) {
  switch (codec) {
    case BlockCodec::kNone:
      out->assign(block);
      return true;
    case BlockCodec::kDeflate:
      return Inflate(block, size_max, out, reason);
    case BlockCodec::kSnappy:
      return Unsnappy(block, size_max, out, reason);
    case BlockCodec::kZstd:
      return Unzstd(block, size_max, out, reason);
    case BlockCodec::kBzip2:
      return Bunzip(block, size_max, out, reason);
    case BlockCodec::kXz:
      return Unxz(block, size_max, out, reason);
  }
  return false;
}

std::optional<BlockCodec> BlockCodecNamed(std::string_view name) {
  static constexpr std::string_view kNames[] = {"null", "deflate", "snappy", "zstandard", "bzip2", "xz"};
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<BlockCodec>(i);
  return std::nullopt;
}

bool CompressBlock(BlockCodec codec, std::string_view block, std::string* out) {
  switch (codec) {
    case BlockCodec::kNone:
      out->assign(block);
      return true;
    case BlockCodec::kDeflate: {
      z_stream stream{};
      if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
      out->resize(deflateBound(&stream, block.size()));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
      stream.avail_in = static_cast<uInt>(block.size());
      stream.next_out = reinterpret_cast<Bytef*>(out->data());
      stream.avail_out = static_cast<uInt>(out->size());
      const bool good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
      out->resize(stream.total_out);
      deflateEnd(&stream);
      return good;
    }
    case BlockCodec::kSnappy: {
      snappy::Compress(block.data(), block.size(), out);
      const auto sum = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(block.size())));
      for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(sum >> shift));
      return true;
    }
    case BlockCodec::kZstd: {
      out->resize(ZSTD_compressBound(block.size()));
      const size_t size = ZSTD_compress(out->data(), out->size(), block.data(), block.size(), 3);
      if (ZSTD_isError(size) != 0) return false;
      out->resize(size);
      return true;
    }
    case BlockCodec::kBzip2: {
      auto size = static_cast<unsigned>(block.size() + block.size() / 100 + 601);
      out->resize(size);
      if (BZ2_bzBuffToBuffCompress(out->data(), &size, const_cast<char*>(block.data()), static_cast<unsigned>(block.size()), 9, 0, 0) != BZ_OK) return false;
      out->resize(size);
      return true;
    }
    case BlockCodec::kXz: {
      size_t size = 0;
      out->resize(lzma_stream_buffer_bound(block.size()));
      if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const uint8_t*>(block.data()), block.size(),
                                  reinterpret_cast<uint8_t*>(out->data()), &size, out->size()) != LZMA_OK) {
        return false;
      }
      out->resize(size);
      return true;
    }
  }
  return false;
}

}  // namespace millstream
