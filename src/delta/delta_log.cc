#include "delta/delta_log.h"

#include <algorithm>

#include "base/uuid.h"
#include "delta/action_json.h"
#include "delta/checkpoint_reader.h"
#include "delta/conflict.h"
#include "delta/delta_errors.h"
#include "delta/features.h"
#include "delta/log_files.h"
#include "delta/log_maintenance.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

constexpr char kEngineInfo[] = "millstream/0.1.0";
// More than this in a row means that something else is wrong.
constexpr int kCommitAttemptsMax = 1000;

Status NotContiguous(const std::string& table_path, int64_t before, int64_t after) {
  return Status::Error(errors::kDeltaVersionsNotContiguous, {{"versionList", std::to_string(before) + ", " + std::to_string(after)}, {"path", table_path}});
}

std::string CommitInfoJson(const CommitRequest& request, int64_t timestamp_ms, int64_t in_commit_timestamp_ms, const std::string& txn_id) {
  std::string json = "{";
  if (in_commit_timestamp_ms >= 0) json += "\"inCommitTimestamp\":" + std::to_string(in_commit_timestamp_ms) + ",";
  json += "\"timestamp\":" + std::to_string(timestamp_ms) + ",\"operation\":";
  AppendJsonString(json, request.operation);
  auto append_pairs = [&json](const std::vector<std::pair<std::string, std::string>>& pairs) {
    json += '{';
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0) json += ',';
      AppendJsonString(json, pairs[i].first);
      json += ':';
      AppendJsonString(json, pairs[i].second);
    }
    json += '}';
  };
  json += ",\"operationParameters\":";
  append_pairs(request.parameters);
  if (request.read) json += ",\"readVersion\":" + std::to_string(request.read->version);
  const bool is_blind_append = !request.reads_whole_table && !request.would_read && request.actions.removes.empty();
  json += ",\"isolationLevel\":\"Serializable\",\"isBlindAppend\":";
  json += is_blind_append ? "true" : "false";
  json += ",\"operationMetrics\":";
  append_pairs(request.metrics);
  if (request.user_metadata) {
    json += ",\"userMetadata\":";
    AppendJsonString(json, *request.user_metadata);
  }
  json += ",\"engineInfo\":\"";
  json += kEngineInfo;
  json += "\",\"txnId\":\"" + txn_id + "\"}";
  return json;
}

TransactionFacts FactsOf(const CommitRequest& request) {
  TransactionFacts facts{.changes_metadata = request.actions.metadata.has_value(),
                         .changes_protocol = request.actions.protocol.has_value(),
                         .reads_whole_table = request.reads_whole_table,
                         .would_read = request.would_read,
                         .read_keys = request.read_keys};
  for (const SetTransaction& txn : request.actions.transactions) facts.app_ids.insert(txn.app_id);
  for (const DomainMetadata& domain : request.actions.domains) facts.domains.insert(domain.domain);
  for (const RemoveFilePtr& remove : request.actions.removes) facts.removed_keys.insert(FileKey(remove->path, remove->deletion_vector));
  return facts;
}

// Everything after the commitInfo line: the same on every attempt.
std::string BodyOf(const CommitActions& actions) {
  std::string body;
  if (actions.protocol) AppendAction(body, *actions.protocol);
  if (actions.metadata) AppendAction(body, *actions.metadata);
  for (const SetTransaction& txn : actions.transactions) AppendAction(body, txn);
  for (const DomainMetadata& domain : actions.domains) AppendAction(body, domain);
  for (const RemoveFilePtr& remove : actions.removes) AppendAction(body, *remove);
  for (const AddFilePtr& add : actions.adds) AppendAction(body, *add);
  for (const ChangeFilePtr& change : actions.changes) AppendAction(body, *change);
  return body;
}

}  // namespace

DeltaLog::DeltaLog(Fs& fs, Clock& clock, LogMaintenance& maintenance, std::string table_path, const RowRulesMaker* rules)
    : fs_(fs), clock_(clock), maintenance_(maintenance), table_path_(std::move(table_path)), rules_(rules) {}

Result<RowRulesPtr> DeltaLog::RulesOf(const Metadata& table, const RuleConf& conf) const {
  const std::string why = WhyRowsAreLookedAt(table);
  if (why.empty()) return RowRulesPtr();
  if (rules_ == nullptr) return Status::Unsupported("Writing to the table " + table_path_ + ": " + why);
  return rules_->Make(table, conf);
}

Result<SnapshotPtr> DeltaLog::Update() {
  std::lock_guard lock(mutex_);
  return UpdateLocked();
}

Result<SnapshotPtr> DeltaLog::Current() {
  std::lock_guard lock(mutex_);
  if (current_) return current_;
  return UpdateLocked();
}

void DeltaLog::Forget() {
  std::lock_guard lock(mutex_);
  current_ = nullptr;
}

Status DeltaLog::SyncLog() {
  Status synced = fs_.SyncDirectory(LogDirectory(table_path_));
  if (synced.Is(errors::kFileNotFound) || synced.error_number() == ENOENT) return Status();
  return synced;
}

Result<SnapshotPtr> DeltaLog::UpdateLocked() {
  if (current_) {
    MS_ASSIGN_OR_RETURN(bool is_same, IsSameTableLocked());
    if (is_same) {
      MS_RETURN_IF_ERROR(ReadNewCommitsLocked().status());
      return current_;
    }
    current_ = nullptr;
  }
  MS_ASSIGN_OR_RETURN(SnapshotPtr loaded, LoadLocked(std::nullopt));
  if (!loaded) return SnapshotPtr();
  MS_RETURN_IF_ERROR(RememberLocked(loaded));
  return loaded;
}

Result<bool> DeltaLog::IsSameTableLocked() {
  Result<FileInfo> info = fs_.Stat(CommitPath(table_path_, current_->version));
  if (!info.ok()) {
    if (info.status().Is(errors::kFileNotFound)) return false;
    return info.status();
  }
  return info->inode == last_commit_inode_ && info->modified_ns == last_commit_modified_ns_;
}

Status DeltaLog::RememberLocked(SnapshotPtr snapshot) {
  current_ = std::move(snapshot);
  Result<FileInfo> info = fs_.Stat(CommitPath(table_path_, current_->version));
  last_commit_inode_ = info.ok() ? info->inode : 0;  // 0: only a checkpoint is left; the next Update looks at everything again
  last_commit_modified_ns_ = info.ok() ? info->modified_ns : 0;
  return Status();
}

Result<CommitActions> DeltaLog::ReadCommit(int64_t version) {
  std::string path = CommitPath(table_path_, version);
  MS_ASSIGN_OR_RETURN(std::string bytes, fs_.ReadFile(path));
  return ParseActions(std::move(bytes), path);
}

Result<DeltaLog::CommitAt> DeltaLog::ReadVersion(int64_t version) {
  CommitAt commit;
  MS_ASSIGN_OR_RETURN(commit.actions, ReadCommit(version));
  if (commit.actions.commit_info && commit.actions.commit_info->in_commit_timestamp_ms) {
    commit.timestamp_ms = *commit.actions.commit_info->in_commit_timestamp_ms;
    return commit;
  }
  MS_ASSIGN_OR_RETURN(FileInfo info, fs_.Stat(CommitPath(table_path_, version)));
  commit.timestamp_ms = info.modified_ns / 1000000;
  return commit;
}

Result<bool> DeltaLog::ReadNewCommitsLocked() {
  std::vector<CommitActions> commits;
  for (;;) {
    Result<CommitActions> commit = ReadCommit(current_->version + 1 + static_cast<int64_t>(commits.size()));
    if (!commit.ok()) {
      if (commit.status().Is(errors::kFileNotFound)) break;
      return commit.status();
    }
    commits.push_back(std::move(commit).value());
  }
  if (commits.empty()) return false;
  SnapshotBuilder builder(*current_);
  int64_t version = current_->version;
  for (CommitActions& commit : commits) builder.ApplyCommit(std::move(commit), ++version);
  Result<FileInfo> info = fs_.Stat(CommitPath(table_path_, version));
  MS_ASSIGN_OR_RETURN(SnapshotPtr next, builder.Finish(info.ok() ? info->modified_ns / 1000000 : clock_.WallMillis()));
  MS_RETURN_IF_ERROR(CheckReadable(next->protocol, *next->metadata, table_path_));
  MS_RETURN_IF_ERROR(RememberLocked(std::move(next)));
  return true;
}

Result<SnapshotPtr> DeltaLog::LoadLocked(std::optional<int64_t> wanted) {
  Result<LogListing> listed = ListLog(fs_, table_path_);
  if (!listed.ok()) {
    if (listed.status().Is(errors::kFileNotFound)) return SnapshotPtr();
    return listed.status();
  }
  LogListing& listing = *listed;
  if (listing.commits.empty() && listing.checkpoints.empty()) return SnapshotPtr();
  int64_t newest = std::max(listing.commits.empty() ? -1 : *listing.commits.rbegin(), listing.checkpoints.empty() ? -1 : listing.checkpoints.back().version);
  int64_t version = wanted.value_or(newest);
  int64_t earliest = listing.commits.empty() ? newest : *listing.commits.begin();
  if (earliest != 0) {
    // Without version 0, only versions from the first checkpoint on can be built.
    earliest = listing.checkpoints.empty() ? newest + 1 : listing.checkpoints.front().version;
  }
  if (wanted && (version > newest || version < earliest)) {
    return Status::Error(errors::kDeltaVersionNotFound,
                         {{"userVersion", std::to_string(version)}, {"earliest", std::to_string(earliest)}, {"latest", std::to_string(newest)}});
  }

  std::optional<SnapshotBuilder> builder;
  int64_t applied = -1;
  Status checkpoint_error;
  for (auto checkpoint = listing.checkpoints.rbegin(); checkpoint != listing.checkpoints.rend() && !builder; ++checkpoint) {
    if (checkpoint->version > version) continue;
    Result<CommitActions> actions = ReadCheckpoint(fs_, table_path_, *checkpoint);
    if (actions.ok() && (!actions->protocol || !actions->metadata)) {
      actions = Status::Error(errors::kDeltaLogCorrupt, {{"path", checkpoint->files[0]}, {"reason", "the checkpoint has no protocol or no metaData"}});
    }
    if (!actions.ok()) {
      // A broken checkpoint costs time, not the table, as long as older files lead to the same state.
      if (checkpoint_error.ok()) checkpoint_error = actions.status();
      continue;
    }
    builder.emplace(table_path_);
    builder->ApplyCheckpoint(std::move(actions).value(), checkpoint->version);
    applied = checkpoint->version;
  }
  if (!builder) builder.emplace(table_path_);
  for (int64_t next = applied + 1; next <= version; ++next) {
    if (listing.commits.count(next) == 0) {
      if (!checkpoint_error.ok()) return checkpoint_error;
      auto after = listing.commits.upper_bound(next);
      return NotContiguous(table_path_, next - 1, after == listing.commits.end() ? version : *after);
    }
    MS_ASSIGN_OR_RETURN(CommitActions commit, ReadCommit(next));
    builder->ApplyCommit(std::move(commit), next);
  }
  Result<FileInfo> info = fs_.Stat(CommitPath(table_path_, version));
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, builder->Finish(info.ok() ? info->modified_ns / 1000000 : 0));
  MS_RETURN_IF_ERROR(CheckReadable(snapshot->protocol, *snapshot->metadata, table_path_));
  return snapshot;
}

Result<SnapshotPtr> DeltaLog::At(int64_t version) {
  std::lock_guard lock(mutex_);
  if (current_ && current_->version == version) {
    MS_ASSIGN_OR_RETURN(bool is_same, IsSameTableLocked());
    if (is_same) return current_;
  }
  return LoadLocked(version);
}

Result<std::vector<HistoryEntry>> DeltaLog::History(std::optional<int64_t> limit) {
  MS_ASSIGN_OR_RETURN(LogListing listing, ListLog(fs_, table_path_));
  std::vector<HistoryEntry> history;
  for (auto version = listing.commits.rbegin(); version != listing.commits.rend(); ++version) {
    if (limit && static_cast<int64_t>(history.size()) >= *limit) break;
    HistoryEntry entry{.version = *version};
    MS_ASSIGN_OR_RETURN(CommitActions commit, ReadCommit(*version));
    if (commit.commit_info) entry.commit_info_json = commit.commit_info->json;
    if (commit.commit_info && commit.commit_info->in_commit_timestamp_ms) {
      entry.timestamp_ms = *commit.commit_info->in_commit_timestamp_ms;
    } else {
      MS_ASSIGN_OR_RETURN(FileInfo info, fs_.Stat(CommitPath(table_path_, *version)));
      entry.timestamp_ms = info.modified_ns / 1000000;
    }
    history.push_back(std::move(entry));
  }
  return history;
}

Result<std::vector<HistoryEntry>> DeltaLog::Timeline() {
  MS_ASSIGN_OR_RETURN(std::vector<HistoryEntry> history, History(std::nullopt));
  std::reverse(history.begin(), history.end());
  // File times may go back; versions may not: each is at least a millisecond after the one before.
  for (size_t i = 1; i < history.size(); ++i) history[i].timestamp_ms = std::max(history[i].timestamp_ms, history[i - 1].timestamp_ms + 1);
  return history;
}

Result<int64_t> DeltaLog::VersionAt(int64_t wall_ms) {
  MS_ASSIGN_OR_RETURN(std::vector<HistoryEntry> history, Timeline());
  if (history.empty()) return Status::Error(errors::kDeltaTableNotFound, {{"path", table_path_}});
  if (wall_ms < history.front().timestamp_ms) {
    const std::string earliest = FormatIso8601Millis(history.front().timestamp_ms);
    return Status::Error(errors::kDeltaTimestampEarlier,
                         {{"userTimestamp", FormatIso8601Millis(wall_ms)}, {"commitTs", earliest}, {"timestampString", earliest}});
  }
  if (wall_ms > history.back().timestamp_ms) {
    const std::string latest = FormatIso8601Millis(history.back().timestamp_ms);
    return Status::Error(errors::kDeltaTimestampGreater,
                         {{"providedTimestamp", FormatIso8601Millis(wall_ms)}, {"lastCommitTimestamp", latest}, {"maximumTimestamp", latest}});
  }
  auto after = std::upper_bound(history.begin(), history.end(), wall_ms, [](int64_t time, const HistoryEntry& entry) { return time < entry.timestamp_ms; });
  return std::prev(after)->version;
}

Result<SnapshotPtr> DeltaLog::Commit(CommitRequest request) {
  std::lock_guard lock(mutex_);
  if (!request.read) MS_RETURN_IF_ERROR(fs_.CreateDirectories(LogDirectory(table_path_)));
  if (current_) {
    MS_ASSIGN_OR_RETURN(bool is_same, IsSameTableLocked());
    // A table that was dropped and made anew must not get a version of the old one.
    if (!is_same) {
      current_ = nullptr;
      MS_RETURN_IF_ERROR(UpdateLocked().status());
    }
  }
  if (request.read && (!current_ || current_->metadata->id != request.read->metadata->id)) {
    return Status::Error(errors::kDeltaMetadataChanged, {{"version", std::to_string(current_ ? current_->version : -1)}});
  }
  const TransactionFacts facts = FactsOf(request);
  const std::string body = BodyOf(request.actions);
  const std::string txn_id = NewUuid();
  const Metadata& metadata = request.actions.metadata ? *request.actions.metadata : *request.read->metadata;
  const bool has_in_commit_timestamps = metadata.IsTrue("delta.enableInCommitTimestamps");
  int64_t previous_timestamp_ms = request.read ? request.read->in_commit_timestamp_ms : -1;

  int64_t checked = request.read ? request.read->version : -1;  // winners up to here do not conflict
  for (int attempt = 0; attempt < kCommitAttemptsMax; ++attempt) {
    // Winners that are known already, and after a lost race those that have come since.
    if (attempt > 0 && current_) MS_RETURN_IF_ERROR(ReadNewCommitsLocked().status());
    if (attempt > 0 && !current_) MS_RETURN_IF_ERROR(UpdateLocked().status());
    int64_t newest = std::max(checked, current_ ? current_->version : -1);
    for (int64_t version = checked + 1; version <= newest; ++version) {
      MS_ASSIGN_OR_RETURN(CommitActions winner, ReadCommit(version));
      if (winner.commit_info && winner.commit_info->txn_id == txn_id) return current_;  // ours, after an unknown outcome
      MS_RETURN_IF_ERROR(CheckConflict(facts, winner, version));
      if (winner.commit_info && winner.commit_info->in_commit_timestamp_ms) previous_timestamp_ms = *winner.commit_info->in_commit_timestamp_ms;
    }
    checked = newest;

    const int64_t version = newest + 1;
    const int64_t now_ms = clock_.WallMillis();
    const int64_t in_commit_ms = has_in_commit_timestamps ? std::max(now_ms, previous_timestamp_ms + 1) : -1;
    std::string info = CommitInfoJson(request, now_ms, in_commit_ms, txn_id);
    std::string bytes = "{\"commitInfo\":" + info + "}\n" + body;
    Status published = Publish(fs_, CommitPath(table_path_, version), bytes, "delta.commit");
    if (published.Is(errors::kFileAlreadyExists)) continue;
    if (!published.ok()) {
      current_ = nullptr;  // the name may be there or not: memory is no longer to be trusted
      return published;
    }
    request.actions.commit_info = CommitInfo{.json = std::move(info), .timestamp_ms = now_ms, .txn_id = txn_id};
    if (in_commit_ms >= 0) request.actions.commit_info->in_commit_timestamp_ms = in_commit_ms;
    Result<SnapshotPtr> after = SnapshotPtr();
    if (!current_ && version == 0) {
      SnapshotBuilder builder(table_path_);
      builder.ApplyCommit(std::move(request.actions), version);
      after = builder.Finish(now_ms);
    } else if (current_ && current_->version == version - 1 && request.actions.removes.empty() && request.actions.domains.empty()) {
      after = AfterOwnCommit(*current_, std::move(request.actions), version, now_ms);
    } else if (current_ && current_->version == version - 1) {
      SnapshotBuilder builder(*current_);
      builder.ApplyCommit(std::move(request.actions), version);
      after = builder.Finish(now_ms);
    } else {
      current_ = nullptr;
      after = UpdateLocked();
    }
    if (!after.ok()) return after.status();
    MS_RETURN_IF_ERROR(RememberLocked(*after));
    maintenance_.AfterCommit(current_);
    return current_;
  }
  return Status::Error(errors::kDeltaConcurrentAppend, {{"version", std::to_string(checked)}}).While("committing to " + table_path_);
}

DeltaTables::DeltaTables(Fs& fs, Clock& clock) : fs_(fs), clock_(clock), maintenance_(std::make_unique<LogMaintenance>(fs, clock)) {}
DeltaTables::~DeltaTables() = default;

std::shared_ptr<DeltaLog> DeltaTables::Log(const std::string& table_path) {
  std::string key = table_path;
  while (key.size() > 1 && key.back() == '/') key.pop_back();
  std::lock_guard lock(mutex_);
  std::shared_ptr<DeltaLog>& log = logs_[key];
  if (!log) log = std::make_shared<DeltaLog>(fs_, clock_, *maintenance_, key, rules_);
  return log;
}

void DeltaTables::Drain() { maintenance_->Drain(); }

}  // namespace millstream
