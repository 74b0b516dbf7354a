#include "delta/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/uuid.h"

namespace millstream {
namespace {

constexpr size_t kVersionDigits = 20;

// Takes exactly `count` digits from the front.
std::optional<int64_t> TakeNumber(std::string_view& name, size_t count) {
  if (name.size() < count) return std::nullopt;
  int64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + count, number);
  if (error != std::errc() || end != name.data() + count || name[0] == '-') return std::nullopt;
  name.remove_prefix(count);
  return number;
}

bool TakePrefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

struct MultiPart {
  std::map<int64_t, std::string> parts;
};

}  // namespace

std::string LogDirectory(std::string_view table_path) { return JoinPath(table_path, "_delta_log"); }
std::string CommitPath(std::string_view table_path, int64_t version) { return JoinPath(LogDirectory(table_path), fmt::format("{:020}.json", version)); }
std::string ChecksumPath(std::string_view table_path, int64_t version) { return JoinPath(LogDirectory(table_path), fmt::format("{:020}.crc", version)); }
std::string ClassicCheckpointPath(std::string_view table_path, int64_t version) {
  return JoinPath(LogDirectory(table_path), fmt::format("{:020}.checkpoint.parquet", version));
}
std::string LastCheckpointPath(std::string_view table_path) { return JoinPath(LogDirectory(table_path), "_last_checkpoint"); }

Result<std::string> DataFilePath(std::string_view table_path, std::string_view uri) {
  if (uri.starts_with("/")) return DecodeUriPath(uri);
  // A scheme comes before any slash; a colon within a relative path is percent-encoded or behind a slash.
  size_t colon = uri.find(':');
  if (colon != std::string_view::npos && colon < uri.find('/')) {
    bool is_scheme = colon > 0 && std::all_of(uri.begin(), uri.begin() + colon,
                                              [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '.' || c == '-'; });
    if (is_scheme && uri.substr(colon + 1).starts_with("/")) return PathFromUri(uri);
  }
  return JoinPath(table_path, DecodeUriPath(uri));
}

Result<LogListing> ListLog(Fs& fs, std::string_view table_path) {
  std::string directory = LogDirectory(table_path);
  MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, fs.List(directory));
  LogListing listing;
  std::map<std::pair<int64_t, int64_t>, MultiPart> multi_parts;  // (version, number of parts)
  for (const DirectoryEntry& entry : entries) {
    std::string_view name = entry.name;
    std::optional<int64_t> version = TakeNumber(name, kVersionDigits);
    if (!version) continue;
    std::string path = JoinPath(directory, entry.name);
    if (name == ".json") {
      listing.commits.insert(*version);
    } else if (name == ".crc") {
      listing.checksums.insert(*version);
    } else if (name == ".checkpoint.parquet") {
      listing.checkpoints.push_back({*version, CheckpointFiles::Kind::kClassic, {path}});
    } else if (TakePrefix(name, ".checkpoint.")) {
      std::string_view rest = name;
      std::optional<int64_t> part = TakeNumber(rest, 10);
      if (part && TakePrefix(rest, ".")) {
        std::optional<int64_t> parts = TakeNumber(rest, 10);
        if (parts && rest == ".parquet") multi_parts[{*version, *parts}].parts[*part] = path;
        continue;
      }
      if (name.size() < 36 || !IsUuid(name.substr(0, 36))) continue;
      name.remove_prefix(36);
      if (name == ".json") listing.checkpoints.push_back({*version, CheckpointFiles::Kind::kV2Json, {path}});
      if (name == ".parquet") listing.checkpoints.push_back({*version, CheckpointFiles::Kind::kV2Parquet, {path}});
    }
  }
  for (auto& [key, found] : multi_parts) {
    auto [version, parts] = key;
    // Only a full set counts: a writer may have died between two parts.
    if (parts < 1 || static_cast<int64_t>(found.parts.size()) != parts || found.parts.begin()->first != 1 || found.parts.rbegin()->first != parts) continue;
    CheckpointFiles files{version, CheckpointFiles::Kind::kMultiPart, {}};
    for (auto& [number, path] : found.parts) files.files.push_back(path);
    listing.checkpoints.push_back(std::move(files));
  }
  std::stable_sort(listing.checkpoints.begin(), listing.checkpoints.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
  return listing;
}

}  // namespace millstream
