#pragma once

// directory_reading.h   The names in one directory that a reader of data may want, in parts when there are very many.
//
// Left out, and counted: names that start with '.' or '_' (Spark's rule; "_x=1" is a partition, not hidden), names of uploads that have not ended, dangling
// symlinks, FIFOs, sockets and devices.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/files/names_digest.h"
#include "connectors/files/shared_directories.h"
#include "connectors/files/start_key.h"
#include "formats/path_glob.h"
#include "storage/fs.h"
#include "storage/name_reader.h"

namespace millstream {

// Names of one directory, packed. Sorted on demand.
class NameTable {
 public:
  void Add(std::string_view name);
  void Sort();
  size_t size() const { return refs_.size(); }
  std::string_view operator[](size_t index) const { return {refs_[index].data, refs_[index].size}; }

 private:
  struct Ref {
    uint64_t prefix;  // the first eight bytes, big-endian: most comparisons end here
    const char* data;
    uint32_t size;
  };
  std::vector<Ref> refs_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0, next_block_ = 256;
};

struct ListerCounts {
  int64_t directories_listed = 0, directories_unchanged = 0, directories_shared = 0;  // shared: the names come from a reading of somebody else
  int64_t hidden = 0, unfinished = 0, special = 0, symlink_loops = 0, dangling = 0, filtered = 0;
  void Add(const ListerCounts& more);
};

struct ListerOptions {
  PathGlob glob;
  std::optional<NameGlob> name_filter;  // pathGlobFilter
  std::string start_after = {};         // startAfter, an absolute path (start_key.h); empty: none
  bool skip_unfinished = true;          // "._COPYING_", ".crdownload", ".part" …: Auto Loader's; Spark's own readers read them
  int64_t names_at_once = 100'000;      // about 5 MB, and a twentieth of a second
  int threads_ahead = 0;                // which read the next directories meanwhile; the file system must be thread-safe
};

struct ListedDirectory {
  std::string path;
  bool unchanged = false;                // since it was remembered; `names` is empty then
  bool same_names = false;               // it was listed, and holds the names that it held then: in no order, or not kept, when they are many
  bool is_first = true, is_last = true;  // of its parts
  NameTable names;                       // files and symlinks to files, sorted
  NamesDigest digest;                    // of the names, in all parts so far
  std::vector<std::string> subdirectories;
  FileInfo info;         // from before it was listed
  int64_t began_ms = 0;  // wall time from before it was listed; 0: the lister does not know
};

// One directory that is being read. Not thread-safe, but may be handed to another thread.
class DirectoryReading {
 public:
  // `known`: what it held when it was listed before. `shared`: null, or where a reading that is `wanted` may be had.
  DirectoryReading(Fs& fs, const ListerOptions& options, std::string path, std::optional<NamesDigest> known, SharedDirectories* shared = nullptr,
                   NamesWanted wanted = {})
      : fs_(&fs), options_(&options), known_(known), shared_(shared), wanted_(wanted) {
    listed_.path = std::move(path);
    last_left_out_ = LastNameLeftOut(options.start_after, listed_.path);
  }
  const std::string& path() const { return listed_.path; }

  // False: it is not there (any more), is no directory, or is a loop of symlinks, which is counted.
  Result<bool> Look();
  const FileInfo& info() const { return listed_.info; }
  // Opens it. False: it is not there any more.
  Result<bool> Open();
  // Reads until the part has `names_max` names or there are no more, and then sorts them, if they are not those that it held before.
  Status Read(int64_t names_max);
  // The part that has been read, which ends at names_at_once, and what was counted. Call again while it is not the last one.
  Result<ListedDirectory> TakePart();
  ListerCounts TakeCounts() { return std::exchange(counts_, {}); }

 private:
  Result<bool> Visit(int64_t names_max, bool keeps_names);
  bool WantsFile(std::string_view name);
  void Resolve(const std::string& name, bool keeps_names);
  Status Unreadable(const Status& status) const;
  // Whether the rest brings the directory to what it held before; if not, it is read once more.
  Status CompareTheRest();

  Fs* fs_;
  const ListerOptions* options_;
  std::optional<NamesDigest> known_;
  SharedDirectories* shared_;
  NamesWanted wanted_;
  std::string_view last_left_out_;      // of options_; empty: all names are wanted
  std::unique_ptr<NameReader> reader_;  // null: all has been read, or nothing yet
  ListedDirectory listed_;
  int64_t names_read_ = 0;  // of this part
  std::vector<std::string> subdirectories_;  // of all parts
  ListerCounts counts_;
};

// Spark's rule for names that no reader looks at.
bool IsHiddenName(std::string_view name);
// Names under which browsers, Hadoop and transfer tools write files that have not ended yet.
bool IsUnfinishedName(std::string_view name);

// A status for a directory that cannot be listed.
Status DirectoryUnreadable(const std::string& path, const Status& status);

}  // namespace millstream
