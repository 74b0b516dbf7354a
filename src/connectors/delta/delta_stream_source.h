#pragma once

// delta_stream_source.h   A Delta table as an unbounded one: its snapshot, then what each commit adds (org.apache.spark.sql.delta.sources.DeltaSource).

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/api/source.h"
#include "connectors/delta/delta_stream_offset.h"
#include "connectors/delta/delta_stream_versions.h"

namespace millstream {

class DeltaStreamSource : public Source, public SupportsTriggerAvailableNow {
 public:
  // `directory` keeps where a stream that begins at "latest" or at a time has begun.
  // `schema`: the table's, or with readChangeFeed ChangeFeedSchema of it.
  DeltaStreamSource(std::shared_ptr<DeltaLog> log, MetadataPtr metadata, StructType schema, DeltaStreamOptions options, std::string directory);

  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override;
  std::string description() const override;
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override;
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override;
  Status Commit(const StreamOffset& end) override;
  int64_t rows_read() const override;
  std::vector<std::string> watched_directories() const override;
  Status PrepareForTriggerAvailableNow() override;

 private:
  bool has_start() const { return options_.starting_version || options_.starts_at_latest || options_.starting_ms; }
  Result<int64_t> StartingVersion(int64_t newest);
  Result<DeltaStreamOffset> Place(const StreamOffset& offset) const;
  Result<StreamVersionPtr> VersionAt(const DeltaStreamOffset& place);
  // The first version from `version` on whose commit is still there; DELTA_MISSING_FILES_UNEXPECTED_VERSION when that is a later one.
  Result<int64_t> FirstReadable(int64_t version, int64_t last, bool may_fail = true);
  Result<int64_t> VersionFrom(int64_t wall_ms, int64_t newest);
  bool IsExcluded(const std::string& path) const;

  const std::shared_ptr<DeltaLog> log_;
  const MetadataPtr metadata_;
  const StructType schema_;
  const DeltaStreamOptions options_;
  const std::string directory_;
  std::optional<int64_t> frozen_at_;
  DeltaStreamVersions versions_;
  std::optional<int64_t> started_at_;
  int64_t synced_through_ = -1;  // versions whose names are durable
  std::shared_ptr<std::atomic<int64_t>> rows_read_;
};

}  // namespace millstream
