#include "formats/avro_container.h"

#include <algorithm>

#include "formats/avro_cursor.h"
#include "formats/failed_read.h"
#include "formats/file_format.h"
#include "formats/formats_errors.h"

namespace millstream {
namespace {

constexpr int64_t kSyncBytes = 16;
constexpr int64_t kHeaderBytesMax = int64_t{32} << 20;
constexpr int64_t kBlockBytesMax = int64_t{256} << 20;  // compressed or not
constexpr int64_t kReadBytes = int64_t{1} << 20;

// False: more bytes are needed, or what is there is wrong.
bool ParseHeader(std::string_view bytes, AvroHeader* header) {
  header->metadata.clear();
  AvroCursor cursor(bytes.substr(4));
  int64_t count = 0, size = 0;
  do {
    if (!cursor.Items(&count, &size)) return false;
    for (int64_t i = 0; i < count; ++i) {
      std::string_view key, value;
      if (!cursor.Bytes(&key) || !cursor.Bytes(&value)) return false;
      header->metadata.emplace(key, value);
    }
  } while (count != 0);
  std::string_view sync;
  if (!cursor.Take(kSyncBytes, &sync)) return false;
  std::copy(sync.begin(), sync.end(), header->sync.begin());
  header->size_bytes = static_cast<int64_t>(bytes.size()) - cursor.left();
  return true;
}

Result<BlockCodec> CodecNamed(const std::string& path, const std::string& name) {
  if (name.empty()) return BlockCodec::kNone;
  if (auto codec = BlockCodecNamed(name)) return *codec;
  return FailedRead(path, "Its Avro codec \"" + name.substr(0, 40) + "\" is not known. Codecs: null, deflate, snappy, zstandard, bzip2, xz.");
}

}  // namespace

Result<AvroHeader> ReadAvroHeader(ReadableFile& file, const std::string& path, int64_t file_bytes) {
  AvroHeader header;
  std::string bytes;
  for (int64_t wanted = 16 << 10;; wanted *= 4) {
    wanted = std::min({wanted, file_bytes, kHeaderBytesMax});
    bytes.resize(static_cast<size_t>(wanted));
    MS_ASSIGN_OR_RETURN(int64_t got, file.ReadAt(0, wanted, bytes.data()));
    bytes.resize(static_cast<size_t>(got));
    if (!bytes.starts_with(std::string_view("Obj\x01", 4))) return FailedRead(path, "It is no Avro file.");
    if (ParseHeader(bytes, &header)) break;
    if (got < wanted || wanted == file_bytes || wanted == kHeaderBytesMax) return FailedRead(path, "Its Avro header is cut off or damaged.");
  }
  auto schema = AvroSchema::Parse(header.metadata["avro.schema"]);
  if (!schema.ok()) return schema.status().Is(errors::kAvroSchema) ? FailedRead(path, schema.status().message()) : schema.status();
  header.schema = *std::move(schema);
  MS_ASSIGN_OR_RETURN(header.codec, CodecNamed(path, header.metadata["avro.codec"]));
  return header;
}

AvroBlocks::AvroBlocks(std::shared_ptr<ReadableFile> file, const AvroHeader& header, std::string path, int64_t file_bytes, int64_t begin, int64_t end)
    : file_(std::move(file)), header_(header), path_(std::move(path)), file_bytes_(file_bytes), begin_(begin), end_(end) {
  if (begin_ == header_.size_bytes - kSyncBytes) at_ = begin_;
}

Status AvroBlocks::Damaged(std::string reason) const { return FailedRead(path_, "The Avro file is damaged: " + std::move(reason) + "."); }

Status AvroBlocks::Fill(int64_t offset, int64_t size) {
  size = std::min(size, file_bytes_ - offset);
  const int64_t have_end = buffer_offset_ + static_cast<int64_t>(buffer_.size());
  if (offset >= buffer_offset_ && offset + size <= have_end) return Status();
  const int64_t kept = offset >= buffer_offset_ && offset < have_end ? have_end - offset : 0;
  if (kept > 0) {
    buffer_.erase(0, buffer_.size() - static_cast<size_t>(kept));
  } else {
    buffer_.clear();
  }
  buffer_offset_ = offset;
  const int64_t wanted = std::min(std::max(size, kReadBytes), file_bytes_ - offset);
  buffer_.resize(static_cast<size_t>(wanted));
  MS_ASSIGN_OR_RETURN(int64_t got, file_->ReadAt(offset + kept, wanted - kept, buffer_.data() + kept));
  buffer_.resize(static_cast<size_t>(kept + got));
  if (kept + got < size) return Status::Error(errors::kSourceFileChanged, {{"path", UriFromPath(path_)}, {"detail", "shorter than before"}}).Retryable();
  return Status();
}

Result<bool> AvroBlocks::FindFirst() {
  const std::string_view marker(header_.sync.data(), header_.sync.size());
  for (int64_t from = begin_; from < end_;) {
    MS_RETURN_IF_ERROR(Fill(from, kReadBytes));
    const std::string_view window = std::string_view(buffer_).substr(static_cast<size_t>(from - buffer_offset_));
    const size_t found = window.find(marker);
    if (found != std::string_view::npos) {
      at_ = from + static_cast<int64_t>(found);
      return at_ < end_;
    }
    if (from + static_cast<int64_t>(window.size()) >= file_bytes_) break;
    from += static_cast<int64_t>(window.size()) - kSyncBytes + 1;
  }
  return false;
}

Result<bool> AvroBlocks::Next(int64_t* records, std::string_view* bytes) {
  if (at_ < 0) {
    MS_ASSIGN_OR_RETURN(bool found, FindFirst());
    if (!found) at_ = end_;
  }
  const int64_t block = at_ + kSyncBytes;
  if (at_ >= end_ || block >= file_bytes_) return false;
  MS_RETURN_IF_ERROR(Fill(block, 32));
  AvroCursor cursor(std::string_view(buffer_).substr(static_cast<size_t>(block - buffer_offset_)));
  const int64_t before = cursor.left();
  int64_t size = 0;
  if (!cursor.Long(records) || !cursor.Long(&size) || *records < 0 || size < 0) return Damaged("a block does not say how long it is");
  if (size > kBlockBytesMax) return Damaged("a block claims " + std::to_string(size) + " bytes; the most is 256 MiB");
  const int64_t data = block + before - cursor.left();
  if (data + size + kSyncBytes > file_bytes_) return Damaged("its last block is cut off");
  MS_RETURN_IF_ERROR(Fill(block, data - block + size + kSyncBytes));
  const std::string_view packed = std::string_view(buffer_).substr(static_cast<size_t>(data - buffer_offset_), static_cast<size_t>(size));
  if (std::string_view(packed.data() + size, kSyncBytes) != std::string_view(header_.sync.data(), kSyncBytes)) {
    return Damaged("a block does not end in the file's sync marker");
  }
  at_ = data + size;
  if (header_.codec == BlockCodec::kNone) {
    *bytes = packed;
    return true;
  }
  std::string reason = "a block cannot be decompressed";
  if (!DecompressBlock(header_.codec, packed, kBlockBytesMax, &plain_, &reason)) return Damaged(reason);
  *bytes = plain_;
  return true;
}

}  // namespace millstream
