#pragma once

// parquet_io.h   Our files as Arrow's Parquet library wants them. Only for parquet_writer.cc and parquet_reader.cc.

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <memory>
#include <string>

#include "storage/fs.h"

namespace millstream {

// The file collects small writes itself. A failed append is kept: Arrow's statuses lose our error class.
class PendingFileStream : public arrow::io::OutputStream {
 public:
  explicit PendingFileStream(PendingFile& file);
  ~PendingFileStream() override;
  arrow::Status Write(const void* data, int64_t size) override;
  using arrow::io::OutputStream::Write;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Flush() override { return arrow::Status::OK(); }
  // Publishing the file is the owner's.
  arrow::Status Close() override;
  bool closed() const override { return closed_; }
  const Status& error() const { return error_; }

 private:
  PendingFile& file_;
  int64_t position_ = 0;
  bool closed_ = false;
  Status error_;
};

// Thread-safe; the size is fixed when it is made.
class ReadableFileSource : public arrow::io::RandomAccessFile {
 public:
  ReadableFileSource(std::shared_ptr<ReadableFile> file, int64_t size) : file_(std::move(file)), size_(size) {}
  ~ReadableFileSource() override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override;
  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Result<int64_t> GetSize() override { return size_; }
  arrow::Status Close() override;
  bool closed() const override { return closed_; }

 private:
  std::shared_ptr<ReadableFile> file_;
  int64_t size_;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace millstream
