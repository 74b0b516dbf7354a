#include "connectors/files/compactible_log.h"

#include <algorithm>
#include <charconv>

#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

constexpr std::string_view kCompactSuffix = ".compact";
constexpr int64_t kEntryBytesMax = int64_t{2} << 30;

std::optional<int64_t> ParseId(std::string_view name) {
  int64_t id = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (name.empty() || error != std::errc() || end != name.data() + name.size() || id < 0) return std::nullopt;
  return id;
}

void SplitLines(std::string_view text, LogLines& lines) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

int64_t DeriveCompactInterval(int64_t default_interval, const std::vector<int64_t>& compacted_ids) {
  if (compacted_ids.empty()) return default_interval;
  std::vector<int64_t> ids = compacted_ids;
  std::sort(ids.begin(), ids.end());
  const int64_t latest = ids.back();
  if (ids.size() > 1) return latest - ids[ids.size() - 2];
  if (latest + 1 <= default_interval) return latest + 1;
  if (default_interval < (latest + 1) / 2) {
    // The smallest divisor that is not below the setting.
    for (int64_t divisor = default_interval; divisor <= (latest + 1) / 2; ++divisor)
      if ((latest + 1) % divisor == 0) return divisor;
  }
  return latest + 1;
}

CompactibleLog::CompactibleLog(Fs& fs, Clock& clock, std::string directory, std::string failpoint, CompactibleLogConf conf)
    : fs_(fs),
      clock_(clock),
      directory_(std::move(directory)),
      failpoint_(std::move(failpoint)),
      conf_(conf),
      interval_(std::max<int64_t>(conf.compact_interval, 1)) {}

Status CompactibleLog::Open() {
  MS_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
  MS_RETURN_IF_ERROR(ReadNames());
  // What a process that was killed has linked may not be synced, and is acted on from here.
  return ids_.empty() ? Status() : fs_.SyncDirectory(directory_);
}

Status CompactibleLog::OpenForRead() { return ReadNames(); }

Status CompactibleLog::ReadNames() {
  ids_.clear();
  Result<std::vector<DirectoryEntry>> entries = fs_.List(directory_);
  if (!entries.ok()) return entries.status().Is(errors::kFileNotFound) ? Status() : entries.status();
  std::vector<int64_t> compacted;
  for (const DirectoryEntry& entry : *entries) {
    std::string_view name = entry.name;
    const bool compact = name.ends_with(kCompactSuffix);
    if (compact) name.remove_suffix(kCompactSuffix.size());
    if (std::optional<int64_t> id = ParseId(name)) {
      (compact ? ids_[*id].compact : ids_[*id].plain) = true;
      if (compact) compacted.push_back(*id);
    } else if (name.ends_with(".crc")) {
      has_hadoop_checksums_ = true;
    }
  }
  interval_ = std::max<int64_t>(DeriveCompactInterval(std::max<int64_t>(conf_.compact_interval, 1), compacted), 1);
  return Status();
}

std::optional<int64_t> CompactibleLog::latest() const {
  if (ids_.empty()) return std::nullopt;
  return ids_.rbegin()->first;
}

std::string CompactibleLog::PathOf(int64_t id, bool compact) const {
  return JoinPath(directory_, std::to_string(id) + (compact ? std::string(kCompactSuffix) : ""));
}

// Without the version's line.
Result<std::string> CompactibleLog::TextOf(int64_t id, bool compact) const {
  const std::string path = PathOf(id, compact);
  MS_ASSIGN_OR_RETURN(std::string text, fs_.ReadFile(path, kEntryBytesMax));
  const size_t line_end = std::min(text.find('\n'), text.size());
  if (std::string_view(text).substr(0, line_end) != "v1")
    return Status::Error(errors::kFileLogUnreadable, {{"path", path}, {"reason", "its first line is not v1"}});
  text.erase(0, std::min(line_end + 1, text.size()));
  return text;
}

Result<LogLines> CompactibleLog::All() const {
  LogLines lines;
  if (ids_.empty()) return lines;
  auto at = ids_.end();
  while (at != ids_.begin() && !std::prev(at)->second.compact) --at;
  if (at != ids_.begin()) --at;
  int64_t expected = at->second.compact || conf_.may_start_late ? at->first : 0;
  for (; at != ids_.end(); ++at, ++expected) {
    if (at->first != expected)
      return Status::Error(errors::kFileLogUnreadable, {{"path", directory_}, {"reason", "its entry " + std::to_string(expected) + " is missing"}});
    MS_ASSIGN_OR_RETURN(std::string text, TextOf(at->first, at->second.compact));
    SplitLines(text, lines);
  }
  return lines;
}

Result<std::optional<LogLines>> CompactibleLog::Get(int64_t id) const {
  auto found = ids_.find(id);
  if (found == ids_.end()) return std::optional<LogLines>();
  MS_ASSIGN_OR_RETURN(std::string text, TextOf(id, !found->second.plain));
  LogLines lines;
  SplitLines(text, lines);
  return std::optional(std::move(lines));
}

Status CompactibleLog::Add(int64_t id, const LogLines& lines) {
  const Status taken = Status::Error(errors::kConcurrentFileLogUpdate, {{"batchId", std::to_string(id)}});
  if (ids_.contains(id)) return taken;
  // Spark looks for the entries before the first one too, unless that is a compacted one.
  const bool begins_late = ids_.empty() && id > 0 && conf_.may_start_late;
  if (begins_late) interval_ = DeriveCompactInterval(conf_.compact_interval, {id});
  const bool compact = IsCompaction(id) || begins_late;
  std::string text = "v1";
  auto add = [&](std::string_view line) {
    text += '\n';
    text += line;
  };
  if (compact) {
    MS_ASSIGN_OR_RETURN(LogLines all, All());
    for (const std::string& line : all) add(line);
  }
  for (const std::string& line : lines) add(line);
  Status published = Publish(fs_, PathOf(id, compact), text, failpoint_);
  if (published.Is(errors::kFileAlreadyExists)) return taken;
  MS_RETURN_IF_ERROR(published);
  (compact ? ids_[id].compact : ids_[id].plain) = true;
  return compact && conf_.deletes_expired ? DeleteExpired(id) : Status();
}

// Entries that a compacted one covers, once nobody can be reading them and no batch that may be run again needs them.
Status CompactibleLog::DeleteExpired(int64_t id) {
  std::optional<int64_t> oldest_kept;
  for (auto at = ids_.rbegin(); at != ids_.rend() && !oldest_kept; ++at)
    if (at->second.compact && at->first <= id - conf_.min_batches_to_retain) oldest_kept = at->first;
  if (!oldest_kept) return Status();
  const int64_t expired_ns = (clock_.WallMillis() - conf_.cleanup_delay_ms) * 1'000'000;
  while (ids_.begin()->first < *oldest_kept) {
    const auto [oldest, entry] = *ids_.begin();
    for (bool compact : {false, true}) {
      if (!(compact ? entry.compact : entry.plain)) continue;
      Result<FileInfo> info = fs_.Stat(PathOf(oldest, compact));
      if (info.ok() && info->modified_ns > expired_ns) return Status();
      MS_RETURN_IF_ERROR(fs_.Remove(PathOf(oldest, compact)));
      // A checksum that outlives its file would make Spark refuse the next file of that name.
      if (has_hadoop_checksums_) MS_RETURN_IF_ERROR(fs_.Remove(JoinPath(directory_, "." + std::to_string(oldest) + (compact ? ".compact.crc" : ".crc"))));
    }
    ids_.erase(ids_.begin());
  }
  return Status();
}

}  // namespace millstream
