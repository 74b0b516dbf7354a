#include "formats/parquet_io.h"

#include <arrow/buffer.h>
#include <arrow/result.h>

namespace millstream {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

}  // namespace

PendingFileStream::PendingFileStream(PendingFile& file) : file_(file) { set_mode(arrow::io::FileMode::WRITE); }
PendingFileStream::~PendingFileStream() = default;

arrow::Status PendingFileStream::Write(const void* data, int64_t size) {
  position_ += size;
  std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  if (buffer_.size() + bytes.size() <= kBufferBytes) {
    buffer_.append(bytes);
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(Drain(buffer_));
  buffer_.clear();
  if (bytes.size() > kBufferBytes) return Drain(bytes);
  buffer_.append(bytes);
  return arrow::Status::OK();
}

arrow::Status PendingFileStream::Close() {
  if (closed_) return arrow::Status::OK();
  closed_ = true;
  arrow::Status drained = Drain(buffer_);
  buffer_.clear();
  return drained;
}

arrow::Status PendingFileStream::Drain(std::string_view bytes) {
  if (!error_.ok()) return arrow::Status::IOError("the file has failed before");
  if (bytes.empty()) return arrow::Status::OK();
  error_ = file_.Append(bytes);
  return error_.ok() ? arrow::Status::OK() : arrow::Status::IOError(error_.message());
}

ReadableFileSource::~ReadableFileSource() = default;

arrow::Result<int64_t> ReadableFileSource::ReadAt(int64_t position, int64_t size, void* out) {
  if (position < 0 || size < 0) return arrow::Status::Invalid("negative position or size");
  Result<int64_t> read = file_->ReadAt(position, size, out);
  if (!read.ok()) return arrow::Status::IOError(read.status().message());
  return *read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ReadableFileSource::ReadAt(int64_t position, int64_t size) {
  // A hostile footer may name any size: no more is allocated than the file can hold.
  int64_t available = position < 0 || position > size_ ? 0 : size_ - position;
  int64_t wanted = std::min(size, available);
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::ResizableBuffer> buffer, arrow::AllocateResizableBuffer(std::max<int64_t>(wanted, 0)));
  ARROW_ASSIGN_OR_RAISE(int64_t read, ReadAt(position, wanted, buffer->mutable_data()));
  if (read < wanted) ARROW_RETURN_NOT_OK(buffer->Resize(read, false));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> ReadableFileSource::Read(int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ReadableFileSource::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, ReadAt(position_, size));
  position_ += buffer->size();
  return buffer;
}

arrow::Status ReadableFileSource::Seek(int64_t position) {
  if (position < 0) return arrow::Status::Invalid("negative position");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status ReadableFileSource::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

}  // namespace millstream
