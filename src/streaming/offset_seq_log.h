#pragma once

// offset_seq_log.h   offsets/<batch>: up to where each source is read by that batch, fixed before the batch runs.
//
//   v1
//   {"batchWatermarkMs":0,"batchTimestampMs":1700000000000,"conf":{…}}
//   {"logOffset":0}
//   -
//
// One line a source, in plan order; "-" is a source that has given nothing yet.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/api/source.h"
#include "streaming/metadata_log.h"

namespace millstream {

using StreamConfList = std::vector<std::pair<std::string, std::string>>;

struct OffsetSeqMetadata {
  int64_t batch_watermark_ms = 0;
  int64_t batch_timestamp_ms = 0;
  StreamConfList conf;
};

struct OffsetSeq {
  OffsetSeqMetadata metadata;
  std::vector<std::optional<StreamOffset>> offsets;
};

// The settings that Spark records with each batch, with Spark's defaults, in the order in which Spark writes them. A logged value wins over the
// session's for the life of the checkpoint.
const StreamConfList& DefaultLoggedConf();

std::string SerializeOffsetSeq(const OffsetSeq& offsets);
Result<OffsetSeq> ParseOffsetSeq(std::string_view text, const std::string& path);

class OffsetSeqLog : public MetadataLog {
 public:
  OffsetSeqLog(Fs* fs, std::string directory) : MetadataLog(fs, std::move(directory), "stream.offsets") {}
  Status AddOffsets(BatchId id, const OffsetSeq& offsets) { return Add(id, SerializeOffsetSeq(offsets)); }
  // nullopt: no such batch. MILLSTREAM_MALFORMED_LOG_FILE, INVALID_LOG_VERSION.
  Result<std::optional<OffsetSeq>> GetOffsets(BatchId id);
};

}  // namespace millstream
