#pragma once

// file_lister.h   The files below a directory, one directory at a time, by names alone.
//
// Depth first; in a directory first its files by name (bytes), then its sub-directories by name. Nothing is stat'ed but symlinks and directories. Memory: the
// names of one directory (about 45 bytes each) and the sub-directory names on the way to it. A directory of more than names_at_once names comes in parts,
// each of which is sorted: its first files are there before its last are read. With threads_ahead, the next directories are read meanwhile.
//
// What is left out: directory_reading.h, and symlinks that lead back to a directory above them. A directory that cannot be listed is an error that names it:
// leaving it out would lose files silently.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/files/directory_memory.h"
#include "connectors/files/directory_reading.h"
#include "connectors/files/read_ahead.h"

namespace millstream {

// A lister that takes names of directories which somebody else has read (shared_directories.h).
struct SharedListing {
  SharedDirectories* directories = nullptr;  // null: it reads all of them itself
  NamesWanted wanted = {};                   // of every directory, but for
  std::vector<uint64_t> told_at = {};        // roots: nothing has happened to each since that moment. Empty, or one for each of them
};

// Not thread-safe.
class FileLister {
 public:
  // kChanged: directories whose times are as remembered are not listed. kAll: they are, but need not be sorted when they hold the names that they held.
  enum class Scope { kChanged, kAll };
  // `memory` may be null. All must outlive the lister. With `roots`, of which none lies below another one, only what lies below them is listed; those that are
  // not there are passed over.
  FileLister(Fs& fs, const ListerOptions& options, DirectoryMemory* memory, Scope scope = Scope::kChanged, std::vector<std::string> roots = {},
             SharedListing shared = {});
  // nullopt at the end. PATH_NOT_FOUND when the base is missing.
  Result<std::optional<ListedDirectory>> Next();
  const ListerCounts& counts() const { return counts_; }

 private:
  struct Level {
    std::string path;
    std::vector<std::string> subdirectories;
    size_t next = 0, next_ahead = 0;
    uint64_t device = 0, inode = 0;
  };
  Result<std::optional<ListedDirectory>> Begin();
  void LookAbove(const std::string& root);
  Result<std::optional<ListedDirectory>> Enter(std::string path, const NamesWanted& wanted);
  Result<std::optional<ListedDirectory>> NextPart();
  bool MayHold(const std::string& directory) const;
  std::optional<NamesDigest> KnownNames(const std::string& path) const;
  void PlanAhead();

  Fs& fs_;
  const ListerOptions& options_;
  DirectoryMemory* memory_;
  const Scope scope_;
  std::vector<std::string> roots_;
  const SharedListing shared_;
  size_t next_root_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> above_;  // device and inode of the directories between the base and the root
  bool started_ = false;
  std::vector<Level> levels_;
  std::optional<DirectoryReading> reading_;  // a directory of which a part has been listed
  std::unique_ptr<ReadAhead> ahead_;         // null: not (yet) worth it
  ListerCounts counts_;
};

}  // namespace millstream
