#pragma once

// delta_stream_source.h   A Delta table as an unbounded one: its snapshot, then what each commit adds (org.apache.spark.sql.delta.sources.DeltaSource).

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/delta/delta_stream_offset.h"
#include "delta/delta_log.h"

namespace re2 {
class RE2;
}

namespace millstream {

struct DeltaStreamOptions {
  std::optional<int64_t> files_max = 1000;  // maxFilesPerTrigger; nullopt: only bytes count
  std::optional<int64_t> bytes_max;         // maxBytesPerTrigger, soft
  bool ignore_deletes = false, ignore_changes = false, skip_change_commits = false;
  bool fail_on_data_loss = true;
  std::shared_ptr<const re2::RE2> exclude;  // excludeRegex; null: none
  // Where a stream without a checkpoint begins; none: with the snapshot.
  std::optional<int64_t> starting_version;
  bool starts_at_latest = false;  // startingVersion = latest
  std::optional<int64_t> starting_ms;
};

class DeltaStreamSource : public Source, public SupportsTriggerAvailableNow {
 public:
  // `directory` keeps where a stream that begins at "latest" or at a time has begun.
  DeltaStreamSource(std::shared_ptr<DeltaLog> log, MetadataPtr metadata, DeltaStreamOptions options, std::string directory);

  const StructType& schema() const override { return metadata_->schema; }
  const StructType& metadata_schema() const override;
  std::string description() const override;
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override;
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override;
  Status Commit(const StreamOffset& end) override;
  int64_t rows_read() const override;
  Status PrepareForTriggerAvailableNow() override;

 private:
  using Files = std::shared_ptr<const std::vector<AddFilePtr>>;

  bool has_start() const { return options_.starting_version || options_.starts_at_latest || options_.starting_ms; }
  Result<int64_t> StartingVersion(int64_t newest);
  Result<DeltaStreamOffset> Place(const StreamOffset& offset) const;
  // The files of the snapshot in their order, or what a commit adds for a stream. Kept until Commit passes them.
  Result<Files> FilesAt(int64_t version, bool is_initial_snapshot);
  Result<std::vector<AddFilePtr>> FilesOfCommit(int64_t version);
  Status CheckSchema(const CommitActions& commit, int64_t version) const;
  // The first version from `version` on whose commit is still there; DELTA_MISSING_FILES_UNEXPECTED_VERSION when that is a later one.
  Result<int64_t> FirstReadable(int64_t version, int64_t last, bool may_fail = true);
  Result<int64_t> VersionFrom(int64_t wall_ms, int64_t newest);
  bool IsExcluded(const AddFile& file) const;

  const std::shared_ptr<DeltaLog> log_;
  const MetadataPtr metadata_;
  const DeltaStreamOptions options_;
  const std::string directory_;
  std::optional<int64_t> frozen_at_;
  std::map<std::pair<int64_t, bool>, Files> known_;  // (version, not the initial snapshot)
  std::optional<int64_t> started_at_;
  int64_t synced_through_ = -1;  // versions whose names are durable
  std::shared_ptr<std::atomic<int64_t>> rows_read_;
};

}  // namespace millstream
