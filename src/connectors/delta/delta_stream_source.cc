#include "connectors/delta/delta_stream_source.h"

#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <charconv>

#include "connectors/delta/delta_stream_errors.h"
#include "delta/delta_errors.h"
#include "delta/log_files.h"
#include "delta/scan.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// How much of the files on offer a batch takes: at least one.
class Admission {
 public:
  Admission(const DeltaStreamOptions& options, const ReadLimit& limit)
      : files_left_(limit.all ? INT64_MAX : options.files_max.value_or(INT64_MAX)),
        bytes_left_(limit.all ? INT64_MAX : options.bytes_max.value_or(INT64_MAX)) {}
  bool is_full() const { return files_left_ <= 0 || bytes_left_ <= 0; }
  bool Take(int64_t bytes) {
    if (is_full()) return false;
    --files_left_;
    bytes_left_ -= bytes;
    return true;
  }

 private:
  int64_t files_left_, bytes_left_;
};

class CountedRows : public RowStream {
 public:
  CountedRows(RowStreamPtr rows, std::shared_ptr<std::atomic<int64_t>> count) : rows_(std::move(rows)), count_(std::move(count)) {}
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_->Next());
    if (batch) count_->fetch_add(batch->num_rows());
    return batch;
  }

 private:
  RowStreamPtr rows_;
  std::shared_ptr<std::atomic<int64_t>> count_;
};

const StructType& NoColumns() {
  static const StructType none;
  return none;
}

}  // namespace

DeltaStreamSource::DeltaStreamSource(std::shared_ptr<DeltaLog> log, MetadataPtr metadata, StructType schema, DeltaStreamOptions options, std::string directory)
    : log_(std::move(log)),
      metadata_(std::move(metadata)),
      schema_(std::move(schema)),
      options_(std::move(options)),
      directory_(std::move(directory)),
      versions_(log_, metadata_, options_),
      rows_read_(std::make_shared<std::atomic<int64_t>>(0)) {}

const StructType& DeltaStreamSource::metadata_schema() const { return NoColumns(); }

std::string DeltaStreamSource::description() const { return "DeltaSource[" + HadoopPathString(log_->table_path()) + "]"; }

int64_t DeltaStreamSource::rows_read() const { return rows_read_->load(); }

std::vector<std::string> DeltaStreamSource::watched_directories() const { return {LogDirectory(log_->table_path())}; }

Status DeltaStreamSource::PrepareForTriggerAvailableNow() {
  MS_ASSIGN_OR_RETURN(SnapshotPtr newest, log_->Update());
  if (newest) frozen_at_ = newest->version;
  return Status();
}

Result<DeltaStreamOffset> DeltaStreamSource::Place(const StreamOffset& offset) const {
  MS_ASSIGN_OR_RETURN(DeltaStreamOffset place, DecodeDeltaStreamOffset(offset));
  if (place.table_id != metadata_->id) return Status::Error(errors::kDeltaSourceOtherTable, {{"newTableId", metadata_->id}, {"oldTableId", place.table_id}});
  return place;
}

Result<std::optional<StreamOffset>> DeltaStreamSource::LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) {
  MS_ASSIGN_OR_RETURN(SnapshotPtr newest, log_->Update());
  if (!newest) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(log_->table_path())}});
  if (newest->metadata->id != metadata_->id)
    return Status::Error(errors::kDeltaSourceOtherTable, {{"newTableId", newest->metadata->id}, {"oldTableId", metadata_->id}});
  const int64_t last = frozen_at_ ? std::min(*frozen_at_, newest->version) : newest->version;
  DeltaStreamOffset at{.table_id = metadata_->id};
  if (start) {
    MS_ASSIGN_OR_RETURN(at, Place(*start));
  } else if (has_start()) {
    MS_ASSIGN_OR_RETURN(at.version, StartingVersion(newest->version));
  } else {
    at.version = last;
    at.is_initial_snapshot = true;
  }
  Admission admission(options_, limit);
  std::optional<DeltaStreamOffset> reached;
  while (at.version <= last) {
    if (!at.is_initial_snapshot) {
      MS_ASSIGN_OR_RETURN(const int64_t readable, FirstReadable(at.version, last));
      if (readable != at.version) at = {.table_id = metadata_->id, .version = readable};
    }
    MS_ASSIGN_OR_RETURN(StreamVersionPtr version, VersionAt(at));
    const auto count = static_cast<int64_t>(version->files.size());
    bool is_full = false;
    for (int64_t i = at.index + 1; i < count && !is_full; ++i) {
      const StreamFile& file = version->files[static_cast<size_t>(i)];
      if (IsExcluded(file.path())) continue;
      is_full = !admission.Take(file.size_bytes());
      if (!is_full) reached = DeltaStreamOffset{metadata_->id, at.version, i, at.is_initial_snapshot};
    }
    if (is_full) break;
    // delta-spark does not know which file of changes is a commit's last.
    const bool ends_within = version->has_change_files && admission.is_full() && reached && reached->version == at.version;
    if (ends_within) break;
    // All of the version has been read. One without rows is passed too, in a batch of its own if need be, as in delta-spark.
    at = {.table_id = metadata_->id, .version = at.version + 1};
    reached = at;
  }
  if (!reached) return std::optional<StreamOffset>();
  // Another writer's commit may be linked and not synced yet: if a power cut took it after the offset is durable, its version would come again with other
  // rows, which the stream would pass over.
  if (reached->version > synced_through_) {
    MS_RETURN_IF_ERROR(log_->SyncLog());
    synced_through_ = reached->version;
  }
  return std::optional(EncodeDeltaStreamOffset(*reached));
}

Result<RowStreamPtr> DeltaStreamSource::ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end_offset, const ScanNeeds& needs) {
  MS_ASSIGN_OR_RETURN(const DeltaStreamOffset end, Place(end_offset));
  DeltaStreamOffset at{.table_id = metadata_->id};
  if (start) {
    MS_ASSIGN_OR_RETURN(at, Place(*start));
  } else if (has_start()) {
    MS_ASSIGN_OR_RETURN(at.version, StartingVersion(end.version));
  } else {
    // The first batch has read the snapshot; the end alone says up to where, so that the same batch is read again after a crash.
    at.version = end.is_initial_snapshot ? end.version : std::max<int64_t>(end.version - 1, 0);
    at.is_initial_snapshot = true;
  }
  ScanRequest request{.table_path = log_->table_path(), .metadata = metadata_};
  std::vector<VersionChanges> changes;
  while (at.version < end.version || (at.version == end.version && at.index < end.index)) {
    if (!at.is_initial_snapshot) {
      MS_ASSIGN_OR_RETURN(at.version, FirstReadable(at.version, end.version));
    }
    MS_ASSIGN_OR_RETURN(StreamVersionPtr version, VersionAt(at));
    const bool is_last = at.version == end.version;
    const int64_t last_file = static_cast<int64_t>(version->files.size()) - 1, upto = is_last ? std::min(end.index, last_file) : last_file;
    changes.push_back({.version = version->version, .timestamp_ms = version->timestamp_ms, .pieces = {}});
    for (int64_t i = at.index + 1; i <= upto; ++i) {
      const StreamFile& file = version->files[static_cast<size_t>(i)];
      if (IsExcluded(file.path())) continue;
      if (file.add) {
        request.files.push_back(ScanFile::Of(*file.add));
      } else {
        changes.back().pieces.push_back(*file.change);
      }
    }
    if (changes.back().pieces.empty()) changes.pop_back();
    if (is_last) break;
    at = {.table_id = metadata_->id, .version = at.version + 1};
  }
  StructType wanted;
  for (const std::string& column : needs.columns) {
    std::optional<size_t> field = schema().IndexOf(column, true);
    if (!field) return Status::Internal("no column " + column + " in " + description());
    wanted.Add(schema()[*field]);
    request.columns.push_back({.field = schema()[*field]});
  }
  rows_read_ = std::make_shared<std::atomic<int64_t>>(0);
  if (request.files.empty() && changes.empty()) return MakeRowStream(ToArrowSchema(wanted), {});
  RowStreamPtr rows;
  if (options_.reads_changes) {
    MS_ASSIGN_OR_RETURN(rows, ReadChanges(log_->fs(), log_->table_path(), metadata_, changes, needs.columns));
  } else {
    rows = ScanFiles(log_->fs(), std::move(request));
  }
  return RowStreamPtr(std::make_unique<CountedRows>(std::move(rows), rows_read_));
}

Status DeltaStreamSource::Commit(const StreamOffset& end_offset) {
  MS_ASSIGN_OR_RETURN(const DeltaStreamOffset end, Place(end_offset));
  versions_.Forget(end.version, end.is_initial_snapshot);
  return Status();
}

// "latest" and a time mean one version for the life of the checkpoint: it is written down before the first offset can be.
Result<int64_t> DeltaStreamSource::StartingVersion(int64_t newest) {
  if (options_.starting_version) return *options_.starting_version;
  if (started_at_) return *started_at_;
  const std::string note = JoinPath(directory_, "starting_version");
  MS_ASSIGN_OR_RETURN(bool is_noted, log_->fs().Exists(note));
  if (is_noted) {
    MS_ASSIGN_OR_RETURN(std::string text, log_->fs().ReadFile(note));
    int64_t version = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), version).ec != std::errc())
      return Status::Error(errors::kDeltaSourceOffsetFormat).While("reading " + note);
    started_at_ = version;
    return version;
  }
  int64_t version = newest + 1;
  if (options_.starting_ms) {
    MS_ASSIGN_OR_RETURN(version, VersionFrom(*options_.starting_ms, newest));
  }
  MS_RETURN_IF_ERROR(log_->fs().CreateDirectories(directory_));
  Status noted = Publish(log_->fs(), note, std::to_string(version), "delta.stream_start");
  if (!noted.ok()) return noted;
  started_at_ = version;
  return version;
}

// The first commit at or after a time; DELTA_TIMESTAMP_GREATER_THAN_COMMIT when there is none.
Result<int64_t> DeltaStreamSource::VersionFrom(int64_t wall_ms, int64_t newest) {
  Result<int64_t> before = log_->VersionAt(wall_ms);
  if (!before.ok()) {
    if (!before.status().Is(errors::kDeltaTimestampEarlier)) return before.status();
    return FirstReadable(0, newest, false);
  }
  MS_ASSIGN_OR_RETURN(DeltaLog::CommitAt commit, log_->ReadVersion(*before));
  return commit.timestamp_ms >= wall_ms ? *before : *before + 1;
}

Result<int64_t> DeltaStreamSource::FirstReadable(int64_t version, int64_t last, bool may_fail) {
  for (int64_t at = version; at <= last; ++at) {
    Result<StreamVersionPtr> commit = versions_.CommitAt(at);
    if (!commit.ok() && commit.status().Is(errors::kFileNotFound)) continue;
    if (!commit.ok()) return commit.status();
    if (at != version && may_fail && options_.fail_on_data_loss)
      return Status::Error(errors::kDeltaSourceMissingFiles, {{"startVersion", std::to_string(version)}, {"earliestVersion", std::to_string(at)}});
    return at;
  }
  return Status::Error(errors::kDeltaSourceMissingFiles, {{"startVersion", std::to_string(version)}, {"earliestVersion", std::to_string(last + 1)}});
}

Result<StreamVersionPtr> DeltaStreamSource::VersionAt(const DeltaStreamOffset& place) {
  return place.is_initial_snapshot ? versions_.SnapshotAt(place.version) : versions_.CommitAt(place.version);
}

bool DeltaStreamSource::IsExcluded(const std::string& path) const { return options_.exclude && re2::RE2::PartialMatch(path, *options_.exclude); }

}  // namespace millstream
