// spark.read.format("json" | "csv" | "parquet" | "text" …).load(paths)

#include <algorithm>

#include "connectors/api/table.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/file_stream_relation.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

class FileTable : public BatchRelationSource {
 public:
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schemas_.all; }
  const StructType& metadata_schema() const override { return format_->metadata_schema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    FileScan scan{
        .data_schema = schemas_.data, .partition_schema = schemas_.partition, .columns = needs.columns, .rescued_data_column = schemas_.rescued_column};
    if (bad_records_path_) return ReadKeepingBadRecords(*fs_, *clock_, *bad_records_path_, *format_, files_, std::move(scan));
    return format_->Read(files_, scan, std::make_shared<FileScanStats>());
  }

  std::string name_;
  std::shared_ptr<const FileFormat> format_;
  std::vector<InputFile> files_;
  FileSchemas schemas_;
  std::optional<std::string> bad_records_path_;
  Fs* fs_ = nullptr;
  Clock* clock_ = nullptr;
};

}  // namespace

bool IsFileFormat(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return FileFormatOptions(lower) != nullptr;
}

Result<RelationSourcePtr> OpenFiles(const UnresolvedDataSource& relation, const FilesContext& context) {
  std::string format = relation.format;
  std::transform(format.begin(), format.end(), format.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (relation.is_streaming) return OpenFileStream(relation, format, context);
  MS_ASSIGN_OR_RETURN(FileSelection selection, ParseFileSelection(relation.options, context.format.time_zone));
  selection.ignore_sink_log = context.ignore_sink_log;
  auto table = std::make_shared<FileTable>();
  FormatContext format_context = context.format;
  format_context.infer_column_types = true;
  OptionMap reader_options = relation.options;
  MS_ASSIGN_OR_RETURN(table->bad_records_path_, TakeBadRecordsPath(reader_options));
  table->fs_ = &context.fs;
  table->clock_ = &context.clock;
  MS_ASSIGN_OR_RETURN(table->format_, context.make_format ? context.make_format(format, reader_options, format_context)
                                                          : MakeFileFormat(format, reader_options, format_context));
  std::vector<std::string> paths = relation.paths;
  if (paths.empty()) {
    if (auto path = relation.options.find("path"); path != relation.options.end()) paths.push_back(path->second);
  }
  if (paths.empty()) return Status::Error(errors::kUnableToInferSchema, {{"format", format}});
  // Spark looks for the log of a file sink only where one directory is read.
  if (paths.size() > 1) selection.ignore_sink_log = true;
  std::vector<FoundFile> found;
  table->name_ = format + " ";
  for (const std::string& uri : paths) {
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(uri));
    MS_ASSIGN_OR_RETURN(FoundFiles below, FindFiles(context.fs, path, selection));
    std::move(below.files.begin(), below.files.end(), std::back_inserter(found));
    table->name_ += (table->name_.ends_with(' ') ? "" : ",") + HadoopPathString(path);
  }
  MS_ASSIGN_OR_RETURN(StructType partitions, TakePartitions(found, selection, table->name_));
  for (FoundFile& file : found) table->files_.push_back(std::move(file.file));
  MS_ASSIGN_OR_RETURN(table->schemas_, ResolveFileSchemas(relation, format, *table->format_, table->files_, partitions));
  return RelationSourcePtr(std::move(table));
}

Result<FileSchemas> ResolveFileSchemas(const UnresolvedDataSource& relation, const std::string& format_name, const FileFormat& format,
                                       const std::vector<InputFile>& files, const StructType& partitions) {
  std::string rescued;
  if (auto option = relation.options.find("rescuedDataColumn"); option != relation.options.end()) rescued = option->second;
  if (relation.schema) return CombineFileSchemas(*relation.schema, partitions, /*is_user_schema=*/true, std::move(rescued));
  std::vector<InputFile> with_bytes;
  std::copy_if(files.begin(), files.end(), std::back_inserter(with_bytes), [](const InputFile& file) { return file.size_bytes > 0; });
  const bool fixed_schema = format_name == "text" || format_name == "binaryfile";
  if (files.empty() && !fixed_schema) {
    std::string shown = format_name == "parquet" ? "Parquet" : format_name;
    if (format_name != "parquet") std::transform(shown.begin(), shown.end(), shown.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return Status::Error(errors::kUnableToInferSchema, {{"format", shown}});
  }
  MS_ASSIGN_OR_RETURN(StructType data, format.InferSchema(with_bytes));
  return CombineFileSchemas(data, partitions, /*is_user_schema=*/false, std::move(rescued));
}

}  // namespace millstream
