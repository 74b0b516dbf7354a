#pragma once

// file_stream_options.h   The options of Spark's file stream source (FileStreamOptions), checked.

#include <cstdint>
#include <optional>
#include <string>

#include "base/option_table.h"

namespace millstream {

struct FileStreamOptions {
  std::optional<int64_t> files_max, bytes_max;  // a trigger; never both
  int64_t max_file_age_ms = int64_t{7} * 86'400 * 1000;
  bool latest_first = false;
  bool file_name_only = false;
  int64_t cached_files_max = 10000;
  double discard_cached_ratio = 0.2;
  enum class Clean { kOff, kDelete, kArchive } clean = Clean::kOff;
  std::string archive_directory;  // raw
};

const OptionTable& FileStreamOptionTable();
// Errors in Spark's words: "Invalid value '0' for option 'maxFilesPerTrigger', must be a positive integer".
Result<FileStreamOptions> ParseFileStreamOptions(const OptionMap& user);

}  // namespace millstream
