#pragma once

// retractions.h   Files whose rows a source gave in earlier batches, and takes back in this one: on their way from a source of files to a sink that knows which
// of its rows came from which file (source_files.h). Small abilities beside Source and Sink, found by dynamic_cast.

#include <string>
#include <vector>

#include "base/status.h"
#include "connectors/api/source.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kRetractionUnsupported{
    "MILLSTREAM_ROWS_CANNOT_BE_TAKEN_BACK", "0A000", ExceptionKind::kUnsupportedOperation,
    "<what> takes rows of files back, and this query cannot do that: <reason>. It can when it reads one cloudFiles source, writes to a Delta table in append "
    "mode, and each of its rows comes from one row of a file (select, where, withColumn, explode). FORGET and changedFiles = appended need none of that."};
// Of a sink that was told to let rows go: nothing was changed.
inline constexpr ErrorClass kSourceRowsLost{
    "MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE", "55019", ExceptionKind::kSpark,
    "The rows of <path> in <table> cannot all be found: <reason>. Nothing was changed. DELETE them by a column that holds _metadata.file_path, or RESTORE an "
    "older version of the table."};
}  // namespace errors

// Of a Source.
class RetractsFiles {
 public:
  virtual ~RetractsFiles() = default;
  // Called once, before the first LatestOffset: whether the query can take rows back; else why it cannot. Error: this source is set up to need it.
  virtual Status SetRetractionSupport(Status possible) = 0;
  // Raw, absolute paths whose rows leave the sink in the commit of batch (start, end]. Same arguments, same paths, also in another process, until
  // KeepRetractedRows.
  virtual Result<std::vector<std::string>> RetractedFiles(const std::optional<StreamOffset>& start, const StreamOffset& end) = 0;
  // The sink cannot find these rows (kSourceRowsLost), and has nothing of the batch: from now on RetractedFiles of the batch is empty, and what was to come in
  // the place of such rows is left out. Durable on return; idempotent.
  virtual Status KeepRetractedRows(const std::optional<StreamOffset>& start, const StreamOffset& end, const Status& why) = 0;
};

// Of a Sink.
class RemovesFileRows {
 public:
  virtual ~RemovesFileRows() = default;
  // Not OK: why this sink, as it is set up, cannot.
  virtual Status CanRemoveFileRows() const = 0;
  // For the next AddBatch alone: in its commit the rows leave that are there from these files, and either all of them do or it is an error.
  virtual void SetRetractedFiles(std::vector<std::string> paths) = 0;
};

}  // namespace millstream
