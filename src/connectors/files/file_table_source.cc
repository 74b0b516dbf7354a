// spark.read.format("json" | "csv" | "parquet" | "text" …).load(paths)

#include <algorithm>

#include "connectors/api/table.h"
#include "connectors/files/cloud_files_options.h"
#include "connectors/files/file_lister.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"

namespace millstream {
namespace {

class FileTable : public BatchRelationSource {
 public:
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return FileMetadataSchema(); }
  Result<RowStreamPtr> Scan(const ScanNeeds& needs) const override {
    return format_->Read(files_,
                         {.data_schema = data_schema_, .partition_schema = partition_schema_, .columns = needs.columns, .rescued_data_column = rescued_},
                         std::make_shared<FileScanStats>());
  }

  std::string name_, rescued_;
  std::shared_ptr<const FileFormat> format_;
  std::vector<InputFile> files_;
  StructType data_schema_, partition_schema_, schema_;
};

// A file, and the directory from which its partition directories count.
struct Found {
  InputFile file;
  std::string root;
  bool direct = false;  // lies in the root itself
};

struct Selection {
  std::optional<NameGlob> name_filter;
  std::optional<int64_t> modified_after_ns, modified_before_ns;
  std::optional<std::string> base_path;
};

Status FindFiles(Fs& fs, const std::string& path, const Selection& selection, std::vector<Found>* found) {
  MS_ASSIGN_OR_RETURN(PathGlob glob, PathGlob::Parse(path, PathGlob::Mode::kStrict));
  size_t before = found->size();
  bool any = !glob.has_glob();
  ListerOptions options{.glob = glob, .name_filter = selection.name_filter, .skip_unfinished = false};
  FileLister lister(fs, options, nullptr);
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    if (glob.has_glob() && glob.MatchesFile(listed->path)) any = true;
    for (size_t i = 0; i < listed->names.size(); ++i) {
      std::string file = JoinPath(listed->path, listed->names[i]);
      Result<FileInfo> info = fs.Stat(file);
      if (!info.ok()) {
        if (info.status().Is(errors::kFileNotFound)) continue;
        return info.status();
      }
      if (!info->is_regular) continue;
      any = true;
      if ((selection.modified_after_ns && info->modified_ns <= *selection.modified_after_ns) ||
          (selection.modified_before_ns && info->modified_ns >= *selection.modified_before_ns)) {
        continue;
      }
      std::string root = glob.RootOf(file);
      bool direct = root == file || ParentPath(file) == root;
      if (root == file) root = ParentPath(file);
      if (selection.base_path) root = *selection.base_path;
      found->push_back({{.path = std::move(file), .size_bytes = info->size_bytes, .modified_ns = info->modified_ns}, std::move(root), direct});
    }
  }
  if (!any && found->size() == before) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(path)}});
  return Status();
}

Result<Selection> ParseSelection(const OptionValues& options, const std::string& time_zone) {
  Selection selection;
  if (auto pattern = options.String("pathGlobFilter")) {
    MS_ASSIGN_OR_RETURN(selection.name_filter, NameGlob::Parse(*pattern));
  }
  if (auto time = options.String("modifiedAfter")) {
    MS_ASSIGN_OR_RETURN(selection.modified_after_ns, ParseModifiedTime("modifiedAfter", *time, time_zone));
  }
  if (auto time = options.String("modifiedBefore")) {
    MS_ASSIGN_OR_RETURN(selection.modified_before_ns, ParseModifiedTime("modifiedBefore", *time, time_zone));
  }
  if (auto base = options.String("basePath")) {
    MS_ASSIGN_OR_RETURN(selection.base_path, PathFromUri(*base));
  }
  return selection;
}

}  // namespace

bool IsFileFormat(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return FileFormatOptions(lower) != nullptr;
}

Result<RelationSourcePtr> OpenFiles(const UnresolvedDataSource& relation, const FilesContext& context) {
  std::string format = relation.format;
  std::transform(format.begin(), format.end(), format.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (relation.is_streaming) {
    if (!relation.schema && !context.streaming_schema_inference) return Status::Error(errors::kStreamingSchemaRequired);
    return Status::Unsupported("readStream.format(\"" + format + "\")", "Use format(\"cloudFiles\") with the option cloudFiles.format = \"" + format + "\".");
  }
  MS_ASSIGN_OR_RETURN(OptionValues options, GenericFileOptionTable().ParseKnown(relation.options));
  MS_ASSIGN_OR_RETURN(Selection selection, ParseSelection(options, context.format.time_zone));
  auto table = std::make_shared<FileTable>();
  FormatContext format_context = context.format;
  format_context.infer_column_types = true;
  MS_ASSIGN_OR_RETURN(table->format_, context.make_format ? context.make_format(format, relation.options, format_context)
                                                          : MakeFileFormat(format, relation.options, format_context));
  std::vector<std::string> paths = relation.paths;
  if (paths.empty()) {
    if (auto path = options.String("path")) paths.push_back(*path);
  }
  if (paths.empty()) return Status::Error(errors::kUnableToInferSchema, {{"format", format}});
  std::vector<Found> found;
  table->name_ = format + " ";
  for (const std::string& uri : paths) {
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(uri));
    MS_RETURN_IF_ERROR(FindFiles(context.fs, path, selection, &found));
    table->name_ += (table->name_.ends_with(' ') ? "" : ",") + HadoopPathString(path);
  }

  // Spark: partition directories, or else only the files that lie in the given directories themselves.
  bool all_below = options.Bool("recursiveFileLookup");
  if (!all_below) {
    PartitionInference inference(/*infer_types=*/true);
    for (const Found& file : found) inference.Add(PartitionsOf(file.root, file.file.path));
    if (inference.conflict()) {
      return Status::IllegalArgument("Conflicting directory structures detected below " + table->name_ +
                                     ": not all files lie in the same partition directories. Load one kind of them, or set recursiveFileLookup.");
    }
    table->partition_schema_ = inference.Columns();
  }
  for (Found& file : found) {
    if (!all_below && table->partition_schema_.empty() && !file.direct) continue;
    if (!table->partition_schema_.empty()) {
      file.file.partition_values = PartitionValuesFor(table->partition_schema_, PartitionsOf(file.root, file.file.path));
    }
    table->files_.push_back(std::move(file.file));
  }

  if (relation.schema) {
    table->data_schema_ = *relation.schema;
  } else {
    std::vector<InputFile> with_bytes;
    std::copy_if(table->files_.begin(), table->files_.end(), std::back_inserter(with_bytes), [](const InputFile& file) { return file.size_bytes > 0; });
    bool fixed_schema = format == "text" || format == "binaryfile";
    if (table->files_.empty() && !fixed_schema) {
      std::string shown = format == "json" || format == "csv" || format == "orc" ? format : "Parquet";
      if (format != "parquet") std::transform(shown.begin(), shown.end(), shown.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      return Status::Error(errors::kUnableToInferSchema, {{"format", shown}});
    }
    MS_ASSIGN_OR_RETURN(table->data_schema_, table->format_->InferSchema(with_bytes));
  }
  // A column that both files and directories have: the directories win, its type is what the user says.
  StructType data, partitions;
  for (StructField column : table->partition_schema_) {
    std::optional<size_t> at = table->data_schema_.IndexOf(column.name);
    if (at && relation.schema) column = table->data_schema_[*at];
    partitions.Add(std::move(column));
  }
  table->rescued_ = options.String("rescuedDataColumn").value_or("");
  for (const StructField& field : table->data_schema_) {
    if (!partitions.IndexOf(field.name) && field.name != table->rescued_) data.Add(field);
  }
  table->data_schema_ = std::move(data);
  table->partition_schema_ = std::move(partitions);
  auto add_all = [&](const StructType& columns) {
    for (StructField field : columns) {
      field.nullable = true;
      table->schema_.Add(std::move(field));
    }
  };
  add_all(table->data_schema_);
  if (!table->rescued_.empty()) table->schema_.Add({table->rescued_, DataType::String()});
  add_all(table->partition_schema_);
  return RelationSourcePtr(std::move(table));
}

}  // namespace millstream
