#include "connectors/delta/change_feed_source.h"

#include <algorithm>
#include <charconv>

#include "connectors/delta/predicates.h"
#include "delta/change_feed.h"
#include "delta/delta_errors.h"
#include "delta/delta_log.h"
#include "delta/value_text.h"

namespace millstream {
namespace {

class ChangeFeedSource : public BatchRelationSource {
 public:
  ChangeFeedSource(Fs& fs, std::string name, SnapshotPtr snapshot, StructType schema, std::vector<VersionChanges> changes)
      : fs_(fs), name_(std::move(name)), snapshot_(std::move(snapshot)), schema_(std::move(schema)), changes_(std::move(changes)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    return ReadChanges(fs_, snapshot_->table_path, snapshot_->metadata, changes_, needs.columns, PredicatesOf(needs.filters));
  }

 private:
  Fs& fs_;
  const std::string name_;
  const SnapshotPtr snapshot_;
  const StructType schema_;
  const std::vector<VersionChanges> changes_;
};

Result<std::optional<int64_t>> VersionOption(const OptionValues& options, const char* name) {
  std::optional<std::string> text = options.String(name);
  if (!text) return std::optional<int64_t>();
  int64_t version = 0;
  if (std::from_chars(text->data(), text->data() + text->size(), version).ptr != text->data() + text->size() || version < 0) {
    return Status::IllegalArgument("The option " + std::string(name) + " is '" + *text + "', and must be a version: a number from 0.");
  }
  return std::optional(version);
}

struct Bounds {
  int64_t first = 0, last = 0;
};

Result<Bounds> BoundsOf(DeltaLog& log, int64_t latest, const OptionValues& options, const std::string& time_zone) {
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> first, VersionOption(options, "startingVersion"));
  MS_ASSIGN_OR_RETURN(std::optional<int64_t> last, VersionOption(options, "endingVersion"));
  const std::optional<std::string> from = options.String("startingTimestamp"), to = options.String("endingTimestamp");
  if (first && from) return Status::Error(errors::kDeltaMultipleChangesBoundary, {{"startingOrEnding", "starting"}});
  if (last && to) return Status::Error(errors::kDeltaMultipleChangesBoundary, {{"startingOrEnding", "ending"}});
  if (!first && !from) return Status::Error(errors::kDeltaNoChangesStart);
  if (from || to) {
    MS_ASSIGN_OR_RETURN(std::vector<HistoryEntry> timeline, log.Timeline());
    auto at_or_after = [&](int64_t ms) {
      return std::lower_bound(timeline.begin(), timeline.end(), ms, [](const HistoryEntry& entry, int64_t time) { return entry.timestamp_ms < time; });
    };
    if (from) {
      MS_ASSIGN_OR_RETURN(int64_t ms, WallMillisOf(*from, time_zone));
      auto found = at_or_after(ms);
      // The log's own error names its last time.
      if (found == timeline.end()) return log.VersionAt(ms).status();
      first = found->version;
    }
    if (to) {
      MS_ASSIGN_OR_RETURN(int64_t ms, WallMillisOf(*to, time_zone));
      auto after = at_or_after(ms + 1);
      if (after == timeline.begin()) return log.VersionAt(ms).status();
      last = std::prev(after)->version;
    }
  }
  if (*first > latest) {
    return Status::Error(errors::kDeltaChangesStartAfterLatest, {{"start", std::to_string(*first)}, {"latest", std::to_string(latest)}});
  }
  if (last && *last < *first) return Status::Error(errors::kDeltaChangesRange, {{"start", std::to_string(*first)}, {"end", std::to_string(*last)}});
  return Bounds{*first, std::min(last.value_or(latest), latest)};
}

}  // namespace

Result<int64_t> WallMillisOf(const std::string& text, const std::string& time_zone) {
  Result<Value> micros = ParsePartitionText(text, DataType::Timestamp());
  if (!micros.ok()) return Status::Error(errors::kDeltaTimestampInvalid, {{"expr", text}});
  const bool has_zone = text.ends_with("Z") || text.find('+') != std::string::npos;
  if (!has_zone && time_zone != "UTC" && time_zone != "Etc/UTC") {
    return Status::Unsupported("The time '" + text + "' without a time zone while the session's is " + time_zone,
                               "Write it with an offset: 2026-01-02T03:04:05Z.");
  }
  return std::get<int64_t>(micros->held) / 1000;
}

Result<std::shared_ptr<const BatchRelationSource>> OpenChangeFeed(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open,
                                                                  const OptionValues& options) {
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  if (options.Has("versionAsOf") || options.Has("timestampAsOf")) return Status::Error(errors::kDeltaTimeTravelChanges);
  MS_ASSIGN_OR_RETURN(Bounds bounds, BoundsOf(*log, snapshot->version, options, open.time_zone));
  MS_ASSIGN_OR_RETURN(StructType schema, ChangeFeedSchema(snapshot->schema()));

  // Each version must have been written while the feed was on: that is so from a metaData action that says it, to one that does not.
  MS_ASSIGN_OR_RETURN(SnapshotPtr at_start, log->At(bounds.first));
  bool is_on = HasChangeFeed(*at_start->metadata);
  std::vector<VersionChanges> changes;
  int64_t earlier_ms = -1;
  for (int64_t version = bounds.first; version <= bounds.last; ++version) {
    MS_ASSIGN_OR_RETURN(DeltaLog::CommitAt commit, log->ReadVersion(version));
    if (commit.actions.metadata) is_on = HasChangeFeed(*commit.actions.metadata);
    if (!is_on) {
      return Status::Error(errors::kDeltaMissingChangeData, {{"startVersion", std::to_string(bounds.first)},
                                                             {"endVersion", std::to_string(bounds.last)},
                                                             {"version", std::to_string(version)},
                                                             {"key", "delta.enableChangeDataFeed"}});
    }
    // As in time travel, times grow with versions.
    earlier_ms = std::max(commit.timestamp_ms, earlier_ms + 1);
    MS_ASSIGN_OR_RETURN(VersionChanges of_version, ChangesOf(tables.fs(), path, commit.actions, version, earlier_ms));
    changes.push_back(std::move(of_version));
  }
  std::string name = open.name.empty() ? "delta.`" + path + "`" : open.name;
  return std::shared_ptr<const BatchRelationSource>(
      std::make_shared<ChangeFeedSource>(tables.fs(), std::move(name), std::move(snapshot), std::move(schema), std::move(changes)));
}

}  // namespace millstream
