#pragma once

// directory_memory.h   What was seen of directories in earlier rounds, so that those that have not changed since need not be listed again.
//
// In memory only, and bounded in bytes: a directory that finds no room, or was forgotten, is listed each time. Directories go by a 128-bit hash of their
// paths, as names do (names_digest.h).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "connectors/files/names_digest.h"

namespace millstream {

// Not thread-safe.
class DirectoryMemory {
 public:
  static constexpr size_t kBytesMax = 6 << 20;  // about 50,000 directories that have none below them
  explicit DirectoryMemory(size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  struct Known {
    uint64_t device = 0, inode = 0;
    int64_t changed_ns = 0;
    std::vector<std::string> subdirectories;
    std::optional<NamesDigest> names;  // all of them are known, and need no look while it is they
    int64_t gone = 0;                  // what the memory of files had beyond them
  };
  std::optional<Known> Find(const std::string& path);
  // Of its names alone.
  std::optional<NamesDigest> FindNames(const std::string& path);
  // False: it finds no room.
  bool Remember(const std::string& path, const Known& known);
  void Forget(const std::string& path);
  void Clear();
  // A round has met every directory that there is: those that were neither found nor remembered in it are gone, and make room.
  void EndRound();

  size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    uint64_t device = 0, inode = 0;
    int64_t changed_ns = 0, gone = 0;
    std::string subdirectories;  // each with a NUL behind it
    std::optional<NamesDigest> names;
    uint32_t round = 0;  // in which it was met last
  };
  struct HashOf {
    size_t operator()(const NamesDigest& path) const { return path.low(); }
  };
  using KeptByPath = std::unordered_map<NamesDigest, Kept, HashOf>;
  static NamesDigest KeyOf(const std::string& path);
  static size_t BytesOf(const Kept& kept);
  Kept* Meet(const std::string& path);

  const size_t bytes_max_;
  size_t bytes_ = 0;
  uint32_t round_ = 0;
  KeptByPath kept_;
};

}  // namespace millstream
