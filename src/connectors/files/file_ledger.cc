#include "connectors/files/file_ledger.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <charconv>
#include <functional>
#include <span>
#include <unordered_map>

#include "connectors/files/file_ledger_format.h"
#include "connectors/files/file_ledger_options.h"
#include "connectors/files/files_errors.h"
#include "storage/failpoint.h"

namespace millstream {
namespace {

using namespace ledger_format;

std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksFileLedger;

class RocksCursor : public FileLedger::Cursor {
 public:
  RocksCursor(std::unique_ptr<rocksdb::Iterator> iterator, std::string path) : iterator_(std::move(iterator)), path_(std::move(path)) {}

  Status Seek(std::string_view directory) override {
    prefix_ = DirectoryKey(directory);
    iterator_->Seek(prefix_);
    return Settle();
  }
  bool valid() const override { return valid_; }
  std::string_view name() const override { return FromSlice(iterator_->key()).substr(prefix_.size()); }
  Result<FileRecord> record() const override {
    std::optional<FileRecord> record = DecodeRecord(FromSlice(iterator_->value()));
    if (!record) return Status::Error(errors::kLedgerForeign, {{"path", path_}, {"detail", "a file's record is broken"}});
    return *record;
  }
  Status Next() override {
    iterator_->Next();
    return Settle();
  }
  Status SeekName(std::string_view name) override {
    sought_.assign(prefix_).append(name);
    iterator_->Seek(sought_);
    return Settle();
  }

 private:
  Status Settle() {
    valid_ = iterator_->Valid() && iterator_->key().starts_with(prefix_);
    if (iterator_->Valid() || iterator_->status().ok()) return Status();
    return Status::Error(errors::kLedgerIo, {{"operation", "reading"}, {"path", path_}, {"reason", iterator_->status().ToString()}});
  }

  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::string path_, prefix_, sought_;
  bool valid_ = false;
};

class RocksFileLedger : public FileLedger {
 public:
  RocksFileLedger(std::string directory, std::unique_ptr<FileLock> lock, std::unique_ptr<rocksdb::DB> db)
      : directory_(std::move(directory)), lock_(std::move(lock)), db_(std::move(db)) {}

  Status Load() {
    MS_ASSIGN_OR_RETURN(std::string version, GetNote("version"));
    std::unique_ptr<rocksdb::Iterator> last(db_->NewIterator(rocksdb::ReadOptions()));
    if (version.empty()) {
      last->SeekToFirst();
      if (last->Valid()) return Foreign("it has no version");
      MS_RETURN_IF_ERROR(Translate("reading", last->status()));
      MS_RETURN_IF_ERROR(PutNote("version", std::string(kVersion)));
    } else if (!KnowsVersion(version)) {
      return Foreign("its version is " + version + ", this program knows " + std::string(kVersion));
    } else if (version != kVersion) {
      MS_RETURN_IF_ERROR(PutNote("version", std::string(kVersion)));
    }
    last->SeekForPrev(NumberKey(INT64_MAX));
    MS_RETURN_IF_ERROR(Translate("reading", last->status()));
    if (last->Valid()) {
      if (std::optional<int64_t> number = DecodeNumberKey(FromSlice(last->key()))) {
        std::optional<NumberEntry> entry = DecodeNumber(FromSlice(last->value()));
        if (!entry) return Foreign("the entry of file number " + std::to_string(*number) + " is broken");
        next_number_ = *number + 1;
        next_bytes_ = entry->bytes_before + entry->file.size_bytes;
        last_number_ = *number;
      }
    }
    last->Seek(std::string(1, kFilePrefix));
    MS_RETURN_IF_ERROR(Translate("reading", last->status()));
    empty_ = !last->Valid() || !last->key().starts_with(std::string(1, kFilePrefix));
    // What an earlier process wrote and did not sync may be in the kernel's memory only.
    unsynced_.store(true);
    return Status();
  }

  const std::string& directory() const override { return directory_; }
  int64_t last_number() const override { return last_number_; }
  bool empty() const override { return empty_; }

  Result<int64_t> BytesBetween(int64_t after, int64_t through) override {
    if (after >= through) return int64_t{0};
    MS_ASSIGN_OR_RETURN(NumberEntry first, ReadNumber(after + 1));
    MS_ASSIGN_OR_RETURN(NumberEntry last, ReadNumber(through));
    return last.bytes_before + last.file.size_bytes - first.bytes_before;
  }

  Result<std::vector<NumberedFile>> Files(int64_t after, int64_t through, int64_t count_max) override {
    std::vector<NumberedFile> files;
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
    for (at->Seek(NumberKey(after + 1)); at->Valid() && static_cast<int64_t>(files.size()) < count_max; at->Next()) {
      std::optional<int64_t> number = DecodeNumberKey(FromSlice(at->key()));
      if (!number || *number > through) break;
      std::optional<NumberEntry> entry = DecodeNumber(FromSlice(at->value()));
      if (!entry) return Foreign("the entry of file number " + std::to_string(*number) + " is broken");
      entry->file.number = *number;
      files.push_back(std::move(entry->file));
    }
    MS_RETURN_IF_ERROR(Translate("reading", at->status()));
    return files;
  }

  Status Add(std::string_view directory, std::string_view name, FileRecord record, const std::string& content) override {
    if (record.state == FileState::kAssigned) {
      record.number = next_number_++;
      NumberEntry entry{.file = {.path = JoinPath(directory, name),
                                 .size_bytes = record.size_bytes,
                                 .modified_ns = record.modified_ns,
                                 .discovered_ms = record.discovered_ms},
                        .bytes_before = next_bytes_};
      next_bytes_ += record.size_bytes;
      MS_RETURN_IF_ERROR(Translate("writing", batch_.Put(NumberKey(record.number), EncodeNumber(entry))));
    } else if (record.state != FileState::kDuplicate && record.state != FileState::kWaiting) {
      record.number = 0;
    }
    return Finish(directory, name, record, content);
  }

  Status Replace(std::string_view directory, std::string_view name, FileRecord record, int64_t replaced, const std::string& content) override {
    MS_CHECK(record.state == FileState::kAssigned);
    if (replaced > 0) {
      MS_ASSIGN_OR_RETURN(auto batch, FindBatch(replaced));
      MS_ASSIGN_OR_RETURN(FileFate fate, FateOf(replaced));
      // When its batch has not run, or nobody knows that it has, two numbers would load the file twice. If it has run, the rows leave by their path.
      const bool was_loaded = batch && batch->second.committed_ms > 0;
      fate.retracted = was_loaded ? FileFate::Retracted::kReplaced : FileFate::Retracted::kSuperseded;
      MS_RETURN_IF_ERROR(StageFate(replaced, fate));
    }
    // Before Add, which may write: the number and what it replaces are one.
    MS_RETURN_IF_ERROR(Translate("writing", batch_.Put(ReplacementKey(next_number_), EncodeReplaced(replaced))));
    MS_RETURN_IF_ERROR(Add(directory, name, record, content));
    return content.empty() ? Status() : Write();  // FindContent reads the fate
  }

  Status Continue(std::string_view directory, std::string_view name, FileRecord record, const FilePart& part, std::string reason) override {
    MS_CHECK(record.state == FileState::kAssigned);
    // As in Replace: before Add, which may write.
    MS_RETURN_IF_ERROR(Translate("writing", batch_.Put(PartKey(next_number_), EncodePart(part))));
    if (!reason.empty()) MS_RETURN_IF_ERROR(StageFate(next_number_, {.reason = std::move(reason)}));
    return Add(directory, name, record, {});
  }
  Status Defer(std::string_view directory, std::string_view name, const FileRecord& record, int64_t number, const FileFate& fate, const FileRetry& retry) override {
    rocksdb::WriteBatch batch;
    MS_RETURN_IF_ERROR(Translate("writing", batch.Put(FateKey(number), EncodeFate(fate))));
    MS_RETURN_IF_ERROR(Translate("writing", batch.Put(FileKey(directory, name), EncodeRecord(record))));
    MS_RETURN_IF_ERROR(Translate("writing", retry.attempts > 0 ? batch.Put(RetryKey(number), EncodeRetry(retry)) : batch.Delete(RetryKey(number))));
    MS_FAILPOINT("files.retry.before_defer");
    MS_RETURN_IF_ERROR(WriteSynced(batch));
    MS_FAILPOINT("files.retry.after_defer");
    return Status();
  }
  Status StageRetry(int64_t number, const std::optional<FileRetry>& retry) override {
    return Translate("writing", retry ? batch_.Put(RetryKey(number), EncodeRetry(*retry)) : batch_.Delete(RetryKey(number)));
  }
  Result<std::vector<std::pair<int64_t, FileRetry>>> Retries() override {
    std::vector<std::pair<int64_t, FileRetry>> retries;
    MS_RETURN_IF_ERROR(VisitNumbers(kRetryPrefix, 0, INT64_MAX - 1, [&](int64_t number, std::string_view value) {
      std::optional<FileRetry> retry = DecodeRetry(value);
      if (!retry) return Foreign("what is to be tried again of file number " + std::to_string(number) + " is broken");
      retries.emplace_back(number, *retry);
      return Status();
    }));
    return retries;
  }
  Result<std::optional<FilePart>> FindPart(int64_t number) override {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), PartKey(number), &bytes);
    if (status.IsNotFound()) return std::optional<FilePart>();
    MS_RETURN_IF_ERROR(Translate("reading", status));
    std::optional<FilePart> part = DecodePart(bytes);
    if (!part) return Foreign("the part of file number " + std::to_string(number) + " is broken");
    return part;
  }
  Status RecordPart(int64_t number, const FilePart& part) override { return PutUnsynced(PartKey(number), EncodePart(part)); }

  Status Put(std::string_view directory, std::string_view name, const FileRecord& record) override {
    return Translate("writing", batch_.Put(FileKey(directory, name), EncodeRecord(record)));
  }
  Status Drop(std::string_view directory, std::string_view name) override { return Translate("writing", batch_.Delete(FileKey(directory, name))); }
  Status StageFate(int64_t number, const FileFate& fate) override { return Translate("writing", batch_.Put(FateKey(number), EncodeFate(fate))); }
  Status StageNote(const std::string& name, const std::string& value) override { return Translate("writing", batch_.Put(NoteKey(name), value)); }

  Status StageWaiting(const std::string& key, const std::string& value) override { return Translate("writing", batch_.Put(key, value)); }
  Status DropWaiting(const std::string& key) override { return Translate("writing", batch_.Delete(key)); }
  Result<std::vector<WaitingRecord>> Waiting(const std::string& after, int64_t count_max) override {
    std::vector<WaitingRecord> waiting;
    const std::string prefix(1, kWaitingPrefix);
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions()));
    for (at->Seek(after.empty() ? prefix : after + '\0'); at->Valid() && at->key().starts_with(prefix); at->Next()) {
      if (static_cast<int64_t>(waiting.size()) == count_max) break;
      waiting.push_back({at->key().ToString(), at->value().ToString()});
    }
    MS_RETURN_IF_ERROR(Translate("reading", at->status()));
    return waiting;
  }
  Result<std::optional<std::string>> FindWaiting(const std::string& key) override {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    MS_RETURN_IF_ERROR(Translate("reading", status));
    return std::optional(std::move(value));
  }

  Result<std::optional<FileRecord>> Find(std::string_view directory, std::string_view name) override {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), FileKey(directory, name), &bytes);
    if (status.IsNotFound()) return std::optional<FileRecord>();
    MS_RETURN_IF_ERROR(Translate("reading", status));
    std::optional<FileRecord> record = DecodeRecord(bytes);
    if (!record) return Foreign("a file's record is broken");
    return record;
  }

  Result<int64_t> FindContent(const std::string& content) override {
    if (auto found = new_contents_.find(content); found != new_contents_.end()) return found->second;
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), ContentKey(content), &bytes);
    if (status.IsNotFound()) return int64_t{0};
    MS_RETURN_IF_ERROR(Translate("reading", status));
    int64_t number = 0;
    if (std::from_chars(bytes.data(), bytes.data() + bytes.size(), number).ec != std::errc() || number == 0) return Foreign("a content's record is broken");
    if (number < 0) return number;
    // Rows that have left the table, or are about to, and bytes that nobody has read are no reason to leave a file out. An undone file is: it stays known.
    using Retracted = FileFate::Retracted;
    MS_ASSIGN_OR_RETURN(const FileFate fate, FateOf(number));
    MS_ASSIGN_OR_RETURN(const bool is_given_up, IsGivenUp(number));
    const bool stays = !is_given_up && (fate.retracted == Retracted::kNo || fate.retracted == Retracted::kUndone);
    return stays ? number : 0;
  }

  Status Write() override {
    if (batch_.Count() == 0) return Status();
    MS_FAILPOINT("files.ledger.before_write");
    MS_RETURN_IF_ERROR(Translate("writing", db_->Write(rocksdb::WriteOptions(), &batch_)));
    batch_.Clear();
    new_contents_.clear();
    unsynced_.store(true);
    empty_ = false;
    last_number_ = next_number_ - 1;
    MS_FAILPOINT("files.ledger.after_write");
    return Status();
  }

  Status Sync() override {
    MS_RETURN_IF_ERROR(failed_sync_);
    MS_RETURN_IF_ERROR(Write());
    if (!unsynced_.load()) return Status();
    MS_FAILPOINT("files.ledger.before_sync");
    // Cleared first: what others write meanwhile makes the next Sync sync again.
    unsynced_.store(false);
    // A second fsync may say yes to what the first has lost: after a failure this ledger is of no more use, and must be opened again.
    failed_sync_ = Translate("syncing", db_->SyncWAL());
    MS_RETURN_IF_ERROR(failed_sync_);
    MS_FAILPOINT("files.ledger.after_sync");
    return Status();
  }

  Status Refresh(const std::vector<NumberedFile>& files) override {
    rocksdb::WriteBatch batch;
    for (const NumberedFile& file : files) {
      MS_ASSIGN_OR_RETURN(NumberEntry entry, ReadNumber(file.number));
      entry.file.size_bytes = file.size_bytes;
      entry.file.modified_ns = file.modified_ns;
      MS_RETURN_IF_ERROR(Translate("writing", batch.Put(NumberKey(file.number), EncodeNumber(entry))));
    }
    return WriteSynced(batch);
  }

  Status RecordBatch(int64_t through, const BatchRecord& record) override { return PutUnsynced(BatchKey(through), EncodeBatch(record)); }
  Status RecordFate(int64_t number, const FileFate& fate) override { return PutUnsynced(FateKey(number), EncodeFate(fate)); }

  Status RecordCounts(int64_t after, const std::vector<FileCounts>& counts) override {
    for (size_t from = 0; from < counts.size(); from += kCountsAtOnce) {
      const std::span<const FileCounts> some = std::span(counts).subspan(from, std::min(kCountsAtOnce, counts.size() - from));
      MS_RETURN_IF_ERROR(PutUnsynced(CountsKey(after + static_cast<int64_t>(from + some.size())), EncodeCounts(some)));
    }
    return Status();
  }

  Result<std::optional<std::pair<int64_t, BatchRecord>>> FindBatch(int64_t number) override {
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(rocksdb::ReadOptions()));
    at->Seek(BatchKey(number));
    MS_RETURN_IF_ERROR(Translate("reading", at->status()));
    using Found = std::optional<std::pair<int64_t, BatchRecord>>;
    if (!at->Valid()) return Found();
    std::optional<int64_t> through = DecodeNumberKey(FromSlice(at->key()), kBatchPrefix);
    if (!through) return Found();
    std::optional<BatchRecord> record = DecodeBatch(FromSlice(at->value()));
    if (!record) return Foreign("the record of the batch that ends at file number " + std::to_string(*through) + " is broken");
    if (record->after >= number) return Found();
    return Found({*through, *record});
  }

  Result<std::optional<FileFate>> FindFate(int64_t number) override {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), FateKey(number), &bytes);
    if (status.IsNotFound()) return std::optional<FileFate>();
    MS_RETURN_IF_ERROR(Translate("reading", status));
    std::optional<FileFate> fate = DecodeFate(bytes);
    if (!fate) return Foreign("the record of file number " + std::to_string(number) + " is broken");
    return fate;
  }

  Result<std::vector<std::pair<int64_t, FileFate>>> Fates(int64_t after, int64_t through) override {
    std::vector<std::pair<int64_t, FileFate>> fates;
    MS_RETURN_IF_ERROR(VisitNumbers(kFatePrefix, after, through, [&](int64_t number, std::string_view value) {
      std::optional<FileFate> fate = DecodeFate(value);
      if (!fate) return Foreign("the record of file number " + std::to_string(number) + " is broken");
      fates.emplace_back(number, std::move(*fate));
      return Status();
    }));
    return fates;
  }

  Result<std::vector<Replacement>> Replacements(int64_t after, int64_t through) override {
    std::vector<Replacement> replacements;
    MS_RETURN_IF_ERROR(VisitNumbers(kReplacementPrefix, after, through, [&](int64_t number, std::string_view value) {
      std::optional<int64_t> replaced = DecodeReplaced(value);
      if (!replaced) return Foreign("what file number " + std::to_string(number) + " replaces is broken");
      replacements.push_back({number, *replaced});
      return Status();
    }));
    return replacements;
  }

  Result<std::vector<RecordedFile>> RecordedFiles(std::string_view directory, std::string_view name, int64_t count_max) override {
    std::vector<RecordedFile> files;
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
    const std::string from = directory.empty() ? std::string(1, kFilePrefix) : FileKey(directory, name);
    for (at->Seek(from); at->Valid() && at->key().starts_with(std::string(1, kFilePrefix)) && static_cast<int64_t>(files.size()) < count_max; at->Next()) {
      if (FromSlice(at->key()) == from) continue;
      const std::string_view path = FromSlice(at->key()).substr(1);
      const size_t nul = path.find('\0');
      std::optional<FileRecord> record = DecodeRecord(FromSlice(at->value()));
      if (nul == std::string_view::npos || !record) return Foreign("a file's record is broken");
      files.push_back({std::string(path.substr(0, nul)), std::string(path.substr(nul + 1)), *record});
    }
    MS_RETURN_IF_ERROR(Translate("reading", at->status()));
    return files;
  }

  Status EraseNumber(int64_t number) override {
    for (const std::string& key : {NumberKey(number), FateKey(number), ReplacementKey(number), PartKey(number)})
      MS_RETURN_IF_ERROR(Translate("writing", batch_.Delete(key)));
    return Status();
  }
  Status EraseBatchesBefore(int64_t number) override {
    return VisitNumbers(kBatchPrefix, 0, number - 1, [&](int64_t through, std::string_view) { return Translate("writing", batch_.Delete(BatchKey(through))); });
  }

  Status EraseUnusedCounts(int64_t after, int64_t through) override {
    std::unique_ptr<rocksdb::Iterator> numbers(db_->NewIterator(rocksdb::ReadOptions()));
    return VisitNumbers(kCountsPrefix, after, through, [&](int64_t last, std::string_view value) {
      std::optional<std::vector<FileCounts>> counts = DecodeCounts(value);
      if (!counts) return Foreign("the counts of the files up to number " + std::to_string(last) + " are broken");
      numbers->Seek(NumberKey(last - static_cast<int64_t>(counts->size()) + 1));
      MS_RETURN_IF_ERROR(Translate("reading", numbers->status()));
      const std::optional<int64_t> left = numbers->Valid() ? DecodeNumberKey(FromSlice(numbers->key())) : std::nullopt;
      return left && *left <= last ? Status() : Translate("writing", batch_.Delete(CountsKey(last)));
    });
  }

  Result<std::string> GetNote(const std::string& name) override {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), NoteKey(name), &value);
    if (status.IsNotFound()) return std::string();
    MS_RETURN_IF_ERROR(Translate("reading", status));
    return value;
  }

  Status PutNote(const std::string& name, const std::string& value) override {
    rocksdb::WriteBatch batch;
    MS_RETURN_IF_ERROR(Translate("writing", batch.Put(NoteKey(name), value)));
    return WriteSynced(batch);
  }

  std::unique_ptr<Cursor> NewCursor() override {
    rocksdb::ReadOptions read;
    read.fill_cache = false;  // a sweep passes everything once: it would only push out what others need
    read.readahead_size = 256 << 10;
    return std::make_unique<RocksCursor>(std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(read)), directory_);
  }

 private:
  // The file's record and what finds it by its content.
  Status Finish(std::string_view directory, std::string_view name, const FileRecord& record, const std::string& content) {
    if (!content.empty()) {
      const int64_t number = record.number == 0 || record.state == FileState::kWaiting ? -1 : record.number;
      new_contents_.emplace(content, number);
      MS_RETURN_IF_ERROR(Translate("writing", batch_.Put(ContentKey(content), std::to_string(number))));
    }
    MS_RETURN_IF_ERROR(Translate("writing", batch_.Put(FileKey(directory, name), EncodeRecord(record))));
    return batch_.GetDataSize() >= (256 << 10) ? Write() : Status();
  }

  Status VisitNumbers(char prefix, int64_t after, int64_t through, const std::function<Status(int64_t number, std::string_view value)>& visit) {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
    for (at->Seek(NumberedKey(prefix, after + 1)); at->Valid(); at->Next()) {
      std::optional<int64_t> number = DecodeNumberKey(FromSlice(at->key()), prefix);
      if (!number || *number > through) break;
      MS_RETURN_IF_ERROR(visit(*number, FromSlice(at->value())));
    }
    return Translate("reading", at->status());
  }

  Status PutUnsynced(const std::string& key, const std::string& value) {
    MS_RETURN_IF_ERROR(Translate("writing", db_->Put(rocksdb::WriteOptions(), key, value)));
    unsynced_.store(true);
    return Status();
  }

  Status WriteSynced(rocksdb::WriteBatch& batch) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return Translate("writing", db_->Write(synced, &batch));
  }

  Result<NumberEntry> ReadNumber(int64_t number) {
    std::string bytes;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), NumberKey(number), &bytes);
    if (status.IsNotFound()) return Foreign("file number " + std::to_string(number) + " is missing");
    MS_RETURN_IF_ERROR(Translate("reading", status));
    std::optional<NumberEntry> entry = DecodeNumber(bytes);
    if (!entry) return Foreign("the entry of file number " + std::to_string(number) + " is broken");
    return *entry;
  }

  Status Foreign(std::string detail) const { return Status::Error(errors::kLedgerForeign, {{"path", directory_}, {"detail", std::move(detail)}}); }
  Status Translate(std::string_view operation, const rocksdb::Status& status) const {
    if (status.ok()) return Status();
    return Status::Error(errors::kLedgerIo, {{"operation", std::string(operation)}, {"path", directory_}, {"reason", status.ToString()}});
  }

  const std::string directory_;
  std::unique_ptr<FileLock> lock_;  // held longer than the database
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
  std::unordered_map<std::string, int64_t> new_contents_;  // in batch_
  int64_t next_number_ = 1, next_bytes_ = 0;               // what Add gives next
  std::atomic<int64_t> last_number_{0};                    // written
  std::atomic<bool> empty_{true};
  std::atomic<bool> unsynced_{false};
  Status failed_sync_;
};

}  // namespace

Result<std::shared_ptr<FileLedger>> FileLedger::Open(Fs& fs, const std::string& directory) {
  MS_RETURN_IF_ERROR(fs.CreateDirectories(directory));
  for (const char* foreign : {"SSTs", "logs"}) {
    MS_ASSIGN_OR_RETURN(bool exists, fs.Exists(JoinPath(directory, foreign)));
    if (exists) {
      return Status::Error(errors::kLedgerForeign, {{"path", directory}, {"detail", "it was written by Databricks, whose ledger format is not public"}});
    }
  }
  MS_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, TryLock(JoinPath(directory, "millstream.lock")));
  if (lock == nullptr) return Status::Error(errors::kLedgerInUse, {{"path", directory}, {"reason", "millstream.lock is held"}});
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(FileLedgerOptions(), directory, &db);
  if (!status.ok()) {
    return Status::Error(errors::kLedgerIo, {{"operation", "opening"}, {"path", directory}, {"reason", status.ToString()}});
  }
  auto ledger = std::make_shared<RocksFileLedger>(directory, std::move(lock), std::unique_ptr<rocksdb::DB>(db));
  MS_RETURN_IF_ERROR(ledger->Load());
  return std::shared_ptr<FileLedger>(std::move(ledger));
}

}  // namespace millstream
