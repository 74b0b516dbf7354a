#pragma once

// delta_log.h   One table's log: its newest snapshot in memory, commits on top of it.
//
// A lone writer neither lists nor reads before it commits: the next version is linked under its name, and only a name that is taken
// tells of other writers.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "delta/row_rules.h"
#include "delta/snapshot.h"
#include "storage/fs.h"

namespace millstream {

class LogMaintenance;

// What to commit. Data files are published and their directories synced before.
struct CommitRequest {
  SnapshotPtr read;  // what the decision was based on; null: the table is new (actions hold protocol and metadata)
  CommitActions actions;
  bool reads_whole_table = false;
  // What a statement that reads before it writes (DELETE, UPDATE, MERGE) has read: conflict.h.
  std::function<bool(const AddFile&)> would_read;
  std::set<std::string> read_keys;
  std::string operation;                                        // "STREAMING UPDATE", "WRITE" …
  std::vector<std::pair<std::string, std::string>> parameters;  // operationParameters
  std::vector<std::pair<std::string, std::string>> metrics;     // operationMetrics
  std::optional<std::string> user_metadata;
};

struct HistoryEntry {
  int64_t version = 0;
  int64_t timestamp_ms = 0;
  std::string commit_info_json;  // empty: the commit has none
};

// Thread-safe.
class DeltaLog : public std::enable_shared_from_this<DeltaLog> {
 public:
  DeltaLog(Fs& fs, Clock& clock, LogMaintenance& maintenance, std::string table_path, const RowRulesMaker* rules = nullptr);

  const std::string& table_path() const { return table_path_; }
  Fs& fs() const { return fs_; }
  Clock& clock() const { return clock_; }
  // What a table that is like `table` demands of the rows that are written to it; null: nothing.
  Result<RowRulesPtr> RulesOf(const Metadata& table, const RuleConf& conf) const;

  // The newest snapshot on disk; reads only commits that are new. nullptr: no table here.
  Result<SnapshotPtr> Update();
  // The snapshot in memory, which another writer may have overtaken; loads when there is none. nullptr: no table here.
  Result<SnapshotPtr> Current();
  // DELTA_VERSION_NOT_FOUND.
  Result<SnapshotPtr> At(int64_t version);
  // The last version at or before a time. DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION, DELTA_TIMESTAMP_GREATER_THAN_COMMIT.
  Result<int64_t> VersionAt(int64_t wall_ms);
  // All versions whose commits are there, oldest first, with times that grow.
  Result<std::vector<HistoryEntry>> Timeline();
  // What one commit says, and when it was made (as time travel sees it). kFileNotFound: it is not there, or no longer.
  struct CommitAt {
    CommitActions actions;
    int64_t timestamp_ms = 0;
  };
  Result<CommitAt> ReadVersion(int64_t version);
  // Newest first.
  Result<std::vector<HistoryEntry>> History(std::optional<int64_t> limit);

  // Commits as the next free version, or says which conflict is in the way. The snapshot after it. After any other error the
  // outcome is unknown: look for the txn in a fresh snapshot, do not repeat.
  Result<SnapshotPtr> Commit(CommitRequest request);

  // Makes durable what an earlier process may have linked but not synced. Before a sink trusts a txn that it finds.
  Status SyncLog();
  // Forgets what is in memory (the table was dropped, or a write failed half-way).
  void Forget();

 private:
  Result<SnapshotPtr> UpdateLocked();
  Result<SnapshotPtr> LoadLocked(std::optional<int64_t> version);
  Result<bool> IsSameTableLocked();
  Status RememberLocked(SnapshotPtr snapshot);
  // Applies commits after current_; false: there are none.
  Result<bool> ReadNewCommitsLocked();
  Result<CommitActions> ReadCommit(int64_t version);

  Fs& fs_;
  Clock& clock_;
  LogMaintenance& maintenance_;
  const std::string table_path_;
  const RowRulesMaker* const rules_;  // null: tables with rules are refused

  std::mutex mutex_;
  SnapshotPtr current_;  // GUARDED_BY(mutex_)
  // Of the last commit: they tell a table that was made anew under the same path. GUARDED_BY(mutex_)
  uint64_t last_commit_inode_ = 0;
  int64_t last_commit_modified_ns_ = 0;
};

// All tables that this process knows, and the thread that keeps their logs in order. Thread-safe.
class DeltaTables {
 public:
  DeltaTables(Fs& fs, Clock& clock);
  ~DeltaTables();
  // The same DeltaLog for the same path, always.
  std::shared_ptr<DeltaLog> Log(const std::string& table_path);
  // Before the first Log. `maker` outlives this. Without one, tables with rules are refused.
  void SetRules(const RowRulesMaker* maker) { rules_ = maker; }
  // Waits until checkpoints and checksums of all commits so far are written.
  void Drain();
  Fs& fs() const { return fs_; }
  Clock& clock() const { return clock_; }

 private:
  Fs& fs_;
  Clock& clock_;
  std::unique_ptr<LogMaintenance> maintenance_;
  const RowRulesMaker* rules_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<DeltaLog>> logs_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
