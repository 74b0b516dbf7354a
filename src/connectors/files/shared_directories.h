#pragma once

// shared_directories.h   One reading of a directory for all who want its names at the same time: streams and COPY INTO statements of one server.
//
// Everyone walks the tree at a pace of its own, with its own globs, filters and ledger; what is shared are the names of one directory, as the file system
// gave them, for a few seconds and within a few megabytes. A reading serves those who asked before it began: whatever was there when they asked is in it. One
// that was under way when they asked does not, but those who ask meanwhile wait for its end and share the next one. A reading that fails, fails for all who wait
// for it, and is kept for nobody. Directories of very many names are read by each for itself, in parts.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "connectors/files/quiet_times.h"
#include "storage/fs.h"
#include "storage/name_reader.h"

namespace millstream {

// Which readings of a directory serve.
struct NamesWanted {
  uint64_t began_after = 0;  // a moment (quiet_times.h)
  // Not zero: also one that began so long ago at most, of a directory whose times are now what they were, if these were settled by then.
  int64_t age_ms_max = 0;
};

struct SharedNames {
  std::unique_ptr<NameReader> reader;
  bool is_shared = false;  // somebody else has read them
  FileInfo info;           // of the directory, from before it was read
  int64_t began_ms = 0;    // wall time, before it was read
};

// Thread-safe.
class SharedDirectories {
 public:
  static constexpr size_t kBytesMax = 8 << 20, kDirectoryBytesMax = 4 << 20;  // 4 MiB: 100,000 names and more
  explicit SharedDirectories(Clock& clock) : clock_(clock) {}
  // The process's, of the local file system; null for any other.
  static SharedDirectories* Of(const Fs& fs);

  // Somebody who lists what lies below `base`, until its end.
  class Member {
   public:
    Member(SharedDirectories& all, std::string base);
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    // Whether somebody else lists the same directories. Nothing is worth keeping for nobody.
    bool HasPeers() const;

   private:
    SharedDirectories& all_;
    const std::string base_;
  };
  std::unique_ptr<Member> Join(std::string base) { return std::make_unique<Member>(*this, std::move(base)); }

  // As NameReader::Open, of a directory that was `looked` at just now.
  Result<SharedNames> Open(Fs& fs, const std::string& path, const FileInfo& looked, const NamesWanted& wanted);

  QuietTimes& quiet_times() { return quiet_times_; }

 private:
  struct Reading {
    explicit Reading(const FileInfo& looked) : info(looked) {}
    const FileInfo info;  // from before it began
    uint64_t began = 0;
    int64_t began_ms = 0, began_us = 0;
    std::string names;     // packed
    bool is_whole = true;  // otherwise the directory has too many
    bool is_done = false;  // GUARDED_BY(mutex_), as is the status
    Status status;
  };
  using ReadingPtr = std::shared_ptr<Reading>;
  class PackedNames;
  static bool Serves(const Reading& reading, const FileInfo& looked, const NamesWanted& wanted, int64_t now_us);
  Result<SharedNames> Lead(Fs& fs, const std::string& path, const ReadingPtr& reading);
  Result<SharedNames> ReadAlone(Fs& fs, const std::string& path, const FileInfo& looked);
  static SharedNames NamesOf(const ReadingPtr& reading, std::unique_ptr<NameReader> rest, bool is_shared);
  void Keep(const std::string& path, const ReadingPtr& reading);
  void DropOld();

  Clock& clock_;
  QuietTimes quiet_times_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable done_;
  std::vector<const Member*> members_;
  std::unordered_map<std::string, ReadingPtr> running_, kept_;
  std::deque<std::pair<std::string, ReadingPtr>> by_age_;
  size_t bytes_ = 0;  // of by_age_
};

}  // namespace millstream
