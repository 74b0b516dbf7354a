#pragma once

// layered_store.h   One store: entries in memory over sorted runs on disk.
//
// Memory has what was changed since the last flush, and as much of the rest as it may. While it has everything (`complete_`) no read goes to disk. What is
// in the runs and not in a snapshot counts for nothing after a restart, so that changes of the running batch may go there too when memory is short: the
// batch's changes file gets them first.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "streaming/state/key_tree.h"
#include "streaming/state/sorted_run.h"
#include "streaming/state/state_files.h"
#include "streaming/state/state_store.h"

namespace millstream::state_store {

// What the stores of one query share.
struct StoreContext {
  Fs& fs;
  std::string directory;
  int64_t memory_bytes_max = 0;
  std::atomic<int64_t> memory_bytes{0};

  std::mutex mutex;
  std::unique_ptr<ChangesWriter> changes;  // GUARDED_BY(mutex); of the running batch, made when there is something to write
  std::set<int64_t> runs;                  // GUARDED_BY(mutex); numbers of the files that exist
  int64_t next_run = 1;                    // GUARDED_BY(mutex)

  Result<ChangesWriter*> Changes();
  int64_t NewRun();
};

class LayeredStore : public StateStore {
 public:
  LayeredStore(StoreContext& context, StateStoreId id) : context_(context), id_(std::move(id)) {}
  ~LayeredStore() override { Clear(); }

  Result<bool> Get(std::string_view key, std::string* value) override;
  Status Put(std::string_view key, std::string_view value) override;
  Status Remove(std::string_view key) override;
  void Prefetch(std::span<const std::string_view> keys) override { tree_.Prefetch(keys); }
  Result<std::unique_ptr<StateIterator>> Scan(std::string_view begin, std::string_view end) override;
  int64_t rows() const override { return rows_; }
  int64_t memory_bytes() const override { return tree_.memory_bytes() + runs_memory_bytes_ + static_cast<int64_t>(changes_.capacity() * sizeof(Entry*)); }

  // Empty, with these runs below; all of it in memory when `load`.
  Status Reset(const std::vector<SnapshotRun>& runs, bool load);
  // Changes that are durable already, without asking what was there before. SetRows follows.
  Status Replay(std::string_view changes, const std::string& path);
  void SetRows(int64_t rows) { rows_ = rows; }

  // How many entries the running batch has changed, and how many differ from the runs.
  size_t uncommitted() const { return changes_.size() - committed_; }
  size_t unflushed() const { return changes_.size(); }
  // Hands the batch's changes to the changes file.
  Status WriteChanges();
  // They are durable. Always Ok.
  Status Committed();
  // Only after Committed: all that differs from the runs becomes a run.
  Status Flush();
  std::vector<SnapshotRun> Runs() const;
  // Takes memory down to `bytes` if that can be done.
  Status Shrink(int64_t bytes);
  void ReportMemory();

 private:
  friend class LayeredIterator;

  Result<Entry*> Find(std::string_view key);
  Entry* Add(std::string_view key, std::string_view value);
  Status RemoveEntry(Entry* entry);
  // The entry that has the value now.
  Entry* SetValue(Entry* entry, std::string_view value);
  void MarkChanged(Entry* entry);
  void Drop(Entry* entry);
  void Clear();
  void ForgetChanges();
  Status AfterGrowth();
  void EvictClean(int64_t bytes);
  std::vector<Entry*> ChangedInOrder();
  Status FlushChanged();
  Status MergeRuns();
  Status Load();
  void RunsChanged();

  StoreContext& context_;  // outlives this
  const StateStoreId id_;
  KeyTree tree_;
  bool complete_ = true;
  bool replaying_ = false;
  int64_t rows_ = 0;
  std::vector<std::shared_ptr<SortedRun>> runs_;  // oldest first
  int64_t runs_memory_bytes_ = 0;
  uint64_t layout_ = 0;          // moves when entries may have gone from memory to runs
  std::vector<Entry*> changes_;  // changed entries, in the order of their last change; nullptr: changed again later, or gone
  size_t committed_ = 0;         // those before are durable
  size_t holes_ = 0;
  size_t batch_begin_ = 0;    // those of the running batch that its file does not have yet
  std::string eviction_key_;  // where the next eviction goes on
  int64_t reported_bytes_ = 0;
  uint32_t growth_ = 0;
};

}  // namespace millstream::state_store
