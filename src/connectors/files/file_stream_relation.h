#pragma once

// file_stream_relation.h   spark.readStream.format("json" | "csv" | …): Spark's own file stream source.

#include <optional>
#include <string>
#include <vector>

#include "connectors/files/file_listing.h"
#include "connectors/files/file_stream_options.h"
#include "connectors/files/files_connector.h"

namespace millstream {

// What the stream reads, once options are checked and the schema is known. Immutable.
struct FileStreamDefinition {
  Fs& fs;
  Clock& clock;
  OptionMap options;  // as the user wrote them: Spark checks them when the query starts
  std::optional<std::string> bad_records_path;  // raw
  FileSelection selection;
  std::string path;  // raw; a directory, a file or a glob
  std::shared_ptr<const FileFormat> format;
  FileSchemas schemas;
  CompactibleLogConf log_conf;
};

// `format`: lower case. Errors: PATH_NOT_FOUND, "Schema must be specified when creating a streaming source DataFrame…".
Result<RelationSourcePtr> OpenFileStream(const UnresolvedDataSource& relation, const std::string& format, const FilesContext& context);

// What a batch read and a stream agree on: the user's schema, or the one of the files.
Result<FileSchemas> ResolveFileSchemas(const UnresolvedDataSource& relation, const std::string& format_name, const FileFormat& format,
                                       const std::vector<InputFile>& files, const StructType& partitions);

}  // namespace millstream
