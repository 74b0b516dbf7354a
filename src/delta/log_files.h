#pragma once

// log_files.h   The names in `_delta_log`, and nothing else of it.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/fs.h"

namespace millstream {

std::string LogDirectory(std::string_view table_path);
std::string CommitPath(std::string_view table_path, int64_t version);
std::string ChecksumPath(std::string_view table_path, int64_t version);
std::string ClassicCheckpointPath(std::string_view table_path, int64_t version);
std::string LastCheckpointPath(std::string_view table_path);
// Where a data file named in the log lies: relative to the table, or anywhere when the URI is absolute.
Result<std::string> DataFilePath(std::string_view table_path, std::string_view uri);

// A checkpoint all of whose files are there. `files` are raw paths: one, or all parts.
struct CheckpointFiles {
  int64_t version = -1;
  enum class Kind { kClassic, kMultiPart, kV2Parquet, kV2Json } kind = Kind::kClassic;
  std::vector<std::string> files;
};

struct LogListing {
  std::set<int64_t> commits;
  std::vector<CheckpointFiles> checkpoints;  // complete ones, oldest first
  std::set<int64_t> checksums;
};

// Lists the log; names that the protocol does not know (Hadoop's .crc, temporaries, compacted files) are passed over.
// kFileNotFound when there is no log.
Result<LogListing> ListLog(Fs& fs, std::string_view table_path);

}  // namespace millstream
