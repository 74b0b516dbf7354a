#pragma once

// generated_fs.h   For benchmarks: a tree of as many files as one likes, none of which exists. Only what discovery asks for.

#include <charconv>
#include <string>
#include <vector>

#include "storage/fs.h"

namespace millstream {

// <root>/day=000007/part-000000007123.json …: `files` of them, `per_directory` in each directory.
class GeneratedFs : public Fs {
 public:
  GeneratedFs(std::string root, int64_t files, int64_t per_directory) : root_(std::move(root)), files_(files), per_directory_(per_directory) {}

  Result<FileInfo> Stat(const std::string& path) override {
    const bool is_file = path.ends_with(".json");
    return FileInfo{.path = path,
                    .size_bytes = is_file ? 1000 + static_cast<int64_t>(path.size() * static_cast<unsigned char>(path[path.size() - 6])) : 4096,
                    .modified_ns = kBegin + (is_file ? static_cast<int64_t>(std::hash<std::string>()(path) % 1'000'000'000'000) : 0),
                    .inode = std::hash<std::string>()(path),
                    .is_directory = !is_file,
                    .is_regular = is_file,
                    .device = 1,
                    .changed_ns = kBegin};
  }
  Result<std::vector<DirectoryEntry>> List(const std::string& directory) override {
    std::vector<DirectoryEntry> entries;
    if (directory == root_) {
      for (int64_t i = 0; i * per_directory_ < files_; ++i) entries.push_back({Name("day=", i, 6, ""), DirectoryEntry::Kind::kDirectory});
      return entries;
    }
    int64_t number = 0;
    const std::string text = directory.substr(directory.size() - 6);
    std::from_chars(text.data(), text.data() + text.size(), number);
    const int64_t begin = number * per_directory_;
    // In no order, as from a disk.
    for (int64_t i = 0; i < per_directory_ && begin + i < files_; ++i)
      entries.push_back({Name("part-", begin + i * 7919 % per_directory_, 12, ".json"), DirectoryEntry::Kind::kFile});
    return entries;
  }
  Result<bool> Exists(const std::string&) override { return true; }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string&) override { return No(); }
  Result<std::string> ReadFile(const std::string&, int64_t) override { return No(); }
  Status CreateDirectories(const std::string&) override { return No(); }
  std::vector<ReadSlot> ReadFiles(std::span<const std::string* const> paths, int64_t, std::string&) override { return std::vector<ReadSlot>(paths.size()); }
  Result<std::unique_ptr<PendingFile>> CreatePending(const std::string&) override { return No(); }
  Status SyncDirectory(const std::string&) override { return No(); }
  Status Remove(const std::string&) override { return No(); }
  Status RemoveRecursively(const std::string&) override { return No(); }
  Status Replace(const std::string&, std::string_view) override { return No(); }

 private:
  static constexpr int64_t kBegin = 1'700'000'000'000'000'000;
  static Status No() { return Status::Unsupported("A generated file system"); }
  static std::string Name(const char* before, int64_t number, size_t digits, const char* after) {
    std::string text = std::to_string(number);
    return before + std::string(digits - std::min(digits, text.size()), '0') + text + after;
  }

  const std::string root_;
  const int64_t files_, per_directory_;
};

}  // namespace millstream
