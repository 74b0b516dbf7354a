#pragma once

// session_conf.h   spark.conf of one session: the settings that are known, with Spark's defaults, and whatever else a client sets.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace millstream {

enum class ConfType { kString, kBool, kInt, kLong, kTimeMs, kBytes };

struct ConfEntry {
  std::string_view key;
  ConfType type;
  std::string_view default_value;
  bool is_static = false;
};

// Sorted by key.
const std::vector<ConfEntry>& KnownConf();
const ConfEntry* FindKnownConf(std::string_view key);

// Thread-safe.
class SessionConf {
 public:
  // `overrides` are the server's own defaults (warehouse directory).
  explicit SessionConf(std::map<std::string, std::string> overrides);
  // CANNOT_MODIFY_STATIC_CONFIG, INVALID_CONF_VALUE.*
  Status Set(const std::string& key, const std::string& value);
  // Set value, else the default; nullopt: unknown and unset.
  std::optional<std::string> Get(const std::string& key) const;
  bool GetBool(const std::string& key) const;
  int64_t GetInt(const std::string& key) const;  // also durations, in ms
  void Unset(const std::string& key);
  void UnsetAll();
  // What has been set and the server's own, sorted.
  std::vector<std::pair<std::string, std::string>> All() const;
  static bool IsModifiable(const std::string& key);

 private:
  const std::map<std::string, std::string> overrides_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> set_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
