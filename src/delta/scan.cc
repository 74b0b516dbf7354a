#include "delta/scan.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <algorithm>
#include <deque>
#include <mutex>

#include "delta/column_resolver.h"
#include "delta/deletion_vector.h"
#include "delta/delta_errors.h"
#include "delta/log_files.h"
#include "delta/value_text.h"
#include "formats/parquet_reader.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

// An opened data file, shared by the readers of its row groups.
struct DataFile {
  ScanFile scan;
  std::shared_ptr<const ParquetFile> parquet;
  DeletedRows deleted;            // null: none; `without` of the scan counted in
  std::vector<int> file_columns;  // of each wanted column; -1: not in the file
  std::vector<int> read;          // those that are, in the order wanted
};

struct RowGroupReader {
  std::shared_ptr<const DataFile> file;
  std::unique_ptr<ParquetRows> rows;
  int64_t next_row = 0;  // within the file
};

StructType FieldsOf(const std::vector<ScanColumn>& columns) {
  StructType fields;
  for (const ScanColumn& column : columns) fields.Add(column.field);
  return fields;
}

class FileRows : public RowStream {
 public:
  FileRows(Fs& fs, ScanRequest request)
      : fs_(fs),
        table_path_(std::move(request.table_path)),
        metadata_(std::move(request.metadata)),
        columns_(std::move(request.columns)),
        schema_(ToArrowSchema(FieldsOf(columns_))),
        mode_(MappingModeOf(*metadata_)),
        files_(std::make_move_iterator(request.files.begin()), std::make_move_iterator(request.files.end())) {}

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    for (;;) {
      MS_ASSIGN_OR_RETURN(std::unique_ptr<RowGroupReader> reader, TakeReader());
      if (!reader) return RecordBatchPtr();
      Result<RecordBatchPtr> read = reader->rows->Next();
      if (!read.ok()) return Fail(read.status());
      if (!*read) continue;
      const int64_t first_row = reader->next_row;
      reader->next_row += (*read)->num_rows();
      std::shared_ptr<const DataFile> file = reader->file;
      {
        std::lock_guard lock(mutex_);
        idle_.push_back(std::move(reader));
      }
      Result<RecordBatchPtr> batch = ToTable(*file, **read, first_row);
      if (!batch.ok()) return Fail(batch.status());
      if ((*batch)->num_rows() > 0) return batch;
    }
  }

 private:
  struct RowGroup {
    std::shared_ptr<const DataFile> file;
    int index;
  };

  // A reader that another caller has put back, or a new row group, or a new file; null: the rows end here for this caller.
  Result<std::unique_ptr<RowGroupReader>> TakeReader() {
    for (;;) {
      std::optional<ScanFile> scan;
      std::optional<RowGroup> group;
      {
        std::lock_guard lock(mutex_);
        if (!error_.ok()) return error_;
        if (!idle_.empty()) {
          std::unique_ptr<RowGroupReader> reader = std::move(idle_.back());
          idle_.pop_back();
          return reader;
        }
        if (!groups_.empty()) {
          group = std::move(groups_.front());
          groups_.pop_front();
        } else if (!files_.empty()) {
          scan = std::move(files_.front());
          files_.pop_front();
        } else {
          return std::unique_ptr<RowGroupReader>();
        }
      }
      if (!group) {
        Result<std::shared_ptr<const DataFile>> file = OpenFile(*std::move(scan));
        if (!file.ok()) return Fail(file.status());
        if ((*file)->parquet->row_groups() == 0) continue;
        std::lock_guard lock(mutex_);
        for (int i = 1; i < (*file)->parquet->row_groups(); ++i) groups_.push_back({*file, i});
        group = RowGroup{*file, 0};
      }
      auto reader = std::make_unique<RowGroupReader>();
      reader->file = group->file;
      reader->next_row = group->file->parquet->first_row_of(group->index);
      Result<std::unique_ptr<ParquetRows>> rows = group->file->parquet->ReadRowGroup(group->index, group->file->read);
      if (!rows.ok()) return Fail(rows.status());
      reader->rows = std::move(*rows);
      return reader;
    }
  }

  Result<std::shared_ptr<const DataFile>> OpenFile(ScanFile scan) {
    auto file = std::make_shared<DataFile>();
    file->scan = std::move(scan);
    MS_ASSIGN_OR_RETURN(std::string path, DataFilePath(table_path_, file->scan.path));
    Result<std::shared_ptr<const ParquetFile>> opened = ParquetFile::Open(fs_, path);
    if (opened.status().Is(errors::kFileNotFound)) return Status::Error(errors::kDeltaFileMissing, {{"filePath", path}});
    if (!opened.ok()) return opened.status();
    file->parquet = std::move(*opened);
    file->deleted = file->scan.without;
    if (file->scan.deletion_vector) {
      MS_ASSIGN_OR_RETURN(DeletedRows stored, LoadDeletionVector(fs_, table_path_, *file->scan.deletion_vector));
      file->deleted = file->deleted ? UnionOf(*file->deleted, *stored) : std::move(stored);
    }
    for (const ScanColumn& column : columns_) {
      bool is_in_file = column.kind == ScanColumn::Kind::kData && column.field.type.id() != TypeId::kNull &&
                        file->scan.partition_values.count(PhysicalName(column.field, mode_)) == 0;
      int index = is_in_file ? FindColumn(*file->parquet, column.field, mode_) : -1;
      file->file_columns.push_back(index);
      if (index >= 0) file->read.push_back(index);
    }
    return std::shared_ptr<const DataFile>(std::move(file));
  }

  Result<RecordBatchPtr> ToTable(const DataFile& file, const arrow::RecordBatch& read, int64_t first_row) const {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    int next = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const StructField& field = columns_[i].field;
      if (file.file_columns[i] >= 0) {
        MS_ASSIGN_OR_RETURN(auto column, ToTableColumn(read.column(next++), field, mode_));
        columns.push_back(std::move(column));
        continue;
      }
      if (columns_[i].kind == ScanColumn::Kind::kRowIndex) {
        MS_ASSIGN_OR_RETURN(auto column, Counting(first_row, read.num_rows()));
        columns.push_back(std::move(column));
        continue;
      }
      Value value;
      if (columns_[i].kind == ScanColumn::Kind::kConstant) {
        value = file.scan.constants[columns_[i].constant];
      } else {
        auto partition = file.scan.partition_values.find(PhysicalName(field, mode_));
        if (partition != file.scan.partition_values.end() && partition->second) {
          MS_ASSIGN_OR_RETURN(value, ParsePartitionText(*partition->second, field.type));
        }
      }
      MS_ASSIGN_OR_RETURN(auto column, Repeat(value, field.type, read.num_rows()));
      columns.push_back(std::move(column));
    }
    RecordBatchPtr batch = arrow::RecordBatch::Make(schema_, read.num_rows(), std::move(columns));
    if (file.scan.only) {
      MS_ASSIGN_OR_RETURN(batch, Pick(*file.scan.only, file.deleted.get(), std::move(batch), first_row));
      return batch;
    }
    return file.deleted ? WithoutDeleted(*file.deleted, std::move(batch), first_row) : Result<RecordBatchPtr>(std::move(batch));
  }

  static Result<std::shared_ptr<arrow::Array>> Counting(int64_t first, int64_t rows) {
    arrow::Int64Builder builder;
    arrow::Status status = builder.Reserve(rows);
    for (int64_t i = 0; status.ok() && i < rows; ++i) builder.UnsafeAppend(first + i);
    auto array = builder.Finish();
    if (!array.ok()) return FromArrowStatus(array.status(), "while numbering rows");
    return *array;
  }

  // Those of `only` that are not deleted.
  static Result<RecordBatchPtr> Pick(const std::vector<uint64_t>& only, const std::vector<uint64_t>* deleted, RecordBatchPtr batch, int64_t first_row) {
    const auto past = static_cast<uint64_t>(first_row + batch->num_rows());
    arrow::Int64Builder kept;
    arrow::Status status;
    for (auto row = std::lower_bound(only.begin(), only.end(), static_cast<uint64_t>(first_row)); status.ok() && row != only.end() && *row < past; ++row) {
      if (deleted && std::binary_search(deleted->begin(), deleted->end(), *row)) continue;
      status = kept.Append(static_cast<int64_t>(*row) - first_row);
    }
    return TakeRows(std::move(batch), kept);
  }

  static Result<RecordBatchPtr> TakeRows(RecordBatchPtr batch, arrow::Int64Builder& kept) {
    if (batch->num_columns() == 0) return arrow::RecordBatch::Make(batch->schema(), kept.length(), std::vector<std::shared_ptr<arrow::Array>>{});
    auto indices = kept.Finish();
    if (!indices.ok()) return FromArrowStatus(indices.status(), "while applying a deletion vector");
    auto taken = arrow::compute::Take(arrow::Datum(batch), arrow::Datum(*indices), arrow::compute::TakeOptions::NoBoundsCheck());
    if (!taken.ok()) return FromArrowStatus(taken.status(), "while applying a deletion vector");
    return taken->record_batch();
  }

  static Result<RecordBatchPtr> WithoutDeleted(const std::vector<uint64_t>& deleted, RecordBatchPtr batch, int64_t first_row) {
    auto begin = std::lower_bound(deleted.begin(), deleted.end(), static_cast<uint64_t>(first_row));
    auto end = std::lower_bound(begin, deleted.end(), static_cast<uint64_t>(first_row + batch->num_rows()));
    if (begin == end) return batch;
    arrow::Int64Builder kept;
    arrow::Status status = kept.Reserve(batch->num_rows() - (end - begin));
    for (int64_t row = 0; status.ok() && row < batch->num_rows(); ++row) {
      if (begin != end && *begin == static_cast<uint64_t>(first_row + row)) {
        ++begin;
      } else {
        kept.UnsafeAppend(row);
      }
    }
    if (!status.ok()) return FromArrowStatus(status, "while applying a deletion vector");
    return TakeRows(std::move(batch), kept);
  }

  Status Fail(Status status) {
    std::lock_guard lock(mutex_);
    if (error_.ok()) error_ = status;
    return status;
  }

  Fs& fs_;
  const std::string table_path_;
  const MetadataPtr metadata_;
  const std::vector<ScanColumn> columns_;
  const ArrowSchemaPtr schema_;
  const ColumnMappingMode mode_;
  std::mutex mutex_;
  std::deque<ScanFile> files_;                         // GUARDED_BY(mutex_): not opened yet
  std::deque<RowGroup> groups_;                        // GUARDED_BY(mutex_): of opened files
  std::vector<std::unique_ptr<RowGroupReader>> idle_;  // GUARDED_BY(mutex_): begun, nobody reads them now
  Status error_;                                       // GUARDED_BY(mutex_)
};

}  // namespace

Result<RowStreamPtr> ScanSnapshot(Fs& fs, SnapshotPtr snapshot, const std::vector<std::string>& columns, const std::vector<ColumnPredicate>& predicates) {
  ScanRequest request{.table_path = snapshot->table_path, .metadata = snapshot->metadata};
  for (const std::string& column : columns) {
    std::optional<size_t> index = snapshot->schema().IndexOf(column, true);
    if (!index) index = snapshot->schema().IndexOf(column);
    if (!index) return Status::Internal("the table " + snapshot->table_path + " has no column " + column);
    request.columns.push_back({snapshot->schema()[*index]});
  }
  snapshot->files.ForEach([&](const AddFilePtr& file) {
    if (MayMatch(*file, *snapshot->metadata, predicates)) request.files.push_back(ScanFile::Of(*file));
  });
  return ScanFiles(fs, std::move(request));
}

RowStreamPtr ScanFiles(Fs& fs, ScanRequest request) { return std::make_unique<FileRows>(fs, std::move(request)); }

}  // namespace millstream
