#pragma once

// file_lister.h   The files below a directory, one directory at a time, by names alone.
//
// Depth first; in a directory first its files by name (bytes), then its sub-directories by name. Nothing is stat'ed but symlinks and directories. Memory: the
// names of one directory (about 45 bytes each) and the sub-directory names on the way to it. A directory of more than names_at_once names comes in parts,
// each of which is sorted: its first files are there before its last are read.
//
// Left out, and counted: names that start with '.' or '_' (Spark's rule; "_x=1" is a partition, not hidden), names of uploads that have not ended, symlink
// loops, dangling symlinks, FIFOs, sockets and devices. A directory that cannot be listed is an error that names it: leaving it out would lose files silently.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/files/path_glob.h"
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
  int64_t directories_listed = 0, directories_unchanged = 0;
  int64_t hidden = 0, unfinished = 0, special = 0, symlink_loops = 0, dangling = 0, filtered = 0;
};

// What was seen of directories in earlier rounds, so that those that have not changed since need not be listed again. In memory only.
class DirectoryMemory {
 public:
  struct Known {
    uint64_t device = 0, inode = 0;
    int64_t changed_ns = 0;
    std::vector<std::string> subdirectories;
  };
  const Known* Find(const std::string& path) const;
  void Remember(const std::string& path, Known known);
  void Forget(const std::string& path) { known_.erase(path); }
  void Clear() { known_.clear(); }
  // All of them; none when there are more than `count_max`.
  std::vector<std::string> Paths(size_t count_max) const;

 private:
  static constexpr size_t kDirectoriesMax = 50'000;  // about 10 MB; directories beyond are listed each time
  std::unordered_map<std::string, Known> known_;
};

struct ListerOptions {
  PathGlob glob;
  std::optional<NameGlob> name_filter;  // pathGlobFilter
  bool skip_unfinished = true;          // "._COPYING_", ".crdownload", ".part" …: Auto Loader's; Spark's own readers read them
  int64_t names_at_once = 200'000;      // about 10 MB, and a tenth of a second
};

struct ListedDirectory {
  std::string path;
  bool unchanged = false;                // since it was remembered; `names` is empty then
  bool is_first = true, is_last = true;  // of its parts
  NameTable names;                       // files and symlinks to files, sorted
  std::vector<std::string> subdirectories;
  FileInfo info;  // from before it was listed
};

// Not thread-safe.
class FileLister {
 public:
  // `memory` may be null. Both must outlive the lister.
  FileLister(Fs& fs, const ListerOptions& options, const DirectoryMemory* memory);
  // nullopt at the end. PATH_NOT_FOUND when the base is missing.
  Result<std::optional<ListedDirectory>> Next();
  const ListerCounts& counts() const { return counts_; }

 private:
  struct Level {
    std::string path;
    std::vector<std::string> subdirectories;
    size_t next = 0;
    uint64_t device = 0, inode = 0;
  };
  Result<std::optional<ListedDirectory>> Enter(std::string path);
  Result<std::optional<ListedDirectory>> NextPart();
  Status ListInto(ListedDirectory& listed);

  Fs& fs_;
  const ListerOptions& options_;
  const DirectoryMemory* memory_;
  bool started_ = false;
  std::vector<Level> levels_;
  std::unique_ptr<NameReader> reader_;  // of a directory of which a part has been listed
  ListedDirectory parts_;               // what is common to its parts
  ListerCounts counts_;
};

// Spark's rule for names that no reader looks at.
bool IsHiddenName(std::string_view name);
// Names under which browsers, Hadoop and transfer tools write files that have not ended yet.
bool IsUnfinishedName(std::string_view name);

}  // namespace millstream
