#pragma once

// file_ledger.h   Which files a stream has found, and in which order it loads them. RocksDB under <checkpoint>/sources/<i>/rocksdb.
//
// Each file that is found gets the next sequence number, once and for ever. An offset of the stream is such a number; a batch is the files in
// (start, end]. Protocol, and why nothing is lost or doubled:
//
//   1. Add: path → record and number → path are written in one atomic WriteBatch (not synced yet).
//   2. Sync: the RocksDB log is synced. Only then does the source return an offset that covers the new numbers, and only then is it logged.
//   3. The batch runs; its files come from the number index, in this or any later process: the same numbers are always the same files.
//
// Killed before 2: what a power cut takes away was in no logged offset; the files are found again and get numbers again. Killed after 2 and before the
// offset is logged: the numbers are there and wait, the next batch takes them; the files are known and get no second number. A logged offset beyond the
// ledger's last number can thus only mean that the ledger was tampered with: MILLSTREAM_LEDGER_BEHIND_CHECKPOINT, never a guess.
//
// Format: docs/formats/file_ledger.md. Files of one directory lie together, by name, so that discovery merges a sorted listing with a
// sorted range.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "connectors/files/file_part.h"
#include "storage/fs.h"

namespace millstream {

enum class FileState : uint8_t {
  kAssigned = 1,   // has a number: waiting, in a batch, or loaded, as the query's offsets tell
  kExisting = 2,   // was there before the stream and is not wanted (includeExistingFiles=false)
  kEmpty = 3,      // had no bytes yet; becomes kAssigned when it has
  kDuplicate = 4,  // has the bytes of the file `number`, and is not loaded
  kUndone = 5,     // its rows, loaded as `number`, were taken back; not loaded again, whatever becomes of it
  kWaiting = 6,    // gets its number when a batch has room for it (waiting_files.h); `number`: whose rows it takes the place of, 0: none
  kFailing = 7,    // could not be read as `number`, and waits to be tried again (FileRetry)
  kGone = 8,       // was gone before it got a number; new when it comes back
};

struct FileRecord {
  FileState state = FileState::kAssigned;
  int64_t number = 0;  // of kAssigned and kUndone, from 1; of kDuplicate: the file that it repeats
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  int64_t discovered_ms = 0;
};

struct NumberedFile {
  int64_t number = 0;
  std::string path;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  int64_t discovered_ms = 0;
};

// What became of the files (after, through], which were loaded together.
struct BatchRecord {
  int64_t after = 0;
  int64_t processed_ms = 0;  // when they were read last; 0: not known
  int64_t committed_ms = 0;  // 0: not yet
};

// What became of one file beyond being loaded.
struct FileFate {
  // kOverBudget: it has more bad records than cloudFiles.onError allows. kFailed: tried cloudFiles.maxFileRetries times.
  enum class Skipped : uint8_t { kNo = 0, kCorrupted = 1, kMissing = 2, kOverBudget = 3, kFailed = 4 };
  enum class Cleaned : uint8_t { kNo = 0, kDeleted = 1, kMoved = 2, kKept = 3, kTagged = 4 };  // kKept: it had changed, or could not be removed
  // What a request, or a later number of the same path, has done to this one (docs/auto_loader.md). kSuperseded: it was not in a batch yet.
  // kRemoved: it has gone from the source, and its rows from the table. kDeferred: it could not be read, and comes again as a later number.
  enum class Retracted : uint8_t { kNo = 0, kUndone = 1, kForgotten = 2, kReplaced = 3, kSuperseded = 4, kRemoved = 5, kDeferred = 6 };
  Skipped skipped = Skipped::kNo;
  Retracted retracted = Retracted::kNo;
  Cleaned cleaned = Cleaned::kNo;
  int64_t cleaned_ms = 0;  // of kRemoved: when that was noticed
  std::string reason;    // of skipping or keeping it
  std::string moved_to;  // of kMoved

  // A batch that is not committed yet leaves the file out.
  bool is_left_out() const {
    return skipped == Skipped::kOverBudget || skipped == Skipped::kFailed || (retracted != Retracted::kNo && retracted != Retracted::kReplaced);
  }
};

// A number whose file takes the place of rows that were loaded from the same path before.
struct Replacement {
  int64_t number = 0;
  int64_t replaced = 0;  // the number of those rows; 0: none that is known
};

// A file that waits in an order: its place there, and what is known of it (ledger_format::WaitingKey, EncodeWaiting).
struct WaitingRecord {
  std::string key, value;
};

// A number whose file could not be read and is to be tried again, or that is such a trial.
struct FileRetry {
  int64_t attempts = 0;  // that have failed
  int64_t due_ms = 0;    // when it gets another number; 0: it has one, this one
};

struct RecordedFile {
  std::string directory, name;
  FileRecord record;
};

// How the records of one file came out: rows in = rows + rejected. Of the rows, malformed ones were read as nulls, and rescued ones have something rescued.
struct FileCounts {
  int64_t rows = 0, rejected = 0, malformed = 0, rescued = 0;
  bool operator==(const FileCounts&) const = default;
};

// Reading is thread-safe, and so are the records of batches, counts and fates; adding is for one thread.
class FileLedger {
 public:
  // Creates it when there is none. Errors: MILLSTREAM_LEDGER_IN_USE, MILLSTREAM_LEDGER_FORMAT, MILLSTREAM_LEDGER_IO.
  static Result<std::shared_ptr<FileLedger>> Open(Fs& fs, const std::string& directory);
  virtual ~FileLedger() = default;

  virtual const std::string& directory() const = 0;
  virtual int64_t last_number() const = 0;  // 0: none yet
  virtual bool empty() const = 0;
  // Sum of the sizes of files (after, through].
  virtual Result<int64_t> BytesBetween(int64_t after, int64_t through) = 0;
  // Files in (after, through], in order, at most `count_max` of them.
  virtual Result<std::vector<NumberedFile>> Files(int64_t after, int64_t through, int64_t count_max = INT64_MAX) = 0;

  // Adds or replaces a file; kAssigned gets the next number whatever record.number says. Buffered: visible to readers after Write.
  // `content`: the hash of its bytes, under which FindContent finds it from now on.
  virtual Status Add(std::string_view directory, std::string_view name, FileRecord record, const std::string& content = {}) = 0;
  // The same for a file that was known as `replaced`: in the batch of its new number the rows of the path that are there leave. A number that was not
  // committed yet is superseded.
  virtual Status Replace(std::string_view directory, std::string_view name, FileRecord record, int64_t replaced, const std::string& content = {}) = 0;
  // The same for a file that goes on from an earlier number: in the batch of its new number this part of it is loaded. `reason`: of its fate; empty: none.
  virtual Status Continue(std::string_view directory, std::string_view name, FileRecord record, const FilePart& part, std::string reason) = 0;
  // The file could not be read as this number: atomic, and durable on return. Thread-safe.
  virtual Status Defer(std::string_view directory, std::string_view name, const FileRecord& record, int64_t number, const FileFate& fate, const FileRetry& retry) = 0;
  // Buffered as Add is. nullopt: nothing more is to be tried.
  virtual Status StageRetry(int64_t number, const std::optional<FileRetry>& retry) = 0;
  virtual Result<std::vector<std::pair<int64_t, FileRetry>>> Retries() = 0;
  // Which part of its file a number is; nullopt: all of it, or not planned yet.
  virtual Result<std::optional<FilePart>> FindPart(int64_t number) = 0;
  // Written, not synced.
  virtual Status RecordPart(int64_t number, const FilePart& part) = 0;
  // Buffered as Add is, and atomic with what is added between two Writes: a file's record as it is given, or no record; a fate; a note.
  virtual Status Put(std::string_view directory, std::string_view name, const FileRecord& record) = 0;
  virtual Status Drop(std::string_view directory, std::string_view name) = 0;
  virtual Status StageFate(int64_t number, const FileFate& fate) = 0;
  virtual Status StageNote(const std::string& name, const std::string& value) = 0;
  // Buffered likewise: files that wait, by their place (waiting_files.h). Those behind a place, in order; "": all.
  virtual Status StageWaiting(const std::string& key, const std::string& value) = 0;
  virtual Status DropWaiting(const std::string& key) = 0;
  virtual Result<std::vector<WaitingRecord>> Waiting(const std::string& after, int64_t count_max) = 0;
  virtual Result<std::optional<std::string>> FindWaiting(const std::string& key) = 0;
  // What is written of one file. nullopt: it is not known.
  virtual Result<std::optional<FileRecord>> Find(std::string_view directory, std::string_view name) = 0;
  // The number of the first file with this content; -1: one without a number; 0: none that still has it. Also sees what is not written yet.
  virtual Result<int64_t> FindContent(const std::string& content) = 0;
  // Makes everything added visible (survives a kill of the process).
  virtual Status Write() = 0;
  // Makes everything written survive a power cut. Cheap when nothing is new.
  virtual Status Sync() = 0;
  // Takes over sizes and times of files that have changed since they were found. Durable on return.
  virtual Status Refresh(const std::vector<NumberedFile>& files) = 0;

  // What became of a batch, by its last number, and of a file. Written, not synced.
  virtual Status RecordBatch(int64_t through, const BatchRecord& record) = 0;
  virtual Status RecordFate(int64_t number, const FileFate& fate) = 0;
  // How the files after + 1, after + 2 … came out. Written, not synced.
  virtual Status RecordCounts(int64_t after, const std::vector<FileCounts>& counts) = 0;
  // The first record at or after `number`: its batch, or none. nullopt: not recorded.
  virtual Result<std::optional<std::pair<int64_t, BatchRecord>>> FindBatch(int64_t number) = 0;
  virtual Result<std::optional<FileFate>> FindFate(int64_t number) = 0;
  // The same, to be changed and recorded: where nothing is known yet, an empty one.
  Result<FileFate> FateOf(int64_t number) {
    MS_ASSIGN_OR_RETURN(std::optional<FileFate> known, FindFate(number));
    return known.value_or(FileFate());
  }
  // Whether none of the file's bytes came into the table as this number, or will: it was gone, or could not be read. Written records only.
  Result<bool> IsGivenUp(int64_t number) {
    MS_ASSIGN_OR_RETURN(const FileFate fate, FateOf(number));
    using Retracted = FileFate::Retracted;
    if (fate.skipped == FileFate::Skipped::kFailed || fate.retracted == Retracted::kDeferred || fate.retracted == Retracted::kSuperseded) return true;
    if (fate.skipped != FileFate::Skipped::kMissing) return false;
    // A batch that runs again may find it.
    MS_ASSIGN_OR_RETURN(auto batch, FindBatch(number));
    return batch && batch->second.committed_ms > 0;
  }
  // The fates of files (after, through] that have one, by number.
  virtual Result<std::vector<std::pair<int64_t, FileFate>>> Fates(int64_t after, int64_t through) = 0;
  // The numbers in (after, through] that replace others.
  virtual Result<std::vector<Replacement>> Replacements(int64_t after, int64_t through) = 0;

  // Of all files, by directory and name, those after this one.
  virtual Result<std::vector<RecordedFile>> RecordedFiles(std::string_view directory, std::string_view name, int64_t count_max) = 0;
  // Buffered: nothing is left of a number but its path's record; of batches that end before this number.
  virtual Status EraseNumber(int64_t number) = 0;
  virtual Status EraseBatchesBefore(int64_t number) = 0;
  // Buffered: the counts of files (after, through] that are recorded together and of which no number is left. The erased numbers must be written.
  virtual Status EraseUnusedCounts(int64_t after, int64_t through) = 0;

  // Small facts beside the files ("initial sweep done"); durable on return.
  virtual Result<std::string> GetNote(const std::string& name) = 0;  // empty: none
  virtual Status PutNote(const std::string& name, const std::string& value) = 0;

  // The files of one directory, by name, as they were when the cursor was made.
  class Cursor {
   public:
    virtual ~Cursor() = default;
    virtual Status Seek(std::string_view directory) = 0;
    virtual bool valid() const = 0;  // false: the directory has no more files
    virtual std::string_view name() const = 0;
    virtual Result<FileRecord> record() const = 0;
    virtual Status Next() = 0;
    // To the first name of the directory that is not before this one, in either direction.
    virtual Status SeekName(std::string_view name) = 0;
  };
  virtual std::unique_ptr<Cursor> NewCursor() = 0;
};

}  // namespace millstream
