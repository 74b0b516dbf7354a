#pragma once

// file_stream_source.h   A directory as a stream, as Spark's FileStreamSource reads it and with its files: sources/<i> of the checkpoint is a log of the
// files of each step, an offset is {"logOffset":N}, the newest step. A query can go on here with a checkpoint of Spark, and the other way round.

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/api/bad_record_keeper.h"
#include "connectors/api/source.h"
#include "connectors/api/source_files.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/compactible_log.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/seen_files.h"
#include "connectors/files/source_cleaner.h"

namespace millstream {

class FileStreamSource : public Source, public SupportsTriggerAvailableNow, public NamesSourceFiles, public KeepsBadRecords {
 public:
  // Reads what the log knows.
  static Result<std::unique_ptr<Source>> Create(const FileStreamDefinition& definition, const std::string& directory);

  const StructType& schema() const override { return definition_.schemas.all; }
  const StructType& metadata_schema() const override { return definition_.format->metadata_schema(); }
  std::string description() const override { return "FileStreamSource[" + HadoopPathString(definition_.path) + "]"; }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override;
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override;
  Status Commit(const StreamOffset& end) override;
  int64_t rows_read() const override { return stats_ == nullptr ? 0 : stats_->rows_out.load(); }
  Status PrepareForTriggerAvailableNow() override;
  void BeginBatch(const std::string& query_id, BatchId batch) override;
  SourceFileNames source_files() const override { return source_files_; }

 private:
  struct NewFile {
    std::string path;
    int64_t size_bytes = 0, modified_ms = 0;
  };
  struct LoggedFile {
    std::string path;
    int64_t modified_ms = 0, step = 0;
  };

  FileStreamSource(const FileStreamDefinition& definition, FileStreamOptions options, const std::string& directory);
  Status Restore();
  Result<std::vector<NewFile>> ListNewFiles();
  std::vector<NewFile> TakeForOneStep(std::vector<NewFile> files, bool all);
  Status AddStep(const std::vector<NewFile>& files);
  Result<std::vector<LoggedFile>> FilesOfStep(int64_t step);
  Result<LoggedFile> DecodeLine(const std::string& line) const;

  const FileStreamDefinition definition_;
  const FileStreamOptions options_;
  CompactibleLog log_;
  SeenFiles seen_;
  ListingMemory memory_{definition_.clock};
  std::unique_ptr<SourceCleaner> cleaner_;
  int64_t last_step_ = -1;
  std::vector<NewFile> unread_;                                     // found, and left for the next steps
  std::optional<std::vector<NewFile>> frozen_;                      // Trigger.AvailableNow: what there was at the start
  std::deque<std::pair<int64_t, std::vector<LoggedFile>>> recent_;  // steps as they are in the log
  std::optional<int64_t> cleaned_through_;
  std::shared_ptr<FileScanStats> stats_;
  SourceFileNames source_files_;  // of the last batch
  std::shared_ptr<BadRecordsPath> bad_records_;  // null: bad records are the reader's to judge
  const std::string number_;                     // of the source in its query
  QuarantineLoad load_;                          // the batch that is read
};

}  // namespace millstream
