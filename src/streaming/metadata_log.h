#pragma once

// metadata_log.h   A directory of files named by batch id, written once each: offsets/ and commits/ of a checkpoint, in Spark's layout.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "storage/fs.h"

namespace millstream {

// Not thread-safe: one query owns it, and holds the checkpoint's lock.
class MetadataLog {
 public:
  // `failpoint` is the prefix that Publish gets. A null `fs` keeps the log in memory, for queries without a checkpoint.
  MetadataLog(Fs* fs, std::string directory, std::string failpoint);

  // Creates the directory, reads its names once, sweeps temporaries that a killed writer has left behind.
  Status Open();
  // Durable when it returns. CONCURRENT_STREAM_LOG_UPDATE when the entry is there already; an entry is never overwritten.
  Status Add(BatchId id, std::string_view bytes);
  // nullopt: no such entry.
  Result<std::optional<std::string>> Get(BatchId id);
  bool Contains(BatchId id) const { return ids_.count(id.value()) > 0; }
  std::optional<BatchId> latest() const;
  bool empty() const { return ids_.empty(); }
  // For a damaged entry that recovery has decided to drop, with Hadoop's checksum file beside it.
  Status Discard(BatchId id);
  // Drops the entries before `id`. Lists nothing; entries that stay because of a crash are met again by the next Open.
  Status PurgeBefore(BatchId id);
  std::string PathOf(BatchId id) const;

 private:
  Status Remove(int64_t id);

  Fs* fs_;
  std::string directory_;
  std::string failpoint_;
  std::map<int64_t, std::string> ids_;  // the bytes, when in memory
  bool has_hadoop_checksums_ = false;
};

// The text after "v1\n", when the first line is a version that is not newer than `supported`.
Result<std::string_view> AfterVersionLine(std::string_view text, int supported, const std::string& path);

}  // namespace millstream
