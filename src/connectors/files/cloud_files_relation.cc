#include "connectors/files/cloud_files_relation.h"

#include <algorithm>

#include "connectors/files/bad_records_path.h"
#include "connectors/files/cloud_files_source.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/partition_paths.h"
#include "connectors/files/schema_evolution.h"

namespace millstream {
namespace {

Result<std::vector<InputFile>> SampleFiles(const CloudFilesDefinition& definition) {
  DiscoveryOptions discovery = definition.discovery_options();
  FileLister lister(definition.fs, discovery.lister, nullptr);
  std::vector<InputFile> sample;
  int64_t bytes = 0;
  while (static_cast<int64_t>(sample.size()) < definition.sample_files_max && bytes < definition.sample_bytes_max) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    for (size_t i = 0; i < listed->names.size() && static_cast<int64_t>(sample.size()) < definition.sample_files_max && bytes < definition.sample_bytes_max;
         ++i) {
      std::string path = JoinPath(listed->path, listed->names[i]);
      Result<FileInfo> info = definition.fs.Stat(path);
      if (!info.ok()) {
        if (info.status().Is(errors::kFileNotFound)) continue;
        return info.status();
      }
      if (!info->is_regular || info->size_bytes == 0) continue;
      if (discovery.modified_after_ns && info->modified_ns <= *discovery.modified_after_ns) continue;
      if (discovery.modified_before_ns && info->modified_ns >= *discovery.modified_before_ns) continue;
      bytes += info->size_bytes;
      sample.push_back({.path = std::move(path), .size_bytes = info->size_bytes, .modified_ns = info->modified_ns});
    }
  }
  return sample;
}

// Where those files lie, one of each directory, unopened and not stat'ed: paths are all that partition columns come from.
Result<std::vector<InputFile>> SampleDirectories(const CloudFilesDefinition& definition) {
  const DiscoveryOptions discovery = definition.discovery_options();
  FileLister lister(definition.fs, discovery.lister, nullptr);
  std::vector<InputFile> sample;
  for (int64_t files = 0; files < definition.sample_files_max;) {
    MS_ASSIGN_OR_RETURN(std::optional<ListedDirectory> listed, lister.Next());
    if (!listed) break;
    if (listed->names.size() == 0) continue;
    files += static_cast<int64_t>(listed->names.size());
    sample.push_back({.path = JoinPath(listed->path, listed->names[0])});
  }
  return sample;
}

StructType Without(const StructType& schema, const StructType& columns, const std::string& column) {
  StructType rest;
  for (const StructField& field : schema) {
    if (!columns.IndexOf(field.name) && field.name != column) rest.Add(field);
  }
  return rest;
}

// Types of partition columns: what hints or the schema say, else what the paths say.
StructType PartitionSchema(const CloudFilesDefinition& definition, const std::vector<InputFile>& sample, const StructType* user_schema) {
  PartitionInference inference(definition.options.infer_column_types || user_schema != nullptr);
  for (const InputFile& file : sample) inference.Add(PartitionsOf(definition.glob.base(), file.path));
  StructType columns;
  if (definition.options.partition_columns) {
    for (const std::string& name : *definition.options.partition_columns) columns.Add({name, inference.TypeOf(name)});
  } else {
    columns = FirstPartitions(inference, definition.policy);
  }
  StructType typed;
  for (StructField column : columns) {
    for (const SchemaHint& hint : definition.options.schema_hints) {
      if (hint.path.size() == 1 && hint.path[0] == column.name) column.type = hint.type;
    }
    if (user_schema != nullptr) {
      std::optional<size_t> at = user_schema->IndexOf(column.name);
      // With a schema, directories that it does not name are only directories.
      if (!at && !definition.options.partition_columns) continue;
      if (at) column = (*user_schema)[*at];
    }
    typed.Add(std::move(column));
  }
  return typed;
}

std::vector<SchemaHint> DataHints(const CloudFilesOptions& options, const StructType& partitions) {
  std::vector<SchemaHint> hints = options.schema_hints;
  std::erase_if(hints, [&](const SchemaHint& hint) { return partitions.IndexOf(hint.path[0]).has_value(); });
  return hints;
}

Status ResolveUserSchema(CloudFilesDefinition& definition, const StructType& user_schema) {
  std::optional<SchemaEvolutionMode> mode = definition.options.evolution_mode;
  constexpr std::pair<SchemaEvolutionMode, const char*> kInferring[] = {{SchemaEvolutionMode::kAddNewColumns, "addNewColumns"},
                                                                        {SchemaEvolutionMode::kAddNewColumnsWithTypeWidening, "addNewColumnsWithTypeWidening"},
                                                                        {SchemaEvolutionMode::kAddNewColumnsWithoutRestart, "addNewColumnsWithoutRestart"}};
  for (const auto& [inferring, name] : kInferring)
    if (mode == inferring) return Status::Error(errors::kCloudFilesEvolutionWithSchema, {{"mode", name}});
  if (!definition.options.evolution_rules.empty()) return Status::Error(errors::kCloudFilesPolicyWithSchema);
  definition.evolution_mode = mode.value_or(SchemaEvolutionMode::kNone);
  definition.rescued_data_column = definition.options.rescued_data_column.value_or("");
  std::vector<InputFile> sample;
  if (!definition.options.partition_columns) {
    MS_ASSIGN_OR_RETURN(sample, SampleDirectories(definition));
  }
  definition.partition_schema = PartitionSchema(definition, sample, &user_schema);
  definition.data_schema = Without(user_schema, definition.partition_schema, definition.rescued_data_column);
  return Status();
}

Result<SchemaVersion> InferFirstVersion(const CloudFilesDefinition& definition) {
  const CloudFilesOptions& options = definition.options;
  std::string path = HadoopPathString(definition.glob.pattern());
  MS_ASSIGN_OR_RETURN(std::vector<InputFile> sample, SampleFiles(definition));
  if (sample.empty()) return Status::Error(errors::kCloudFilesEmptyDirectory, {{"path", path}});
  SchemaVersion first;
  MS_ASSIGN_OR_RETURN(StructType inferred, definition.format->InferSchema(sample));
  first.partition = PartitionSchema(definition, sample, nullptr);
  first.data = ApplySchemaHints(Without(inferred, first.partition, definition.rescued_data_column), DataHints(options, first.partition));
  first.cause = {.time_ms = definition.clock.WallMillis(), .mode = kInferredCause};
  if (!first.data.empty()) return first;
  return Status::Error(errors::kCloudFilesInferenceFailed,
                       {{"format", options.format}, {"path", path}, {"detail", "No column was found in " + std::to_string(sample.size()) + " files."}});
}

Status ResolveInferredSchema(CloudFilesDefinition& definition, bool is_streaming) {
  const CloudFilesOptions& options = definition.options;
  // A schema that no file can change.
  const bool has_fixed_schema = options.format == "text" || options.format == "binaryfile" || options.reader_options.contains("singleVariantColumn");
  if (!options.evolution_rules.empty() && (has_fixed_schema || !is_streaming)) {
    return Status::Unsupported(is_streaming ? "schemaEvolutionPolicy with the format " + options.format : "schemaEvolutionPolicy in a batch read",
                               "No schema evolves there: leave it out.");
  }
  if (has_fixed_schema) {
    definition.evolution_mode = SchemaEvolutionMode::kNone;
    definition.rescued_data_column = options.rescued_data_column.value_or("");
    MS_ASSIGN_OR_RETURN(std::vector<InputFile> sample, SampleFiles(definition));
    MS_ASSIGN_OR_RETURN(definition.data_schema, definition.format->InferSchema(sample));
    definition.partition_schema = PartitionSchema(definition, sample, nullptr);
    return Status();
  }
  definition.evolution_mode = options.evolution_mode.value_or(SchemaEvolutionMode::kAddNewColumns);
  definition.policy = EvolutionPolicy(definition.evolution_mode, options.evolution_rules);
  bool rescues = definition.evolution_mode != SchemaEvolutionMode::kNone;
  definition.rescued_data_column = options.rescued_data_column.value_or(rescues ? "_rescued_data" : "");
  if (!is_streaming) {
    // Nothing comes after this read that a schema could evolve for.
    if (rescues) definition.evolution_mode = SchemaEvolutionMode::kRescue;
    definition.policy = EvolutionPolicy(definition.evolution_mode, {});
    MS_ASSIGN_OR_RETURN(SchemaVersion only, InferFirstVersion(definition));
    definition.data_schema = std::move(only.data);
    definition.partition_schema = std::move(only.partition);
    return Status();
  }
  if (!options.schema_location) return Status::Error(errors::kCloudFilesSchemaLocationMissing);
  definition.schema_location = options.schema_location;
  SchemaLog log(definition.fs, *options.schema_location);
  for (;;) {
    MS_ASSIGN_OR_RETURN(std::optional<SchemaVersion> latest, log.Latest());
    if (latest) {
      definition.schema_number = latest->number;
      definition.data_schema = std::move(latest->data);
      definition.partition_schema = std::move(latest->partition);
      definition.frozen = std::move(latest->frozen);
      break;
    }
    MS_ASSIGN_OR_RETURN(SchemaVersion first, InferFirstVersion(definition));
    // Somebody else may have been first: then their schema counts.
    MS_RETURN_IF_ERROR(log.Add(first).status());
  }
  definition.data_schema = ApplySchemaHints(definition.data_schema, DataHints(options, definition.partition_schema));
  return Status();
}

}  // namespace

DiscoveryOptions CloudFilesDefinition::discovery_options() const {
  return {.lister = {.glob = glob, .name_filter = options.name_filter, .start_after = options.start_after, .threads_ahead = ThreadsAhead(fs)},
          .allow_overwrites = options.changed_files != ChangedFiles::kIgnored,
          .replaces_changed = options.changed_files == ChangedFiles::kReplaced,
          .continues_changed = options.changed_files == ChangedFiles::kContinued,
          .identity_by_content = options.identity_by_content,
          .settle_ms = options.settle_ms,
          .full_round_interval_ms = options.backfill_interval_ms,
          .load_empty_files = format->reads_empty_files(),
          .takes_hints = &fs == &Fs::Local(),
          .modified_after_ns = options.modified_after_ns,
          .modified_before_ns = options.modified_before_ns,
          .shared = options.shared_listing ? SharedDirectories::Of(fs) : nullptr};
}

void CloudFilesDefinition::CombineSchema() {
  schema = StructType();
  auto add_all = [&](const StructType& columns) {
    for (StructField field : columns) {
      field.nullable = true;  // files promise nothing
      schema.Add(std::move(field));
    }
  };
  add_all(data_schema);
  if (!rescued_data_column.empty()) schema.Add({rescued_data_column, DataType::String()});
  add_all(partition_schema);
}

Status CloudFilesDefinition::TakeLatestSchema() {
  MS_ASSIGN_OR_RETURN(std::optional<SchemaVersion> latest, SchemaLog(fs, *schema_location).Latest());
  MS_CHECK(latest.has_value());
  schema_number = latest->number;
  partition_schema = std::move(latest->partition);
  frozen = std::move(latest->frozen);
  data_schema = ApplySchemaHints(latest->data, DataHints(options, partition_schema));
  CombineSchema();
  return Status();
}

FileScan CloudFilesDefinition::scan(std::vector<std::string> columns) const {
  return {.data_schema = data_schema,
          .partition_schema = partition_schema,
          .columns = std::move(columns),
          .rescued_data_column = rescued_data_column,
          .fail_on_new_fields = policy.is_uniform() && frozen.empty() && evolution_mode != SchemaEvolutionMode::kRescue && evolution_mode != SchemaEvolutionMode::kNone};
}

std::string CloudFilesRelation::name() const { return "cloudFiles " + HadoopPathString(definition_.glob.pattern()); }

Result<std::unique_ptr<Source>> CloudFilesRelation::CreateSource(const std::string& source_checkpoint_directory) const {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CloudFilesSource> source, CloudFilesSource::Create(definition_, source_checkpoint_directory));
  return std::unique_ptr<Source>(std::move(source));
}

Result<RelationSourcePtr> OpenCloudFiles(const UnresolvedDataSource& relation, const FilesContext& context) {
  if (!relation.is_streaming) return Status::Unsupported("A batch read with the format cloudFiles", "Use spark.readStream, or SELECT … FROM read_files(…).");
  MS_ASSIGN_OR_RETURN(CloudFilesDefinition definition, DefineCloudFiles(relation, context));
  return RelationSourcePtr(std::make_shared<CloudFilesRelation>(std::move(definition)));
}

Result<CloudFilesDefinition> DefineCloudFiles(const UnresolvedDataSource& relation, const FilesContext& context) {
  CloudFilesDefinition definition{
      .fs = context.fs, .clock = context.clock, .sample_files_max = context.sample_files_max, .sample_bytes_max = context.sample_bytes_max};
  MS_ASSIGN_OR_RETURN(definition.options, ParseCloudFilesOptions(relation.options, &FileFormatOptions, context.format.time_zone));
  std::vector<std::string> paths = relation.paths;
  if (paths.empty() && definition.options.path) paths.push_back(*definition.options.path);
  if (paths.size() != 1)
    return Status::IllegalArgument("cloudFiles reads one path, given were " + std::to_string(paths.size()) + ". Use a glob such as /in/{a,b} for several.");
  MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(paths[0]));
  MS_ASSIGN_OR_RETURN(definition.glob, PathGlob::Parse(path, definition.options.globber));
  MS_RETURN_IF_ERROR(definition.options.Resolve(definition.glob));
  MS_ASSIGN_OR_RETURN(bool exists, definition.fs.Exists(definition.glob.base()));
  if (!exists) return Status::Error(errors::kPathNotFound, {{"path", HadoopPathString(definition.glob.base())}});

  OptionMap reader_options = definition.options.reader_options;
  if (definition.options.format == "csv") {
    reader_options["enforceSchema"] = "false";  // columns are found by their names in each file's header
    if (!relation.schema) reader_options.try_emplace("header", "true");
  }
  // The whole sample counts, as it does for the formats whose records are looked at one by one.
  for (std::string_view merged : {"parquet", "avro", "orc"})
    if (definition.options.format == merged) reader_options.try_emplace("mergeSchema", "true");
  if (definition.options.errors.goes_on()) {
    if (!relation.is_streaming && !definition.options.quarantine_table) {
      return Status::Unsupported("onError and maxBadRecords in a batch read", "Use STREAM read_files(…), or COPY INTO with COPY_OPTIONS ('onError' = …).");
    }
    definition.row_target = std::make_shared<RowTarget>();
    MS_ASSIGN_OR_RETURN(reader_options,
                        WithQuarantine(std::move(reader_options), definition.options.quarantine_table ? "cloudFiles.quarantineTable" : "cloudFiles.onError"));
  }
  if (definition.options.quarantine_table) {
    if (!relation.is_streaming) {
      return Status::Unsupported("quarantineTable in a batch read", "Use STREAM read_files(…), or COPY INTO with COPY_OPTIONS ('quarantineTable' = …).");
    }
    if (!context.open_quarantine) return Status::Unsupported("cloudFiles.quarantineTable here");
    MS_ASSIGN_OR_RETURN(definition.quarantine, context.open_quarantine(*definition.options.quarantine_table));
  }
  MS_ASSIGN_OR_RETURN(std::optional<std::string> bad_records, TakeBadRecordsPath(reader_options));
  if (bad_records && definition.quarantine) {
    return Status::Error(errors::kInvalidOptionValue, {{"option", "badRecordsPath"},
                                                       {"owner", "cloudFiles"},
                                                       {"value", *bad_records},
                                                       {"reason", "cloudFiles.quarantineTable keeps the bad records already; leave one of the two out"}});
  }
  if (bad_records) MS_RETURN_IF_ERROR(RefuseBadRecordsAmongFiles(*bad_records, definition.glob, definition.options.name_filter, "cloudFiles"));
  if (bad_records) definition.quarantine = std::make_shared<BadRecordsPath>(definition.fs, *bad_records);
  if (bad_records) definition.bad_records_path = std::move(bad_records);
  if (definition.options.known_from) {
    if (!relation.is_streaming) {
      return Status::Unsupported("knownFrom in a batch read", "Use STREAM read_files(…), or COPY INTO with COPY_OPTIONS ('knownFrom' = …).");
    }
    if (!context.open_known) return Status::Unsupported("cloudFiles.knownFrom here");
    definition.open_known = [known = context.open_known, name = *definition.options.known_from](const std::string& spill) { return known(name, spill); };
  }
  definition.reader_options = reader_options;
  FormatContext format_context = context.format;
  format_context.infer_column_types = definition.options.infer_column_types;
  // Of CSV, types are inferred when its own option says so.
  if (definition.options.format == "csv" && definition.options.infer_column_types) reader_options.try_emplace("inferSchema", "true");
  const bool rescues = definition.options.evolution_mode.value_or(SchemaEvolutionMode::kAddNewColumns) != SchemaEvolutionMode::kNone && !relation.schema;
  if (definition.options.rescued_data_column || rescues) {
    reader_options["rescuedDataColumn"] = definition.options.rescued_data_column.value_or("_rescued_data");
  }
  MS_ASSIGN_OR_RETURN(definition.format, context.make_format ? context.make_format(definition.options.format, reader_options, format_context)
                                                             : MakeFileFormat(definition.options.format, reader_options, format_context));
  MS_RETURN_IF_ERROR(relation.schema ? ResolveUserSchema(definition, *relation.schema) : ResolveInferredSchema(definition, relation.is_streaming));

  definition.CombineSchema();
  return definition;
}

}  // namespace millstream
