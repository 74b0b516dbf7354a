#include "connectors/delta/source_rows.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <span>
#include <unordered_map>

#include "base/at_once.h"
#include "connectors/delta/changed_table.h"
#include "connectors/delta/table_change.h"
#include "connectors/delta/traced_rows.h"
#include "delta/change_feed.h"
#include "delta/delta_errors.h"
#include "delta/log_files.h"
#include "delta/registered_files.h"
#include "delta/row_chain.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

using Numbers = std::map<std::string_view, size_t>;

Numbers NumbersOf(const std::vector<std::string>& paths) {
  Numbers numbers;
  for (size_t i = 0; i < paths.size(); ++i) numbers.emplace(paths[i], i);
  return numbers;
}

// How many rows of each path a file has that its vector does not delete. `rows`: their places; null: not wanted.
Status CountRows(const SourceRuns& runs, const Numbers& numbers, const std::vector<uint64_t>* deleted, std::vector<int64_t>& counts,
                 std::vector<uint64_t>* rows) {
  std::vector<size_t> wanted;
  for (const std::string& path : runs.paths) {
    auto found = numbers.find(path);
    wanted.push_back(found == numbers.end() ? SIZE_MAX : found->second);
  }
  uint64_t first = 0;
  size_t next_deleted = 0;
  for (const SourceRun& run : runs.runs) {
    const uint64_t past = first + static_cast<uint64_t>(run.rows);
    const size_t number = run.file < 0 ? SIZE_MAX : wanted[static_cast<size_t>(run.file)];
    if (number != SIZE_MAX) {
      if (deleted) next_deleted = static_cast<size_t>(std::lower_bound(deleted->begin(), deleted->end(), first) - deleted->begin());
      for (uint64_t row = first; row < past; ++row) {
        if (deleted && next_deleted < deleted->size() && (*deleted)[next_deleted] == row) {
          ++next_deleted;
          continue;
        }
        ++counts[number];
        if (rows != nullptr) rows->push_back(row);
      }
    }
    first = past;
  }
  return Status();
}

Result<DeletedRows> VectorOf(Fs& fs, const std::string& table_path, const std::optional<DeletionVectorDescriptor>& vector) {
  if (!vector) return DeletedRows();
  return LoadDeletionVector(fs, table_path, *vector);
}

// Footers wait for the disk more than for the processor.
constexpr size_t kFooterThreadsPerCore = 4;
constexpr size_t kFootersAtOnce = 512;

// What the footers of data files say of where rows came from, so that a footer is read again only when it may name a file that is looked for: data files
// never change. Thread-safe; one for the process.
class FooterMemory {
 public:
  struct Footer {
    bool is_complete = false;             // each row has a known source
    std::vector<size_t> source_hashes{};  // of its paths, sorted
  };
  static FooterMemory& Get() {
    static FooterMemory memory;
    return memory;
  }
  std::shared_ptr<const Footer> Find(const std::string& data_file) {
    std::lock_guard lock(mutex_);
    auto found = footers_.find(data_file);
    return found == footers_.end() ? nullptr : found->second;
  }
  void Remember(const std::string& data_file, Footer footer) {
    std::lock_guard lock(mutex_);
    // About 64 MB. Whose turn it is does not matter: a walk asks for all of them.
    constexpr size_t kHashesMax = 4'000'000;
    constexpr size_t kHashesOfFile = 16;  // what an entry costs beside its own
    const size_t size = footer.source_hashes.size() + kHashesOfFile;
    if (size_ + size > kHashesMax) {
      footers_.clear();
      size_ = 0;
    }
    if (footers_.emplace(data_file, std::make_shared<const Footer>(std::move(footer))).second) size_ += size;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Footer>> footers_;  // GUARDED_BY(mutex_)
  size_t size_ = 0;                                                         // GUARDED_BY(mutex_)
};

struct LookedAt {
  Status status;
  bool is_complete = false;
  std::optional<SourceRuns> runs;  // of a file that may hold rows of the paths
};

// Of each data file, in their order.
std::vector<LookedAt> LookAtFooters(Fs& fs, const std::string& table_path, std::span<const AddFilePtr> data_files, const Numbers& numbers) {
  std::vector<size_t> wanted;
  for (const auto& [path, number] : numbers) wanted.push_back(std::hash<std::string_view>()(path));
  std::sort(wanted.begin(), wanted.end());
  std::vector<LookedAt> looked(data_files.size());
  const size_t threads = std::min(data_files.size(), kFooterThreadsPerCore * ThreadsOfMachine());
  Status done = DoAtOnce(data_files.size(), threads, [&](size_t i) -> Status {
    LookedAt& file = looked[i];
    const std::optional<std::string> source = SourceOfRegistered(*data_files[i]);
    const std::string key = table_path + '/' + data_files[i]->path + '\0' + source.value_or("");
    std::shared_ptr<const FooterMemory::Footer> known = FooterMemory::Get().Find(key);
    const bool may_hold = !known || std::any_of(known->source_hashes.begin(), known->source_hashes.end(),
                                                [&](size_t hash) { return std::binary_search(wanted.begin(), wanted.end(), hash); });
    if (!may_hold) {
      file.is_complete = known->is_complete;
      return Status();
    }
    Result<std::optional<SourceRuns>> runs = ReadSourceRuns(fs, table_path, data_files[i]->path, source);
    file.status = runs.status();
    if (!runs.ok()) return Status();
    FooterMemory::Footer footer;
    if (*runs) {
      footer.is_complete = std::all_of((*runs)->runs.begin(), (*runs)->runs.end(), [](const SourceRun& run) { return run.file >= 0; });
      for (const std::string& path : (*runs)->paths) footer.source_hashes.push_back(std::hash<std::string_view>()(path));
      std::sort(footer.source_hashes.begin(), footer.source_hashes.end());
    }
    file.is_complete = footer.is_complete;
    FooterMemory::Get().Remember(key, std::move(footer));
    if (*runs && std::any_of((*runs)->paths.begin(), (*runs)->paths.end(), [&](const std::string& path) { return numbers.contains(path); }))
      file.runs = *std::move(runs);
    return Status();
  });
  MS_CHECK(done.ok());
  return looked;
}

}  // namespace

int64_t SourceRows::live_rows() const { return std::accumulate(live.begin(), live.end(), int64_t{0}); }

Result<SourceRows> FindSourceRows(Fs& fs, const Snapshot& table, const std::vector<std::string>& paths) {
  SourceRows found;
  Numbers numbers = NumbersOf(paths);
  std::vector<std::string> retried;
  for (const std::string& path : paths) retried.push_back(path + std::string(kRetriedMark));
  for (size_t i = 0; i < retried.size(); ++i) numbers.emplace(retried[i], paths.size() + i);
  std::vector<int64_t> counts(2 * paths.size());
  std::vector<AddFilePtr> files;
  table.files.ForEach([&](const AddFilePtr& file) { files.push_back(file); });
  for (size_t from = 0; from < files.size(); from += kFootersAtOnce) {
    const size_t past = std::min(files.size(), from + kFootersAtOnce);
    std::vector<LookedAt> looked = LookAtFooters(fs, table.table_path, std::span(files).subspan(from, past - from), numbers);
    for (size_t i = from; i < past; ++i) {
      LookedAt& at = looked[i - from];
      MS_RETURN_IF_ERROR(at.status);
      found.is_complete &= at.is_complete;
      if (!at.runs) continue;
      MS_ASSIGN_OR_RETURN(DeletedRows deleted, VectorOf(fs, table.table_path, files[i]->deletion_vector));
      auto rows = std::make_shared<std::vector<uint64_t>>();
      MS_RETURN_IF_ERROR(CountRows(*at.runs, numbers, deleted.get(), counts, rows.get()));
      if (!rows->empty()) found.pieces.push_back({files[i], std::move(rows)});
    }
  }
  counts.resize(paths.size());
  found.live = std::move(counts);
  return found;
}

namespace {

// Reads what the commits since then have done to the files that hold the rows.
class DeletionCheck {
 public:
  DeletionCheck(DeltaLog& log, const Snapshot& table, const std::vector<MissingRows>& missing) : log_(log), table_(table), missing_(missing) {
    for (size_t i = 0; i < missing.size(); ++i) numbers_.emplace(missing[i].path, i);
  }

  Status Run() {
    int64_t oldest = table_.version;
    for (const MissingRows& file : missing_) {
      if (!file.since) return Lost(file, "the log does not tell any more which commit has added them");
      oldest = std::min(oldest, *file.since);
    }
    MS_RETURN_IF_ERROR(CheckTags());
    for (int64_t version = oldest; version <= table_.version; ++version) {
      Result<DeltaLog::CommitAt> commit = log_.ReadVersion(version);
      if (commit.status().Is(errors::kFileNotFound)) return Lost(missing_[0], "the log does not have version " + std::to_string(version) + " any more");
      if (!commit.ok()) return commit.status();
      for (const AddFilePtr& add : commit->actions.adds) {
        if (std::optional<std::string> source = SourceOfRegistered(*add)) registered_.emplace(add->path, *std::move(source));
      }
      if (version > oldest) MS_RETURN_IF_ERROR(CheckCommit(version, commit->actions));
    }
    return Status();
  }

 private:
  Status Lost(const MissingRows& file, std::string reason) const {
    return Status::Error(errors::kSourceRowsLost,
                         {{"path", HadoopPathString(file.path)}, {"table", HadoopPathString(table_.table_path)}, {"reason", std::move(reason)}});
  }

  // Who writes a checkpoint without the tags of registered files takes away what is known of their rows, which are still there.
  Status CheckTags() const {
    std::optional<std::string> untagged;
    table_.files.ForEach([&](const AddFilePtr& file) {
      if (IsRegisteredFile(file->path) && !SourceOfRegistered(*file)) untagged = file->path;
    });
    return untagged ? Lost(missing_[0], "the data file " + *untagged + " has lost the tag " + kSourceFileTag) : Status();
  }

  // A commit that takes rows out and writes rows of unknown origin may have written those again.
  Status CheckCommit(int64_t version, const CommitActions& commit) const {
    if (commit.removes.empty()) return Status();
    std::set<std::string> removed_paths;
    for (const RemoveFilePtr& remove : commit.removes) removed_paths.insert(remove->path);
    std::vector<int64_t> before(missing_.size()), after(missing_.size());
    bool adds_unknown = false;
    for (const AddFilePtr& add : commit.adds) {
      const bool is_new = !removed_paths.contains(add->path);
      MS_ASSIGN_OR_RETURN(bool is_known, Count(add->path, add->deletion_vector, after));
      adds_unknown |= is_new && !is_known;
    }
    if (!adds_unknown) return Status();
    bool reads_all = true;
    for (const RemoveFilePtr& remove : commit.removes) {
      MS_ASSIGN_OR_RETURN(bool is_there, Count(remove->path, remove->deletion_vector, before));
      reads_all &= is_there || !is_gone_;
    }
    for (size_t i = 0; i < missing_.size(); ++i) {
      if (*missing_[i].since < version && (!reads_all || before[i] > after[i])) {
        return Lost(missing_[i], "version " + std::to_string(version) + " of the table has written them anew without a trace of where they came from");
      }
    }
    return Status();
  }

  // Adds what a data file has to `counts`. False: some of its rows are of unknown origin, or it is gone (is_gone_).
  Result<bool> Count(const std::string& path, const std::optional<DeletionVectorDescriptor>& vector, std::vector<int64_t>& counts) const {
    is_gone_ = false;
    auto registered = registered_.find(path);
    Result<std::optional<SourceRuns>> runs =
        ReadSourceRuns(log_.fs(), table_.table_path, path, registered == registered_.end() ? std::nullopt : std::optional(registered->second));
    if (runs.status().Is(errors::kDeltaFileMissing)) {
      is_gone_ = true;
      return false;
    }
    if (!runs.ok()) return runs.status();
    if (!*runs) return false;
    Result<DeletedRows> deleted = VectorOf(log_.fs(), table_.table_path, vector);
    // A vector that is gone: as if it had deleted nothing, which finds more rows than there were.
    MS_RETURN_IF_ERROR(CountRows(**runs, numbers_, deleted.ok() ? deleted->get() : nullptr, counts, nullptr));
    return std::all_of((*runs)->runs.begin(), (*runs)->runs.end(), [](const SourceRun& run) { return run.file >= 0; });
  }

  DeltaLog& log_;
  const Snapshot& table_;
  const std::vector<MissingRows>& missing_;
  Numbers numbers_;
  std::map<std::string, std::string> registered_;  // data files that the commits so far have added, and their source files; also of those that are removed
  mutable bool is_gone_ = false;                   // of the last Count
};

// Of each path: how many rows the commits of a stream have written, and the first of these commits.
struct StreamedRows {
  int64_t written = 0;
  std::optional<int64_t> since;
};

Status CountStreamed(DeltaLog& log, const Snapshot& table, const std::string& app_id, const Numbers& numbers, std::vector<StreamedRows>& streamed) {
  std::vector<AddFilePtr> added;
  std::vector<int64_t> added_in;  // versions
  for (int64_t version = 0; version <= table.version; ++version) {
    Result<DeltaLog::CommitAt> commit = log.ReadVersion(version);
    if (commit.status().Is(errors::kFileNotFound)) continue;  // cleaned up since
    if (!commit.ok()) return commit.status();
    const auto& transactions = commit->actions.transactions;
    if (std::none_of(transactions.begin(), transactions.end(), [&](const SetTransaction& txn) { return txn.app_id == app_id; })) continue;
    for (const AddFilePtr& add : commit->actions.adds) {
      added_in.push_back(version);
      added.push_back(add);
    }
  }
  for (size_t from = 0; from < added.size(); from += kFootersAtOnce) {
    const size_t past = std::min(added.size(), from + kFootersAtOnce);
    const std::vector<LookedAt> looked = LookAtFooters(log.fs(), table.table_path, std::span(added).subspan(from, past - from), numbers);
    for (size_t file = from; file < past; ++file) {
      const LookedAt& at = looked[file - from];
      const bool is_gone = at.status.Is(errors::kDeltaFileMissing);
      if (!is_gone) MS_RETURN_IF_ERROR(at.status);
      std::vector<int64_t> counts(streamed.size());
      if (at.runs) MS_RETURN_IF_ERROR(CountRows(*at.runs, numbers, nullptr, counts, nullptr));
      for (size_t i = 0; i < streamed.size(); ++i) {
        if (counts[i] == 0 && !is_gone) continue;
        // What a file had that is gone cannot be counted any more: all of its rows are looked for.
        streamed[i].written = is_gone || streamed[i].written == INT64_MAX ? INT64_MAX : streamed[i].written + counts[i];
        if (!streamed[i].since) streamed[i].since = added_in[file];
      }
    }
  }
  return Status();
}

}  // namespace

Result<SourceRows> FindStreamedRows(DeltaLog& log, const Snapshot& table, const std::string& app_id, const std::vector<std::string>& paths) {
  MS_ASSIGN_OR_RETURN(SourceRows found, FindSourceRows(log.fs(), table, paths));
  if (found.is_complete) return found;
  std::vector<StreamedRows> streamed(paths.size());
  MS_RETURN_IF_ERROR(CountStreamed(log, table, app_id, NumbersOf(paths), streamed));
  std::vector<MissingRows> missing;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!streamed[i].since || streamed[i].written > found.live[i]) missing.push_back({paths[i], streamed[i].since});
  }
  MS_RETURN_IF_ERROR(CheckRowsWereDeleted(log, table, missing));
  return found;
}

Status CheckRowsWereDeleted(DeltaLog& log, const Snapshot& table, const std::vector<MissingRows>& missing) {
  return missing.empty() ? Status() : DeletionCheck(log, table, missing).Run();
}

}  // namespace millstream
