#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/at_once.h"
#include "storage/failpoint.h"
#include "streaming/state/layered_store.h"
#include "streaming/state/state_errors.h"
#include "streaming/state/state_files.h"
#include "streaming/state/state_store.h"

namespace millstream {
namespace {

using namespace state_store;

// A restart reads the changes since the last snapshot: as many bytes as the state has, within these bounds.
constexpr int64_t kSnapshotAfterBytesMin = int64_t{8} << 20;
constexpr int64_t kSnapshotAfterBytesMax = int64_t{256} << 20;
// Fewer are written by one thread: another is not worth its start.
constexpr size_t kChangesForTwo = 20'000;
// What a restart reads into memory at once; the rest of a larger state comes when it is asked for.
constexpr int64_t kLoadBytesMax = int64_t{256} << 20;

class DiskStateStores : public StateStores {
 public:
  DiskStateStores(Fs& fs, StateStoresOptions options)
      : options_(std::move(options)), context_{.fs = fs, .directory = options_.directory, .memory_bytes_max = options_.memory_bytes_max} {}

  Status Open() {
    MS_RETURN_IF_ERROR(context_.fs.CreateDirectories(options_.directory));
    MS_RETURN_IF_ERROR(ListFiles());
    // A process that was killed may have linked the newest version and not synced its name. The query will log its batch as done: the version must not go then.
    if (!changes_.empty() || !snapshots_.empty()) MS_RETURN_IF_ERROR(context_.fs.SyncDirectory(options_.directory));
    int64_t newest = 0;
    if (!changes_.empty()) newest = changes_.rbegin()->first;
    if (!snapshots_.empty()) newest = std::max(newest, *snapshots_.rbegin());
    MS_RETURN_IF_ERROR(Load(newest));
    return RemoveRuns();
  }

  Status OpenAt(int64_t version) {
    MS_RETURN_IF_ERROR(ListFiles());
    const int64_t newest = std::max(changes_.empty() ? 0 : changes_.rbegin()->first, snapshots_.empty() ? 0 : *snapshots_.rbegin());
    version_ = newest;
    if (version > newest) return Missing(version);
    MS_RETURN_IF_ERROR(Load(version));
    failed_ = Status::Internal("this state is only read");
    return Status();
  }

  int64_t version() const override { return version_; }

  Result<StateStore*> Store(const StateStoreId& id) override {
    std::lock_guard lock(mutex_);
    return StoreOf(id);
  }

  std::vector<StateStoreId> Ids() const override {
    std::vector<StateStoreId> ids;
    for (const auto& [id, store] : stores_) ids.push_back(id);
    return ids;
  }

  Status Commit(int64_t version, std::string_view note) override {
    MS_RETURN_IF_ERROR(failed_);
    MS_RETURN_IF_ERROR(std::exchange(failed_housekeeping_, Status()));
    if (version != version_ + 1) return Status::Internal(fmt::format("state version {} cannot follow {}", version, version_));
    Status committed = PublishChanges(version, note);
    if (!committed.ok()) {
      failed_ = committed;
      return committed;
    }
    const Status settled = ForEachStore(&LayeredStore::uncommitted, &LayeredStore::Committed);
    MS_CHECK(settled.ok());
    version_ = version;
    // The version is durable, and that is what the caller is told. What fails from here on is housekeeping: the next commit says so, and a later one tries
    // again.
    ++versions_since_snapshot_;
    failed_housekeeping_ = KeepHouse();
    return Status();
  }

  Result<std::string> Note(int64_t version) const override {
    if (version == version_) return note_;
    if (changes_.contains(version)) {
      MS_ASSIGN_OR_RETURN(VersionFooter footer, ReadFooter(context_.fs, options_.directory, version));
      return footer.note;
    }
    if (!snapshots_.contains(version)) return Missing(version);
    MS_ASSIGN_OR_RETURN(Snapshot snapshot, ReadSnapshot(context_.fs, options_.directory, version));
    return snapshot.footer.note;
  }

  Status Abort() override {
    if (!failed_.ok() && !failed_.Is(errors::kStateConcurrent)) {
      // Whether the failed commit is there after a restart is open; it must not be, because this version will be made anew.
      MS_RETURN_IF_ERROR(RemoveVersion(version_ + 1));
    }
    return Load(version_);
  }

  Status RollBackTo(int64_t version) override {
    if (version > version_) return Missing(version);
    MS_ASSIGN_OR_RETURN(int64_t base, BaseOf(version));
    (void)base;
    // From the newest on, each durably: a crash leaves one of the versions between.
    for (int64_t v = version_ + (failed_.ok() ? 0 : 1); v > version; --v) MS_RETURN_IF_ERROR(RemoveVersion(v));
    return Load(version);
  }

 private:
  Status ListFiles() {
    MS_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, context_.fs.List(options_.directory));
    for (const DirectoryEntry& entry : entries) {
      if (std::optional<int64_t> changes = NumberOf(entry.name, ".changes")) changes_[*changes] = 0;
      if (std::optional<int64_t> snapshot = NumberOf(entry.name, ".snapshot")) snapshots_.insert(*snapshot);
      if (std::optional<int64_t> run = NumberOf(entry.name, ".run")) {
        context_.runs.insert(*run);
        context_.next_run = std::max(context_.next_run, *run + 1);
      }
      // <operator>/<partition>/1.delta
      if (NumberOf(entry.name, "") && entry.kind == DirectoryEntry::Kind::kDirectory) {
        std::string spark = JoinPath(JoinPath(options_.directory, entry.name), "0");
        MS_ASSIGN_OR_RETURN(bool exists, context_.fs.Exists(spark));
        if (exists) return Status::Error(errors::kStateForeign, {{"path", spark}});
      }
    }
    for (int64_t snapshot : snapshots_) {
      // A damaged one counts when its version is asked for; until then nothing that it may name is removed.
      Result<Snapshot> read = ReadSnapshot(context_.fs, options_.directory, snapshot);
      if (read.ok()) {
        NoteRuns(*read);
      } else {
        unreadable_snapshots_.insert(snapshot);
      }
    }
    return Status();
  }

  void NoteRuns(const Snapshot& snapshot) {
    std::set<int64_t>& runs = runs_of_snapshot_[snapshot.footer.version];
    for (const auto& [id, named] : snapshot.runs) {
      for (const SnapshotRun& run : named) runs.insert(run.number);
    }
  }

  // The newest snapshot from which changes lead to the version; 0: from nothing.
  Result<int64_t> BaseOf(int64_t version) const {
    int64_t base = version;
    while (base > 0 && !snapshots_.contains(base)) {
      if (!changes_.contains(base)) {
        bool purged = snapshots_.empty() || *snapshots_.begin() > version;
        if (purged && !changes_.empty() && !snapshots_.empty()) return Missing(version);
        return Damaged(ChangesPath(options_.directory, base), "it is missing");
      }
      --base;
    }
    return base;
  }

  Status Missing(int64_t version) const {
    int64_t oldest = snapshots_.empty() ? 0 : *snapshots_.begin();
    return Status::Error(errors::kStateVersionMissing,
                         {{"path", options_.directory}, {"version", std::to_string(version)}, {"versions", fmt::format("{} to {}", oldest, version_)}});
  }

  LayeredStore* StoreOf(const StateStoreId& id) {
    std::unique_ptr<LayeredStore>& store = stores_[id];
    if (store == nullptr) store = std::make_unique<LayeredStore>(context_, id);
    return store.get();
  }

  Status Load(int64_t version) {
    failed_ = Status::Internal("the state could not be loaded");
    context_.changes.reset();
    MS_ASSIGN_OR_RETURN(int64_t base, BaseOf(version));
    Snapshot snapshot;
    if (base > 0) {
      MS_ASSIGN_OR_RETURN(snapshot, ReadSnapshot(context_.fs, options_.directory, base));
    }
    int64_t run_bytes = 0;
    for (const auto& [id, runs] : snapshot.runs) {
      StoreOf(id);
      for (const SnapshotRun& run : runs) run_bytes += run.bytes;
    }
    bool load = run_bytes <= std::min(kLoadBytesMax, options_.memory_bytes_max / 2);
    for (auto& [id, store] : stores_) {
      MS_RETURN_IF_ERROR(store->Reset(snapshot.runs[id], load));
      store->SetRows(snapshot.footer.rows.contains(id) ? snapshot.footer.rows[id] : 0);
    }
    VersionFooter footer = std::move(snapshot.footer);
    bytes_since_snapshot_ = 0;
    for (int64_t v = base + 1; v <= version; ++v) {
      const std::string path = ChangesPath(options_.directory, v);
      auto replay = [&](const StateStoreId& id, std::string_view changes) {
        bytes_since_snapshot_ += static_cast<int64_t>(changes.size());
        return StoreOf(id)->Replay(changes, path);
      };
      MS_ASSIGN_OR_RETURN(footer, ReadChanges(context_.fs, options_.directory, v, replay));
    }
    for (const auto& [id, rows] : footer.rows) StoreOf(id)->SetRows(rows);
    for (auto& [id, store] : stores_) store->ReportMemory();
    versions_since_snapshot_ = version - base;
    version_ = version;
    note_ = footer.note;
    failed_ = Status();
    return Status();
  }

  // Stores share nothing but the files' names: where there is much to do, two at a time.
  Status ForEachStore(size_t (LayeredStore::*changes)() const, Status (LayeredStore::*act)()) {
    std::vector<LayeredStore*> stores;
    size_t all_changes = 0;
    for (auto& [id, store] : stores_) {
      stores.push_back(store.get());
      all_changes += (store.get()->*changes)();
    }
    const size_t threads = all_changes < kChangesForTwo ? 1 : 2;
    return DoAtOnce(stores.size(), threads, [&](size_t at) { return (stores[at]->*act)(); });
  }

  Status PublishChanges(int64_t version, std::string_view note) {
    VersionFooter footer{.version = version, .note = std::string(note), .rows = {}};
    MS_RETURN_IF_ERROR(ForEachStore(&LayeredStore::uncommitted, &LayeredStore::WriteChanges));
    for (auto& [id, store] : stores_) footer.rows[id] = store->rows();
    MS_ASSIGN_OR_RETURN(ChangesWriter * writer, context_.Changes());
    Result<int64_t> bytes = writer->Publish(footer);
    context_.changes.reset();
    if (!bytes.ok()) {
      if (!bytes.status().Is(errors::kFileAlreadyExists)) return bytes.status();
      return Status::Error(errors::kStateConcurrent, {{"path", ChangesPath(options_.directory, version)}});
    }
    bytes_since_snapshot_ += *bytes;
    changes_[version] = *bytes;
    note_ = std::move(footer.note);
    return Status();
  }

  Status KeepHouse() {
    if (versions_since_snapshot_ >= options_.versions_per_snapshot || bytes_since_snapshot_ >= SnapshotAfterBytes()) MS_RETURN_IF_ERROR(TakeSnapshot());
    return Purge();
  }

  int64_t SnapshotAfterBytes() const { return std::clamp(context_.memory_bytes.load(), kSnapshotAfterBytesMin, kSnapshotAfterBytesMax); }

  Status TakeSnapshot() {
    Snapshot snapshot{.footer = {.version = version_, .note = note_, .rows = {}}, .runs = {}};
    bool has_runs = false;
    MS_RETURN_IF_ERROR(ForEachStore(&LayeredStore::unflushed, &LayeredStore::Flush));
    for (auto& [id, store] : stores_) {
      snapshot.footer.rows[id] = store->rows();
      snapshot.runs[id] = store->Runs();
      has_runs = has_runs || !snapshot.runs[id].empty();
    }
    // The runs' names before the file that counts on them.
    if (has_runs) MS_RETURN_IF_ERROR(context_.fs.SyncDirectory(options_.directory));
    if (Status published = PublishSnapshot(context_.fs, options_.directory, snapshot); !published.ok()) {
      // It may be there all the same: then what it names must stay.
      unreadable_snapshots_.insert(version_);
      return published;
    }
    snapshots_.insert(version_);
    NoteRuns(snapshot);
    versions_since_snapshot_ = 0;
    bytes_since_snapshot_ = 0;
    return RemoveRuns();
  }

  // Versions that nobody may go back to: those before the newest snapshot that is old enough. Whatever a crash brings back is removed next time.
  Status Purge() {
    auto after = snapshots_.upper_bound(version_ - options_.versions_kept);
    if (after == snapshots_.begin()) return Status();
    int64_t oldest = *std::prev(after);
    if (*snapshots_.begin() == oldest && (changes_.empty() || changes_.begin()->first > oldest)) return Status();
    MS_FAILPOINT("state.purge.before");
    while (!changes_.empty() && changes_.begin()->first <= oldest) {
      MS_RETURN_IF_ERROR(context_.fs.Remove(ChangesPath(options_.directory, changes_.begin()->first)));
      changes_.erase(changes_.begin());
    }
    while (*snapshots_.begin() < oldest) {
      int64_t snapshot = *snapshots_.begin();
      MS_RETURN_IF_ERROR(context_.fs.Remove(SnapshotPath(options_.directory, snapshot)));
      runs_of_snapshot_.erase(snapshot);
      unreadable_snapshots_.erase(snapshot);
      snapshots_.erase(snapshots_.begin());
    }
    return RemoveRuns();
  }

  // Runs that neither a snapshot names nor a store reads.
  Status RemoveRuns() {
    if (!unreadable_snapshots_.empty()) return Status();
    std::set<int64_t> needed;
    for (const auto& [version, runs] : runs_of_snapshot_) needed.insert(runs.begin(), runs.end());
    for (const auto& [id, store] : stores_) {
      for (const SnapshotRun& run : store->Runs()) needed.insert(run.number);
    }
    std::lock_guard lock(context_.mutex);
    for (auto run = context_.runs.begin(); run != context_.runs.end();) {
      if (needed.contains(*run)) {
        ++run;
      } else {
        MS_RETURN_IF_ERROR(context_.fs.Remove(RunPath(options_.directory, *run)));
        run = context_.runs.erase(run);
      }
    }
    return Status();
  }

  Status RemoveVersion(int64_t version) {
    MS_RETURN_IF_ERROR(context_.fs.Remove(ChangesPath(options_.directory, version)));
    if (snapshots_.contains(version)) MS_RETURN_IF_ERROR(context_.fs.Remove(SnapshotPath(options_.directory, version)));
    MS_RETURN_IF_ERROR(context_.fs.SyncDirectory(options_.directory));
    changes_.erase(version);
    snapshots_.erase(version);
    runs_of_snapshot_.erase(version);
    unreadable_snapshots_.erase(version);
    return Status();
  }

  const StateStoresOptions options_;
  mutable StoreContext context_;
  std::mutex mutex_;
  std::map<StateStoreId, std::unique_ptr<LayeredStore>> stores_;  // GUARDED_BY(mutex_) while a batch runs
  int64_t version_ = 0;
  std::string note_;
  Status failed_;  // of the last Commit: only Abort and RollBackTo go on from there
  Status failed_housekeeping_;
  std::map<int64_t, int64_t> changes_;  // versions with a file of changes
  std::set<int64_t> snapshots_, unreadable_snapshots_;
  std::map<int64_t, std::set<int64_t>> runs_of_snapshot_;
  int64_t versions_since_snapshot_ = 0;
  int64_t bytes_since_snapshot_ = 0;
};

}  // namespace

Result<std::unique_ptr<StateStores>> StateStores::OpenAt(Fs& fs, const std::string& directory, int64_t version) {
  // Without a bound nothing goes to runs.
  auto stores = std::make_unique<DiskStateStores>(fs, StateStoresOptions{.directory = directory, .memory_bytes_max = std::numeric_limits<int64_t>::max()});
  MS_RETURN_IF_ERROR(stores->OpenAt(version));
  return std::unique_ptr<StateStores>(std::move(stores));
}

Result<std::unique_ptr<StateStores>> StateStores::Open(Fs& fs, StateStoresOptions options) {
  auto stores = std::make_unique<DiskStateStores>(fs, std::move(options));
  MS_RETURN_IF_ERROR(stores->Open());
  return std::unique_ptr<StateStores>(std::move(stores));
}

}  // namespace millstream
