#include "formats/columnar_rows.h"

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>

#include <condition_variable>
#include <mutex>

#include "base/ignore_case.h"
#include "formats/failed_read.h"
#include "formats/formats_errors.h"
#include "formats/parquet_reader.h"
#include "formats/rescued_columns.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerBatch = 65536;

class ColumnarRowsOfFiles : public RowStream, public DeliversChunks {
 public:
  ColumnarRowsOfFiles(ColumnarKind kind, ColumnarOptions options, ScanPlan plan, FileScan scan, std::vector<InputFile> files,
                      std::shared_ptr<FileScanStats> stats)
      : kind_(std::move(kind)), options_(options), plan_(std::move(plan)), scan_(std::move(scan)), files_(std::move(files)), stats_(std::move(stats)) {}

  const ArrowSchemaPtr& schema() const override { return plan_.arrow_schema(); }

  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(SomeRows rows, Pull(nullptr));
    return std::move(rows.batch);
  }
  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override { return Pull(&wishes); }

 private:
  // With wishes, parts that nobody has begun to read may be copied.
  Result<SomeRows> Pull(const ChunkWishes* wishes) {
    while (true) {
      std::shared_ptr<Part> part;
      {
        std::unique_lock lock(mutex_);
        Result<std::shared_ptr<Part>> taken = Take(lock, wishes);
        if (!taken.ok()) return failed_ = taken.status();
        part = *std::move(taken);
        if (part == nullptr) return SomeRows();
        if (part->whole) {
          std::erase(parts_, part);
          part_freed_.notify_all();
          return SomeRows{.batch = nullptr, .chunks = std::nullopt, .file = std::move(part->whole)};
        }
      }
      std::optional<ChunkRows> chunks;
      Result<RecordBatchPtr> batch = ReadFrom(*part, wishes, chunks);
      {
        std::lock_guard lock(mutex_);
        if (!batch.ok() && options_.ignore_corrupt_files && IsCorruptFile(batch.status())) {
          LeaveOut(*part, batch.status());
          batch = RecordBatchPtr();
        }
        if (!batch.ok() && failed_.ok()) failed_ = batch.status();
        part->is_busy = false;
        if (!batch.ok() || *batch == nullptr) std::erase(parts_, part);
        part_freed_.notify_all();
      }
      if (!batch.ok()) return batch.status();
      if (chunks || *batch != nullptr) return SomeRows{.batch = *std::move(batch), .chunks = std::move(chunks)};
    }
  }

  // What is being read: by one thread at a time, whose rows others work on meanwhile.
  struct Part {
    int32_t file_index = 0;
    std::shared_ptr<const ColumnarFile> file;
    int index = 0;
    bool is_busy = true;
    std::unique_ptr<ColumnarRows> rows;  // null: not begun
    int64_t next_row = 0;                // in the file
    std::vector<ColumnarFile::Column> wanted;
    std::vector<int> source;   // per parsed column: where it is among `wanted`, as in the batches; -1: nowhere
    std::vector<int> rescued;  // columns of the batches
    int rescued_column = -1;   // among the parsed columns
    CalendarRebase rebase = CalendarRebase::kCorrected;
    std::optional<WholeFile> whole;  // all parts of the file at once, and none of them is read
  };

  // The oldest part that nobody reads, or else the next one; waits when all are being read. nullptr: at the end.
  Result<std::shared_ptr<Part>> Take(std::unique_lock<std::mutex>& lock, const ChunkWishes* wishes) {
    while (true) {
      MS_RETURN_IF_ERROR(failed_);
      for (const std::shared_ptr<Part>& part : parts_) {
        if (part->is_busy) continue;
        part->is_busy = true;
        return part;
      }
      auto part = std::make_shared<Part>();
      MS_ASSIGN_OR_RETURN(bool more, NextPart(part.get(), wishes));
      if (more) {
        parts_.push_back(part);
        return part;
      }
      if (parts_.empty()) return std::shared_ptr<Part>();
      part_freed_.wait(lock);
    }
  }

  // The rest of a file that is broken in the middle. With mutex_ held.
  void LeaveOut(const Part& part, const Status& reason) {
    if (stats_) stats_->Skip(part.file_index, /*is_missing=*/false, reason);
    if (part.file == open_) next_part_ = open_->parts();
  }

  // With mutex_ held.
  Result<bool> NextPart(Part* part, const ChunkWishes* wishes) {
    while (open_ == nullptr || next_part_ == open_->parts()) {
      if (next_file_ == files_.size()) return false;
      const InputFile& file = files_[next_file_++];
      if (file.size_bytes == 0 && !kind_.reads_empty_files) continue;
      auto opened = kind_.open(file);
      next_part_ = 0;
      open_ = nullptr;
      if (opened.ok()) {
        open_ = *std::move(opened);
        if (stats_) {
          ++stats_->files_read;
          stats_->bytes_read += file.size_bytes;
        }
        continue;
      }
      const bool missing = opened.status().Is(errors::kFileNotFound);
      if ((missing && options_.ignore_missing_files) || (options_.ignore_corrupt_files && IsCorruptFile(opened.status()))) {
        if (stats_) stats_->Skip(static_cast<int32_t>(next_file_) - 1, missing, opened.status());
      } else if (missing) {
        return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(file.path)}});
      } else {
        return opened.status();
      }
    }
    part->file_index = static_cast<int32_t>(next_file_) - 1;
    part->file = open_;
    part->index = next_part_++;
    part->next_row = open_->first_row_of(part->index);
    if (wishes != nullptr && wishes->files != nullptr && part->index == 0) {
      std::variant<WholeFile, std::string> whole = AsWhole(part->file_index, *wishes);
      if (const auto* why = std::get_if<std::string>(&whole)) {
        wishes->files->Refuse(*why);
      } else {
        part->whole = std::move(std::get<WholeFile>(whole));
        wishes->files->Take();
        next_part_ = open_->parts();
        CountRows(*part, part->whole->rows, 0);
        if (FileOutcomes* outcomes = plan_.outcomes()) outcomes->of(part->file_index).rows += part->whole->rows;
      }
    }
    return true;
  }

  // The file that is open as one of the table's, or why it has to be read.
  std::variant<WholeFile, std::string> AsWhole(int32_t file_index, const ChunkWishes& wishes) const {
    const InputFile& input = files_[static_cast<size_t>(file_index)];
    if (input.member) return "it is a member of an archive";
    Part part;
    part.file_index = file_index;
    part.file = open_;
    if (!Plan(part).ok() || !part.rescued.empty()) return "it has columns that the query does not take as they are";
    if (part.rebase != CalendarRebase::kCorrected) return "its dates and timestamps are in the calendar of old";
    if (plan_.metadata_place()) return "the query takes _metadata";
    for (const std::string& name : scan_.columns) {
      if (scan_.partition_schema.IndexOf(name)) return "column " + name + " comes from its path";
    }
    const auto& columns = plan_.parsed_columns();
    std::vector<std::pair<int, StructField>> whole;
    for (size_t i = 0; i < columns.size(); ++i) {
      const size_t place = plan_.PlaceOf(i);
      const bool is_there = part.source[i] >= 0;
      if (place >= wishes.columns.size() || !wishes.columns[place]) return "column " + columns[i] + " is changed on its way into the table";
      const StructField& as = *wishes.columns[place];
      if (!is_there && !as.nullable) return "it lacks column " + as.name;
      if (is_there) whole.emplace_back(part.wanted[static_cast<size_t>(part.source[i])].index, as);
    }
    if (static_cast<int>(whole.size()) != open_->arrow_schema()->num_fields()) return "it has columns that the query does not take";
    std::variant<WholeFile, std::string> taken = open_->AsWhole(whole, wishes.codec);
    if (auto* file = std::get_if<WholeFile>(&taken)) {
      // The ordinary way finds out what that means.
      if (file->size_bytes != input.size_bytes || file->modified_ns != input.modified_ns) return "it has changed since it was found";
      file->source_file = file_index;
      file->mode = wishes.files->mode();
    }
    return taken;
  }

  // The file's column for a name of the schema; -1: none. `others`: how many more of its columns the name means as well.
  int FileColumn(const arrow::Schema& in_file, const std::string& name, int* others = nullptr) const {
    const bool exactly = options_.case_sensitive || (!scan_.rescued_data_column.empty() && options_.case_sensitive_rescue);
    int found = -1, matches = 0;
    for (int i = 0; i < in_file.num_fields(); ++i) {
      const std::string& in = in_file.field(i)->name();
      if (exactly ? in != name : !EqualsIgnoreCase(in, name)) continue;
      // To the letter comes before another case.
      if (matches++ == 0 || (in == name && in_file.field(found)->name() != name)) found = i;
    }
    if (others != nullptr) *others = std::max(matches - 1, 0);
    return found;
  }

  // What is to be read of a part.
  Status Plan(Part& part) const {
    std::vector<ColumnarFile::Column>& wanted = part.wanted;
    const InputFile& input = files_[static_cast<size_t>(part.file_index)];
    const arrow::Schema& in_file = *part.file->arrow_schema();
    const auto& columns = plan_.parsed_columns();
    const bool rescue = plan_.wants_rescued_data();
    part.source.assign(columns.size(), -1);
    std::vector<bool> used(static_cast<size_t>(in_file.num_fields()), false);
    for (const StructField& field : plan_.data_schema()) {
      if (int at = FileColumn(in_file, field.name); at >= 0) used[static_cast<size_t>(at)] = true;
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      if (rescue && columns[i] == scan_.rescued_data_column) {
        part.rescued_column = static_cast<int>(i);
        continue;
      }
      const DataType& to = plan_.data_schema()[*IndexOf(columns[i])].type;
      int others = 0;
      const int at = FileColumn(in_file, plan_.data_schema()[*IndexOf(columns[i])].name, &others);
      if (at < 0) continue;
      // The others would be lost, but for rescue.
      if (others > 0 && scan_.rescued_data_column.empty()) {
        return FailedRead(input.path, "It has " + std::to_string(others + 1) + " columns " + columns[i] +
                                          (options_.case_sensitive ? "" : ", in upper or lower case") +
                                          ". Rename one of them, or leave the column out of the schema.");
      }
      if (part.file->CanReadAs(at, to)) {
        part.source[i] = static_cast<int>(wanted.size());
        wanted.push_back({at, to});
      } else if (rescue) {
        part.rescued.push_back(static_cast<int>(wanted.size()));
        wanted.push_back({at});
      } else if (scan_.rescued_data_column.empty()) {
        return kind_.mismatch(input, *part.file, at, columns[i], to);
      }
    }
    std::string unknown;
    for (int i = 0; i < in_file.num_fields(); ++i) {
      if (used[static_cast<size_t>(i)] || plan_.IsPartition(in_file.field(i)->name())) continue;
      // Of two names that differ in case only one is a column, and the other is rescued: it would never be another one.
      if (!plan_.data_schema().IndexOf(in_file.field(i)->name(), options_.case_sensitive)) unknown += (unknown.empty() ? "" : ",") + in_file.field(i)->name();
      if (rescue) {
        part.rescued.push_back(static_cast<int>(wanted.size()));
        wanted.push_back({i});
      }
    }
    if (scan_.fail_on_new_fields && !unknown.empty()) return Status::Error(errors::kNewFieldsInFile, {{"unknownFields", unknown}});
    part.rebase = part.file->DatetimeRebase(options_.datetime_rebase);
    return Status();
  }

  // A part as its file has it, when all columns that the file has can be copied.
  Result<std::optional<ChunkRows>> Copy(const Part& part, const ChunkWishes& wishes) {
    using Copied = std::optional<ChunkRows>;
    const auto& columns = plan_.parsed_columns();
    if (!part.rescued.empty() || part.wanted.empty() || part.rebase != CalendarRebase::kCorrected) return Copied();
    std::vector<std::pair<int, StructField>> copied;
    std::vector<size_t> places;  // of the copied columns, in the rows
    for (size_t i = 0; i < columns.size(); ++i) {
      if (part.source[i] < 0) continue;
      const size_t place = plan_.PlaceOf(i);
      if (place >= wishes.columns.size() || !wishes.columns[place]) return Copied();
      copied.emplace_back(part.wanted[static_cast<size_t>(part.source[i])].index, *wishes.columns[place]);
      places.push_back(place);
    }
    MS_ASSIGN_OR_RETURN(std::vector<ColumnChunksPtr> chunks, part.file->CopyPart(part.index, copied, wishes.codec));
    if (chunks.empty()) return Copied();
    const int64_t count = part.file->rows_of(part.index);
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    for (size_t i = 0; i < columns.size(); ++i) {
      // In the place of a copied column stands one that costs nothing.
      auto nulls = arrow::MakeArrayOfNull(part.source[i] < 0 ? TypeOf(columns[i]) : arrow::null(), count);
      if (!nulls.ok()) return FromArrowStatus(nulls.status(), "filling the column " + columns[i]);
      parsed.push_back(*std::move(nulls));
    }
    CountRows(part, count, 0);
    // Whoever does not wish for all of _metadata takes fields of it.
    const std::optional<size_t> metadata = plan_.metadata_place();
    const bool takes_fields = metadata && *metadata < wishes.columns.size() && !wishes.columns[*metadata];
    MS_ASSIGN_OR_RETURN(arrow::ArrayVector arrays,
                        plan_.AssembleColumns(std::move(parsed), files_, {{part.file_index, count, part.file->first_row_of(part.index)}}, count,
                                              takes_fields ? MetadataForm::kDictionaries : MetadataForm::kPlain));
    ChunkRows rows{.rows = count, .columns = {}};
    for (auto& array : arrays) rows.columns.emplace_back(std::move(array));
    for (size_t i = 0; i < places.size(); ++i) rows.columns[places[i]] = std::move(chunks[i]);
    return Copied(std::move(rows));
  }

  void CountRows(const Part& part, int64_t count, int64_t rescued) const {
    if (stats_) {
      stats_->rows_in += count;
      stats_->rows_out += count;
      stats_->rows_rescued += rescued;
    }
    if (FileOutcomes* outcomes = plan_.outcomes()) outcomes->of(part.file_index).rescued += rescued;
  }

  // The next rows of a part, nullptr at its end. All of it into `chunks`, if that can be done.
  Result<RecordBatchPtr> ReadFrom(Part& part, const ChunkWishes* wishes, std::optional<ChunkRows>& chunks) {
    if (part.rows == nullptr) {
      MS_RETURN_IF_ERROR(Plan(part));
      if (wishes != nullptr) {
        MS_ASSIGN_OR_RETURN(chunks, Copy(part, *wishes));
        if (chunks) return RecordBatchPtr();
      }
      MS_ASSIGN_OR_RETURN(part.rows, part.file->ReadPart(part.index, part.wanted, kRowsPerBatch));
    }
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, part.rows->Next());
    if (batch == nullptr) return batch;
    const InputFile& input = files_[static_cast<size_t>(part.file_index)];
    const auto& columns = plan_.parsed_columns();
    std::vector<std::shared_ptr<arrow::Array>> parsed;
    int64_t rescued = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      MS_ASSIGN_OR_RETURN(auto array, static_cast<int>(i) == part.rescued_column ? RescuedColumns(*batch, part.rescued, HadoopPathString(input.path), &rescued)
                                                                                 : Column(*batch, part, part.source[i], columns[i]));
      parsed.push_back(std::move(array));
    }
    const int64_t count = batch->num_rows();
    CountRows(part, count, rescued);
    const int64_t first_row = part.next_row;
    part.next_row += count;
    return plan_.Assemble(std::move(parsed), files_, {{part.file_index, count, first_row}}, count);
  }

  std::optional<size_t> IndexOf(const std::string& name) const {
    auto index = plan_.data_schema().IndexOf(name, true);
    return index ? index : plan_.data_schema().IndexOf(name, false);
  }

  std::shared_ptr<arrow::DataType> TypeOf(const std::string& name) const {
    const auto index = IndexOf(name);
    return ToArrowType(index ? plan_.data_schema()[*index].type : DataType::String());
  }

  Result<std::shared_ptr<arrow::Array>> Column(const arrow::RecordBatch& batch, const Part& part, int at, const std::string& name) const {
    const auto type = TypeOf(name);
    arrow::Result<std::shared_ptr<arrow::Array>> array = at < 0 ? arrow::MakeArrayOfNull(type, batch.num_rows())
                                                         : batch.column(at)->type()->Equals(*type)
                                                             ? batch.column(at)
                                                             : arrow::compute::Cast(*batch.column(at), type, arrow::compute::CastOptions::Safe());
    if (!array.ok()) {
      // Nanoseconds that are not whole microseconds, most of all: to round them would lose what the file says.
      return FailedRead(PathOf(part), "Its column " + name + " of type " + batch.column(at)->type()->ToString() + " has a value that " + type->ToString() +
                                          " cannot hold: " + array.status().message() + ". Have it written with another type (timestamps with microseconds).");
    }
    return Rebased(*std::move(array), part.rebase, *options_.zone, PathOf(part));
  }

  const std::string& PathOf(const Part& part) const { return files_[static_cast<size_t>(part.file_index)].path; }

  const ColumnarKind kind_;
  const ColumnarOptions options_;
  const ScanPlan plan_;
  const FileScan scan_;
  const std::vector<InputFile> files_;
  const std::shared_ptr<FileScanStats> stats_;
  std::mutex mutex_;  // guards what follows
  size_t next_file_ = 0;
  std::shared_ptr<const ColumnarFile> open_;
  int next_part_ = 0;
  std::vector<std::shared_ptr<Part>> parts_;  // in the order of the files
  std::condition_variable part_freed_;
  Status failed_;
};

}  // namespace

bool IsCorruptFile(const Status& status) { return status.Is(errors::kFailedReadFile) || status.Is(errors::kParquetCorrupt); }

RowStreamPtr MakeColumnarRows(ColumnarKind kind, ColumnarOptions options, ScanPlan plan, FileScan scan, std::vector<InputFile> files,
                              std::shared_ptr<FileScanStats> stats) {
  return std::make_unique<ColumnarRowsOfFiles>(std::move(kind), options, std::move(plan), std::move(scan), std::move(files), std::move(stats));
}

}  // namespace millstream
