#pragma once

// quarantine.h   Bad records as rows of a table of their own: what a load collects while it reads, and who keeps it. docs/quarantine.md

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "formats/bad_records.h"
#include "types/row_stream.h"

namespace millstream {

// The table's columns.
const StructType& QuarantineSchema();

namespace quarantine {
// More of a record is not kept; its byte range says where the rest is.
inline constexpr int64_t kRawBytesMax = int64_t{1} << 20;
// Keys of the column `options` that are no options of the reader.
inline constexpr char kHeaderLine[] = "headerLine";            // of CSV with one
inline constexpr char kPartitionPrefix[] = "partitionValue.";  // + column; a null value has no key
inline constexpr char kTableRow[] = "tableRow";  // "true": `raw` is no text of the file, but the row as JSON, with the names of the table's columns
// The byte_offset of a BadRecord that is a row which the reader has made, and which does not fit the table: its place in the file is not known, and `raw` is
// the row as JSON.
inline constexpr int64_t kNoOffset = -1;
// Of the column `loader`: + the query's id (and "/<source>" behind the first source), or + the id of the table that COPY INTO loads.
inline constexpr char kStreamLoader[] = "stream:";
inline constexpr char kCopyLoader[] = "copy:";
}  // namespace quarantine

// What all records of one load have in common.
struct QuarantineLoad {
  std::string loader;
  int64_t load_id = 0;                // of the loader: the batch, or the epoch of the table's ledger
  std::optional<std::string> target;  // the table that has the load's rows as they were read; nullopt: its query changes them
  std::optional<std::string> row_target;  // the table that rows which do not fit were meant for
  std::string format;
  OptionMap options;  // of the reader
  std::optional<int64_t> schema_id;
  int64_t loaded_ms = 0;
};

// The bad records of one load, in memory: MILLSTREAM_QUARANTINE_TOO_LARGE when they are more than a gigabyte.
class QuarantineRows : public BadRecords {
 public:
  // `kept_of_each`: so many records of each file are kept, and the others counted: for who only says what is wrong.
  explicit QuarantineRows(std::vector<InputFile> files, int64_t kept_of_each = INT64_MAX)
      : files_(std::move(files)), kept_of_each_(kept_of_each), taken_(files_.size()) {}
  // What is wrong with the first records that were kept, at most `count`, a line each; of one file when `file` is set.
  std::vector<std::string> First(size_t count, std::optional<int32_t> file = std::nullopt) const;
  // A file that was left out whole; not among count().
  void AddFile(const InputFile& file, const std::string& reason);
  bool empty() const;
  Result<std::vector<RecordBatchPtr>> Rows(const QuarantineLoad& load) const;

 private:
  struct Kept {
    BadRecord record;  // raw and header unset
    std::string raw, header;
    bool is_file = false;
  };
  Status Take(const BadRecord& record) override;
  std::vector<const Kept*> Sorted() const;  // under mutex_

  const std::vector<InputFile> files_;
  const int64_t kept_of_each_;
  mutable std::mutex mutex_;
  std::vector<int64_t> taken_;       // GUARDED_BY(mutex_): of each file
  std::vector<Kept> kept_;           // GUARDED_BY(mutex_)
  std::vector<InputFile> left_out_;  // GUARDED_BY(mutex_): of those with is_file, by record.file
  int64_t bytes_ = 0;                // GUARDED_BY(mutex_)
};

// The quarantine table of a stream. Not thread-safe.
class QuarantineTable {
 public:
  virtual ~QuarantineTable() = default;
  // Makes the table when there is none; refuses one with other columns.
  virtual Status Prepare() = 0;
  // Durable when it returns. Rows that an earlier run of the same batch has left are replaced.
  virtual Status Keep(const QuarantineLoad& load, const QuarantineRows& rows) = 0;

  // Where the stream's rows go as they are read: known before it starts.
  void set_target(std::optional<std::string> target) { target_ = std::move(target); }
  const std::optional<std::string>& target() const { return target_; }

 private:
  std::optional<std::string> target_;
};

// With a quarantine table a reader must neither invent rows nor stop: the options that see to it. FAILFAST is refused.
Result<OptionMap> WithQuarantine(OptionMap reader_options, const std::string& option);

}  // namespace millstream
