#pragma once

// file_listing.h   The files below load paths as Spark's own readers see them: globs name by name, partition directories, and the log of a file sink in
// place of a listing where there is one.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/partition_paths.h"
#include "formats/file_format.h"
#include "formats/path_glob.h"
#include "storage/fs.h"

namespace millstream {

struct FileSelection {
  std::optional<NameGlob> name_filter;
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  std::optional<std::string> start_after;  // as the user wrote it
  std::optional<std::string> base_path;  // raw; where partition directories begin
  bool all_below = false;                // recursiveFileLookup: no partitions
  bool ignore_sink_log = false;
  bool skip_unfinished = false;  // names of uploads that have not ended
};

// Of the options pathGlobFilter, modifiedAfter, modifiedBefore, startAfter, basePath, recursiveFileLookup.
Result<FileSelection> ParseFileSelection(const OptionMap& options, const std::string& time_zone);

// A file, and the directory from which its partition directories count.
struct FoundFile {
  InputFile file;
  std::string root;
  bool direct = false;  // lies in the root itself
};

struct FoundFiles {
  std::vector<FoundFile> files;  // by path, also those in directories that are no partitions
  bool from_sink_log = false;
};

// Of one who looks again and again and skips what it knows: directories in which there was nothing else, and which have not changed since, are not listed.
// As in FileDiscovery, everything is listed in full every second, or every hundred times what that takes: a wrong directory time costs latency, never a file.
struct ListingMemory {
  Clock& clock;
  DirectoryMemory directories{};
  int64_t last_full_us = INT64_MIN, full_took_us = 0;
};

// `skip`: paths that are of no interest, before they cost a stat; what is skipped once is skipped for ever. PATH_NOT_FOUND when there is nothing by that name.
Result<FoundFiles> FindFiles(Fs& fs, const std::string& path, const FileSelection& selection, const std::function<bool(const std::string& path)>& skip = {},
                             ListingMemory* memory = nullptr);

// Spark: files in partition directories, or else only the files that lie in the given directories themselves. Columns as the paths say, and
// values for them in the files. Error: directories that contradict each other.
Result<StructType> TakePartitions(std::vector<FoundFile>& files, const FileSelection& selection, const std::string& shown_path);

struct FileSchemas {
  StructType data, partition;
  std::string rescued_column;
  StructType all;  // data, rescued column, partitions; all nullable
};
// What the columns are, by the user's schema or else by what the files hold (`inferred`).
FileSchemas CombineFileSchemas(const StructType& data, const StructType& partitions, bool is_user_schema, std::string rescued_column);

}  // namespace millstream
