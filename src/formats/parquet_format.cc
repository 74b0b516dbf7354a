// parquet_format.cc   Parquet files as rows of a schema: columns by name, whatever their case; widened where nothing is lost.

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "formats/column_builder.h"
#include "formats/format_makers.h"
#include "formats/formats_errors.h"
#include "formats/json_scanner.h"
#include "formats/json_schema_inference.h"
#include "formats/parquet_reader.h"
#include "formats/scan_plan.h"
#include "types/arrow_types.h"

namespace millstream {

const OptionTable& ParquetOptionTable() {
  using enum OptionType;
  static const OptionTable table("parquet",
                                 {{"ignoreCorruptFiles", kBool, "false", "Files that are no Parquet are left out and counted.", "0.1"},
                                  {"ignoreMissingFiles", kBool, "false", "Files that have vanished since they were listed are left out and counted.", "0.1"},
                                  {"mergeSchema", kBool, "false", "Inference looks at all files, not at one alone.", "0.1"},
                                  {"readerCaseSensitive", kBool, "true", "Columns whose names differ in case only are different columns.", "0.1"},
                                  {"rescuedDataColumn", kString, "", "The column that holds what fits no other column.", "0.1"}});
  return table;
}

namespace {

struct ParquetOptions {
  bool ignore_missing_files = false, ignore_corrupt_files = false;
};

// What Spark's reader takes for a wider type.
bool Widens(const DataType& from, const DataType& to) {
  if (from.IsIntegral() && to.IsIntegral()) return from.id() <= to.id();
  if (from.id() == TypeId::kFloat && to.id() == TypeId::kDouble) return true;
  if (from.IsIntegral() && from.id() != TypeId::kLong && to.id() == TypeId::kDouble) return true;
  if (from.id() == TypeId::kDecimal && to.id() == TypeId::kDecimal) {
    return to.scale() >= from.scale() && to.precision() - to.scale() >= from.precision() - from.scale();
  }
  if (from.id() == TypeId::kDate && to.id() == TypeId::kTimestampNtz) return true;
  return (from.id() == TypeId::kTimestampNtz && to.id() == TypeId::kTimestamp) || (from.id() == TypeId::kBinary && to.id() == TypeId::kString);
}

bool Readable(const DataType& from, const DataType& to) {
  if (from.id() == TypeId::kStruct && to.id() == TypeId::kStruct) {
    // The cast fills in missing fields with null and drops others, by name.
    for (const StructField& field : to.fields()) {
      auto at = from.fields().IndexOf(field.name, true);
      if (at && !Readable(from.fields()[*at].type, field.type)) return false;
    }
    return true;
  }
  if (from.id() == TypeId::kArray && to.id() == TypeId::kArray) return Readable(from.element(), to.element());
  return from.SameType(to) || Widens(from, to);
}

class ParquetRowsOfFiles : public RowStream {
 public:
  ParquetRowsOfFiles(ParquetOptions options, ScanPlan plan, FileScan scan, std::vector<InputFile> files, std::shared_ptr<FileScanStats> stats)
      : options_(options), plan_(std::move(plan)), scan_(std::move(scan)), files_(std::move(files)), stats_(std::move(stats)) {}

  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    while (true) {
      std::shared_ptr<Group> group;
      {
        std::unique_lock lock(mutex_);
        Result<std::shared_ptr<Group>> taken = Take(lock);
        if (!taken.ok()) return failed_ = taken.status();
        group = *std::move(taken);
        if (group == nullptr) return RecordBatchPtr();
      }
      Result<RecordBatchPtr> batch = ReadFrom(*group);
      {
        std::lock_guard lock(mutex_);
        if (!batch.ok() && options_.ignore_corrupt_files && batch.status().Is(errors::kParquetCorrupt)) {
          LeaveOut(group->task, batch.status());
          batch = RecordBatchPtr();
        }
        if (!batch.ok() && failed_.ok()) failed_ = batch.status();
        group->is_busy = false;
        if (!batch.ok() || *batch == nullptr) std::erase(groups_, group);
        group_freed_.notify_all();
      }
      if (!batch.ok() || *batch != nullptr) return batch;
    }
  }

 private:
  struct Task {
    int32_t index = 0;
    std::shared_ptr<const ParquetFile> file;
    int row_group = 0;
  };
  // A row group that is being read: by one thread at a time, whose rows others work on meanwhile.
  struct Group {
    Task task;
    bool is_busy = true;
    std::unique_ptr<ParquetRows> rows;  // null: not begun
    std::vector<int> wanted;            // columns of the file
    std::vector<int> source;            // per parsed column: index in `wanted`
    std::vector<int> rescued;           // indexes in `wanted`
    int rescued_column = -1;
  };
  static constexpr int64_t kRowsPerBatch = 65536;

  // The oldest group that nobody reads, or else the next one; waits when all are being read. nullptr: at the end.
  Result<std::shared_ptr<Group>> Take(std::unique_lock<std::mutex>& lock) {
    while (true) {
      MS_RETURN_IF_ERROR(failed_);
      for (const std::shared_ptr<Group>& group : groups_) {
        if (group->is_busy) continue;
        group->is_busy = true;
        return group;
      }
      auto group = std::make_shared<Group>();
      MS_ASSIGN_OR_RETURN(bool more, NextTask(&group->task));
      if (more) {
        groups_.push_back(group);
        return group;
      }
      if (groups_.empty()) return std::shared_ptr<Group>();
      group_freed_.wait(lock);
    }
  }

  // The rest of a file in which a page is broken. With mutex_ held.
  void LeaveOut(const Task& task, const Status& reason) {
    if (stats_) stats_->Skip(task.index, /*is_missing=*/false, reason);
    if (task.file == open_) next_row_group_ = open_->row_groups();
  }

  // With mutex_ held.
  Result<bool> NextTask(Task* task) {
    while (open_ == nullptr || next_row_group_ == open_->row_groups()) {
      if (next_file_ == files_.size()) return false;
      const InputFile& file = files_[next_file_++];
      auto opened = ParquetFile::Open(Fs::Local(), file.path, std::nullopt);
      next_row_group_ = 0;
      open_ = nullptr;
      if (opened.ok()) {
        open_ = *std::move(opened);
        if (stats_) {
          ++stats_->files_read;
          stats_->bytes_read += file.size_bytes;
        }
        continue;
      }
      bool missing = opened.status().Is(errors::kFileNotFound);
      if ((missing && options_.ignore_missing_files) || (!missing && options_.ignore_corrupt_files)) {
        if (stats_) stats_->Skip(static_cast<int32_t>(next_file_) - 1, missing, opened.status());
      } else if (missing) {
        return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(file.path)}});
      } else {
        return opened.status();
      }
    }
    *task = {static_cast<int32_t>(next_file_) - 1, open_, next_row_group_++};
    return true;
  }

  // The file's column for a name of the schema; -1: none.
  int FileColumn(const arrow::Schema& in_file, const std::string& name) const {
    int exact = in_file.GetFieldIndex(name);
    if (exact >= 0) return exact;
    CaseInsensitiveLess less;
    for (int i = 0; i < in_file.num_fields(); ++i) {
      if (!less(in_file.field(i)->name(), name) && !less(name, in_file.field(i)->name())) return i;
    }
    return -1;
  }

  Status Begin(Group& group) {
    const Task& task = group.task;
    std::vector<int>&wanted = group.wanted, &source = group.source, &rescued = group.rescued;
    const InputFile& input = files_[static_cast<size_t>(task.index)];
    const arrow::Schema& in_file = *task.file->arrow_schema();
    const auto& columns = plan_.parsed_columns();
    const bool rescue = plan_.wants_rescued_data();
    source.assign(columns.size(), -1);
    std::vector<bool> used(static_cast<size_t>(in_file.num_fields()), false);
    for (const StructField& field : plan_.data_schema()) {
      if (int at = FileColumn(in_file, field.name); at >= 0) used[static_cast<size_t>(at)] = true;
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      if (rescue && columns[i] == scan_.rescued_data_column) {
        group.rescued_column = static_cast<int>(i);
        continue;
      }
      int at = FileColumn(in_file, columns[i]);
      if (at < 0) continue;
      DataType to = plan_.data_schema()[*IndexOf(columns[i])].type;
      auto from = FromArrowType(*in_file.field(at)->type());
      if (from.ok() && Readable(*from, to)) {
        source[i] = static_cast<int>(wanted.size());
      } else if (rescue) {
        rescued.push_back(static_cast<int>(wanted.size()));
      } else {
        return Status::Error(errors::kParquetTypeMismatch, {{"path", UriFromPath(input.path)},
                                                            {"column", "[" + columns[i] + "]"},
                                                            {"expectedType", to.SimpleString()},
                                                            {"actualType", in_file.field(at)->type()->ToString()}});
      }
      wanted.push_back(at);
    }
    std::string unknown;
    for (int i = 0; i < in_file.num_fields(); ++i) {
      if (used[static_cast<size_t>(i)] || plan_.IsPartition(in_file.field(i)->name())) continue;
      unknown += (unknown.empty() ? "" : ",") + in_file.field(i)->name();
      if (rescue) {
        rescued.push_back(static_cast<int>(wanted.size()));
        wanted.push_back(i);
      }
    }
    if (scan_.fail_on_new_fields && !unknown.empty()) return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", unknown}});

    MS_ASSIGN_OR_RETURN(group.rows, task.file->ReadRowGroup(task.row_group, wanted, kRowsPerBatch));
    return Status();
  }

  // The next rows of a group, nullptr at its end.
  Result<RecordBatchPtr> ReadFrom(Group& group) {
    if (group.rows == nullptr) MS_RETURN_IF_ERROR(Begin(group));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, group.rows->Next());
    if (batch == nullptr) return batch;
    const InputFile& input = files_[static_cast<size_t>(group.task.index)];
    const auto& columns = plan_.parsed_columns();
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    for (size_t i = 0; i < columns.size(); ++i) {
      MS_ASSIGN_OR_RETURN(auto array, static_cast<int>(i) == group.rescued_column
                                          ? RescuedColumn(*batch, group.rescued, group.wanted, *group.task.file->arrow_schema(), input)
                                          : Column(*batch, group.source[i], columns[i]));
      parsed.push_back(std::move(array));
    }
    const int64_t count = batch->num_rows();
    if (stats_) {
      stats_->rows_in += count;
      stats_->rows_out += count;
    }
    return plan_.Assemble(std::move(parsed), files_, {{group.task.index, count}}, count);
  }

  std::optional<size_t> IndexOf(const std::string& name) const {
    auto index = plan_.data_schema().IndexOf(name, true);
    return index ? index : plan_.data_schema().IndexOf(name, false);
  }

  Result<std::shared_ptr<arrow::Array>> Column(const arrow::RecordBatch& batch, int at, const std::string& name) {
    auto index = IndexOf(name);
    auto type = ToArrowType(index ? plan_.data_schema()[*index].type : DataType::String());
    arrow::Result<std::shared_ptr<arrow::Array>> array =
        at < 0 ? arrow::MakeArrayOfNull(type, batch.num_rows()) : arrow::compute::Cast(*batch.column(at), type, arrow::compute::CastOptions::Safe());
    if (!array.ok()) return FromArrowStatus(array.status(), "reading the Parquet column " + name);
    return *std::move(array);
  }

  // Values without a column, as JSON strings.
  Result<std::shared_ptr<arrow::Array>> RescuedColumn(const arrow::RecordBatch& batch, const std::vector<int>& rescued, const std::vector<int>& wanted,
                                                      const arrow::Schema& in_file, const InputFile& input) {
    ColumnBuilder out(DataType::String());
    std::string path = HadoopPathString(input.path), text;
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      text.clear();
      for (int at : rescued) {
        const arrow::Array& column = *batch.column(at);
        if (column.IsNull(row)) continue;
        auto value = column.GetScalar(row);
        if (!value.ok()) return FromArrowStatus(value.status(), "rescuing a value of " + input.path);
        text += text.empty() ? "{" : ",";
        AppendJsonString(in_file.field(wanted[static_cast<size_t>(at)])->name(), &text);
        text += ':';
        auto id = column.type_id();
        if (arrow::is_integer(id) || id == arrow::Type::BOOL || id == arrow::Type::FLOAT || id == arrow::Type::DOUBLE) {
          text += (*value)->ToString();
        } else {
          AppendJsonString(ValidUtf8((*value)->ToString()), &text);
        }
      }
      if (text.empty()) {
        out.AppendNull();
        continue;
      }
      text += ",\"_file_path\":";
      AppendJsonString(ValidUtf8(path), &text);
      text += '}';
      out.AppendBytes(text);
      if (stats_) ++stats_->rows_rescued;
    }
    return out.Finish();
  }

  const ParquetOptions options_;
  const ScanPlan plan_;
  const FileScan scan_;
  const std::vector<InputFile> files_;
  const std::shared_ptr<FileScanStats> stats_;
  std::mutex mutex_;  // guards what follows
  size_t next_file_ = 0;
  std::shared_ptr<const ParquetFile> open_;
  int next_row_group_ = 0;
  std::vector<std::shared_ptr<Group>> groups_;  // in the order of the files
  std::condition_variable group_freed_;
  Status failed_;
};

class ParquetFormat : public FileFormat {
 public:
  ParquetFormat(ParquetOptions options, FormatContext context) : options_(options), context_(std::move(context)) {}

  const std::string& name() const override {
    static const std::string name = "parquet";
    return name;
  }

  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override {
    StructType schema;
    for (const InputFile& file : files) {
      auto opened = ParquetFile::Open(Fs::Local(), file.path, std::nullopt);
      if (!opened.ok()) {
        bool missing = opened.status().Is(errors::kFileNotFound);
        if (missing ? options_.ignore_missing_files : options_.ignore_corrupt_files) continue;
        return opened.status();
      }
      MS_ASSIGN_OR_RETURN(StructType found, FromArrowSchema(*(*opened)->arrow_schema()));
      std::vector<StructField> nullable;
      for (const StructField& field : found) nullable.push_back({field.name, field.type, true, field.metadata});
      found = StructType(std::move(nullable));
      MS_ASSIGN_OR_RETURN(schema, Widest(MergeNewFieldsInto(schema, found, context_.case_sensitive), found));
    }
    return schema;
  }

  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    MS_ASSIGN_OR_RETURN(StructType found, InferSchema(files));
    return MergeNewFieldsInto(known, found, context_.case_sensitive);
  }

  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    MS_ASSIGN_OR_RETURN(ScanPlan plan, ScanPlan::Make(scan, "", context_.time_zone));
    return RowStreamPtr(std::make_unique<ParquetRowsOfFiles>(options_, std::move(plan), scan, std::move(files), std::move(stats)));
  }

 private:
  // Types of `schema` made wide enough for `found`; where neither holds the other the first stays, and values go to rescue.
  Result<StructType> Widest(const StructType& schema, const StructType& found) const {
    std::vector<StructField> fields = schema.fields();
    for (StructField& field : fields) {
      auto at = found.IndexOf(field.name, context_.case_sensitive);
      if (at && !field.type.IsNested() && Widens(field.type, found[*at].type)) field.type = found[*at].type;
    }
    return StructType(std::move(fields));
  }

  const ParquetOptions options_;
  const FormatContext context_;
};

}  // namespace

Result<FileFormatPtr> MakeParquetFormat(const OptionMap& options, const FormatContext& context) {
  MS_ASSIGN_OR_RETURN(OptionValues values, ParquetOptionTable().ParseKnown(options));
  return FileFormatPtr(std::make_shared<ParquetFormat>(
      ParquetOptions{.ignore_missing_files = values.Bool("ignoreMissingFiles"), .ignore_corrupt_files = values.Bool("ignoreCorruptFiles")}, context));
}

}  // namespace millstream
