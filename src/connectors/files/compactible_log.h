#pragma once

// compactible_log.h   Spark's CompactibleFileStreamLog: a directory of files 0, 1, … 8, 9.compact, 10 …, each with a line "v1" and then one JSON text a
// line. Every tenth holds all lines before it too, so that reading the log means reading the newest of those and what came after it.
// A file source keeps the files that it has seen in one (sources/<i>), a file sink those that it has written (_spark_metadata).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "storage/fs.h"

namespace millstream {

struct CompactibleLogConf {
  int64_t compact_interval = 10;
  int64_t cleanup_delay_ms = 10 * 60 * 1000;
  int64_t min_batches_to_retain = 100;
  bool deletes_expired = true;
  bool may_start_late = false;  // a sink may be given to a query that has run before: its first entry has any number
};

// One line each, without line ends.
using LogLines = std::vector<std::string>;

// Not thread-safe: one source or sink owns it.
class CompactibleLog {
 public:
  // `failpoint` is the prefix that Publish gets. `fs` and `clock` must outlive the log.
  CompactibleLog(Fs& fs, Clock& clock, std::string directory, std::string failpoint, CompactibleLogConf conf);

  // Creates the directory and reads its names once. What a process that was killed has linked is durable afterwards.
  Status Open();
  // Reads the names only; a missing directory is an empty log. For readers.
  Status OpenForRead();
  std::optional<int64_t> latest() const;
  // Durable when it returns. CONCURRENT_STREAM_LOG_UPDATE when the entry is there already.
  Status Add(int64_t id, const LogLines& lines);
  // Everything, in order. Error when an entry is missing.
  Result<LogLines> All() const;
  // The lines that Add got for `id`; of a compacted entry all lines, also those before. nullopt: no such entry.
  Result<std::optional<LogLines>> Get(int64_t id) const;
  const std::string& directory() const { return directory_; }

 private:
  struct Entry {
    bool plain = false, compact = false;
  };
  Status ReadNames();
  bool IsCompaction(int64_t id) const { return (id + 1) % interval_ == 0; }
  Result<std::string> TextOf(int64_t id, bool compact) const;
  Status DeleteExpired(int64_t id);
  std::string PathOf(int64_t id, bool compact) const;

  Fs& fs_;
  Clock& clock_;
  const std::string directory_, failpoint_;
  const CompactibleLogConf conf_;
  int64_t interval_;
  std::map<int64_t, Entry> ids_;
  bool has_hadoop_checksums_ = false;
};

// The interval that goes with the compacted entries that are there, whatever the settings say now: as CompactibleFileStreamLog derives it.
int64_t DeriveCompactInterval(int64_t default_interval, const std::vector<int64_t>& compacted_ids);

}  // namespace millstream
