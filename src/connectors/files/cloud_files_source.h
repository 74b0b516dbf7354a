#pragma once

// cloud_files_source.h   Auto Loader's stream: discovery puts files into the ledger, batches take them out by number.
//
// LatestOffset: look for new files (unless enough wait already) → number them in the ledger → sync the ledger → return the last number of the batch.
// ReadBatch: the files with these numbers, whoever found them and whenever.
// Between two batches it takes what users ask of its files: request_taker.h.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "connectors/api/bad_record_keeper.h"
#include "connectors/api/retractions.h"
#include "connectors/files/backlog_estimate.h"
#include "connectors/files/cloud_files_offset.h"
#include "connectors/files/cloud_files_relation.h"
#include "connectors/files/file_age_limit.h"
#include "connectors/files/file_retries.h"
#include "connectors/files/loaded_file_cleaner.h"
#include "connectors/files/request_taker.h"
#include "connectors/files/schema_revert_watch.h"
#include "connectors/files/source_mirror.h"

namespace millstream {

class CloudFilesSource : public Source,
                         public SupportsTriggerAvailableNow,
                         public SupportsSchemaEvolution,
                         public NamesSourceFiles,
                         public RetractsFiles,
                         public KeepsBadRecords {
 public:
  // Opens the ledger under `directory`. At the very first start with includeExistingFiles=false, notes what is there already.
  static Result<std::unique_ptr<CloudFilesSource>> Create(const CloudFilesDefinition& definition, const std::string& directory);

  const StructType& schema() const override { return definition_.schema; }
  const StructType& metadata_schema() const override { return definition_.format->metadata_schema(); }
  std::string description() const override;
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override;
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override;
  Status Commit(const StreamOffset& end) override;
  int64_t rows_read() const override;
  std::map<std::string, std::string> metrics() const override;
  std::vector<std::string> watched_directories() const override { return discovery_.WatchableDirectories(); }
  Status PrepareForTriggerAvailableNow() override;
  Result<RelationSourcePtr> EvolvedRelation() override;
  Status SetRetractionSupport(Status possible) override;
  Result<std::vector<std::string>> RetractedFiles(const std::optional<StreamOffset>& start, const StreamOffset& end) override;
  Status KeepRetractedRows(const std::optional<StreamOffset>& start, const StreamOffset& end, const Status& why) override;
  void BeginBatch(const std::string& query_id, BatchId batch) override;
  SourceFileNames source_files() const override { return source_files_; }

 private:
  CloudFilesSource(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, WaitingFiles waiting, RequestTaker requests,
                   FileAgeLimit age_limit, std::string number);
  QuarantineLoad LoadNow() const;
  Status TakeRequests(int64_t loaded);
  Status AskForGoneFiles(int64_t loaded, bool waits);
  // The files of a batch, without those that were taken back before it ran.
  Result<std::vector<NumberedFile>> FilesOf(int64_t after, int64_t through) const;
  Status NoteSource();
  Status NoteKnown(const std::string& spill_directory);
  Status Discover(int64_t after, bool all);
  Result<int64_t> PlanEnd(int64_t after, bool all) const;
  Result<BatchLimits> LimitsNow(int64_t after) const;
  Result<BatchPlan> PlanNumbered(int64_t after, int64_t last) const;
  Status NumberNext(int64_t after, bool all);
  Status CheckLedgerReaches(const CloudFilesOffset& offset) const;
  Result<std::string> NewAndWiderColumns() const;
  // The schema as whoever reverted it and these files want it, before they are read with it. Not OK: the query ends, or runs the batch with another schema.
  Status FollowSchema(const std::vector<InputFile>& inputs);
  Status FollowRevert();
  Status EndOrGoOn(Status failure);
  std::optional<int64_t> CurrentBatch() const { return query_id_.empty() ? std::nullopt : std::optional(batch_.value()); }
  // Cleans up what is due: a part of it, or all.
  Status CleanSource(bool all);
  // Of a stream that loads files as they grow: the text of each file's part. Files without a new line, or that may be missing, are left out.
  Status TakeParts(std::vector<NumberedFile>& files, std::vector<std::shared_ptr<const std::string>>& texts);
  Status TakeCurrentSizes(std::vector<NumberedFile>& files, bool all);

  CloudFilesDefinition definition_;
  std::shared_ptr<FileLedger> ledger_;
  WaitingFiles waiting_;
  FileDiscovery discovery_;
  RequestTaker requests_;
  FileAgeLimit age_limit_;
  Status can_retract_;                // why the query cannot take rows back, if it cannot
  std::optional<int64_t> frozen_at_;  // Trigger.AvailableNow: no number beyond
  int64_t frozen_request_ = 0;        // and no request
  int64_t planned_through_ = 0;       // the last number that this process has put into a batch
  int64_t batches_from_ = 0;          // the numbers up to here were put into batches by an earlier process
  int64_t committed_through_ = 0;
  int64_t undone_ = 0, replaced_ = 0, removed_ = 0;  // files of the last batch
  std::unique_ptr<SourceMirror> mirror_;  // null: files that are gone keep their rows
  bool is_mirrored_ = false;  // Trigger.AvailableNow: what was gone has been asked for
  bool is_listed_ = false;  // up to the end, so that all that waits is known
  BacklogEstimate backlog_;
  std::shared_ptr<FileRetries> retries_;  // null: a file that cannot be read ends the query
  std::unique_ptr<LoadedFileCleaner> cleaner_;  // null: cleanSource is off
  std::shared_ptr<std::atomic<bool>> schema_evolved_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<FileScanStats> stats_;
  SchemaRevertWatch reverts_;
  SourceFileNames source_files_;  // of the last batch
  const std::string number_;      // of the source in its query
  std::string query_id_;          // of the batch under way
  BatchId batch_{0};
};

}  // namespace millstream
