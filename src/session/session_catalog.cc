#include "session/session_catalog.h"

#include "base/ignore_case.h"
#include "connectors/delta/delta_connector.h"
#include "connectors/files/cloud_files_plan.h"
#include "connectors/files/files_connector.h"
#include "connectors/files/read_files.h"
#include "connectors/rate/rate_batch_source.h"
#include "connectors/rate/rate_source.h"
#include "connectors/socket/socket_source.h"
#include "plan/stream_functions.h"
#include "plan/sql/parser.h"
#include "session/file_reports.h"
#include "session/known_from.h"
#include "session/quarantine_table.h"
#include "session/session_errors.h"
#include "streaming/state_table.h"
#include "streaming/state_table_errors.h"

namespace millstream {
namespace {

// FROM json.`/in`: a format in place of the database, a path in place of the table.
bool IsPathTable(const MultipartName& name) {
  return name.size() == 2 && (IsDeltaFormat(name[0]) || IsFileFormat(name[0])) && name[1].find('/') != std::string::npos;
}

// How much of a source Auto Loader infers a schema from.
Status TakeSampleSize(const SessionConf& conf, FilesContext& files) {
  constexpr std::pair<const char*, int64_t FilesContext::*> kSizes[] = {
      {"spark.databricks.cloudFiles.schemaInference.sampleSize.numFiles", &FilesContext::sample_files_max},
      {"spark.databricks.cloudFiles.schemaInference.sampleSize.numBytes", &FilesContext::sample_bytes_max}};
  for (const auto& [key, size] : kSizes) {
    const std::optional<std::string> text = conf.Get(key);
    if (!text) continue;
    std::optional<int64_t> value = ParseByteSize(*text);
    if (!value || *value <= 0) return Status::IllegalArgument(std::string(key) + " is a number above zero, such as 1000 or 50g, and not '" + *text + "'.");
    files.*size = *value;
  }
  return Status();
}

}  // namespace

bool IsDeltaFormat(std::string_view format) { return EqualsIgnoreCase(format, "delta"); }

std::string SessionCatalog::FormatOrDefault(const std::string& format) const {
  return format.empty() ? conf_.Get("spark.sql.sources.default").value_or("delta") : format;
}

std::shared_ptr<const PythonCall> SessionCatalog::FindPythonFunction(const std::string& name) {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

Result<PlanPtr> SessionCatalog::FindView(const std::vector<std::string>& name) {
  if (name.size() == 1) return views_.Find(LowerCase(name[0]));
  if (name.size() == 2 && EqualsIgnoreCase(name[0], kGlobalTempDatabase)) return engine_.global_views.Find(LowerCase(name[1]));
  return PlanPtr();
}

Status SessionCatalog::NotFound(const MultipartName& name, bool fully_qualified) const {
  const std::string here = QuoteName({std::string(kSessionCatalogName), current_database_});
  return Status::Error(
      errors::kTableOrViewNotFound,
      {{"relationName", QuoteName(name)}, {"searchPath", fully_qualified ? "[" + here + "]" : "[`system`.`builtin`, `system`.`session`, " + here + "]"}});
}

Result<DatabaseEntry> SessionCatalog::RequireDatabase(const std::string& name) {
  MS_ASSIGN_OR_RETURN(std::optional<DatabaseEntry> database, engine_.warehouse.FindDatabase(name));
  if (!database) return Status::Error(errors::kSchemaNotFound, {{"schemaName", QuoteName({std::string(kSessionCatalogName), name})}});
  return *database;
}

Result<std::optional<ResolvedTable>> SessionCatalog::Resolve(const MultipartName& name) {
  if (IsPathTable(name)) {
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(name[1]));
    return std::optional<ResolvedTable>({.provider = LowerCase(name[0]), .location = path, .name = name[0] + "." + QuoteName({name[1]}), .entry = {}});
  }
  Result<TableName> resolved = ResolveTableName(name, current_database_);
  // A name that no table can have is the name of no table.
  if (!resolved.ok()) return std::optional<ResolvedTable>();
  MS_ASSIGN_OR_RETURN(std::optional<DatabaseEntry> database, engine_.warehouse.FindDatabase(resolved->database));
  if (!database) return std::optional<ResolvedTable>();
  MS_ASSIGN_OR_RETURN(std::optional<TableEntry> entry, engine_.warehouse.FindTable(*database, resolved->table));
  if (!entry) return std::optional<ResolvedTable>();
  return std::optional<ResolvedTable>({.provider = entry->provider, .location = entry->location, .name = DottedName(resolved->qualified()), .entry = entry});
}

Result<ResolvedTable> SessionCatalog::Require(const MultipartName& name) {
  MS_ASSIGN_OR_RETURN(std::optional<ResolvedTable> table, Resolve(name));
  if (!table) return NotFound(name);
  return *table;
}

Result<RelationSourcePtr> SessionCatalog::FindTable(const UnresolvedRelation& relation) {
  MS_ASSIGN_OR_RETURN(ResolvedTable table, Require(relation.name));
  return OpenTable(table, relation.options, relation.is_streaming);
}

Result<RelationSourcePtr> SessionCatalog::OpenTable(const ResolvedTable& table, const OptionMap& options, bool is_streaming) {
  if (IsDeltaFormat(table.provider)) return OpenDelta(table.location, table.name, options, is_streaming);
  if (options.contains(kCopyStateOption)) {
    return Status::Unsupported("what is known of the source files of " + table.name, "COPY INTO loads Delta tables, and only those know their files.");
  }
  UnresolvedDataSource files{.format = table.provider, .schema = {}, .options = options, .paths = {table.location}, .is_streaming = is_streaming};
  if (table.entry) {
    files.schema = table.entry->schema;
    for (const auto& [key, value] : table.entry->options) files.options.emplace(key, value);
  }
  return OpenDataSource(files);
}

Result<RelationSourcePtr> SessionCatalog::OpenDelta(const std::string& path, const std::string& name, const OptionMap& options, bool is_streaming) {
  MS_ASSIGN_OR_RETURN(bool exists, IsDeltaTable(engine_.delta, path));
  if (!exists) return Status::Error(errors::kPathNotFound, {{"path", path}});
  if (options.contains(kCopyStateOption) && !is_streaming) {
    return OpenTableFiles(engine_, path, name, options, conf_.Get("spark.sql.session.timeZone").value_or("UTC"));
  }
  DeltaOpenOptions open{
      .name = name, .options = options, .time_zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC"), .threads = engine_.options.threads};
  if (is_streaming) return OpenDeltaStream(engine_.delta, path, open);
  MS_ASSIGN_OR_RETURN(std::shared_ptr<const BatchRelationSource> table, OpenDeltaTable(engine_.delta, path, open));
  return RelationSourcePtr(std::move(table));
}

FilesContext SessionCatalog::files_context() const {
  FilesContext files{.fs = engine_.fs, .clock = engine_.clock};
  files.format.time_zone = conf_.Get("spark.sql.session.timeZone").value_or("UTC");
  files.format.case_sensitive = conf_.GetBool("spark.sql.caseSensitive");
  files.streaming_schema_inference = conf_.GetBool("spark.sql.streaming.schemaInference");
  files.source_log = {.compact_interval = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.fileSource.log.compactInterval"), 1),
                      .cleanup_delay_ms = conf_.GetInt("spark.sql.streaming.fileSource.log.cleanupDelay"),
                      .min_batches_to_retain = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.minBatchesToRetain"), 1),
                      .deletes_expired = conf_.GetBool("spark.sql.streaming.fileSource.log.deletion")};
  files.ignore_sink_log = conf_.GetBool("spark.sql.streaming.fileStreamSink.ignoreMetadata");
  files.sink_log = {.compact_interval = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.fileSink.log.compactInterval"), 1),
                    .cleanup_delay_ms = conf_.GetInt("spark.sql.streaming.fileSink.log.cleanupDelay"),
                    .min_batches_to_retain = std::max<int64_t>(conf_.GetInt("spark.sql.streaming.minBatchesToRetain"), 1),
                    .deletes_expired = conf_.GetBool("spark.sql.streaming.fileSink.log.deletion")};
  files.open_quarantine = [catalog = *this](const std::string& name) -> Result<std::shared_ptr<QuarantineTable>> {
    SessionCatalog names = catalog;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<DeltaQuarantine> table, DeltaQuarantine::Resolve(names.engine_, names, names.current_database_, name));
    return std::shared_ptr<QuarantineTable>(std::move(table));
  };
  files.open_known = [catalog = *this](const std::string& name, const std::string& spill_directory) {
    SessionCatalog names = catalog;
    return OpenKnownFrom(names.engine_, names, name, spill_directory);
  };
  return files;
}

Result<RelationSourcePtr> SessionCatalog::OpenDataSource(const UnresolvedDataSource& source) {
  UnresolvedDataSource wanted = source;
  wanted.format = FormatOrDefault(source.format);
  // load() and option("path", …) are the same to Spark.
  if (auto path = wanted.options.find("path"); path != wanted.options.end()) {
    if (wanted.paths.empty()) wanted.paths.push_back(path->second);
    wanted.options.erase("path");
  }
  FilesContext files = files_context();
  MS_RETURN_IF_ERROR(TakeSampleSize(conf_, files));
  if (EqualsIgnoreCase(wanted.format, "cloudFiles")) {
    if (!wanted.is_streaming)
      return Status::Unsupported("spark.read.format(\"cloudFiles\")",
                                 "cloudFiles is a stream: use spark.readStream, spark.read with the format of the files, or SELECT … FROM read_files(…).");
    return OpenCloudFiles(wanted, files);
  }
  if (EqualsIgnoreCase(wanted.format, "read_files")) return OpenReadFiles(wanted, files);
  if (EqualsIgnoreCase(wanted.format, "cloud_files_plan") && !wanted.is_streaming) return OpenCloudFilesPlan(wanted, files);
  if (auto table = wanted.options.find(kStreamsOfTable); table != wanted.options.end()) {
    MS_ASSIGN_OR_RETURN(MultipartName name, ParseMultipartName(table->second));
    MS_ASSIGN_OR_RETURN(ResolvedTable resolved, Require(name));
    return OpenFilesOfStreams(engine_, wanted.format, resolved);
  }
  MS_ASSIGN_OR_RETURN(std::optional<RelationSourcePtr> report, OpenStreamFiles(engine_, wanted));
  if (report) return *std::move(report);
  if (IsFileFormat(wanted.format)) return OpenFiles(wanted, files);
  if (IsDeltaFormat(wanted.format)) {
    if (wanted.paths.size() != 1) return Status::Error(errors::kPathNotSpecified);
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(wanted.paths[0]));
    return OpenDelta(path, "", wanted.options, wanted.is_streaming);
  }
  if (EqualsIgnoreCase(wanted.format, "rate") && wanted.is_streaming) return OpenRate(wanted.options, engine_.clock, engine_.fs);
  if (EqualsIgnoreCase(wanted.format, "rate-micro-batch") && wanted.is_streaming) return OpenRateBatch(wanted.options);
  if (EqualsIgnoreCase(wanted.format, "socket") && wanted.is_streaming) return OpenSocket(wanted.options, engine_.clock);
  if (EqualsIgnoreCase(wanted.format, "memory") && wanted.is_streaming && engine_.options.testing) {
    if (wanted.paths.size() != 1) return Status::IllegalArgument("a memory stream is read by its name: load(\"name\")");
    std::shared_ptr<MemoryStreamData> data = engine_.memory_streams.Find(wanted.paths[0]);
    if (data == nullptr && wanted.schema) {
      MS_ASSIGN_OR_RETURN(data, engine_.memory_streams.FindOrMake(wanted.paths[0], *wanted.schema));
    }
    if (data == nullptr) return Status::IllegalArgument("there is no memory stream " + wanted.paths[0] + " yet: add rows to it first, or give it a schema");
    return MakeMemoryStreamRelation(wanted.paths[0], std::move(data));
  }
  if (EqualsIgnoreCase(wanted.format, "memory") && wanted.schema && wanted.paths.size() == 1 && engine_.options.testing)
    return MakeMemoryRelation(wanted.paths[0], std::make_shared<MemoryTable>(*wanted.schema));
  if (EqualsIgnoreCase(wanted.format, "memory") && !wanted.is_streaming && wanted.paths.size() == 1) {
    if (std::shared_ptr<MemoryTable> table = engine_.memory_tables.Find(wanted.paths[0])) return MakeMemoryRelation(wanted.paths[0], std::move(table));
  }
  const bool is_state = EqualsIgnoreCase(wanted.format, "statestore"), is_state_metadata = EqualsIgnoreCase(wanted.format, "state-metadata");
  if (!wanted.is_streaming && (is_state || is_state_metadata)) {
    if (wanted.paths.size() != 1) return Status::Error(errors::kStdsRequired, {{"optionName", "path"}});
    MS_ASSIGN_OR_RETURN(std::string checkpoint, PathFromUri(wanted.paths[0]));
    return is_state ? OpenStateTable(engine_.fs, checkpoint, wanted.options) : OpenStateMetadataTable(engine_.fs, checkpoint);
  }
  for (std::string_view known : {"kafka", "socket", "rate-micro-batch", "orc", "avro", "xml", "jdbc"})
    if (EqualsIgnoreCase(wanted.format, known)) return Status::Unsupported("reading format \"" + wanted.format + "\"");
  return Status::Error(errors::kDataSourceNotFound, {{"provider", wanted.format}});
}

std::vector<std::string> SessionCatalog::Qualify(const std::vector<std::string>& name) {
  Result<TableName> resolved = ResolveTableName(name, current_database_);
  return resolved.ok() ? resolved->qualified() : name;
}

}  // namespace millstream
