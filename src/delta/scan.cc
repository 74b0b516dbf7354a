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
  AddFilePtr add;
  std::shared_ptr<const ParquetFile> parquet;
  DeletedRows deleted;            // null: none
  std::vector<int> file_columns;  // of each wanted column; -1: not in the file
  std::vector<int> read;          // those that are, in the order wanted
};

struct RowGroupReader {
  std::shared_ptr<const DataFile> file;
  std::unique_ptr<ParquetRows> rows;
  int64_t next_row = 0;  // within the file
};

class SnapshotRows : public RowStream {
 public:
  SnapshotRows(Fs& fs, SnapshotPtr snapshot, StructType columns, std::vector<AddFilePtr> files)
      : fs_(fs),
        snapshot_(std::move(snapshot)),
        columns_(std::move(columns)),
        schema_(ToArrowSchema(columns_)),
        mode_(MappingModeOf(*snapshot_->metadata)),
        files_(files.begin(), files.end()) {}

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
      AddFilePtr add;
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
          add = std::move(files_.front());
          files_.pop_front();
        } else {
          return std::unique_ptr<RowGroupReader>();
        }
      }
      if (!group) {
        Result<std::shared_ptr<const DataFile>> file = OpenFile(add);
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

  Result<std::shared_ptr<const DataFile>> OpenFile(const AddFilePtr& add) {
    auto file = std::make_shared<DataFile>();
    file->add = add;
    MS_ASSIGN_OR_RETURN(std::string path, DataFilePath(snapshot_->table_path, add->path));
    Result<std::shared_ptr<const ParquetFile>> opened = ParquetFile::Open(fs_, path);
    if (opened.status().Is(errors::kFileNotFound)) return Status::Error(errors::kDeltaFileMissing, {{"filePath", path}});
    if (!opened.ok()) return opened.status();
    file->parquet = std::move(*opened);
    if (add->deletion_vector) {
      MS_ASSIGN_OR_RETURN(file->deleted, LoadDeletionVector(fs_, snapshot_->table_path, *add->deletion_vector));
    }
    for (const StructField& field : columns_) {
      bool is_partition = add->partition_values.count(PhysicalName(field, mode_)) > 0;
      int index = is_partition || field.type.id() == TypeId::kNull ? -1 : FindColumn(*file->parquet, field, mode_);
      file->file_columns.push_back(index);
      if (index >= 0) file->read.push_back(index);
    }
    return std::shared_ptr<const DataFile>(std::move(file));
  }

  Result<RecordBatchPtr> ToTable(const DataFile& file, const arrow::RecordBatch& read, int64_t first_row) const {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    int next = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const StructField& field = columns_[i];
      if (file.file_columns[i] >= 0) {
        MS_ASSIGN_OR_RETURN(auto column, ToTableColumn(read.column(next++), field, mode_));
        columns.push_back(std::move(column));
        continue;
      }
      Value value;
      auto partition = file.add->partition_values.find(PhysicalName(field, mode_));
      if (partition != file.add->partition_values.end() && partition->second) {
        MS_ASSIGN_OR_RETURN(value, ParsePartitionText(*partition->second, field.type));
      }
      MS_ASSIGN_OR_RETURN(auto column, Repeat(value, field.type, read.num_rows()));
      columns.push_back(std::move(column));
    }
    RecordBatchPtr batch = arrow::RecordBatch::Make(schema_, read.num_rows(), std::move(columns));
    return file.deleted ? WithoutDeleted(*file.deleted, std::move(batch), first_row) : Result<RecordBatchPtr>(std::move(batch));
  }

  static Result<RecordBatchPtr> WithoutDeleted(const std::vector<uint64_t>& deleted, RecordBatchPtr batch, int64_t first_row) {
    auto begin = std::lower_bound(deleted.begin(), deleted.end(), static_cast<uint64_t>(first_row));
    auto end = std::lower_bound(begin, deleted.end(), static_cast<uint64_t>(first_row + batch->num_rows()));
    if (begin == end) return batch;
    if (batch->num_columns() == 0)
      return arrow::RecordBatch::Make(batch->schema(), batch->num_rows() - (end - begin), std::vector<std::shared_ptr<arrow::Array>>{});
    arrow::Int64Builder kept;
    arrow::Status status = kept.Reserve(batch->num_rows() - (end - begin));
    for (int64_t row = 0; status.ok() && row < batch->num_rows(); ++row) {
      if (begin != end && *begin == static_cast<uint64_t>(first_row + row)) {
        ++begin;
      } else {
        kept.UnsafeAppend(row);
      }
    }
    auto indices = kept.Finish();
    if (!indices.ok()) return FromArrowStatus(indices.status(), "while applying a deletion vector");
    auto taken = arrow::compute::Take(arrow::Datum(batch), arrow::Datum(*indices), arrow::compute::TakeOptions::NoBoundsCheck());
    if (!taken.ok()) return FromArrowStatus(taken.status(), "while applying a deletion vector");
    return taken->record_batch();
  }

  Status Fail(Status status) {
    std::lock_guard lock(mutex_);
    if (error_.ok()) error_ = status;
    return status;
  }

  Fs& fs_;
  SnapshotPtr snapshot_;
  StructType columns_;
  ArrowSchemaPtr schema_;
  ColumnMappingMode mode_;
  std::mutex mutex_;
  std::deque<AddFilePtr> files_;                       // GUARDED_BY(mutex_): not opened yet
  std::deque<RowGroup> groups_;                        // GUARDED_BY(mutex_): of opened files
  std::vector<std::unique_ptr<RowGroupReader>> idle_;  // GUARDED_BY(mutex_): begun, nobody reads them now
  Status error_;                                       // GUARDED_BY(mutex_)
};

}  // namespace

Result<RowStreamPtr> ScanSnapshot(Fs& fs, SnapshotPtr snapshot, const std::vector<std::string>& columns, const std::vector<ColumnPredicate>& predicates) {
  StructType wanted;
  for (const std::string& column : columns) {
    std::optional<size_t> index = snapshot->schema().IndexOf(column, true);
    if (!index) index = snapshot->schema().IndexOf(column);
    if (!index) return Status::Internal("the table " + snapshot->table_path + " has no column " + column);
    wanted.Add(snapshot->schema()[*index]);
  }
  std::vector<AddFilePtr> files;
  snapshot->files.ForEach([&](const AddFilePtr& file) {
    if (MayMatch(*file, *snapshot->metadata, predicates)) files.push_back(file);
  });
  return RowStreamPtr(std::make_unique<SnapshotRows>(fs, std::move(snapshot), std::move(wanted), std::move(files)));
}

}  // namespace millstream
