#include "connectors/files/file_stream_relation.h"

#include "connectors/api/source.h"
#include "connectors/api/source_files.h"
#include "connectors/files/bad_records_path.h"
#include "connectors/files/file_stream_source.h"
#include "connectors/files/files_errors.h"

namespace millstream {
namespace {

class FileStreamRelation : public StreamingRelationSource, public HasSourceFileColumn, public HasBadRecordsPath {
 public:
  explicit FileStreamRelation(FileStreamDefinition definition) : definition_(std::move(definition)) {}
  std::string name() const override { return "FileSource[" + HadoopPathString(definition_.path) + "]"; }
  const StructType& schema() const override { return definition_.schemas.all; }
  const StructType& metadata_schema() const override { return definition_.format->metadata_schema(); }
  Result<std::unique_ptr<Source>> CreateSource(const std::string& directory) const override { return FileStreamSource::Create(definition_, directory); }
  const std::optional<std::string>& bad_records_path() const override { return definition_.bad_records_path; }

 private:
  const FileStreamDefinition definition_;
};

}  // namespace

Result<RelationSourcePtr> OpenFileStream(const UnresolvedDataSource& relation, const std::string& format, const FilesContext& context) {
  std::vector<std::string> paths = relation.paths;
  if (paths.empty()) {
    if (auto path = relation.options.find("path"); path != relation.options.end()) paths.push_back(path->second);
  }
  if (paths.size() != 1) return Status::IllegalArgument("'path' is not specified");
  FileStreamDefinition definition{.fs = context.fs,
                                  .clock = context.clock,
                                  .options = relation.options,
                                  .bad_records_path = {},
                                  .selection = {},
                                  .path = {},
                                  .format = {},
                                  .schemas = {},
                                  .log_conf = context.source_log};
  MS_ASSIGN_OR_RETURN(definition.path, PathFromUri(paths[0]));
  definition.path = NormalizePath(definition.path);
  const bool is_glob = HasGlob(definition.path);
  if (!is_glob) {
    // What a glob names may come later, a directory may not.
    MS_ASSIGN_OR_RETURN(bool exists, context.fs.Exists(definition.path));
    if (!exists) return Status::Error(errors::kPathNotFound, {{"path", paths[0]}});
  }
  const bool fixed_schema = format == "text" || format == "binaryfile";
  if (!relation.schema && !context.streaming_schema_inference && format != "text") return Status::Error(errors::kStreamingSchemaRequired);

  // Only files that are told by their time come late; modifiedAfter and modifiedBefore are refused when the query starts.
  OptionMap selecting = relation.options;
  for (const char* option : {"modifiedAfter", "modifiedBefore"}) {
    if (auto found = selecting.find(option); found != selecting.end()) selecting.erase(found);
  }
  MS_ASSIGN_OR_RETURN(definition.selection, ParseFileSelection(selecting, context.format.time_zone));
  definition.selection.ignore_sink_log = context.ignore_sink_log;
  FormatContext format_context = context.format;
  format_context.infer_column_types = true;
  OptionMap reader_options = relation.options;
  MS_ASSIGN_OR_RETURN(definition.bad_records_path, TakeBadRecordsPath(reader_options));
  if (definition.bad_records_path && definition.selection.all_below) {
    MS_ASSIGN_OR_RETURN(const PathGlob source, PathGlob::Parse(definition.path, PathGlob::Mode::kStrict));
    MS_RETURN_IF_ERROR(RefuseBadRecordsAmongFiles(*definition.bad_records_path, source, definition.selection.name_filter, "files"));
  }
  MS_ASSIGN_OR_RETURN(definition.format, context.make_format ? context.make_format(format, reader_options, format_context)
                                                             : MakeFileFormat(format, reader_options, format_context));

  std::vector<FoundFile> found;
  Result<FoundFiles> below = FindFiles(context.fs, definition.path, definition.selection);
  if (below.ok()) {
    found = std::move(below->files);
  } else if (!is_glob || !below.status().Is(errors::kPathNotFound) || !(relation.schema || fixed_schema)) {
    return below.status();
  }
  MS_ASSIGN_OR_RETURN(StructType partitions, TakePartitions(found, definition.selection, HadoopPathString(definition.path)));
  std::vector<InputFile> files;
  for (FoundFile& file : found) files.push_back(std::move(file.file));
  MS_ASSIGN_OR_RETURN(definition.schemas, ResolveFileSchemas(relation, format, *definition.format, files, partitions));
  return RelationSourcePtr(std::make_shared<FileStreamRelation>(std::move(definition)));
}

}  // namespace millstream
