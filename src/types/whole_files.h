#pragma once

// whole_files.h   Files that become a table's as they are, and nobody reads their rows (docs/zero_copy.md): what travels in the place of the rows, and what
// has become of each file.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace millstream {

enum class WholeFileMode { kCopy, kLink };

// A file whose footer was checked: each of its columns is one of the table's.
struct WholeFile {
  std::string path;         // raw
  int32_t source_file = 0;  // its number in kSourceFileColumn
  int64_t rows = 0;
  // As the file was that was looked at: what has others by now is another file.
  int64_t size_bytes = 0, modified_ns = 0;
  uint64_t inode = 0, device = 0;
  WholeFileMode mode = WholeFileMode::kCopy;
};

// The wish to take files as a whole, from who knows what the user wants, and what became of it in one read of files. Thread-safe.
class WholeFiles {
 public:
  explicit WholeFiles(WholeFileMode mode) : mode_(mode) {}
  WholeFileMode mode() const { return mode_; }

  void Take();
  void Refuse(const std::string& why);     // one file
  void RefuseAll(const std::string& why);  // all that are not counted otherwise

  int64_t taken() const;
  // Of `files` that were loaded, why so many were not taken: "2: it has no column id; 1: …". Empty: all were.
  std::string Refusals(int64_t files) const;

 private:
  const WholeFileMode mode_;
  mutable std::mutex mutex_;
  int64_t taken_ = 0;                       // GUARDED_BY(mutex_)
  std::map<std::string, int64_t> refused_;  // GUARDED_BY(mutex_)
  std::string all_refused_;                 // GUARDED_BY(mutex_)
};

}  // namespace millstream
