#include "delta/data_writer.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/option_table.h"
#include "base/uuid.h"
#include "delta/registered_files.h"
#include "delta/row_conform.h"
#include "delta/value_text.h"
#include "formats/parquet_writer.h"
#include "formats/source_file_column.h"
#include "storage/failpoint.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Rows of many partitions in turn keep a file open each; beyond this the largest is closed.
constexpr size_t kOpenFilesMax = 256;

// What all workers of one write share.
struct Shared {
  Fs& fs;
  Clock& clock;
  const std::string& table_path;
  const Metadata& table;
  const StructType& rows_schema;
  const RowConform conform;
  const DataWriteOptions& options;
  StructType file_schema;         // without partition columns and void columns
  std::vector<int> file_columns;  // their places in the table schema
  std::vector<int> partition_columns;
  int change_column = -1;    // of the rows; -1: there are no change rows
  StructType change_schema;  // of change files: file_schema and the type of change
  int source_column = -1;    // of the rows; -1: nobody knows where they come from
  ParquetWriterOptions parquet;
  ChunkWishes wishes;  // what may come encoded
  RegisterOptions whole;
  std::string write_id = NewUuid();

  std::mutex mutex;
  DataWritten written;                // GUARDED_BY(mutex)
  std::set<std::string> directories;  // GUARDED_BY(mutex): to be synced
  int next_file = 0;                  // GUARDED_BY(mutex)
  Status error;                       // GUARDED_BY(mutex): the first one
  std::atomic<bool> failed{false};
};

struct OpenFile {
  std::string directory;  // below the table, with a slash at its end; empty: the table itself
  std::string name;
  PartitionValues partition_values;
  bool is_change = false;
  // One of them.
  std::unique_ptr<ParquetWriter> writer;
  std::unique_ptr<ParquetChunkWriter> chunk_writer;
  SourceRunCounter sources;

  ParquetOutput& output() { return chunk_writer ? static_cast<ParquetOutput&>(*chunk_writer) : *writer; }
};

constexpr std::string_view kChangeDirectory = "_change_data/";

class Worker {
 public:
  explicit Worker(Shared& shared) : shared_(shared) {}

  Status Take(const SomeRows& rows) { return rows.file ? TakeFile(*rows.file) : rows.chunks ? TakeChunks(*rows.chunks) : TakeBatch(rows.batch); }

  Status Finish() {
    while (!open_.empty()) MS_RETURN_IF_ERROR(Close(open_.begin()));
    if (open_chunks_) MS_RETURN_IF_ERROR(CloseChunks());
    return Status();
  }

 private:
  Status TakeBatch(const RecordBatchPtr& batch) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, shared_.conform.Apply(batch));
    std::shared_ptr<arrow::Array> change;
    if (shared_.change_column >= 0) {
      change = batch->column(shared_.change_column);
      if (change->null_count() == change->length()) change = nullptr;
    }
    // Rows of the change feed are rows of the table, and looked at there, or were some before.
    if (shared_.options.rules && !change) {
      if (!ruler_) {
        MS_ASSIGN_OR_RETURN(ruler_, shared_.options.rules->Start(shared_.rows_schema));
      }
      MS_ASSIGN_OR_RETURN(rows, ruler_->Apply(rows));
    }
    const arrow::Int32Array* sources = shared_.source_column < 0 ? nullptr : static_cast<const arrow::Int32Array*>(batch->column(shared_.source_column).get());
    if (!shared_.partition_columns.empty()) return Split(*rows, change, sources);
    SourceRunCounter runs;
    if (sources != nullptr) runs.Add(*sources);
    return Write(change ? std::string(kChangeDirectory) : "", PartitionValues(), FileColumns(*rows, change), runs);
  }

  // A row group as it is. (Tables with partitions, and change rows, do not wish for any.)
  Status TakeChunks(const ChunkRows& rows) {
    MS_ASSIGN_OR_RETURN(ChunkRows group, shared_.conform.Apply(rows, shared_.file_columns));
    MS_RETURN_IF_ERROR(EncodeValues(shared_.file_schema, shared_.parquet, group));
    if (open_chunks_ && !open_chunks_->chunk_writer->Takes(group)) MS_RETURN_IF_ERROR(CloseChunks());
    if (!open_chunks_) {
      MS_ASSIGN_OR_RETURN(open_chunks_, Open("", PartitionValues(), /*of_chunks=*/true));
    }
    MS_RETURN_IF_ERROR(open_chunks_->chunk_writer->Write(group));
    if (shared_.source_column >= 0) {
      const auto& sources = std::get<std::shared_ptr<arrow::Array>>(rows.columns[static_cast<size_t>(shared_.source_column)]);
      open_chunks_->sources.Add(static_cast<const arrow::Int32Array&>(*sources));
    }
    return open_chunks_->output().bytes_so_far() >= shared_.options.target_file_bytes ? CloseChunks() : Status();
  }

  Status TakeFile(const WholeFile& file) {
    std::string name;
    {
      std::lock_guard lock(shared_.mutex);
      name = fmt::format("{}{:05}-{}-c000.parquet", kRegisteredPrefix, shared_.next_file++, shared_.write_id);
      shared_.directories.insert(shared_.table_path);
    }
    MS_ASSIGN_OR_RETURN(RegisteredFile registered, RegisterFile(shared_.fs, shared_.clock, shared_.table_path, name, file, shared_.whole));
    std::lock_guard lock(shared_.mutex);
    ++shared_.written.registered;
    shared_.written.rows += registered.rows;
    shared_.written.bytes += registered.bytes;
    if (shared_.source_column >= 0) AddSourceRows(file.source_file, registered.rows);
    shared_.written.files.push_back(std::move(registered.add));
    return Status();
  }

  // With shared_.mutex held.
  void AddSourceRows(int32_t file, int64_t count) {
    std::vector<int64_t>& rows = shared_.written.source_rows;
    // Names may have come while the rows were read.
    if (static_cast<size_t>(file) >= rows.size()) rows.resize(static_cast<size_t>(file) + 1);
    rows[static_cast<size_t>(file)] += count;
  }

  Status CloseChunks() {
    OpenFile file = *std::exchange(open_chunks_, std::nullopt);
    return Close(std::move(file));
  }

  RecordBatchPtr FileColumns(const arrow::RecordBatch& rows, const std::shared_ptr<arrow::Array>& change) const {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (int index : shared_.file_columns) columns.push_back(rows.column(index));
    if (change) columns.push_back(change);
    return arrow::RecordBatch::Make(ToArrowSchema(change ? shared_.change_schema : shared_.file_schema), rows.num_rows(), std::move(columns));
  }

  // One piece for each partition that the rows belong to.
  Status Split(const arrow::RecordBatch& rows, const std::shared_ptr<arrow::Array>& change, const arrow::Int32Array* sources) {
    struct Group {
      PartitionValues values;
      arrow::Int64Builder rows;
      SourceRunCounter sources;
    };
    std::map<std::string, Group> groups;
    const StructType& schema = shared_.table.schema;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      std::string directory(change ? kChangeDirectory : "");
      PartitionValues values;
      for (int index : shared_.partition_columns) {
        MS_ASSIGN_OR_RETURN(std::optional<std::string> text, PartitionText(*rows.column(index), row, schema[index].type));
        directory += PartitionDirectory(schema[index].name, text) + "/";
        values[schema[index].name] = std::move(text);
      }
      Group& group = groups[directory];
      if (group.rows.length() == 0) group.values = std::move(values);
      MS_RETURN_IF_ERROR(FromArrow(group.rows.Append(row)));
      if (sources != nullptr) group.sources.Add(sources->IsNull(row) ? -1 : sources->Value(row));
    }
    RecordBatchPtr columns = FileColumns(rows, change);
    for (auto& [directory, group] : groups) {
      if (group.rows.length() == rows.num_rows()) {
        MS_RETURN_IF_ERROR(Write(directory, std::move(group.values), columns, group.sources));
        continue;
      }
      auto indices = group.rows.Finish();
      MS_RETURN_IF_ERROR(FromArrow(indices.status()));
      auto taken = arrow::compute::Take(arrow::Datum(columns), arrow::Datum(*indices), arrow::compute::TakeOptions::NoBoundsCheck());
      MS_RETURN_IF_ERROR(FromArrow(taken.status()));
      MS_RETURN_IF_ERROR(Write(directory, std::move(group.values), taken->record_batch(), group.sources));
    }
    return Status();
  }

  Status Write(const std::string& directory, PartitionValues values, const RecordBatchPtr& rows, const SourceRunCounter& sources) {
    auto found = open_.find(directory);
    if (found == open_.end()) {
      if (open_.size() >= kOpenFilesMax) {
        auto largest = std::max_element(open_.begin(), open_.end(),
                                        [](const auto& a, const auto& b) { return a.second.writer->bytes_so_far() < b.second.writer->bytes_so_far(); });
        MS_RETURN_IF_ERROR(Close(largest));
      }
      MS_ASSIGN_OR_RETURN(OpenFile file, Open(directory, std::move(values)));
      found = open_.emplace(directory, std::move(file)).first;
    }
    MS_RETURN_IF_ERROR(found->second.writer->Write(*rows));
    for (const SourceRun& run : sources.runs()) found->second.sources.Add(run.file, run.rows);
    if (found->second.writer->bytes_so_far() >= shared_.options.target_file_bytes) return Close(found);
    return Status();
  }

  Result<OpenFile> Open(const std::string& directory, PartitionValues values, bool of_chunks = false) {
    OpenFile file{.directory = directory, .partition_values = std::move(values), .is_change = directory.starts_with(kChangeDirectory)};
    std::string folder = shared_.table_path;
    if (!directory.empty()) folder = JoinPath(folder, directory.substr(0, directory.size() - 1));
    {
      std::lock_guard lock(shared_.mutex);
      const char* codec = shared_.parquet.codec == ParquetWriterOptions::Codec::kZstd   ? ".zstd"
                          : shared_.parquet.codec == ParquetWriterOptions::Codec::kNone ? ""
                                                                                        : ".snappy";
      file.name =
          fmt::format("{}-{:05}-{}{}c000{}.parquet", file.is_change ? "cdc" : "part", shared_.next_file++, shared_.write_id, file.is_change ? "." : "-", codec);
      shared_.directories.insert(folder);
    }
    auto create = [&]() -> Status {
      const std::string path = JoinPath(folder, file.name);
      if (of_chunks) {
        MS_ASSIGN_OR_RETURN(file.chunk_writer, ParquetChunkWriter::Create(shared_.fs, path, shared_.file_schema, shared_.parquet));
      } else {
        MS_ASSIGN_OR_RETURN(file.writer,
                            ParquetWriter::Create(shared_.fs, path, file.is_change ? shared_.change_schema : shared_.file_schema, shared_.parquet));
      }
      return Status();
    };
    Status created = create();
    if (created.Is(errors::kFileNotFound) || created.error_number() == ENOENT) {
      MS_RETURN_IF_ERROR(shared_.fs.CreateDirectories(folder));
      created = create();
    }
    if (!created.ok()) return created;
    return file;
  }

  Status Close(std::map<std::string, OpenFile>::iterator at) {
    OpenFile file = std::move(at->second);
    open_.erase(at);
    return Close(std::move(file));
  }

  Status Close(OpenFile file) {
    const bool has_sources = shared_.source_column >= 0 && !file.is_change;
    if (has_sources) {
      std::string runs = EncodeSourceRuns(file.sources.Named(*shared_.options.source_files));
      if (!runs.empty()) file.output().AddMetadata(std::string(kSourceFilesKey), std::move(runs));
    }
    MS_FAILPOINT("delta.data.before_publish");
    MS_ASSIGN_OR_RETURN(WrittenFile written, file.output().Close());
    MS_FAILPOINT("delta.data.after_publish");
    if (file.is_change) {
      auto change = std::make_shared<ChangeFile>();
      change->path = EncodeUriPath(file.directory + file.name);
      change->partition_values = std::move(file.partition_values);
      change->size_bytes = written.size_bytes;
      std::lock_guard lock(shared_.mutex);
      shared_.written.changes.push_back(std::move(change));
      return Status();
    }
    auto add = std::make_shared<AddFile>();
    add->path = EncodeUriPath(file.directory + file.name);
    add->partition_values = std::move(file.partition_values);
    add->size_bytes = written.size_bytes;
    add->modified_ms = shared_.clock.WallMillis();
    add->stats = StatsJson(written.rows, written.columns);
    std::lock_guard lock(shared_.mutex);
    shared_.written.rows += written.rows;
    shared_.written.bytes += written.size_bytes;
    if (has_sources) {
      for (const SourceRun& run : file.sources.runs()) {
        if (run.file >= 0) AddSourceRows(run.file, run.rows);
      }
    }
    shared_.written.files.push_back(std::move(add));
    return Status();
  }

  static Status FromArrow(const arrow::Status& status) { return status.ok() ? Status() : FromArrowStatus(status, "while splitting rows by partition"); }

  Shared& shared_;
  std::unique_ptr<RowRuler> ruler_;       // made with the first batch that it sees
  std::map<std::string, OpenFile> open_;  // by directory
  std::optional<OpenFile> open_chunks_;
};

void Fail(Shared& shared, Status status) {
  std::lock_guard lock(shared.mutex);
  if (shared.error.ok()) shared.error = std::move(status);
  shared.failed.store(true);
}

// Pulls until the rows end, or until another worker has failed.
Status Work(Shared& shared, RowStream& rows, std::vector<SomeRows> first) {
  Worker worker(shared);
  for (SomeRows& some : first) {
    MS_RETURN_IF_ERROR(worker.Take(some));
    some = {};
  }
  while (!shared.failed.load(std::memory_order_relaxed)) {
    MS_ASSIGN_OR_RETURN(SomeRows some, NextOf(rows, shared.wishes));
    if (some.is_end()) return worker.Finish();
    MS_RETURN_IF_ERROR(worker.Take(some));
  }
  return Status();
}

void PlanColumns(Shared& shared) {
  const Metadata& table = shared.table;
  for (const std::string& column : table.partition_columns) {
    if (std::optional<size_t> index = table.schema.IndexOf(column)) shared.partition_columns.push_back(static_cast<int>(*index));
  }
  for (size_t i = 0; i < table.schema.size(); ++i) {
    bool is_partition = std::find(shared.partition_columns.begin(), shared.partition_columns.end(), static_cast<int>(i)) != shared.partition_columns.end();
    if (is_partition || table.schema[i].type.id() == TypeId::kNull) continue;
    shared.file_columns.push_back(static_cast<int>(i));
    shared.file_schema.Add(table.schema[i]);
  }
  shared.change_schema = shared.file_schema;
  shared.change_schema.Add({std::string(kChangeTypeColumn), DataType::String()});
}

// Lower case; nullopt: the table does not say.
std::optional<std::string> WantedCodec(const Metadata& table) {
  std::optional<std::string> codec = table.Property("delta.parquet.compression.codec");
  if (!codec) return codec;
  std::transform(codec->begin(), codec->end(), codec->begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return *codec == "uncompressed" ? "none" : codec;
}

Status PlanParquet(Shared& shared) {
  const Metadata& table = shared.table;
  constexpr int64_t kWeekMs = 7 * 86'400'000LL;
  shared.whole.retention_ms = ParseDurationMillis(table.Property("delta.deletedFileRetentionDuration").value_or("interval 1 week")).value_or(kWeekMs);
  if (std::optional<std::string> columns = table.Property("delta.dataSkippingNumIndexedCols")) {
    std::from_chars(columns->data(), columns->data() + columns->size(), shared.parquet.stats_columns_max);
  }
  shared.whole.schema = shared.file_schema;
  shared.whole.stats_columns_max = shared.parquet.stats_columns_max;
  const std::string codec = WantedCodec(table).value_or("snappy");
  if (codec == "snappy") {
    shared.parquet.codec = ParquetWriterOptions::Codec::kSnappy;
  } else if (codec == "zstd") {
    shared.parquet.codec = ParquetWriterOptions::Codec::kZstd;
  } else if (codec == "none") {
    shared.parquet.codec = ParquetWriterOptions::Codec::kNone;
  } else {
    return Status::Unsupported("Parquet compression " + codec, "Set delta.parquet.compression.codec to snappy, zstd or none.");
  }
  return Status();
}

}  // namespace

ChunkWishes WishesOf(const Metadata& table, const StructType& rows_schema, bool has_change_rows) {
  ChunkWishes wishes{.columns = std::vector<std::optional<StructField>>(rows_schema.size()), .codec = WantedCodec(table)};
  const std::string looked_at = WhyRowsAreLookedAt(table);
  wishes.no_files_because = has_change_rows ? "rows of a change feed are written" : !looked_at.empty() ? looked_at : WhyNoWholeFiles(table, rows_schema);
  if (table.partition_columns.empty() && !has_change_rows && looked_at.empty()) wishes.columns = RowConform(rows_schema, table.schema).Unchanged();
  return wishes;
}

StructType WithoutSourceFile(const StructType& rows_schema) {
  StructType schema;
  for (const StructField& field : rows_schema) {
    if (field.name != kSourceFileColumn) schema.Add(field);
  }
  return schema;
}

Result<DataWritten> WriteDataFiles(Fs& fs, Clock& clock, const std::string& table_path, const Metadata& table, const StructType& rows_schema, RowStream& rows,
                                   const DataWriteOptions& options) {
  if (const std::string why = WhyRowsAreLookedAt(table); !why.empty() && !options.rules && !options.rows_are_stored) {
    return Status::Internal("rows are written to " + table_path + " unseen, and " + why);
  }
  Shared shared{fs, clock, table_path, table, rows_schema, RowConform(rows_schema, BeforeRules(table.schema, rows_schema)), options};
  PlanColumns(shared);
  if (options.has_change_rows) shared.change_column = static_cast<int>(*rows_schema.IndexOf(kChangeTypeColumn));
  if (options.source_files != nullptr) {
    shared.source_column = static_cast<int>(*rows_schema.IndexOf(kSourceFileColumn));
    shared.written.source_rows.resize(options.source_files->size());
  }
  MS_RETURN_IF_ERROR(PlanParquet(shared));
  shared.wishes = WishesOf(table, rows_schema, options.has_change_rows);

  // One batch is no work for two threads, and a thread that starts for it would cost more than it does.
  std::vector<SomeRows> first;
  while (first.size() < 2) {
    MS_ASSIGN_OR_RETURN(SomeRows some, NextOf(rows, shared.wishes));
    if (some.is_end()) break;
    first.push_back(std::move(some));
  }
  if (first.empty()) return std::move(shared.written);
  std::vector<std::thread> helpers;
  if (first.size() == 2) {
    for (int i = 1; i < options.threads; ++i) {
      helpers.emplace_back([&shared, &rows] {
        Status worked = Work(shared, rows, {});
        if (!worked.ok()) Fail(shared, std::move(worked));
      });
    }
  }
  Status worked = Work(shared, rows, std::move(first));
  if (!worked.ok()) Fail(shared, std::move(worked));
  for (std::thread& helper : helpers) helper.join();
  if (!shared.error.ok()) return shared.error;
  // The directories are synced before a commit names the files: after a power cut a name without data is a lost batch.
  for (const std::string& directory : shared.directories) MS_RETURN_IF_ERROR(fs.SyncDirectory(directory));
  if (shared.written.registered > 0) MS_FAILPOINT("delta.register.after_dirsync");
  return std::move(shared.written);
}

}  // namespace millstream
