#include "streaming/metadata_log.h"

#include <algorithm>
#include <charconv>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

constexpr int64_t kEntryBytesMax = 64 << 20;

std::optional<int64_t> ParseId(std::string_view name) {
  int64_t id = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (name.empty() || error != std::errc() || end != name.data() + name.size() || name.front() == '-') return std::nullopt;
  return id;
}

// ".7.1b9d….tmp" and "..7.1b9d….tmp.crc": what Spark's checkpoint file manager leaves behind when it is killed.
bool IsHadoopTemporary(std::string_view name) {
  return name.starts_with(".") && (name.ends_with(".tmp") || (name.starts_with("..") && name.ends_with(".tmp.crc")));
}

}  // namespace

MetadataLog::MetadataLog(Fs* fs, std::string directory, std::string failpoint) : fs_(fs), directory_(std::move(directory)), failpoint_(std::move(failpoint)) {}

Status MetadataLog::Open() {
  if (fs_ == nullptr) return Status();
  MS_RETURN_IF_ERROR(fs_->CreateDirectories(directory_));
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs_->List(directory_));
  ids_.clear();
  for (const DirectoryEntry& entry : entries) {
    if (std::optional<int64_t> id = ParseId(entry.name)) {
      ids_.emplace(*id, std::string());
    } else if (IsHadoopTemporary(entry.name)) {
      MS_RETURN_IF_ERROR(fs_->Remove(JoinPath(directory_, entry.name)));
    } else if (entry.name.ends_with(".crc")) {
      has_hadoop_checksums_ = true;
    }
  }
  // What a process that was killed has linked may not be synced. A batch that is run again under its entry here must not outlive the entry: planned
  // anew after a power cut, it would get other rows under the number that the sink knows.
  return ids_.empty() ? Status() : fs_->SyncDirectory(directory_);
}

Status MetadataLog::Add(BatchId id, std::string_view bytes) {
  MS_CHECK(id.value() >= 0);
  const Status taken = Status::Error(errors::kConcurrentStreamLogUpdate, {{"batchId", std::to_string(id.value())}});
  if (Contains(id)) return taken;
  if (fs_ != nullptr) {
    Status published = Publish(*fs_, PathOf(id), bytes, failpoint_);
    if (published.Is(errors::kFileAlreadyExists)) return taken;
    if (!published.ok()) return published;
    ids_.emplace(id.value(), std::string());
  } else {
    ids_.emplace(id.value(), std::string(bytes));
  }
  return Status();
}

Result<std::optional<std::string>> MetadataLog::Get(BatchId id) {
  auto found = ids_.find(id.value());
  if (found == ids_.end()) return std::optional<std::string>();
  if (fs_ == nullptr) return std::optional<std::string>(found->second);
  MS_ASSIGN_OR_RETURN(std::string bytes, fs_->ReadFile(PathOf(id), kEntryBytesMax));
  return std::optional<std::string>(std::move(bytes));
}

std::optional<BatchId> MetadataLog::latest() const {
  if (ids_.empty()) return std::nullopt;
  return BatchId(ids_.rbegin()->first);
}

Status MetadataLog::Discard(BatchId id) {
  MS_RETURN_IF_ERROR(Remove(id.value()));
  ids_.erase(id.value());
  return fs_ == nullptr ? Status() : fs_->SyncDirectory(directory_);
}

Status MetadataLog::PurgeBefore(BatchId id) {
  while (!ids_.empty() && ids_.begin()->first < id.value()) {
    MS_RETURN_IF_ERROR(Remove(ids_.begin()->first));
    ids_.erase(ids_.begin());
  }
  return Status();
}

Status MetadataLog::Remove(int64_t id) {
  if (fs_ == nullptr) return Status();
  MS_RETURN_IF_ERROR(fs_->Remove(PathOf(BatchId(id))));
  // A checksum that outlives its file would make Spark refuse the next file of that name.
  if (has_hadoop_checksums_) MS_RETURN_IF_ERROR(fs_->Remove(JoinPath(directory_, "." + std::to_string(id) + ".crc")));
  return Status();
}

std::string MetadataLog::PathOf(BatchId id) const { return JoinPath(directory_, std::to_string(id.value())); }

Result<std::string_view> AfterVersionLine(std::string_view text, int supported, const std::string& path) {
  auto malformed = [&](std::string problem) { return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", std::move(problem)}}); };
  if (text.empty()) return malformed("the file is empty");
  size_t newline = text.find('\n');
  std::string_view line = text.substr(0, newline);
  int64_t version = 0;
  auto [end, error] = std::from_chars(line.data() + std::min<size_t>(1, line.size()), line.data() + line.size(), version);
  if (!line.starts_with("v") || error != std::errc() || end != line.data() + line.size() || version <= 0)
    return malformed("failed to read correct log version from '" + std::string(line.substr(0, 40)) + "'");
  if (version > supported)
    return Status::Error(errors::kInvalidLogVersion, {{"maxSupportedVersion", std::to_string(supported)}, {"version", std::to_string(version)}})
        .While("reading " + path);
  return newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
}

}  // namespace millstream
