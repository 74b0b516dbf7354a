#include "streaming/checkpoint.h"

#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

constexpr std::string_view kMetadataFile = "metadata";
constexpr std::string_view kLockFile = ".millstream.lock";

// The newest entry that parses, and whether one newer than it does not.
template <typename Parse>
Status FindNewest(MetadataLog& log, const Parse& parse, std::optional<BatchId>& newest, std::optional<BatchId>& damaged) {
  newest = log.latest();
  if (!newest) return Status();
  Status status = parse(*newest);
  if (status.ok()) return status;
  if (!status.Is(errors::kMalformedLogFile)) return status;
  damaged = newest;
  newest.reset();
  // Entries are written in order and each is durable before the next is begun: only the newest can be torn.
  if (damaged->value() > 0 && log.Contains(damaged->previous())) {
    MS_RETURN_IF_ERROR(parse(damaged->previous()));
    newest = damaged->previous();
  }
  return Status();
}

}  // namespace

Result<std::optional<std::string>> ReadQueryId(Fs& fs, const std::string& directory) {
  const std::string path = JoinPath(directory, kMetadataFile);
  MS_ASSIGN_OR_RETURN(bool exists, fs.Exists(path));
  if (!exists) return std::optional<std::string>();
  MS_ASSIGN_OR_RETURN(std::string text, fs.ReadFile(path, 1 << 20));
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("id") || !json["id"].is_string() || json["id"].get_ref<const std::string&>().empty())
    return Status::Error(errors::kMalformedLogFile, {{"path", path}, {"problem", "it does not hold the id of a query, {\"id\":\"…\"}"}});
  return std::optional<std::string>(json["id"].get<std::string>());
}

Checkpoint::Checkpoint(Fs& fs, CheckpointOptions options)
    : fs_(fs),
      options_(std::move(options)),
      offsets_(options_.is_temporary ? nullptr : &fs, JoinPath(options_.directory, "offsets")),
      commits_(options_.is_temporary ? nullptr : &fs, JoinPath(options_.directory, "commits")) {}

Checkpoint::~Checkpoint() {
  lock_.reset();
  if (!options_.is_temporary) return;
  // Nothing depends on it: the next start takes another directory.
  [[maybe_unused]] Status ignored = fs_.RemoveRecursively(options_.directory);
}

Result<std::unique_ptr<Checkpoint>> Checkpoint::Open(Fs& fs, const CheckpointOptions& options) {
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint(fs, options));
  if (options.is_temporary) {
    checkpoint->query_id_ = NewUuid();
    MS_RETURN_IF_ERROR(checkpoint->OpenLogs());
    return checkpoint;
  }
  MS_RETURN_IF_ERROR(fs.CreateDirectories(options.directory));
  MS_ASSIGN_OR_RETURN(checkpoint->lock_, TryLock(JoinPath(options.directory, kLockFile)));
  if (checkpoint->lock_ == nullptr) return Status::Error(errors::kConcurrentStreamLogUpdate, {{"batchId", "checkpoint " + options.directory}});
  MS_RETURN_IF_ERROR(checkpoint->OpenLogs());
  const bool has_logs = !checkpoint->offsets_.empty() || !checkpoint->commits_.empty();
  Result<std::optional<std::string>> id = ReadQueryId(fs, options.directory);
  const std::string metadata = JoinPath(options.directory, kMetadataFile);
  // A power cut can leave a half-written id of a query that has not run a batch; it has no meaning to anybody.
  if (!id.ok() && id.status().Is(errors::kMalformedLogFile) && !has_logs) {
    MS_RETURN_IF_ERROR(fs.Remove(metadata));
    MS_RETURN_IF_ERROR(fs.Remove(JoinPath(options.directory, ".metadata.crc")));
    id = std::optional<std::string>();
  }
  if (!id.ok()) return id.status();
  if (id->has_value()) {
    // A process that was killed may have linked the id and not synced it: the batches to come must not outlive it.
    MS_RETURN_IF_ERROR(fs.SyncDirectory(options.directory));
    checkpoint->query_id_ = **id;
  } else if (!has_logs) {
    checkpoint->query_id_ = NewUuid();
    MS_RETURN_IF_ERROR(Publish(fs, metadata, "{\"id\":\"" + checkpoint->query_id_ + "\"}", "stream.metadata"));
  }
  return checkpoint;
}

Status Checkpoint::OpenLogs() {
  MS_RETURN_IF_ERROR(offsets_.Open());
  return commits_.Open();
}

std::string Checkpoint::SourceDirectory(size_t index) const { return JoinPath(JoinPath(options_.directory, "sources"), std::to_string(index)); }

Result<CheckpointFacts> Checkpoint::Inspect() {
  CheckpointFacts found;
  found.location = HadoopPathString(options_.directory);
  found.has_metadata = !query_id_.empty();
  MS_RETURN_IF_ERROR(FindNewest(
      offsets_, [&](BatchId id) { return offsets_.GetOffsets(id).status(); }, found.last_offsets, found.damaged_offsets));
  MS_RETURN_IF_ERROR(FindNewest(
      commits_, [&](BatchId id) { return commits_.GetCommit(id).status(); }, found.last_commit, found.damaged_commit));
  found.has_offsets_before_last = found.last_offsets && found.last_offsets->value() > 0 && offsets_.Contains(found.last_offsets->previous());
  return found;
}

Status Checkpoint::Apply(const Recovery& recovery, const CheckpointFacts& found) {
  if (recovery.discard_damaged_offsets && found.damaged_offsets) MS_RETURN_IF_ERROR(offsets_.Discard(*found.damaged_offsets));
  if (recovery.discard_damaged_commit && found.damaged_commit) MS_RETURN_IF_ERROR(commits_.Discard(*found.damaged_commit));
  return Status();
}

}  // namespace millstream
