#pragma once

// source_runs.h   Which rows of a data file came from which source file: what stands in its Parquet footer (docs/formats/source_files.md), so that it is
// committed with the rows, copied with them and vacuumed with them. A file that others have rewritten does not have it.

#include <arrow/array.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/source_file_column.h"

namespace millstream {

// Source files by number, as the rows' column kSourceFileColumn counts them: raw, absolute paths.
using SourceFileNames = std::shared_ptr<const std::vector<std::string>>;

// Behind the path of a source file: its rows that RETRY QUARANTINE has loaded. They leave the table and come back with the others, but no load has counted
// them.
inline constexpr std::string_view kRetriedMark{"\0retried", 8};

// Rows that lie together in a data file.
struct SourceRun {
  int32_t file = -1;  // number of the source file; -1: not known
  int64_t rows = 0;
  bool operator==(const SourceRun&) const = default;
};

// Of one data file, all its rows in order.
struct SourceRuns {
  std::vector<std::string> paths;
  std::vector<SourceRun> runs;  // numbers are places in `paths`
};

// The value under kSourceFilesKey. Empty: no row has a known source, and there is nothing to write down.
std::string EncodeSourceRuns(const SourceRuns& runs);
// nullopt: damaged, of a later version, or not for a file of `rows` rows.
std::optional<SourceRuns> DecodeSourceRuns(std::string_view value, int64_t rows);

// Counts the rows that go into one data file.
class SourceRunCounter {
 public:
  void Add(int32_t file, int64_t rows = 1) {
    if (runs_.empty() || runs_.back().file != file) runs_.push_back({file, 0});
    runs_.back().rows += rows;
  }
  // A whole column kSourceFileColumn.
  void Add(const arrow::Int32Array& files);
  const std::vector<SourceRun>& runs() const { return runs_; }
  // With the names of those that occur, and with numbers among these.
  SourceRuns Named(const std::vector<std::string>& names) const;

 private:
  std::vector<SourceRun> runs_;
};

}  // namespace millstream
