#pragma once

// commit_log.h   commits/<batch>: the sink has that batch. "v1\n{"nextBatchWatermarkMs":0}"

#include <optional>
#include <string>

#include "streaming/metadata_log.h"

namespace millstream {

struct CommitMetadata {
  int64_t next_batch_watermark_ms = 0;
};

std::string SerializeCommit(const CommitMetadata& commit);
// Reads v1, and v2 and v3 of Spark 4 as far as stateless queries need them.
Result<CommitMetadata> ParseCommit(std::string_view text, const std::string& path);

class CommitLog : public MetadataLog {
 public:
  CommitLog(Fs* fs, std::string directory) : MetadataLog(fs, std::move(directory), "stream.commits") {}
  Status AddCommit(BatchId id, const CommitMetadata& commit) { return Add(id, SerializeCommit(commit)); }
  Result<std::optional<CommitMetadata>> GetCommit(BatchId id);
};

}  // namespace millstream
