#include "formats/input_bytes.h"

#include <algorithm>
#include <cstring>

#include "formats/input_chunks.h"

namespace millstream {
namespace {

class BytesInMemory : public ReadableFile {
 public:
  BytesInMemory(std::string bytes, FileInfo info) : bytes_(std::move(bytes)), info_(std::move(info)) {}
  Result<int64_t> ReadAt(int64_t offset, int64_t size, void* out) override {
    const int64_t got = std::clamp<int64_t>(static_cast<int64_t>(bytes_.size()) - offset, 0, size);
    std::memcpy(out, bytes_.data() + (got > 0 ? offset : 0), static_cast<size_t>(got));
    return got;
  }
  Result<FileInfo> Stat() override { return info_; }

 private:
  const std::string bytes_;
  const FileInfo info_;
};

}  // namespace

Result<std::unique_ptr<ReadableFile>> OpenInput(Fs& fs, const InputFile& file) { return file.member ? file.member->Open() : fs.OpenForRead(file.path); }

Result<std::unique_ptr<Decompressor>> OpenDecompressed(Fs& fs, const InputFile& file) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, OpenInput(fs, file));
  return Decompressor::Open(std::move(opened), file.path, CodecOfPath(file.path));
}

Result<std::unique_ptr<ReadableFile>> OpenInputAnywhere(Fs& fs, const InputFile& file) {
  if (!file.member) return fs.OpenForRead(file.path);
  if (file.size_bytes > kWholeFileBytesMax) {
    return Status::Unsupported("A member of more than 1 GiB that is unpacked into memory (" + file.path + ")", "Take it out of the archive.");
  }
  MS_ASSIGN_OR_RETURN(std::string bytes, ReadInput(fs, file));
  return std::unique_ptr<ReadableFile>(std::make_unique<BytesInMemory>(
      std::move(bytes), FileInfo{.path = file.path, .size_bytes = file.size_bytes, .modified_ns = file.modified_ns, .is_regular = true}));
}

Result<std::string> ReadInput(Fs& fs, const InputFile& file) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> opened, OpenInput(fs, file));
  std::string bytes(static_cast<size_t>(file.size_bytes) + 1, '\0');
  MS_ASSIGN_OR_RETURN(const int64_t got, opened->ReadAt(0, file.size_bytes + 1, bytes.data()));
  if (got != file.size_bytes) return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(file.path)}, {"detail", "its size differs"}}).Retryable();
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

}  // namespace millstream
