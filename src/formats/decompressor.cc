#include "formats/decompressor.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "formats/failed_read.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

constexpr int64_t kInputBytes = 256 << 10;

// The compressed bytes, pulled piece by piece.
class CompressedInput {
 public:
  CompressedInput(std::unique_ptr<ReadableFile> file, std::string path) : path(std::move(path)), file_(std::move(file)), bytes_(kInputBytes) {}
  // Refills when empty; false at the end of the file.
  Result<bool> Fill() {
    if (available > 0) return true;
    MS_ASSIGN_OR_RETURN(available, file_->ReadAt(offset_, kInputBytes, bytes_.data()));
    next = bytes_.data();
    offset_ += available;
    return available > 0;
  }
  Status Damaged(std::string reason) const { return FailedRead(path, std::move(reason)); }

  std::string path;
  char* next = nullptr;
  int64_t available = 0;

 private:
  std::unique_ptr<ReadableFile> file_;
  std::vector<char> bytes_;
  int64_t offset_ = 0;
};

class PlainInput : public Decompressor {
 public:
  explicit PlainInput(CompressedInput input) : input_(std::move(input)) {}
  Result<int64_t> Read(char* out, int64_t size_max) override {
    int64_t done = 0;
    while (done < size_max) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) break;
      const int64_t size = std::min(size_max - done, input_.available);
      std::memcpy(out + done, input_.next, static_cast<size_t>(size));
      input_.next += size;
      input_.available -= size;
      done += size;
    }
    return done;
  }

 private:
  CompressedInput input_;
};

constexpr int kGzipWrapper = 15 + 16, kZlibWrapper = 15;

class GzipDecompressor : public Decompressor {
 public:
  GzipDecompressor(CompressedInput input, int wrapper) : input_(std::move(input)), name_(wrapper == kGzipWrapper ? "gzip" : "deflate") {
    ready_ = inflateInit2(&stream_, wrapper) == Z_OK;
  }
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  Result<int64_t> Read(char* out, int64_t size_max) override {
    if (!ready_) return Status::Internal("zlib cannot be initialised");
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<int64_t>(size_max, 1 << 30));
    uInt wanted = stream_.avail_out;
    while (stream_.avail_out > 0 && !done_) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) {
        if (inside_member_) return input_.Damaged("The " + name_ + " file is truncated.");
        done_ = true;
        break;
      }
      inside_member_ = true;
      stream_.next_in = reinterpret_cast<Bytef*>(input_.next);
      stream_.avail_in = static_cast<uInt>(input_.available);
      int code = inflate(&stream_, Z_NO_FLUSH);
      input_.next = reinterpret_cast<char*>(stream_.next_in);
      input_.available = stream_.avail_in;
      if (code == Z_STREAM_END) {
        // Several members may follow one another.
        inside_member_ = false;
        inflateReset(&stream_);
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return input_.Damaged("The " + name_ + " file is damaged: " + (stream_.msg ? stream_.msg : "bad data") + ".");
      }
    }
    return static_cast<int64_t>(wanted - stream_.avail_out);
  }

 private:
  CompressedInput input_;
  const std::string name_;
  z_stream stream_{};
  bool ready_ = false, inside_member_ = false, done_ = false;
};

class ZstdDecompressor : public Decompressor {
 public:
  explicit ZstdDecompressor(CompressedInput input) : input_(std::move(input)), stream_(ZSTD_createDStream()) {
    // A window of more than 128 MiB would let a small file claim any amount of memory.
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 27);
  }
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }

  Result<int64_t> Read(char* out, int64_t size_max) override {
    ZSTD_outBuffer output{out, static_cast<size_t>(size_max), 0};
    while (output.pos < output.size) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) {
        if (inside_frame_) return input_.Damaged("The zstd file is truncated.");
        break;
      }
      ZSTD_inBuffer in{input_.next, static_cast<size_t>(input_.available), 0};
      size_t code = ZSTD_decompressStream(stream_, &output, &in);
      if (ZSTD_isError(code)) return input_.Damaged(std::string("The zstd file is damaged: ") + ZSTD_getErrorName(code) + ".");
      inside_frame_ = code != 0;
      input_.next += in.pos;
      input_.available -= static_cast<int64_t>(in.pos);
    }
    return static_cast<int64_t>(output.pos);
  }

 private:
  CompressedInput input_;
  ZSTD_DStream* stream_;
  bool inside_frame_ = false;
};

class Bzip2Decompressor : public Decompressor {
 public:
  explicit Bzip2Decompressor(CompressedInput input) : input_(std::move(input)) { open_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2Decompressor() override { BZ2_bzDecompressEnd(&stream_); }

  Result<int64_t> Read(char* out, int64_t size_max) override {
    stream_.next_out = out;
    stream_.avail_out = static_cast<unsigned>(std::min<int64_t>(size_max, 1 << 30));
    const unsigned wanted = stream_.avail_out;
    while (stream_.avail_out > 0) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) {
        if (inside_stream_) return input_.Damaged("The bzip2 file is truncated.");
        break;
      }
      if (!open_) return Status::Internal("bzip2 cannot be initialised");
      inside_stream_ = true;
      stream_.next_in = input_.next;
      stream_.avail_in = static_cast<unsigned>(input_.available);
      const int code = BZ2_bzDecompress(&stream_);
      input_.next = stream_.next_in;
      input_.available = stream_.avail_in;
      if (code == BZ_STREAM_END) {
        // Several streams may follow one another.
        inside_stream_ = false;
        const bz_stream place = stream_;
        BZ2_bzDecompressEnd(&stream_);
        stream_ = bz_stream{};
        open_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
        stream_.next_out = place.next_out;
        stream_.avail_out = place.avail_out;
      } else if (code != BZ_OK) {
        return input_.Damaged("The bzip2 file is damaged.");
      }
    }
    return static_cast<int64_t>(wanted - stream_.avail_out);
  }

 private:
  CompressedInput input_;
  bz_stream stream_{};
  bool open_ = false, inside_stream_ = false;
};

class XzDecompressor : public Decompressor {
 public:
  explicit XzDecompressor(CompressedInput input) : input_(std::move(input)) {
    // The largest preset needs 65 MiB; a file that asks for more memory than this is refused.
    constexpr uint64_t kMemoryMax = uint64_t{256} << 20;
    is_open_ = lzma_stream_decoder(&stream_, kMemoryMax, LZMA_CONCATENATED) == LZMA_OK;
  }
  ~XzDecompressor() override { lzma_end(&stream_); }

  Result<int64_t> Read(char* out, int64_t size_max) override {
    if (!is_open_) return Status::Internal("lzma cannot be initialised");
    stream_.next_out = reinterpret_cast<uint8_t*>(out);
    stream_.avail_out = static_cast<size_t>(size_max);
    while (stream_.avail_out > 0 && !is_done_) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      stream_.next_in = reinterpret_cast<const uint8_t*>(input_.next);
      stream_.avail_in = static_cast<size_t>(input_.available);
      const lzma_ret code = lzma_code(&stream_, more ? LZMA_RUN : LZMA_FINISH);
      input_.next += input_.available - static_cast<int64_t>(stream_.avail_in);
      input_.available = static_cast<int64_t>(stream_.avail_in);
      is_done_ = code == LZMA_STREAM_END;
      if (!more && code == LZMA_BUF_ERROR) return input_.Damaged("The xz file is truncated.");
      if (code == LZMA_MEMLIMIT_ERROR)
        return input_.Damaged("The xz file needs more than 256 MiB of memory to be unpacked: compress it with a smaller window.");
      if (code != LZMA_OK && !is_done_ && code != LZMA_BUF_ERROR) return input_.Damaged("The xz file is damaged.");
    }
    return size_max - static_cast<int64_t>(stream_.avail_out);
  }

 private:
  CompressedInput input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool is_open_ = false, is_done_ = false;
};

// Hadoop's framing of codecs that compress blocks: how long the block is, then chunks with their compressed length before each, until the block is full.
class HadoopBlocks : public Decompressor {
 public:
  HadoopBlocks(CompressedInput input, Codec codec) : input_(std::move(input)), codec_(codec) {}

  Result<int64_t> Read(char* out, int64_t size_max) override {
    int64_t done = 0;
    while (done < size_max) {
      if (at_ == chunk_.size()) {
        MS_ASSIGN_OR_RETURN(bool more, NextChunk());
        if (!more) break;
      }
      const auto size = std::min(static_cast<size_t>(size_max - done), chunk_.size() - at_);
      std::memcpy(out + done, chunk_.data() + at_, size);
      at_ += size;
      done += static_cast<int64_t>(size);
    }
    return done;
  }

 private:
  static constexpr int64_t kChunkBytesMax = int64_t{64} << 20;

  Status Damaged() const { return input_.Damaged(std::string("The ") + (codec_ == Codec::kSnappy ? "snappy" : "lz4") + " file is damaged or truncated."); }

  // False: the file ended before the first byte.
  Result<bool> Take(int64_t size, std::string* bytes) {
    bytes->clear();
    while (static_cast<int64_t>(bytes->size()) < size) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) {
        if (!bytes->empty()) return Damaged();
        return false;
      }
      const int64_t part = std::min(size - static_cast<int64_t>(bytes->size()), input_.available);
      bytes->append(input_.next, static_cast<size_t>(part));
      input_.next += part;
      input_.available -= part;
    }
    return true;
  }
  Result<bool> TakeLength(int64_t* length) {
    MS_ASSIGN_OR_RETURN(bool more, Take(4, &packed_));
    if (!more) return false;
    *length = 0;
    for (char byte : packed_) *length = *length << 8 | static_cast<uint8_t>(byte);
    return true;
  }

  Result<bool> NextChunk() {
    while (block_left_ == 0) {
      MS_ASSIGN_OR_RETURN(bool more, TakeLength(&block_left_));
      if (!more) return false;
    }
    int64_t length = 0;
    MS_ASSIGN_OR_RETURN(bool more, TakeLength(&length));
    if (!more || length > kChunkBytesMax) return Damaged();
    MS_ASSIGN_OR_RETURN(more, Take(length, &packed_));
    if (!more) return Damaged();
    at_ = 0;
    if (codec_ == Codec::kSnappy) {
      size_t size = 0;
      if (!snappy::GetUncompressedLength(packed_.data(), packed_.size(), &size) || static_cast<int64_t>(size) > std::min(block_left_, kChunkBytesMax)) {
        return Damaged();
      }
      chunk_.resize(size);
      if (!snappy::RawUncompress(packed_.data(), packed_.size(), chunk_.data())) return Damaged();
    } else {
      chunk_.resize(static_cast<size_t>(std::min(block_left_, kChunkBytesMax)));
      const int size = LZ4_decompress_safe(packed_.data(), chunk_.data(), static_cast<int>(packed_.size()), static_cast<int>(chunk_.size()));
      if (size < 0) return Damaged();
      chunk_.resize(static_cast<size_t>(size));
    }
    if (chunk_.empty()) return Damaged();
    block_left_ -= static_cast<int64_t>(chunk_.size());
    return true;
  }

  CompressedInput input_;
  const Codec codec_;
  int64_t block_left_ = 0;  // decompressed bytes
  std::string packed_, chunk_;
  size_t at_ = 0;
};

}  // namespace

std::string_view ExtensionOf(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return "";
    case Codec::kGzip:
      return ".gz";
    case Codec::kZstd:
      return ".zst";
    case Codec::kBzip2:
      return ".bz2";
    case Codec::kDeflate:
      return ".deflate";
    case Codec::kSnappy:
      return ".snappy";
    case Codec::kLz4:
      return ".lz4";
  }
  return "";
}

Codec CodecOfPath(std::string_view path) {
  for (Codec codec : {Codec::kGzip, Codec::kZstd, Codec::kBzip2, Codec::kDeflate, Codec::kSnappy, Codec::kLz4})
    if (path.ends_with(ExtensionOf(codec))) return codec;
  return Codec::kNone;
}

Result<std::unique_ptr<Decompressor>> Decompressor::Open(Fs& fs, const std::string& path, Codec codec) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  return Open(std::move(file), path, codec);
}

Result<std::unique_ptr<Decompressor>> Decompressor::OpenXz(std::unique_ptr<ReadableFile> file, const std::string& path) {
  return std::unique_ptr<Decompressor>(std::make_unique<XzDecompressor>(CompressedInput(std::move(file), path)));
}

Result<std::unique_ptr<Decompressor>> Decompressor::Open(std::unique_ptr<ReadableFile> file, const std::string& path, Codec codec) {
  CompressedInput input(std::move(file), path);
  using Made = std::unique_ptr<Decompressor>;
  switch (codec) {
    case Codec::kNone:
      return Made(std::make_unique<PlainInput>(std::move(input)));
    case Codec::kGzip:
      return Made(std::make_unique<GzipDecompressor>(std::move(input), kGzipWrapper));
    case Codec::kDeflate:
      return Made(std::make_unique<GzipDecompressor>(std::move(input), kZlibWrapper));
    case Codec::kZstd:
      return Made(std::make_unique<ZstdDecompressor>(std::move(input)));
    case Codec::kBzip2:
      return Made(std::make_unique<Bzip2Decompressor>(std::move(input)));
    case Codec::kSnappy:
    case Codec::kLz4:
      return Made(std::make_unique<HadoopBlocks>(std::move(input), codec));
  }
  return Status::Internal("no such codec");
}

}  // namespace millstream
