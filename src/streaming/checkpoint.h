#pragma once

// checkpoint.h   A query's checkpoint directory, held by one query at a time: its identity, its two logs, its lock.
//
//   metadata        {"id":"<uuid>"}, written once; the id survives restarts
//   offsets/<n>     offset_seq_log.h
//   commits/<n>     commit_log.h
//   sources/<i>/    belongs to the i-th source
//   .millstream.lock

#include <memory>
#include <string>

#include "storage/fs.h"
#include "streaming/commit_log.h"
#include "streaming/offset_seq_log.h"
#include "streaming/recovery.h"

namespace millstream {

struct CheckpointOptions {
  std::string directory;  // raw path
  // The query ends with its process: logs are kept in memory, only sources write below `directory`.
  bool is_temporary = false;
};

// The id of the query that owns `directory`; nullopt: none yet. MILLSTREAM_MALFORMED_LOG_FILE.
Result<std::optional<std::string>> ReadQueryId(Fs& fs, const std::string& directory);

// Not thread-safe.
class Checkpoint {
 public:
  // Takes the lock (CONCURRENT_STREAM_LOG_UPDATE when another query has it), reads or makes the id, opens the logs. A checkpoint whose id is
  // lost is left as it is, with an empty query_id(): Inspect and DecideRecovery refuse it.
  static Result<std::unique_ptr<Checkpoint>> Open(Fs& fs, const CheckpointOptions& options);
  // Releases the lock; removes a temporary directory.
  ~Checkpoint();

  const std::string& query_id() const { return query_id_; }
  const std::string& directory() const { return options_.directory; }
  Fs& fs() { return fs_; }
  OffsetSeqLog& offsets() { return offsets_; }
  CommitLog& commits() { return commits_; }
  std::string SourceDirectory(size_t index) const;

  // What the directory holds. A newest entry that cannot be read is a fact; INVALID_LOG_VERSION is an error.
  Result<CheckpointFacts> Inspect();
  // Removes the damaged entries that the decision drops.
  Status Apply(const Recovery& recovery, const CheckpointFacts& found);

 private:
  Checkpoint(Fs& fs, CheckpointOptions options);
  Status OpenLogs();

  Fs& fs_;
  CheckpointOptions options_;
  std::unique_ptr<FileLock> lock_;
  std::string query_id_;
  OffsetSeqLog offsets_;
  CommitLog commits_;
};

}  // namespace millstream
