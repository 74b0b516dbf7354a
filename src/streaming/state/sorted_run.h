#pragma once

// sorted_run.h   Sorted entries of one store in an immutable file: what does not fit into memory, and what a restart begins with. Blocks of a few
// kilobytes, then an index of their first keys and a Bloom filter; both stay in memory while the run is open.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "storage/fs.h"
#include "streaming/state/state_files.h"

namespace millstream::state_store {

class RunWriter {
 public:
  // `entries_max`: not more than so many will be added.
  static Result<std::unique_ptr<RunWriter>> Create(Fs& fs, const std::string& directory, int64_t entries_max);
  // Ascending keys; nullptr: removed.
  Status Add(std::string_view key, const std::string_view* value);
  int64_t entries() const { return run_.entries; }
  // Published, but its name is durable only after the next SyncDirectory.
  Result<SnapshotRun> Finish(int64_t number);

 private:
  RunWriter(std::string directory, std::unique_ptr<PendingFile> file, int64_t entries_max);
  Status EndBlock();

  std::string directory_;
  std::unique_ptr<PendingFile> file_;
  SnapshotRun run_;
  std::string block_, last_key_, index_;
  std::string filter_;
  int64_t blocks_ = 0;
};

enum class RunAnswer { kUnknown, kRemoved, kPresent };

// Not thread-safe. Outlived by its Fs.
class SortedRun {
 public:
  static Result<std::shared_ptr<SortedRun>> Open(Fs& fs, const std::string& directory, const SnapshotRun& run);

  const SnapshotRun& info() const { return info_; }
  int64_t memory_bytes() const { return memory_bytes_; }
  Result<RunAnswer> Get(std::string_view key, std::string* value);

  // Walks up from the first key that is not less than `begin`.
  class Cursor {
   public:
    Cursor(std::shared_ptr<SortedRun> run, std::string_view begin);
    // False at the end. The views hold until the next call.
    Result<bool> Next();
    std::string_view key() const { return key_; }
    std::string_view value() const { return value_; }
    bool removed() const { return removed_; }

   private:
    std::shared_ptr<SortedRun> run_;
    size_t block_;
    std::string begin_, bytes_, key_;
    std::string_view rest_, value_;
    bool removed_ = false;
  };

 private:
  struct Block {
    std::string first_key;
    int64_t offset;
    uint32_t size, crc;
  };
  SortedRun(std::unique_ptr<ReadableFile> file, std::string path, SnapshotRun info) : file_(std::move(file)), path_(std::move(path)), info_(info) {}
  Status Load();
  size_t BlockOf(std::string_view key) const;
  Status ReadBlock(size_t block, std::string* bytes);
  // Takes the next entry off `rest`; `key` holds the one before it.
  bool TakeEntry(std::string_view* rest, std::string* key, std::string_view* value, bool* removed) const;

  std::unique_ptr<ReadableFile> file_;
  std::string path_;
  SnapshotRun info_;
  std::vector<Block> index_;
  std::string filter_;
  int64_t memory_bytes_ = 0;
  size_t cached_block_ = SIZE_MAX;
  std::string cached_bytes_;
};

}  // namespace millstream::state_store
