#include "formats/compressor.h"

#include <bzlib.h>
#include <lz4.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

namespace millstream {
namespace {

constexpr size_t kOutputBytes = 256 << 10;

class NoCompressor : public Compressor {
 public:
  explicit NoCompressor(PendingFile& file) : file_(file) {}
  Status Write(std::string_view bytes) override { return file_.Append(bytes); }
  Status Finish() override { return Status(); }

 private:
  PendingFile& file_;
};

class GzipCompressor : public Compressor {
 public:
  static constexpr int kGzipWrapper = 15 + 16, kZlibWrapper = 15;
  GzipCompressor(PendingFile& file, int wrapper) : file_(file), out_(kOutputBytes) {
    MS_CHECK(deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, wrapper, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipCompressor() override { deflateEnd(&stream_); }
  Status Write(std::string_view bytes) override { return Deflate(bytes, Z_NO_FLUSH); }
  Status Finish() override { return Deflate({}, Z_FINISH); }

 private:
  Status Deflate(std::string_view bytes, int flush) {
    while (true) {
      const size_t part = std::min<size_t>(bytes.size(), 1u << 30);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(part);
      do {
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_.avail_out = static_cast<uInt>(out_.size());
        MS_CHECK(deflate(&stream_, flush) != Z_STREAM_ERROR);
        MS_RETURN_IF_ERROR(file_.Append({out_.data(), out_.size() - stream_.avail_out}));
      } while (stream_.avail_out == 0);
      bytes.remove_prefix(part);
      if (bytes.empty()) return Status();
    }
  }

  PendingFile& file_;
  std::vector<char> out_;
  z_stream stream_{};
};

class ZstdCompressor : public Compressor {
 public:
  explicit ZstdCompressor(PendingFile& file) : file_(file), out_(ZSTD_CStreamOutSize()), stream_(ZSTD_createCCtx()) { MS_CHECK(stream_ != nullptr); }
  ~ZstdCompressor() override { ZSTD_freeCCtx(stream_); }
  Status Write(std::string_view bytes) override { return Compress(bytes, ZSTD_e_continue); }
  Status Finish() override { return Compress({}, ZSTD_e_end); }

 private:
  Status Compress(std::string_view bytes, ZSTD_EndDirective mode) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool done = false; !done;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left = ZSTD_compressStream2(stream_, &out, &in, mode);
      if (ZSTD_isError(left) != 0) return Status::Internal(std::string("zstd: ") + ZSTD_getErrorName(left));
      MS_RETURN_IF_ERROR(file_.Append({out_.data(), out.pos}));
      done = mode == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
    return Status();
  }

  PendingFile& file_;
  std::vector<char> out_;
  ZSTD_CCtx* stream_;
};

class Bzip2Compressor : public Compressor {
 public:
  explicit Bzip2Compressor(PendingFile& file) : file_(file), out_(kOutputBytes) { MS_CHECK(BZ2_bzCompressInit(&stream_, 9, 0, 0) == BZ_OK); }
  ~Bzip2Compressor() override { BZ2_bzCompressEnd(&stream_); }
  Status Write(std::string_view bytes) override { return bytes.empty() ? Status() : Compress(bytes, BZ_RUN); }
  Status Finish() override { return Compress({}, BZ_FINISH); }

 private:
  Status Compress(std::string_view bytes, int action) {
    stream_.next_in = const_cast<char*>(bytes.data());
    stream_.avail_in = static_cast<unsigned>(bytes.size());
    for (bool done = false; !done;) {
      stream_.next_out = out_.data();
      stream_.avail_out = static_cast<unsigned>(out_.size());
      const int code = BZ2_bzCompress(&stream_, action);
      MS_CHECK(code >= 0);
      MS_RETURN_IF_ERROR(file_.Append({out_.data(), out_.size() - stream_.avail_out}));
      done = action == BZ_FINISH ? code == BZ_STREAM_END : stream_.avail_in == 0;
    }
    return Status();
  }

  PendingFile& file_;
  std::vector<char> out_;
  bz_stream stream_{};
};

// Hadoop's framing: the length of a block, the compressed length, the compressed block.
class HadoopBlockCompressor : public Compressor {
 public:
  HadoopBlockCompressor(PendingFile& file, Codec codec) : file_(file), codec_(codec) {}
  Status Write(std::string_view bytes) override {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kOutputBytes))) MS_RETURN_IF_ERROR(Block(bytes.substr(0, kOutputBytes)));
    return Status();
  }
  Status Finish() override { return Status(); }

 private:
  static void AppendLength(size_t length, std::string* out) {
    for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(length >> shift));
  }
  Status Block(std::string_view bytes) {
    std::string packed, framed;
    if (codec_ == Codec::kSnappy) {
      snappy::Compress(bytes.data(), bytes.size(), &packed);
    } else {
      packed.resize(static_cast<size_t>(LZ4_compressBound(static_cast<int>(bytes.size()))));
      const int size = LZ4_compress_default(bytes.data(), packed.data(), static_cast<int>(bytes.size()), static_cast<int>(packed.size()));
      MS_CHECK(size > 0);
      packed.resize(static_cast<size_t>(size));
    }
    AppendLength(bytes.size(), &framed);
    AppendLength(packed.size(), &framed);
    return file_.Append(framed + packed);
  }

  PendingFile& file_;
  const Codec codec_;
};

}  // namespace

Result<std::unique_ptr<Compressor>> Compressor::Make(Codec codec, PendingFile& file) {
  switch (codec) {
    case Codec::kNone:
      return std::unique_ptr<Compressor>(std::make_unique<NoCompressor>(file));
    case Codec::kGzip:
      return std::unique_ptr<Compressor>(std::make_unique<GzipCompressor>(file, GzipCompressor::kGzipWrapper));
    case Codec::kDeflate:
      return std::unique_ptr<Compressor>(std::make_unique<GzipCompressor>(file, GzipCompressor::kZlibWrapper));
    case Codec::kBzip2:
      return std::unique_ptr<Compressor>(std::make_unique<Bzip2Compressor>(file));
    case Codec::kSnappy:
    case Codec::kLz4:
      return std::unique_ptr<Compressor>(std::make_unique<HadoopBlockCompressor>(file, codec));
    case Codec::kZstd:
      return std::unique_ptr<Compressor>(std::make_unique<ZstdCompressor>(file));
  }
  return Status::Internal("no such codec");
}

}  // namespace millstream
