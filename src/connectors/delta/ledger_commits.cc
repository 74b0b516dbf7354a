#include "connectors/delta/ledger_commits.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/calendar_interval.h"
#include "connectors/delta/change_feed_source.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/log_files.h"

namespace millstream {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

std::optional<int64_t> NumberIn(const nlohmann::json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  if (found->is_number_integer()) return found->get<int64_t>();
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<int64_t> RowsAdded(const CommitActions& actions) {
  // Files that hold rows of before: what is new in them no statistics tell.
  if (!actions.removes.empty()) return std::nullopt;
  int64_t rows = 0;
  for (const AddFilePtr& add : actions.adds) {
    const nlohmann::json stats = nlohmann::json::parse(add->stats, nullptr, false);
    std::optional<int64_t> records = stats.is_object() ? NumberIn(stats, "numRecords") : std::nullopt;
    if (!records) return std::nullopt;
    rows += *records - (add->deletion_vector ? add->deletion_vector->cardinality : 0);
  }
  return rows;
}

LedgerCommit Describe(const DeltaLog::CommitAt& commit, int64_t version, int64_t epoch) {
  LedgerCommit described{.version = version, .epoch = epoch, .timestamp_ms = commit.timestamp_ms, .rows_added = RowsAdded(commit.actions)};
  if (!commit.actions.commit_info) return described;
  const nlohmann::json info = nlohmann::json::parse(commit.actions.commit_info->json, nullptr, false);
  if (!info.is_object()) return described;
  if (auto operation = info.find("operation"); operation != info.end() && operation->is_string()) described.operation = operation->get<std::string>();
  if (auto metrics = info.find("operationMetrics"); metrics != info.end() && metrics->is_object()) described.source_rows = NumberIn(*metrics, "numSourceRows");
  return described;
}

}  // namespace

Status VisitCommitsOf(DeltaTables& tables, const std::string& path, const std::string& app_id,
                      const std::function<void(int64_t version, const DeltaLog::CommitAt& commit, int64_t txn_version)>& visit) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(LogListing listing, ListLog(log->fs(), path));
  for (int64_t version : listing.commits) {
    Result<DeltaLog::CommitAt> commit = log->ReadVersion(version);
    if (commit.status().Is(errors::kFileNotFound)) continue;  // cleaned up since
    if (!commit.ok()) return commit.status();
    for (const SetTransaction& txn : commit->actions.transactions) {
      if (txn.app_id == app_id) visit(version, *commit, txn.version);
    }
  }
  return Status();
}

Result<std::vector<LedgerCommit>> LedgerCommitsOf(DeltaTables& tables, const std::string& path) {
  std::vector<LedgerCommit> commits;
  MS_RETURN_IF_ERROR(VisitCommitsOf(tables, path, std::string(kFileLedgerAppId), [&](int64_t version, const DeltaLog::CommitAt& commit, int64_t epoch) {
    commits.push_back(Describe(commit, version, epoch));
    commits.back().path = CommitPath(path, version);
  }));
  std::sort(commits.begin(), commits.end(), [](const LedgerCommit& a, const LedgerCommit& b) { return a.version < b.version; });
  return commits;
}

Result<int64_t> LedgerEpochAt(DeltaTables& tables, const std::string& path, const OptionMap& options, const std::string& time_zone) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(OptionValues values, DeltaReadOptions().ParseKnown(options));
  std::optional<int64_t> version = values.Int("versionAsOf");
  const std::optional<std::string> timestamp = values.String("timestampAsOf");
  if (version && timestamp) return Status::IllegalArgument("Cannot specify both version and timestamp when time travelling the table.");
  if (timestamp) {
    MS_ASSIGN_OR_RETURN(int64_t wall_ms, WallMillisOf(*timestamp, time_zone));
    MS_ASSIGN_OR_RETURN(version, log->VersionAt(wall_ms));
  }
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, version ? log->At(*version) : log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  return snapshot->TransactionVersion(kFileLedgerAppId).value_or(0);
}

int64_t LedgerRetentionMs(const std::optional<std::string>& log_retention) {
  std::optional<CalendarInterval> interval = ParseCalendarInterval(log_retention.value_or("interval 30 days"));
  std::optional<int64_t> us = interval ? interval->Micros() : std::nullopt;
  return std::max(us.value_or(0) / 1000, 7 * kDayMs);
}

}  // namespace millstream
