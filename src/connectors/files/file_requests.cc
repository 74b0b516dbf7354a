#include "connectors/files/file_requests.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "connectors/files/ledger_view.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

constexpr int kVersion = 1;
constexpr std::string_view kFileUri = "file:///";
constexpr size_t kChunkBytes = 256 << 10;
// A line is a path in percent-encoding: three characters for each of the 4,096 bytes that a kernel takes.
constexpr size_t kLineBytesMax = 64 << 10;
// Publishing holds the lock for a directory listing and a link.
constexpr int kLockSecondsMax = 10;
constexpr auto kLockPause = std::chrono::milliseconds(10);

Result<std::unique_ptr<FileLock>> LockRequests(const std::string& directory) {
  const std::string path = JoinPath(directory, "lock");
  for (auto waited = std::chrono::milliseconds(0); waited < std::chrono::seconds(kLockSecondsMax); waited += kLockPause) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, TryLock(path));
    if (lock != nullptr) return lock;
    std::this_thread::sleep_for(kLockPause);
  }
  return Status::Error(errors::kFileRequestsLocked, {{"path", path}, {"seconds", std::to_string(kLockSecondsMax)}});
}

}  // namespace

const char* NameOf(FileOperation operation) {
  switch (operation) {
    case FileOperation::kUndo:
      return "UNDO";
    case FileOperation::kReplay:
      return "REPLAY";
    case FileOperation::kForget:
      return "FORGET";
    case FileOperation::kRemove:
      return "REMOVE";
  }
  return "";
}

std::string FileRequestDirectory(const std::string& source_directory) { return JoinPath(source_directory, "requests"); }

std::string FileRequestPath(const std::string& source_directory, int64_t number) {
  return JoinPath(FileRequestDirectory(source_directory), std::to_string(number) + ".json");
}

Result<std::vector<int64_t>> ListFileRequests(Fs& fs, const std::string& source_directory) {
  std::vector<int64_t> numbers;
  Result<std::vector<DirectoryEntry>> entries = fs.List(FileRequestDirectory(source_directory));
  if (!entries.ok() && entries.status().Is(errors::kFileNotFound)) return numbers;
  MS_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    int64_t number = 0;
    const char* end = entry.name.data() + entry.name.size();
    auto [at, error] = std::from_chars(entry.name.data(), end, number);
    if (error == std::errc() && number > 0 && std::string_view(at, static_cast<size_t>(end - at)) == ".json") numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::unique_ptr<FileRequestWriter>> FileRequestWriter::Begin(Fs& fs, Clock& clock, std::string source_directory, FileOperation operation) {
  const std::string directory = FileRequestDirectory(source_directory);
  MS_RETURN_IF_ERROR(fs.CreateDirectories(directory));
  MS_ASSIGN_OR_RETURN(std::unique_ptr<PendingFile> file, fs.CreatePending(directory));
  std::unique_ptr<FileRequestWriter> writer(new FileRequestWriter(fs, clock, std::move(source_directory), std::move(file)));
  const nlohmann::ordered_json header = {{"version", kVersion}, {"operation", NameOf(operation)}, {"requestedMs", clock.WallMillis()}};
  writer->buffer_ = header.dump() + "\n";
  return writer;
}

Status FileRequestWriter::Add(std::string_view path) {
  ++files_;
  buffer_ += nlohmann::json(UriFromPath(path)).dump();
  buffer_ += '\n';
  if (buffer_.size() < kChunkBytes) return Status();
  MS_RETURN_IF_ERROR(file_->Append(buffer_));
  buffer_.clear();
  return Status();
}

Result<int64_t> FileRequestWriter::Publish() { return Publish(std::nullopt); }
Result<int64_t> FileRequestWriter::PublishAs(int64_t number) { return Publish(std::optional(number)); }

Result<int64_t> FileRequestWriter::Publish(std::optional<int64_t> wanted) {
  buffer_ += nlohmann::json({{"files", files_}}).dump() + "\n";
  MS_RETURN_IF_ERROR(file_->Append(buffer_));
  MS_RETURN_IF_ERROR(file_->Sync());
  const std::string directory = FileRequestDirectory(source_directory_);
  MS_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, LockRequests(directory));
  // In this order: a request that is gone when the directory is listed was taken before, and the ledger says so.
  MS_ASSIGN_OR_RETURN(std::vector<int64_t> there, ListFileRequests(fs_, source_directory_));
  MS_ASSIGN_OR_RETURN(std::string taken, ReadLedgerNote(fs_, JoinPath(source_directory_, "rocksdb"), kRequestsTakenNote));
  int64_t number = 0;
  std::from_chars(taken.data(), taken.data() + taken.size(), number);
  if (!there.empty()) number = std::max(number, there.back());
  ++number;
  if (wanted && *wanted != number) return int64_t{0};
  MS_FAILPOINT("files.request.before_publish");
  MS_RETURN_IF_ERROR(file_->Publish(FileRequestPath(source_directory_, number)));
  MS_FAILPOINT("files.request.after_publish");
  MS_RETURN_IF_ERROR(fs_.SyncDirectory(directory));
  MS_FAILPOINT("files.request.after_dirsync");
  return number;
}

Status FileRequestReader::Broken(std::string reason) const {
  return Status::Error(errors::kFileRequestUnreadable, {{"path", path_}, {"reason", std::move(reason)}});
}

Result<std::unique_ptr<FileRequestReader>> FileRequestReader::Open(Fs& fs, const std::string& path) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, fs.OpenForRead(path));
  std::unique_ptr<FileRequestReader> reader(new FileRequestReader(path, std::move(file)));
  MS_ASSIGN_OR_RETURN(std::string_view line, reader->Line());
  const nlohmann::json header = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object() || !header.contains("version") || !header.contains("operation")) return reader->Broken("it has no header");
  if (header["version"] != kVersion) return reader->Broken("its version is " + header["version"].dump() + ", this program knows " + std::to_string(kVersion));
  for (FileOperation operation : {FileOperation::kUndo, FileOperation::kReplay, FileOperation::kForget, FileOperation::kRemove}) {
    reader->operation_ = operation;
    if (header["operation"] == NameOf(operation)) return reader;
  }
  return reader->Broken("nobody knows its operation " + header["operation"].dump());
}

// The next line without its end. The view lives until the next call.
Result<std::string_view> FileRequestReader::Line() {
  for (;;) {
    if (size_t end = buffer_.find('\n', at_); end != std::string::npos) {
      std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
      at_ = end + 1;
      return line;
    }
    if (buffer_.size() - at_ > kLineBytesMax) return Broken("it has a line of more than " + std::to_string(kLineBytesMax) + " bytes");
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t size = buffer_.size();
    buffer_.resize(size + kChunkBytes);
    MS_ASSIGN_OR_RETURN(int64_t read, file_->ReadAt(offset_, kChunkBytes, buffer_.data() + size));
    buffer_.resize(size + static_cast<size_t>(read));
    offset_ += read;
    if (read == 0) return Broken("it ends too early");
  }
}

Result<std::optional<std::string>> FileRequestReader::Next() {
  if (ended_) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string_view line, Line());
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_string()) {
    const std::string& uri = json.get_ref<const std::string&>();
    if (!uri.starts_with(kFileUri)) return Broken("it names " + uri + ", which is not a path on this machine");
    ++files_;
    return std::optional(DecodeUriPath(std::string_view(uri).substr(kFileUri.size() - 1)));
  }
  if (!json.is_object() || json.value("files", int64_t{-1}) != files_) return Broken("its line " + std::to_string(files_ + 2) + " is neither a path nor its end");
  ended_ = true;
  return std::optional<std::string>();
}

}  // namespace millstream
