#include "connectors/delta/delta_stream_versions.h"

#include <algorithm>

#include "connectors/delta/delta_stream_errors.h"
#include "delta/column_resolver.h"
#include "delta/delta_errors.h"

namespace millstream {

DeltaStreamVersions::DeltaStreamVersions(std::shared_ptr<DeltaLog> log, MetadataPtr metadata, const DeltaStreamOptions& options)
    : log_(std::move(log)), metadata_(std::move(metadata)), options_(options) {}

Result<StreamVersionPtr> DeltaStreamVersions::SnapshotAt(int64_t version) {
  if (auto found = known_.find({version, false}); found != known_.end()) return found->second;
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log_->At(version));
  StreamVersion result{.version = version};
  std::vector<AddFilePtr> files;
  snapshot->files.ForEach([&](const AddFilePtr& file) { files.push_back(file); });
  std::sort(files.begin(), files.end(),
            [](const AddFilePtr& a, const AddFilePtr& b) { return std::tie(a->modified_ms, a->path) < std::tie(b->modified_ms, b->path); });
  for (AddFilePtr& file : files) {
    if (options_.reads_changes) {
      result.files.push_back({.add = nullptr, .change = ChangePiece{ScanFile::Of(*file), "insert", file->size_bytes}});
    } else {
      result.files.push_back({.add = std::move(file), .change = std::nullopt});
    }
  }
  if (options_.reads_changes) {
    if (!HasChangeFeed(*snapshot->metadata))
      return Status::Error(errors::kDeltaMissingChangeData, {{"startVersion", std::to_string(version)},
                                                             {"endVersion", std::to_string(version)},
                                                             {"version", std::to_string(version)},
                                                             {"key", "delta.enableChangeDataFeed"}});
    // The rows came with the commit, as far as a reader of changes can tell.
    Result<DeltaLog::CommitAt> commit = log_->ReadVersion(version);
    if (!commit.ok() && !commit.status().Is(errors::kFileNotFound)) return commit.status();
    result.timestamp_ms = commit.ok() ? commit->timestamp_ms : files.empty() ? 0 : files.back()->modified_ms;
  }
  return known_[{version, false}] = std::make_shared<const StreamVersion>(std::move(result));
}

Result<StreamVersionPtr> DeltaStreamVersions::CommitAt(int64_t version) {
  if (auto found = known_.find({version, true}); found != known_.end()) return found->second;
  MS_ASSIGN_OR_RETURN(DeltaLog::CommitAt commit, log_->ReadVersion(version));
  MS_RETURN_IF_ERROR(CheckSchema(commit.actions, version));
  Result<StreamVersion> result = options_.reads_changes ? Changes(commit, version) : Rows(commit, version);
  if (!result.ok()) return result.status();
  result->version = version;
  result->timestamp_ms = commit.timestamp_ms;
  return known_[{version, true}] = std::make_shared<const StreamVersion>(std::move(*result));
}

void DeltaStreamVersions::Forget(int64_t before_version, bool keeps_snapshot) {
  std::erase_if(known_, [&](const auto& entry) {
    const auto& [version, is_commit] = entry.first;
    return version < before_version || (!is_commit && !keeps_snapshot);
  });
}

// What a commit adds for a stream: rows that were only rearranged are not news, and rows that were taken away cannot be.
Result<StreamVersion> DeltaStreamVersions::Rows(const DeltaLog::CommitAt& commit, int64_t version) const {
  StreamVersion result;
  for (const AddFilePtr& file : commit.actions.adds)
    if (file->data_change) result.files.push_back({.add = file, .change = std::nullopt});
  const auto removed = std::find_if(commit.actions.removes.begin(), commit.actions.removes.end(), [](const RemoveFilePtr& file) { return file->data_change; });
  if (removed == commit.actions.removes.end()) return result;
  if (options_.skip_change_commits) return StreamVersion();
  const std::string path = HadoopPathString(log_->table_path());
  if (!result.files.empty() && !options_.ignore_changes)
    return Status::Error(errors::kDeltaSourceIgnoreChanges, {{"changeInfo", (*removed)->path}, {"version", std::to_string(version)}, {"dataPath", path}});
  if (result.files.empty() && !options_.ignore_deletes && !options_.ignore_changes)
    return Status::Error(errors::kDeltaSourceIgnoreDelete, {{"removedFile", (*removed)->path}, {"version", std::to_string(version)}, {"dataPath", path}});
  return result;
}

Result<StreamVersion> DeltaStreamVersions::Changes(const DeltaLog::CommitAt& commit, int64_t version) {
  bool is_on = false;
  if (commit.actions.metadata) {
    is_on = HasChangeFeed(*commit.actions.metadata);
  } else {
    MS_ASSIGN_OR_RETURN(is_on, IsFeedOnBefore(version));
  }
  feed_ = {version, is_on};
  if (!is_on)
    return Status::Error(errors::kDeltaMissingChangeData, {{"startVersion", std::to_string(version)},
                                                           {"endVersion", std::to_string(version)},
                                                           {"version", std::to_string(version)},
                                                           {"key", "delta.enableChangeDataFeed"}});
  MS_ASSIGN_OR_RETURN(VersionChanges changes, ChangesOf(log_->fs(), log_->table_path(), commit.actions, version, commit.timestamp_ms));
  StreamVersion result{.has_change_files = !commit.actions.changes.empty()};
  for (ChangePiece& piece : changes.pieces) result.files.push_back({.add = nullptr, .change = std::move(piece)});
  return result;
}

Result<bool> DeltaStreamVersions::IsFeedOnBefore(int64_t version) {
  if (feed_ && feed_->first == version - 1) return feed_->second;
  Result<SnapshotPtr> before = log_->At(version);
  // What is older than the log's oldest checkpoint is taken to be as the table is.
  return HasChangeFeed(before.ok() && *before ? *(*before)->metadata : *metadata_);
}

// Columns that the query knows may be missing in older commits; any other difference ends the query, and its next start sees the new schema.
Status DeltaStreamVersions::CheckSchema(const CommitActions& commit, int64_t version) const {
  if (!commit.metadata) return Status();
  const StructType& known = metadata_->schema;
  const StructType& changed = commit.metadata->schema;
  const ColumnMappingMode known_mode = MappingModeOf(*metadata_), changed_mode = MappingModeOf(*commit.metadata);
  const bool is_known = std::all_of(changed.begin(), changed.end(), [&](const StructField& field) {
    std::optional<size_t> at = known.IndexOf(field.name);
    // A column that was dropped and made anew under its name is another one: the files name it differently.
    return at && known[*at].type.SameType(field.type) && PhysicalName(known[*at], known_mode) == PhysicalName(field, changed_mode);
  });
  if (is_known) return Status();
  return Status::Error(errors::kDeltaSourceSchemaChanged,
                       {{"version", std::to_string(version)}, {"readSchema", metadata_->schema_string}, {"dataSchema", commit.metadata->schema_string}});
}

}  // namespace millstream
