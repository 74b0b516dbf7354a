#pragma once

// seen_files.h   Which files a file stream knows already, and from which age on it has forgotten them (Spark's SeenFilesMap).

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millstream {

class SeenFiles {
 public:
  SeenFiles(int64_t max_age_ms, bool file_name_only) : max_age_ms_(max_age_ms), file_name_only_(file_name_only) {}

  void Add(const std::string& path, int64_t modified_ms) {
    files_[Key(path)] = modified_ms;
    if (modified_ms > newest_ms_) newest_ms_ = modified_ms;
  }
  bool Contains(const std::string& path) const { return files_.contains(Key(path)); }
  // A file older than everything that was forgotten may have been seen: it does not count as new.
  bool IsNew(const std::string& path, int64_t modified_ms) const { return modified_ms >= forgotten_before_ms_ && !Contains(path); }
  // Forgets what is older than the newest file by more than the age.
  void Purge() {
    if (max_age_ms_ >= newest_ms_) return;  // nothing is as old as that
    forgotten_before_ms_ = newest_ms_ - max_age_ms_;
    if (forgotten_before_ms_ <= purged_to_ms_) return;
    purged_to_ms_ = forgotten_before_ms_;
    std::erase_if(files_, [this](const auto& file) { return file.second < forgotten_before_ms_; });
  }
  size_t size() const { return files_.size(); }

 private:
  std::string Key(const std::string& path) const { return file_name_only_ ? path.substr(path.rfind('/') + 1) : path; }

  const int64_t max_age_ms_;
  const bool file_name_only_;
  int64_t newest_ms_ = 0, forgotten_before_ms_ = 0, purged_to_ms_ = 0;
  std::unordered_map<std::string, int64_t> files_;
};

}  // namespace millstream
