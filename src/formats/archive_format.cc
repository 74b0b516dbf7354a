#include "formats/archive_format.h"

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>

#include <mutex>

#include "formats/archive.h"
#include "formats/bad_records.h"
#include "formats/columnar_rows.h"
#include "formats/path_glob.h"
#include "formats/source_file_column.h"
#include "types/arrow_types.h"
#include "types/chunk_rows.h"

namespace millstream {
namespace {

struct ArchiveOptions {
  std::optional<NameGlob> glob;
  ArchiveLimits limits;
  bool ignore_missing_files = false, ignore_corrupt_files = false;
};

// Files, with members in the place of archives; and of each, which of the files that were asked for it comes from.
struct Expanded {
  std::vector<InputFile> files;
  std::vector<int32_t> file_of;
};

Result<Expanded> Expand(const std::vector<InputFile>& files, const ArchiveOptions& options, bool wants_empty, FileScanStats* stats) {
  ArchiveSelection selection{
      .wants = [&](std::string_view name) { return !options.glob || options.glob->Matches(name); }, .wants_empty = wants_empty, .limits = options.limits};
  Expanded expanded;
  for (size_t i = 0; i < files.size(); ++i) {
    const InputFile& file = files[i];
    const auto index = static_cast<int32_t>(i);
    if (file.content || !IsArchivePath(file.path)) {
      expanded.files.push_back(file);
      expanded.file_of.push_back(index);
      continue;
    }
    if (file.size_bytes == 0) continue;
    Result<std::vector<InputFile>> members = ListArchive(Fs::Local(), file, selection);
    if (!members.ok()) {
      const Status& why = members.status();
      const bool is_missing = why.Is(errors::kFileNotFound);
      const bool is_corrupt = IsCorruptFile(why) || why.Is(errors::kArchiveTooLarge);
      if ((is_missing && options.ignore_missing_files) || (is_corrupt && options.ignore_corrupt_files)) {
        if (stats != nullptr) stats->Skip(index, is_missing, why);
        continue;
      }
      if (is_missing) return Status::Error(errors::kSourceFileMissing, {{"path", UriFromPath(file.path)}});
      return why;
    }
    expanded.file_of.insert(expanded.file_of.end(), members->size(), index);
    std::move(members->begin(), members->end(), std::back_inserter(expanded.files));
  }
  return expanded;
}

// Bad records of members, for who knows archives only.
class BadRecordsOfMembers : public BadRecords {
 public:
  BadRecordsOfMembers(std::shared_ptr<BadRecords> whole, const Expanded& expanded) : whole_(std::move(whole)), file_of_(expanded.file_of) {
    for (const InputFile& file : expanded.files) paths_.push_back(file.member ? file.path : "");
  }

 private:
  Status Take(const BadRecord& record) override {
    BadRecord named = record;
    named.file = file_of_[static_cast<size_t>(record.file)];
    named.path = paths_[static_cast<size_t>(record.file)];
    return whole_->Add(named);
  }

  const std::shared_ptr<BadRecords> whole_;
  const std::vector<int32_t> file_of_;
  std::vector<std::string> paths_;
};

// Archives are opened when the first row is asked for: until then nobody can say of an error which file it is of.
class RowsWithMembers : public RowStream, public DeliversChunks {
 public:
  RowsWithMembers(FileFormatPtr format, const ArchiveOptions& options, std::vector<InputFile> files, FileScan scan, std::shared_ptr<FileScanStats> stats,
                  ArrowSchemaPtr schema)
      : format_(std::move(format)), options_(options), files_(std::move(files)), scan_(std::move(scan)), stats_(std::move(stats)), schema_(std::move(schema)) {
    source_column_ = schema_->GetFieldIndex(std::string(kSourceFileColumn));
  }

  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RowStream * rows, Opened());
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows->Next());
    return WithSourceFiles(std::move(batch));
  }
  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override {
    MS_ASSIGN_OR_RETURN(RowStream * rows, Opened());
    MS_ASSIGN_OR_RETURN(SomeRows some, NextOf(*rows, wishes));
    MS_ASSIGN_OR_RETURN(some.batch, WithSourceFiles(std::move(some.batch)));
    if (some.chunks && source_column_ >= 0) {
      auto& column = std::get<std::shared_ptr<arrow::Array>>(some.chunks->columns[static_cast<size_t>(source_column_)]);
      MS_ASSIGN_OR_RETURN(column, SourceFiles(*column));
    }
    return some;
  }

 private:
  Result<RowStream*> Opened() {
    std::lock_guard lock(mutex_);
    MS_RETURN_IF_ERROR(failed_);
    if (rows_ == nullptr) {
      failed_ = Open();
      MS_RETURN_IF_ERROR(failed_);
    }
    return rows_.get();
  }

  Status Open() {
    MS_ASSIGN_OR_RETURN(Expanded expanded, Expand(files_, options_, format_->reads_empty_files(), stats_.get()));
    file_of_ = expanded.file_of;
    if (scan_.outcomes) scan_.outcomes = std::make_shared<FileOutcomes>(scan_.outcomes, file_of_);
    if (stats_ && stats_->outcomes) stats_->parts = std::make_shared<FileOutcomes>(stats_->outcomes, file_of_);
    if (scan_.bad_records) scan_.bad_records = std::make_shared<BadRecordsOfMembers>(scan_.bad_records, expanded);
    MS_ASSIGN_OR_RETURN(rows_, format_->Read(std::move(expanded.files), scan_, stats_));
    return Status();
  }

  Result<RecordBatchPtr> WithSourceFiles(RecordBatchPtr batch) const {
    if (batch == nullptr || source_column_ < 0) return batch;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> column, SourceFiles(*batch->column(source_column_)));
    arrow::ArrayVector columns = batch->columns();
    columns[static_cast<size_t>(source_column_)] = std::move(column);
    return RecordBatchPtr(arrow::RecordBatch::Make(batch->schema(), batch->num_rows(), std::move(columns)));
  }
  // The places of members become those of their archives.
  Result<std::shared_ptr<arrow::Array>> SourceFiles(const arrow::Array& members) const {
    const auto& places = static_cast<const arrow::Int32Array&>(members);
    arrow::Int32Builder builder;
    arrow::Status reserved = builder.Reserve(places.length());
    if (!reserved.ok()) return FromArrowStatus(reserved, "naming source files");
    for (int64_t i = 0; i < places.length(); ++i) builder.UnsafeAppend(file_of_[static_cast<size_t>(places.Value(i))]);
    auto finished = builder.Finish();
    if (!finished.ok()) return FromArrowStatus(finished.status(), "naming source files");
    return *std::move(finished);
  }

  const FileFormatPtr format_;
  const ArchiveOptions options_;
  const std::vector<InputFile> files_;
  FileScan scan_;  // of the members, once rows_ is there
  const std::shared_ptr<FileScanStats> stats_;
  const ArrowSchemaPtr schema_;
  int source_column_ = -1;
  std::mutex mutex_;
  Status failed_;      // GUARDED_BY(mutex_)
  RowStreamPtr rows_;  // set once, under mutex_
  std::vector<int32_t> file_of_;
};

class FormatWithMembers : public FileFormat {
 public:
  FormatWithMembers(FileFormatPtr format, ArchiveOptions options) : format_(std::move(format)), options_(std::move(options)) {}

  const std::string& name() const override { return format_->name(); }
  bool has_row_index() const override { return format_->has_row_index(); }
  bool reads_empty_files() const override { return format_->reads_empty_files(); }
  Result<StructType> InferSchema(const std::vector<InputFile>& files) const override {
    MS_ASSIGN_OR_RETURN(Expanded expanded, Expand(files, options_, /*wants_empty=*/false, nullptr));
    return format_->InferSchema(expanded.files);
  }
  Result<StructType> MergeNewFields(const std::vector<InputFile>& files, const StructType& known) const override {
    MS_ASSIGN_OR_RETURN(Expanded expanded, Expand(files, options_, /*wants_empty=*/false, nullptr));
    return format_->MergeNewFields(expanded.files, known);
  }
  Result<RowStreamPtr> Read(std::vector<InputFile> files, const FileScan& scan, std::shared_ptr<FileScanStats> stats) const override {
    if (stats) stats->parts = nullptr;
    if (std::none_of(files.begin(), files.end(), [](const InputFile& file) { return !file.content && IsArchivePath(file.path); })) {
      return format_->Read(std::move(files), scan, std::move(stats));
    }
    MS_ASSIGN_OR_RETURN(RowStreamPtr of_nothing, format_->Read({}, scan, nullptr));
    return RowStreamPtr(std::make_unique<RowsWithMembers>(format_, options_, std::move(files), scan, std::move(stats), of_nothing->schema()));
  }

 private:
  const FileFormatPtr format_;
  const ArchiveOptions options_;
};

Status RefuseLimit(const char* option, const OptionMap& options) {
  return Status::Error(errors::kInvalidOptionValue,
                       {{"option", option}, {"owner", "files"}, {"value", options.find(option)->second}, {"reason", "it must be above zero"}});
}

}  // namespace

const OptionTable& ArchiveOptionTable() {
  static const OptionTable table("archives",
                                 {{"archiveMembers", OptionType::kBool, "false", "The members of zip and tar archives are read as files of their own.", "0.5"},
                                  {"archiveMemberGlob", OptionType::kString, "", "A glob that the names of members must match.", "0.5"},
                                  {"archiveMaxBytes", OptionType::kBytes, "100g", "An archive that unpacks to more is refused.", "0.5"},
                                  {"archiveMaxRatio", OptionType::kInt, "1000", "An archive that unpacks to more times its size is refused.", "0.5"},
                                  {"archiveMaxMembers", OptionType::kInt, "1000000", "An archive of more members is refused.", "0.5"}});
  return table;
}

Result<FileFormatPtr> WithArchiveMembers(FileFormatPtr format, const OptionMap& options) {
  MS_ASSIGN_OR_RETURN(OptionValues values, ArchiveOptionTable().ParseKnown(options));
  if (!values.Bool("archiveMembers")) return format;
  auto is_set = [&](const char* name) {
    auto option = options.find(name);
    return option != options.end() && ParseBool(option->second).value_or(false);
  };
  ArchiveOptions archive{.glob = std::nullopt,
                         .limits = {.bytes_max = values.Int("archiveMaxBytes").value_or(0),
                                    .ratio_max = values.Int("archiveMaxRatio").value_or(0),
                                    .entries_max = values.Int("archiveMaxMembers").value_or(0)},
                         .ignore_missing_files = is_set("ignoreMissingFiles"),
                         .ignore_corrupt_files = is_set("ignoreCorruptFiles")};
  if (archive.limits.bytes_max <= 0) return RefuseLimit("archiveMaxBytes", options);
  if (archive.limits.ratio_max <= 0) return RefuseLimit("archiveMaxRatio", options);
  if (archive.limits.entries_max <= 0) return RefuseLimit("archiveMaxMembers", options);
  if (auto glob = values.String("archiveMemberGlob"); glob && !glob->empty()) {
    MS_ASSIGN_OR_RETURN(archive.glob, NameGlob::Parse(*glob));
  }
  return FileFormatPtr(std::make_shared<FormatWithMembers>(std::move(format), std::move(archive)));
}

}  // namespace millstream
