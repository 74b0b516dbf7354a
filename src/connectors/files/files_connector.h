#pragma once

// files_connector.h   Directories of files as relations: Auto Loader (`cloudFiles`), and spark.read / spark.readStream over files.
//
//   MS_ASSIGN_OR_RETURN(RelationSourcePtr source, OpenCloudFiles(relation, {.fs = Fs::Local(), .clock = Clock::System(), .format = context}));
//   auto& stream = dynamic_cast<const StreamingRelationSource&>(*source);
//   MS_ASSIGN_OR_RETURN(auto running, stream.CreateSource(checkpoint + "/sources/0"));
//
// The sources keep references to `fs` and `clock`, which must outlive them.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "connectors/api/sink.h"
#include "connectors/files/compactible_log.h"
#include "formats/file_format.h"
#include "plan/logical_plan.h"
#include "storage/fs.h"

namespace millstream {

class QuarantineTable;  // connectors/files/quarantine.h
class KnownElsewhere;   // connectors/files/known_elsewhere.h

struct FilesContext {
  Fs& fs;
  Clock& clock;
  // Time zone, case sensitivity and threads of the session; infer_column_types is set by the source itself.
  FormatContext format{};
  // spark.sql.streaming.schemaInference: whether readStream.format("json") may do without a schema.
  bool streaming_schema_inference = false;
  // spark.sql.streaming.fileStreamSink.ignoreMetadata: a directory that a file sink has written is listed like any other.
  bool ignore_sink_log = false;
  // spark.databricks.cloudFiles.schemaInference.sampleSize.*: Auto Loader infers from so many files or bytes, whichever it discovers first.
  int64_t sample_files_max = 1000, sample_bytes_max = int64_t{50} << 30;
  // spark.sql.streaming.fileSource.log.* and fileSink.log.*
  CompactibleLogConf source_log{}, sink_log{};
  // The table that cloudFiles.quarantineTable names. Empty: there are none here.
  std::function<Result<std::shared_ptr<QuarantineTable>>(const std::string& name)> open_quarantine{};
  // What knownFrom names; `spill_directory` is for what does not fit into memory. Empty: there is none here.
  std::function<Result<std::shared_ptr<KnownElsewhere>>(const std::string& name, const std::string& spill_directory)> open_known{};
  // Empty: MakeFileFormat. Tests put a format of their own here.
  std::function<Result<std::shared_ptr<const FileFormat>>(const std::string& name, const OptionMap& options, const FormatContext& context)> make_format{};
};

// readStream.format("cloudFiles"): a StreamingRelationSource. Checks all options; infers the schema and writes it to
// cloudFiles.schemaLocation when there is none yet. Errors: MILLSTREAM_UNKNOWN_OPTION, MILLSTREAM_INVALID_OPTION_VALUE, PATH_NOT_FOUND,
// CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE …
Result<RelationSourcePtr> OpenCloudFiles(const UnresolvedDataSource& relation, const FilesContext& context);

// spark.read.format("json" | "csv" | "parquet" | "text" …).load(paths): a BatchRelationSource over the files that are there now.
// With relation.is_streaming: Spark's file stream source, a StreamingRelationSource that needs a schema.
// Errors: PATH_NOT_FOUND, UNABLE_TO_INFER_SCHEMA, MILLSTREAM_UNSUPPORTED.
Result<RelationSourcePtr> OpenFiles(const UnresolvedDataSource& relation, const FilesContext& context);

// writeStream.format("json" | "csv" | "text" | "parquet"): each batch once, by the log _spark_metadata in the directory, as Spark's FileStreamSink.
Result<std::unique_ptr<Sink>> OpenFileSink(const FilesContext& context, const std::string& format, const std::string& path, const SinkContext& sink,
                                           int threads);

// MILLSTREAM_SINK_OF_ANOTHER_QUERY when the directory holds batches of a file sink already.
Status CheckNoFileSinkLog(const FilesContext& context, const std::string& path);

// df.write.format("json" | "csv" | "text" | "parquet").save(path).
struct FileWrite {
  std::string format, path;  // path: raw
  SaveMode mode = SaveMode::kErrorIfExists;
  std::vector<std::string> partition_by;
  OptionMap options;
  bool dynamic_partitions = false;  // partitionOverwriteMode
};
// False: SaveMode::kIgnore, and something is there. Errors: PATH_ALREADY_EXISTS, UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE …
Result<bool> WriteFiles(const FilesContext& context, const FileWrite& write, const StructType& schema, RowStream& rows);

// True for the formats that are written.
bool IsWritableFileFormat(std::string_view name);
// True for the formats that OpenFiles takes ("json", "csv", …), without regard to case.
bool IsFileFormat(std::string_view name);

}  // namespace millstream
