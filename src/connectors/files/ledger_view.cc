#include "connectors/files/ledger_view.h"

#include <rocksdb/db.h>

#include <chrono>
#include <thread>

#include "connectors/files/file_ledger_format.h"
#include "connectors/files/files_errors.h"

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
    for (auto* at : {&files_, &batches_, &fates_}) at->reset(db_->NewIterator(read));
    files_->Seek(NumberKey(0));
    batches_->Seek(BatchKey(0));
    fates_->Seek(FateKey(0));
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
      if (record->state == FileState::kAssigned || record->state == FileState::kUndone) continue;
      return NextUnnumbered(*record);
    }
    MS_RETURN_IF_ERROR(Translate(files_->status()));
    return std::optional<LedgerFile>();
  }

  Result<std::string> Note(const std::string& name) override {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), NoteKey(name), &value);
    if (status.IsNotFound()) return std::string();
    MS_RETURN_IF_ERROR(Translate(status));
    return value;
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
    files_->Next();
    return found;
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
  std::unique_ptr<rocksdb::Iterator> files_, batches_, fates_;
  bool by_path_ = false;
};

}  // namespace

Result<std::unique_ptr<LedgerView>> LedgerView::Open(Fs& fs, const std::string& directory) {
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
    if (!opened->Get(rocksdb::ReadOptions(), NoteKey("version"), &version).ok() || (version != kVersion && version != kVersionBefore)) {
      return Status::Error(errors::kLedgerForeign,
                           {{"path", directory}, {"detail", "its version is '" + version + "', this program knows " + std::string(kVersion)}});
    }
    return std::unique_ptr<LedgerView>(std::make_unique<RocksLedgerView>(directory, std::move(opened)));
  }
  return Status::Error(errors::kLedgerIo, {{"operation", "opening"}, {"path", directory}, {"reason", status.ToString()}});
}

}  // namespace millstream
