#include "formats/decompressor.h"

#include <zlib.h>
#include <zstd.h>

#include <vector>

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
  Status Damaged(std::string reason) const { return Status::Error(errors::kFailedReadFile, {{"path", UriFromPath(path)}, {"reason", std::move(reason)}}); }

  std::string path;
  char* next = nullptr;
  int64_t available = 0;

 private:
  std::unique_ptr<ReadableFile> file_;
  std::vector<char> bytes_;
  int64_t offset_ = 0;
};

class GzipDecompressor : public Decompressor {
 public:
  explicit GzipDecompressor(CompressedInput input) : input_(std::move(input)) { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  Result<int64_t> Read(char* out, int64_t size_max) override {
    if (!ready_) return Status::Internal("zlib cannot be initialised");
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<int64_t>(size_max, 1 << 30));
    uInt wanted = stream_.avail_out;
    while (stream_.avail_out > 0 && !done_) {
      MS_ASSIGN_OR_RETURN(bool more, input_.Fill());
      if (!more) {
        if (inside_member_) return input_.Damaged("The gzip file is truncated.");
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
        return input_.Damaged(std::string("The gzip file is damaged: ") + (stream_.msg ? stream_.msg : "bad data") + ".");
      }
    }
    return static_cast<int64_t>(wanted - stream_.avail_out);
  }

 private:
  CompressedInput input_;
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

}  // namespace

Codec CodecOfPath(std::string_view path) {
  if (path.ends_with(".gz")) return Codec::kGzip;
  if (path.ends_with(".zst")) return Codec::kZstd;
  return Codec::kNone;
}

Result<std::unique_ptr<Decompressor>> Decompressor::Open(Fs& fs, const std::string& path, Codec codec) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  CompressedInput input(std::move(file), path);
  if (codec == Codec::kGzip) return std::unique_ptr<Decompressor>(std::make_unique<GzipDecompressor>(std::move(input)));
  return std::unique_ptr<Decompressor>(std::make_unique<ZstdDecompressor>(std::move(input)));
}

}  // namespace millstream
