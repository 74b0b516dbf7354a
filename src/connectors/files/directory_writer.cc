#include "connectors/files/directory_writer.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/uuid.h"
#include "connectors/files/files_errors.h"
#include "delta/value_text.h"
#include "formats/cell_text_writer.h"
#include "storage/failpoint.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// Rows of many partitions in turn keep a file open each; beyond this the first is closed.
constexpr size_t kOpenFilesMax = 256;

struct Columns {
  StructType file_schema;
  std::vector<int> of_file, of_partition;
};

Result<Columns> PlanColumns(const DirectoryWrite& write, const StructType& schema) {
  Columns columns;
  for (const std::string& name : write.partition_by) {
    std::optional<size_t> at = schema.IndexOf(name);
    if (!at) return Status::Error(errors::kPartitionColumnNotFound, {{"column", "`" + name + "`"}, {"schema", DataType::Struct(schema).SimpleString()}});
    if (schema[*at].type.IsNested() || schema[*at].type.id() == TypeId::kVariant)
      return Status::Error(errors::kPartitionColumnType, {{"type", "\"" + schema[*at].type.Sql() + "\""}, {"column", "`" + name + "`"}});
    columns.of_partition.push_back(static_cast<int>(*at));
  }
  for (size_t i = 0; i < schema.size(); ++i) {
    if (std::find(columns.of_partition.begin(), columns.of_partition.end(), static_cast<int>(i)) != columns.of_partition.end()) continue;
    columns.of_file.push_back(static_cast<int>(i));
    columns.file_schema.Add(schema[i]);
  }
  if (columns.of_file.empty() && !columns.of_partition.empty()) return Status::Error(errors::kAllPartitionColumns);
  return columns;
}

Result<int64_t> RowsPerFile(const OptionMap& options) {
  auto found = options.find("maxRecordsPerFile");
  if (found == options.end()) return 0;
  int64_t rows = 0;
  auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), rows);
  if (error != std::errc() || end != found->second.data() + found->second.size()) return Status::IllegalArgument("For input string: \"" + found->second + "\"");
  return std::max<int64_t>(rows, 0);
}

struct Shared {
  Fs& fs;
  const DirectoryWrite& write;
  const StructType& schema;
  const Columns columns;
  const std::shared_ptr<const RowFileFormat> format;
  const int64_t rows_per_file;
  const TimeZone* zone;
  std::string write_id = NewUuid();

  std::mutex mutex;
  DirectoryWritten written;           // GUARDED_BY(mutex)
  std::set<std::string> directories;  // GUARDED_BY(mutex)
  Status error;                       // GUARDED_BY(mutex): the first one
  std::atomic<bool> failed{false};
};

class Worker {
 public:
  Worker(Shared& shared, int number) : shared_(shared), number_(number), file_schema_(ToArrowSchema(shared.columns.file_schema)) {}

  Status Take(const RecordBatchPtr& batch) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (int index : shared_.columns.of_file) columns.push_back(batch->column(index));
    RecordBatchPtr rows = arrow::RecordBatch::Make(file_schema_, batch->num_rows(), std::move(columns));
    if (shared_.columns.of_partition.empty()) return Write("", rows);
    return Split(*batch, rows);
  }
  // A file for nothing.
  Status OpenEmpty() { return Open("").status(); }
  Status Finish() {
    while (!open_.empty()) MS_RETURN_IF_ERROR(Close(open_.begin()));
    return Status();
  }

 private:
  struct OpenFile {
    std::string path;
    std::unique_ptr<RowFileWriter> writer;
    int64_t rows = 0;
  };
  using OpenFiles = std::map<std::string, OpenFile>;

  Result<std::string> DirectoryOf(const arrow::RecordBatch& batch, int64_t row) const {
    std::string directory;
    for (int index : shared_.columns.of_partition) {
      const StructField& field = shared_.schema[static_cast<size_t>(index)];
      const arrow::Array& array = *batch.column(index);
      std::optional<std::string> text;
      if (field.type.id() == TypeId::kTimestamp || field.type.id() == TypeId::kTimestampNtz) {
        if (!array.IsNull(row)) {
          text.emplace();
          AppendPlainTimestamp(static_cast<const arrow::TimestampArray&>(array).Value(row), field.type.id() == TypeId::kTimestamp ? shared_.zone : nullptr,
                               *text);
        }
      } else {
        MS_ASSIGN_OR_RETURN(text, PartitionText(array, row, field.type));
      }
      if (!directory.empty()) directory += '/';
      directory += PartitionDirectory(field.name, text);
    }
    return directory;
  }

  Status Split(const arrow::RecordBatch& batch, const RecordBatchPtr& rows) {
    std::map<std::string, arrow::Int64Builder> groups;
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      MS_ASSIGN_OR_RETURN(std::string directory, DirectoryOf(batch, row));
      MS_RETURN_IF_ERROR(FromArrow(groups[directory].Append(row)));
    }
    for (auto& [directory, indices] : groups) {
      if (indices.length() == rows->num_rows()) {
        MS_RETURN_IF_ERROR(Write(directory, rows));
        continue;
      }
      auto places = indices.Finish();
      MS_RETURN_IF_ERROR(FromArrow(places.status()));
      auto taken = arrow::compute::Take(arrow::Datum(rows), arrow::Datum(*places), arrow::compute::TakeOptions::NoBoundsCheck());
      MS_RETURN_IF_ERROR(FromArrow(taken.status()));
      MS_RETURN_IF_ERROR(Write(directory, taken->record_batch()));
    }
    return Status();
  }

  Status Write(const std::string& directory, const RecordBatchPtr& rows) {
    const int64_t most = shared_.rows_per_file;
    for (int64_t at = 0; at < rows->num_rows();) {
      auto file = open_.find(directory);
      if (file == open_.end()) {
        if (open_.size() >= kOpenFilesMax) MS_RETURN_IF_ERROR(Close(open_.begin()));
        MS_ASSIGN_OR_RETURN(file, Open(directory));
      }
      const int64_t count = most == 0 ? rows->num_rows() - at : std::min(rows->num_rows() - at, most - file->second.rows);
      MS_RETURN_IF_ERROR(file->second.writer->Write(*rows->Slice(at, count)));
      file->second.rows += count;
      at += count;
      if (most > 0 && file->second.rows >= most) MS_RETURN_IF_ERROR(Close(file));
    }
    return Status();
  }

  Result<OpenFiles::iterator> Open(const std::string& directory) {
    const std::string folder = directory.empty() ? shared_.write.directory : JoinPath(shared_.write.directory, directory);
    // Spark's names: a dash before the counter where there are no partitions, a point where there are.
    const std::string name = fmt::format("part-{:05}-{}{}c{:03}{}", number_, shared_.write_id, shared_.columns.of_partition.empty() ? "-" : ".",
                                         files_[directory]++, shared_.format->extension());
    OpenFile file{.path = JoinPath(folder, name), .writer = {}};
    Result<std::unique_ptr<RowFileWriter>> writer = shared_.format->Create(shared_.fs, file.path);
    if (!writer.ok() && (writer.status().Is(errors::kFileNotFound) || writer.status().error_number() == ENOENT)) {
      MS_RETURN_IF_ERROR(shared_.fs.CreateDirectories(folder));
      writer = shared_.format->Create(shared_.fs, file.path);
    }
    if (!writer.ok()) return writer.status();
    file.writer = std::move(*writer);
    std::lock_guard lock(shared_.mutex);
    shared_.directories.insert(folder);
    return open_.emplace(directory, std::move(file)).first;
  }

  Status Close(OpenFiles::iterator at) {
    OpenFile file = std::move(at->second);
    open_.erase(at);
    MS_FAILPOINT("files.sink_data.before_publish");
    MS_ASSIGN_OR_RETURN(int64_t size, file.writer->Close());
    {
      std::lock_guard lock(shared_.mutex);
      shared_.written.files.push_back({file.path, size, 0});
      shared_.written.rows += file.rows;
    }
    MS_FAILPOINT("files.sink_data.after_publish");
    return Status();
  }

  static Status FromArrow(const arrow::Status& status) { return status.ok() ? Status() : FromArrowStatus(status, "while splitting rows by partition"); }

  Shared& shared_;
  const int number_;
  const ArrowSchemaPtr file_schema_;
  OpenFiles open_;  // by directory
  std::map<std::string, int> files_;
};

// Pulls until the rows end, or until another worker has failed.
Status Work(Shared& shared, int number, RowStream& rows, std::vector<RecordBatchPtr> first, bool empty) {
  Worker worker(shared, number);
  if (empty) MS_RETURN_IF_ERROR(worker.OpenEmpty());
  for (RecordBatchPtr& batch : first) {
    MS_RETURN_IF_ERROR(worker.Take(batch));
    batch.reset();
  }
  while (!shared.failed.load(std::memory_order_relaxed)) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
    if (!batch) return worker.Finish();
    MS_RETURN_IF_ERROR(worker.Take(batch));
  }
  return Status();
}

void Fail(Shared& shared, Status status) {
  std::lock_guard lock(shared.mutex);
  if (shared.error.ok()) shared.error = std::move(status);
  shared.failed.store(true);
}

}  // namespace

Status CheckDirectoryWrite(const DirectoryWrite& write, const StructType& schema) {
  MS_ASSIGN_OR_RETURN(Columns columns, PlanColumns(write, schema));
  MS_RETURN_IF_ERROR(RowsPerFile(write.options).status());
  return MakeRowFileFormat(write.format, write.options, columns.file_schema, write.context).status();
}

Result<DirectoryWritten> WriteDirectory(Fs& fs, const DirectoryWrite& write, const StructType& schema, RowStream& rows) {
  MS_ASSIGN_OR_RETURN(Columns columns, PlanColumns(write, schema));
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const RowFileFormat> format, MakeRowFileFormat(write.format, write.options, columns.file_schema, write.context));
  MS_ASSIGN_OR_RETURN(int64_t rows_per_file, RowsPerFile(write.options));
  const TimeZone* zone = TimeZone::Find(write.context.time_zone);
  const bool has_partitions = !columns.of_partition.empty();
  Shared shared{fs, write, schema, std::move(columns), std::move(format), rows_per_file, zone == nullptr ? &TimeZone::Utc() : zone};

  // One batch is no work for two threads.
  std::vector<RecordBatchPtr> first;
  while (first.size() < 2) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
    if (!batch) break;
    first.push_back(std::move(batch));
  }
  const bool empty = first.empty() && write.always_one_file && !has_partitions;
  if (first.empty() && !empty) return DirectoryWritten();
  std::vector<std::thread> helpers;
  if (first.size() == 2) {
    for (int i = 1; i < write.threads; ++i) {
      helpers.emplace_back([&shared, &rows, i] {
        Status worked = Work(shared, i, rows, {}, false);
        if (!worked.ok()) Fail(shared, std::move(worked));
      });
    }
  }
  Status worked = Work(shared, 0, rows, std::move(first), empty);
  if (!worked.ok()) Fail(shared, std::move(worked));
  for (std::thread& helper : helpers) helper.join();
  Status status = shared.error;
  // The directories are synced before a log names the files: after a power cut a name without data is a lost batch.
  for (const std::string& directory : shared.directories) {
    if (status.ok()) status = fs.SyncDirectory(directory);
    shared.written.directories.push_back(directory);
  }
  for (SinkFile& file : shared.written.files) {
    if (!status.ok()) break;
    Result<FileInfo> info = fs.Stat(file.path);
    if (!info.ok()) status = info.status();
    if (info.ok()) file.modified_ms = info->modified_ns / 1'000'000;
  }
  if (status.ok()) return std::move(shared.written);
  for (const SinkFile& file : shared.written.files) (void)fs.Remove(file.path);
  return status;
}

}  // namespace millstream
