#include "connectors/files/ledger_view.h"

#include <rocksdb/db.h>

#include <chrono>
#include <thread>

#include "connectors/files/file_ledger_format.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/known_elsewhere.h"
#include "connectors/files/known_files.h"

namespace millstream {
namespace {

using namespace ledger_format;

// A running query removes files that a compaction has replaced: whoever opens just then finds one of them gone, and looks again.
constexpr int kOpenAttemptsMax = 10;
constexpr auto kOpenPause = std::chrono::milliseconds(20);

std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksLedgerView : public LedgerView {
 public:
  RocksLedgerView(std::string directory, std::unique_ptr<rocksdb::DB> db) : directory_(std::move(directory)), db_(std::move(db)) {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    read.readahead_size = 256 << 10;
    for (auto* at : {&files_, &batches_, &fates_, &counts_}) at->reset(db_->NewIterator(read));
    files_->Seek(NumberKey(0));
    batches_->Seek(BatchKey(0));
    fates_->Seek(FateKey(0));
    counts_->Seek(CountsKey(0));
  }

  Result<std::optional<LedgerFile>> Next() override {
    while (!by_path_) {
      std::optional<int64_t> number = files_->Valid() ? DecodeNumberKey(FromSlice(files_->key())) : std::nullopt;
      if (number) {
        MS_ASSIGN_OR_RETURN(LedgerFile found, NextNumbered(*number));
        using Retracted = FileFate::Retracted;
        if (found.fate.retracted == Retracted::kForgotten || found.fate.retracted == Retracted::kSuperseded) continue;
        return std::optional(std::move(found));
      }
      MS_RETURN_IF_ERROR(Translate(files_->status()));
      by_path_ = true;
      files_->Seek(std::string(1, kFilePrefix));
    }
    for (; files_->Valid() && files_->key().starts_with(std::string(1, kFilePrefix)); files_->Next()) {
      std::optional<FileRecord> record = DecodeRecord(FromSlice(files_->value()));
      if (!record) return Broken("a file's record is broken");
      if (record->state == FileState::kAssigned || record->state == FileState::kUndone || record->state == FileState::kFailing) continue;
      return NextUnnumbered(*record);
    }
    MS_RETURN_IF_ERROR(Translate(files_->status()));
    return std::optional<LedgerFile>();
  }

 private:
  Result<LedgerFile> NextNumbered(int64_t number) {
    std::optional<NumberEntry> entry = DecodeNumber(FromSlice(files_->value()));
    if (!entry) return Broken("the entry of file number " + std::to_string(number) + " is broken");
    LedgerFile found{.file = std::move(entry->file)};
    found.file.number = number;
    // Batches are recorded under their last number.
    auto number_at = [](const rocksdb::Iterator& at, char prefix) { return at.Valid() ? DecodeNumberKey(FromSlice(at.key()), prefix) : std::nullopt; };
    std::optional<int64_t> at_batch = number_at(*batches_, kBatchPrefix);
    while (at_batch && *at_batch < number) {
      batches_->Next();
      at_batch = number_at(*batches_, kBatchPrefix);
    }
    if (at_batch) {
      std::optional<BatchRecord> batch = DecodeBatch(FromSlice(batches_->value()));
      if (!batch) return Broken("a batch's record is broken");
      if (batch->after < number) found.batch = *batch;
    }
    std::optional<int64_t> at_fate = number_at(*fates_, kFatePrefix);
    while (at_fate && *at_fate < number) {
      fates_->Next();
      at_fate = number_at(*fates_, kFatePrefix);
    }
    if (at_fate == number) {
      std::optional<FileFate> fate = DecodeFate(FromSlice(fates_->value()));
      if (!fate) return Broken("the record of file number " + std::to_string(number) + " is broken");
      found.fate = std::move(*fate);
    }
    MS_ASSIGN_OR_RETURN(found.counts, CountsOf(number));
    files_->Next();
    return found;
  }

  // Numbers come in ascending order.
  Result<std::optional<FileCounts>> CountsOf(int64_t number) {
    while (counts_through_ < number && counts_->Valid()) {
      std::optional<int64_t> through = DecodeNumberKey(FromSlice(counts_->key()), kCountsPrefix);
      if (!through) break;
      if (*through >= number) {
        std::optional<std::vector<FileCounts>> decoded = DecodeCounts(FromSlice(counts_->value()));
        if (!decoded) return Broken("the counts of the files up to number " + std::to_string(*through) + " are broken");
        counts_through_ = *through;
        counted_ = *std::move(decoded);
      }
      counts_->Next();
    }
    const int64_t at = number - (counts_through_ - static_cast<int64_t>(counted_.size())) - 1;
    if (number > counts_through_ || at < 0) return std::optional<FileCounts>();
    return std::optional(counted_[static_cast<size_t>(at)]);
  }

  Result<std::optional<LedgerFile>> NextUnnumbered(const FileRecord& record) {
    std::string_view key = FromSlice(files_->key()).substr(1);
    size_t nul = key.find('\0');
    if (nul == std::string_view::npos) return Broken("a file's key has no name");
    LedgerFile found{.state = record.state,
                     .file = {.path = JoinPath(key.substr(0, nul), key.substr(nul + 1)),
                              .size_bytes = record.size_bytes,
                              .modified_ns = record.modified_ns,
                              .discovered_ms = record.discovered_ms}};
    if (record.state == FileState::kExisting) {
      rocksdb::Status noted = db_->Get(rocksdb::ReadOptions(), NoteKey(kKnownFromNote), &found.known_from);
      if (!noted.ok() && !noted.IsNotFound()) return Translate(noted);
    }
    if (record.state == FileState::kDuplicate) {
      std::string bytes;
      if (db_->Get(rocksdb::ReadOptions(), NumberKey(record.number), &bytes).ok()) {
        if (std::optional<NumberEntry> entry = DecodeNumber(bytes)) found.duplicate_of = entry->file.path;
      }
    }
    files_->Next();
    return std::optional(std::move(found));
  }

  Status Broken(std::string detail) const { return Status::Error(errors::kLedgerForeign, {{"path", directory_}, {"detail", std::move(detail)}}); }
  Status Translate(const rocksdb::Status& status) const {
    if (status.ok()) return Status();
    return Status::Error(errors::kLedgerIo, {{"operation", "reading"}, {"path", directory_}, {"reason", status.ToString()}});
  }

  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;  // outlives the iterators
  std::unique_ptr<rocksdb::Iterator> files_, batches_, fates_, counts_;
  std::vector<FileCounts> counted_;  // of the files up to counts_through_
  int64_t counts_through_ = 0;
  bool by_path_ = false;
};

Result<std::unique_ptr<rocksdb::DB>> OpenBeside(Fs& fs, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(bool exists, fs.Exists(JoinPath(directory, "CURRENT")));
  if (!exists) return Status::Error(errors::kLedgerForeign, {{"path", directory}, {"detail", "there is none"}});
  rocksdb::Options options;
  options.max_open_files = 64;
  rocksdb::Status status;
  for (int attempt = 0; attempt < kOpenAttemptsMax; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kOpenPause);
    rocksdb::DB* db = nullptr;
    status = rocksdb::DB::OpenForReadOnly(options, directory, &db);
    if (!status.ok()) continue;
    std::unique_ptr<rocksdb::DB> opened(db);
    std::string version;
    if (!opened->Get(rocksdb::ReadOptions(), NoteKey("version"), &version).ok() || !KnowsVersion(version)) {
      return Status::Error(errors::kLedgerForeign,
                           {{"path", directory}, {"detail", "its version is '" + version + "', this program knows " + std::string(kVersion)}});
    }
    return opened;
  }
  return Status::Error(errors::kLedgerIo, {{"operation", "opening"}, {"path", directory}, {"reason", status.ToString()}});
}

// The files of a stream by their paths.
class StreamKnownFiles : public KnownFiles {
 public:
  StreamKnownFiles(Fs& fs, std::string directory, std::unique_ptr<rocksdb::DB> db) : fs_(fs), directory_(std::move(directory)), db_(std::move(db)) {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    at_.reset(db_->NewIterator(read));
    // Batches are committed in the order of their numbers.
    std::unique_ptr<rocksdb::Iterator> batch(db_->NewIterator(rocksdb::ReadOptions()));
    for (batch->SeekForPrev(BatchKey(INT64_MAX)); batch->Valid(); batch->Prev()) {
      std::optional<int64_t> through = DecodeNumberKey(FromSlice(batch->key()), kBatchPrefix);
      if (!through) break;
      if (std::optional<BatchRecord> record = DecodeBatch(FromSlice(batch->value())); record && record->committed_ms > 0) {
        committed_through_ = *through;
        break;
      }
    }
  }

  Status Seek(const std::string& directory, std::string_view name) override {
    prefix_ = DirectoryKey(directory);
    at_->Seek(prefix_ + std::string(name));
    return Translate(at_->status());
  }
  bool valid() const override { return at_->Valid() && at_->key().starts_with(prefix_); }
  std::string_view name() const override { return FromSlice(at_->key()).substr(prefix_.size()); }
  Status Next() override {
    at_->Next();
    return Translate(at_->status());
  }

  Result<FileStanding> file() override {
    std::optional<FileRecord> record = DecodeRecord(FromSlice(at_->value()));
    if (!record) return Broken();
    FileStanding known{.size_bytes = record->size_bytes, .modified_ns = record->modified_ns};
    if (record->state == FileState::kExisting || record->state == FileState::kDuplicate || record->state == FileState::kUndone) {
      known.state = FileStanding::State::kUnwanted;
      return known;
    }
    known.state = FileStanding::State::kWaiting;
    if (record->state == FileState::kEmpty) {
      known.why = "it had no bytes when it was found";
      return known;
    }
    if (record->state == FileState::kGone) {
      known.size_bytes = 0;
      known.why = "it was gone before its turn came (cloudFiles.fileOrder), and is new when it comes back";
      return known;
    }
    if (record->state == FileState::kWaiting) {
      known.why =
          record->number == 0 ? "it is found, and waits for its turn (cloudFiles.fileOrder)" : "it has changed, and waits for its turn (cloudFiles.fileOrder)";
      return known;
    }
    known.number = record->number;
    // Its size and time as it was read.
    std::string bytes;
    MS_RETURN_IF_ERROR(Translate(db_->Get(rocksdb::ReadOptions(), NumberKey(known.number), &bytes)));
    std::optional<NumberEntry> entry = DecodeNumber(bytes);
    if (!entry) return Broken();
    known.size_bytes = entry->file.size_bytes;
    known.modified_ns = entry->file.modified_ns;
    MS_ASSIGN_OR_RETURN(FileFate fate, FateOf(known.number));
    if (fate.retracted == FileFate::Retracted::kUndone) {
      known.state = FileStanding::State::kUnwanted;
    } else if (fate.retracted == FileFate::Retracted::kDeferred) {
      known.why = fate.reason;
    } else if (fate.retracted == FileFate::Retracted::kForgotten) {
      known.why = "it was forgotten, and is to be found again";
    } else if (fate.skipped != FileFate::Skipped::kNo) {
      known.why = "it was left out: " + fate.reason;
    } else if (known.number > committed_through_) {
      known.why = "it is found, and its batch is not committed yet";
    } else {
      known.state = FileStanding::State::kLoaded;
    }
    return known;
  }

  Result<std::optional<std::string>> DirectoryAfter(const std::string& directory) override {
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions()));
    const std::string prefix(1, kFilePrefix);
    at->Seek(directory.empty() ? prefix : prefix + directory + '\1');
    MS_RETURN_IF_ERROR(Translate(at->status()));
    if (!at->Valid() || !at->key().starts_with(prefix)) return std::optional<std::string>();
    const std::string_view key = FromSlice(at->key()).substr(1);
    return std::optional<std::string>(key.substr(0, key.find('\0')));
  }

  Result<bool> IsCleaned(const FileStanding& file) override {
    if (file.number == 0) return false;
    MS_ASSIGN_OR_RETURN(FileFate fate, FateOf(file.number));
    return fate.cleaned == FileFate::Cleaned::kDeleted || fate.cleaned == FileFate::Cleaned::kMoved;
  }

  Result<Totals> Total() override {
    Totals totals;
    MS_ASSIGN_OR_RETURN(std::unique_ptr<LedgerView> view, LedgerView::Open(fs_, directory_));
    for (;;) {
      MS_ASSIGN_OR_RETURN(std::optional<LedgerFile> found, view->Next());
      if (!found) return totals;
      const FileFate& fate = found->fate;
      if (fate.retracted == FileFate::Retracted::kReplaced) continue;  // its path comes once more
      ++totals.files;
      const bool is_loaded = found->state == FileState::kAssigned && found->file.number <= committed_through_ && fate.skipped == FileFate::Skipped::kNo &&
                             fate.retracted == FileFate::Retracted::kNo;
      totals.loaded += is_loaded;
      if (is_loaded && found->counts) totals.rows += found->counts->rows;
    }
  }

 private:
  Result<FileFate> FateOf(int64_t number) {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), FateKey(number), &bytes);
    if (status.IsNotFound()) return FileFate();
    MS_RETURN_IF_ERROR(Translate(status));
    std::optional<FileFate> fate = DecodeFate(bytes);
    if (!fate) return Broken();
    return *std::move(fate);
  }
  Status Broken() const { return Status::Error(errors::kLedgerForeign, {{"path", directory_}, {"detail", "a file's record is broken"}}); }
  Status Translate(const rocksdb::Status& status) const {
    if (status.ok()) return Status();
    return Status::Error(errors::kLedgerIo, {{"operation", "reading"}, {"path", directory_}, {"reason", status.ToString()}});
  }

  Fs& fs_;
  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;  // outlives the iterator
  std::unique_ptr<rocksdb::Iterator> at_;
  std::string prefix_;
  int64_t committed_through_ = 0;
};

}  // namespace

Result<std::unique_ptr<LedgerView>> LedgerView::Open(Fs& fs, const std::string& directory) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<rocksdb::DB> db, OpenBeside(fs, directory));
  return std::unique_ptr<LedgerView>(std::make_unique<RocksLedgerView>(directory, std::move(db)));
}

Result<std::unique_ptr<KnownFiles>> OpenKnownFiles(Fs& fs, const std::string& ledger_directory) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<rocksdb::DB> db, OpenBeside(fs, ledger_directory));
  return std::unique_ptr<KnownFiles>(std::make_unique<StreamKnownFiles>(fs, ledger_directory, std::move(db)));
}

Result<std::string> ReadLedgerNote(Fs& fs, const std::string& directory, const std::string& name) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<rocksdb::DB> db, OpenBeside(fs, directory));
  std::string value;
  rocksdb::Status status = db->Get(rocksdb::ReadOptions(), NoteKey(name), &value);
  if (!status.ok() && !status.IsNotFound()) {
    return Status::Error(errors::kLedgerIo, {{"operation", "reading"}, {"path", directory}, {"reason", status.ToString()}});
  }
  return value;
}

}  // namespace millstream
