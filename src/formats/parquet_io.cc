#include "formats/parquet_io.h"

#include <arrow/buffer.h>
#include <arrow/result.h>

namespace millstream {
PendingFileStream::PendingFileStream(PendingFile& file) : file_(file) { set_mode(arrow::io::FileMode::WRITE); }
PendingFileStream::~PendingFileStream() = default;

arrow::Status PendingFileStream::Write(const void* data, int64_t size) {
  if (!error_.ok()) return arrow::Status::IOError("the file has failed before");
  error_ = file_.Append(std::string_view(static_cast<const char*>(data), static_cast<size_t>(size)));
  if (!error_.ok()) return arrow::Status::IOError(error_.message());
  position_ += size;
  return arrow::Status::OK();
}

arrow::Status PendingFileStream::Close() {
  closed_ = true;
  return arrow::Status::OK();
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
