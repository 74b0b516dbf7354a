#pragma once

// file_format.h   Bytes of many files → rows. One FileFormat per JSON, CSV, Parquet…; made once, used for every batch.
//
//   MS_ASSIGN_OR_RETURN(auto format, MakeFileFormat("json", options, context));
//   MS_ASSIGN_OR_RETURN(StructType schema, format->InferSchema(sample));
//   MS_ASSIGN_OR_RETURN(RowStreamPtr rows, format->Read(files, {.data_schema = schema, .columns = {"id", "_metadata"}}, stats));

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/option_table.h"
#include "storage/fs.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kSourceFileMissing{
    "MILLSTREAM_SOURCE_FILE_MISSING", "42K03", ExceptionKind::kSpark,
    "<path> was listed but is gone now. Restore it, or set the option ignoreMissingFiles to true to go on without it."};
inline constexpr ErrorClass kSourceFileChanged{"MILLSTREAM_SOURCE_FILE_CHANGED", "58030", ExceptionKind::kSpark,
                                               "<path> changed while it was read (<detail>). The batch is retried."};
}  // namespace errors

class ArchiveMember;  // formats/input_bytes.h

// A file as discovery saw it. Read refuses it when its size has changed since (kSourceFileChanged, retryable) or it is gone.
struct InputFile {
  std::string path;  // raw
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  std::map<std::string, std::optional<std::string>> partition_values;  // Hive-style, decoded; nullopt: null
  // Not null: the text to parse, decompressed and as UTF-8; nothing is read from the disk. Of JSON, CSV and XML: records that are parsed once more.
  std::shared_ptr<const std::string> content = nullptr;
  // Not null: a member of an archive. Its path names it (<archive>!/<member>), and its bytes come from here.
  std::shared_ptr<const ArchiveMember> member = nullptr;
};

class BadRecords;  // formats/bad_records.h

// What became of each file of a Read. Thread-safe.
class FileOutcomes {
 public:
  explicit FileOutcomes(size_t files) : counts_(files) {}
  // Of files that are parts of others: what becomes of the i-th is said of `whole`'s file_of[i].
  FileOutcomes(std::shared_ptr<FileOutcomes> whole, std::vector<int32_t> file_of) : whole_(std::move(whole)), file_of_(std::move(file_of)) {}
  struct Counts {
    std::atomic<int64_t> rows{0}, rejected{0}, malformed{0}, rescued{0}, quarantined{0};
  };
  Counts& of(int32_t file) { return whole_ ? whole_->of(file_of_[static_cast<size_t>(file)]) : counts_[static_cast<size_t>(file)]; }
  struct Skipped {
    int32_t file = 0;
    bool is_missing = false;  // else: it cannot be read
    std::string reason;
  };
  void Skip(Skipped skipped);
  struct Sums {
    int64_t rows = 0, rejected = 0, quarantined = 0;
  };
  Sums Total() const;  // of all files
  std::vector<Skipped> skipped() const;

 private:
  const std::shared_ptr<FileOutcomes> whole_;  // or null
  const std::vector<int32_t> file_of_;
  std::vector<Counts> counts_;
  mutable std::mutex mutex_;
  std::vector<Skipped> skipped_;  // GUARDED_BY(mutex_)
};

struct FileScan {
  StructType data_schema;       // what the files are read as; nullable throughout, as in Spark
  StructType partition_schema;  // columns whose values come from InputFile::partition_values
  // Columns of the result, in order: of data_schema, of partition_schema, the rescued-data column, or "_metadata".
  std::vector<std::string> columns;
  std::string rescued_data_column;  // empty: none. STRING: {"field": raw value, …, "_file_path": …} as Databricks writes it
  // With rescue: fields that are not in data_schema go to the rescued column. With `fail_on_new_fields` the read ends in
  // UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE instead (schema evolution modes addNewColumns and failOnNewColumns).
  bool fail_on_new_fields = false;
  // CSV: columns go by the names in each file's header, not by position, also where nothing is rescued.
  bool columns_by_name = false;
  // Null, or made for as many files as are read.
  std::shared_ptr<FileOutcomes> outcomes = nullptr;
  // Not null: takes the records that no row can be made of (JSON, CSV, XML), whatever the mode; they are neither rows nor errors then.
  std::shared_ptr<BadRecords> bad_records = nullptr;
};

// Counted while the stream is pulled; final when it has ended. rows_in = rows_out + rows_rejected + rows_quarantined, always. Of rows_out, rows_rescued have
// something in the rescued column, and rows_malformed were broken records without one: nulls, with their text in the column for corrupt records if there is
// one.
struct FileScanStats {
  std::atomic<int64_t> rows_in{0}, rows_out{0}, rows_rescued{0}, rows_malformed{0}, rows_rejected{0}, rows_quarantined{0}, files_read{0}, files_skipped{0},
      bytes_read{0};
  std::shared_ptr<FileOutcomes> outcomes;  // that of the FileScan, set by who makes both
  std::shared_ptr<FileOutcomes> parts;     // not null: the files that are read are parts of those of `outcomes`, whose view this is

  // A file is left out, as the options allow.
  void Skip(int32_t file, bool is_missing, const Status& reason);
  // After the stream has ended: what was counted for the whole and for each file agrees, and every quarantined record was taken. Internal error.
  Status CheckCounts(const BadRecords* bad_records) const;
};

// _metadata: struct<file_path, file_name, file_size, file_block_start, file_block_length, file_modification_time>, and for formats that number their rows
// row_index, as Spark has it. One field.
const StructType& FileMetadataSchema(bool has_row_index);

struct FormatContext {
  std::string time_zone = "UTC";
  bool case_sensitive = false;
  int threads = 2;
  // Auto Loader's inference: leaf values are strings unless inferColumnTypes is set; Spark's own readers always infer types.
  bool infer_column_types = true;
};

// Thread-safe and immutable.
class FileFormat {
 public:
  virtual ~FileFormat() = default;
  virtual const std::string& name() const = 0;  // "json"
  // Rows know their place in the file: _metadata.row_index (Parquet).
  virtual bool has_row_index() const { return false; }
  const StructType& metadata_schema() const { return FileMetadataSchema(has_row_index()); }
  // A file without bytes is a row (binaryFile, wholetext).
  virtual bool reads_empty_files() const { return false; }
  // The schema that holds all rows of these files, in Spark's order of columns (JSON: sorted by name; CSV: as in the header). An empty list, or only
  // empty files: an empty schema.
  virtual Result<StructType> InferSchema(const std::vector<InputFile>& files) const = 0;
  // Fields of these files that `known` lacks, merged into it at the end (for schema evolution).
  virtual Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const = 0;
  // Rows of the files. Each Next takes the next chunk (many small files, or a piece of a large one) and parses it on the caller's thread.
  // An error names the file and the byte offset. `stats` may be null.
  virtual Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const = 0;
};

// "json", "csv", "parquet", "text"… with the user's reader options (only those of the format are looked at; their values are checked).
// Error: MILLSTREAM_UNSUPPORTED naming the format.
Result<std::shared_ptr<const FileFormat>> MakeFileFormat(const std::string& name, const OptionMap& options, const FormatContext& context);
// The format's option table; nullptr: unknown format.
const OptionTable* FileFormatOptions(const std::string& name);

}  // namespace millstream
