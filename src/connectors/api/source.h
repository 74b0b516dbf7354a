#pragma once

// source.h   What a stream reads from (org.apache.spark.sql.execution.streaming.Source).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/compiled_plan.h"
#include "types/row_stream.h"

namespace millstream {

// A place in a source, in the JSON that Spark's checkpoint holds for it. Only its source can read it; equal text means equal place.
struct StreamOffset {
  std::string json;
  bool operator==(const StreamOffset&) const = default;
};

// How much one batch may take; what the source does not know it ignores.
struct ReadLimit {
  bool all = false;  // Trigger.Once: limits of the options do not count
};

// A replayable stream of rows. Not thread-safe: one query owns one Source (the RowStream that ReadBatch returns is thread-safe).
class Source {
 public:
  virtual ~Source() = default;
  virtual const StructType& schema() const = 0;
  virtual const StructType& metadata_schema() const = 0;
  // "CloudFilesSource[file:/in]", as the progress shows it.
  virtual std::string description() const = 0;
  // The largest offset readable now, at most `limit` past `start` (nullopt: from the beginning); nullopt while nothing is new.
  virtual Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) = 0;
  // Rows in (start, end]. Same arguments, same rows, for ever, also in another process. `needs` names columns of schema() and
  // metadata_schema().
  virtual Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) = 0;
  // Everything up to `end` is durable in the sink; the source may forget it. Idempotent.
  virtual Status Commit(const StreamOffset& end) = 0;
  // Rows read by the last ReadBatch, once its stream has ended: numInputRows.
  virtual int64_t rows_read() const = 0;
  // Directories (raw paths) in which names come or go whenever there may be something new; none: one has to look.
  virtual std::vector<std::string> watched_directories() const { return {}; }
  // sources[].metrics of the progress JSON (numFilesOutstanding, numBytesOutstanding …).
  virtual std::map<std::string, std::string> metrics() const { return {}; }
};

// For Trigger.AvailableNow: everything there is now, and nothing that comes later.
class SupportsTriggerAvailableNow {
 public:
  virtual ~SupportsTriggerAvailableNow() = default;
  virtual Status PrepareForTriggerAvailableNow() = 0;
};

// For sources whose schema may grow while their query runs.
class SupportsSchemaEvolution {
 public:
  virtual ~SupportsSchemaEvolution() = default;
  // After a ReadBatch that failed retryably because its schema was too old: the relation with the schema in force, which this source reads from now on.
  // nullptr: the schema is as it was.
  virtual Result<RelationSourcePtr> EvolvedRelation() = 0;
};

// What a StreamingRelation in an analyzed plan can do beyond having a schema: become a Source once the checkpoint is known.
class StreamingRelationSource : public RelationSource {
 public:
  bool is_streaming() const override { return true; }
  // `checkpoint_directory`/sources/<index> belongs to the source (raw path; not created yet).
  virtual Result<std::unique_ptr<Source>> CreateSource(const std::string& source_checkpoint_directory) const = 0;
};

}  // namespace millstream
