#include "formats/compressor.h"

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
  explicit GzipCompressor(PendingFile& file) : file_(file), out_(kOutputBytes) {
    constexpr int kGzipWindow = 15 + 16;
    MS_CHECK(deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
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

}  // namespace

Result<std::unique_ptr<Compressor>> Compressor::Make(Codec codec, PendingFile& file) {
  switch (codec) {
    case Codec::kNone:
      return std::unique_ptr<Compressor>(std::make_unique<NoCompressor>(file));
    case Codec::kGzip:
      return std::unique_ptr<Compressor>(std::make_unique<GzipCompressor>(file));
    case Codec::kZstd:
      return std::unique_ptr<Compressor>(std::make_unique<ZstdCompressor>(file));
  }
  return Status::Internal("no such codec");
}

}  // namespace millstream
