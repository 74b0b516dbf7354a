#pragma once

// file_requests.h   What users ask of the files of a running stream: <checkpoint>/sources/<i>/requests/<number>.json, one file for each statement
// (UNDO, REPLAY, FORGET FILES IN STREAM …), and what the stream asks of itself. The source takes them in the order of their numbers: request_taker.h.
// Format: docs/formats/file_ledger.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error_class.h"
#include "storage/fs.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kFileRequestUnreadable{
    "MILLSTREAM_FILE_REQUEST", "58030", ExceptionKind::kSpark,
    "The request <path> cannot be read (<reason>). Nothing of it was done; remove it, and make the statement again."};
inline constexpr ErrorClass kFileRequestMissing{
    "MILLSTREAM_FILE_REQUEST_MISSING", "58030", ExceptionKind::kSpark,
    "The request <path> is part of a batch that is not committed, and is gone. Restore the file, so that the batch runs as it was planned."};
inline constexpr ErrorClass kFileRequestsLocked{"MILLSTREAM_FILE_REQUESTS_LOCKED", "55006", ExceptionKind::kSpark,
                                                "Another statement has held <path> for <seconds> seconds. Make the statement again when it has ended."};
}  // namespace errors

enum class FileOperation {
  kUndo,    // the rows leave, the file stays known
  kReplay,  // the file is loaded again, in the place of its rows
  kForget,  // as if the file had never been seen; the rows stay
  kRemove,  // the file is gone from the source: the rows leave, and a file that comes back is new (source_mirror.h)
};
const char* NameOf(FileOperation operation);  // "UNDO" …

std::string FileRequestDirectory(const std::string& source_directory);
std::string FileRequestPath(const std::string& source_directory, int64_t number);
// The numbers of the requests that are there, in order. None when the directory is not there.
Result<std::vector<int64_t>> ListFileRequests(Fs& fs, const std::string& source_directory);

// Under this name the ledger notes the last request that was taken in whole.
inline constexpr char kRequestsTakenNote[] = "requests taken";

// Writes one request. Memory is constant.
class FileRequestWriter {
 public:
  // `source_directory`: <checkpoint>/sources/<i>, which holds a ledger.
  static Result<std::unique_ptr<FileRequestWriter>> Begin(Fs& fs, Clock& clock, std::string source_directory, FileOperation operation);
  Status Add(std::string_view path);  // raw
  int64_t files() const { return files_; }
  // Makes the request durable under the next number, whoever else writes requests or takes them at the same time. Its number.
  Result<int64_t> Publish();
  // The same, if that number is the next one: no other request waits. 0: it is not, and nothing was published.
  Result<int64_t> PublishAs(int64_t number);

 private:
  Result<int64_t> Publish(std::optional<int64_t> wanted);
  FileRequestWriter(Fs& fs, Clock& clock, std::string source_directory, std::unique_ptr<PendingFile> file)
      : fs_(fs), clock_(clock), source_directory_(std::move(source_directory)), file_(std::move(file)) {}

  Fs& fs_;
  Clock& clock_;
  const std::string source_directory_;
  std::unique_ptr<PendingFile> file_;
  std::string buffer_;
  int64_t files_ = 0;
};

// Reads one request, path by path.
class FileRequestReader {
 public:
  // MILLSTREAM_FILE_REQUEST; FILE_NOT_FOUND.
  static Result<std::unique_ptr<FileRequestReader>> Open(Fs& fs, const std::string& path);
  FileOperation operation() const { return operation_; }
  // Raw paths; nullopt at the end.
  Result<std::optional<std::string>> Next();

 private:
  FileRequestReader(std::string path, std::unique_ptr<ReadableFile> file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<std::string_view> Line();
  Status Broken(std::string reason) const;

  const std::string path_;
  std::unique_ptr<ReadableFile> file_;
  FileOperation operation_ = FileOperation::kUndo;
  int64_t offset_ = 0;
  std::string buffer_;
  size_t at_ = 0;  // in buffer_
  int64_t files_ = 0;
  bool ended_ = false;
};

}  // namespace millstream
