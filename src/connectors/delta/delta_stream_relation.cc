#include <re2/re2.h>

#include <charconv>

#include "connectors/delta/delta_connector.h"
#include "connectors/delta/delta_stream_errors.h"
#include "connectors/delta/delta_stream_source.h"
#include "delta/delta_errors.h"
#include "delta/value_text.h"

namespace millstream {
namespace {

class DeltaStreamRelation : public StreamingRelationSource {
 public:
  DeltaStreamRelation(std::string name, std::shared_ptr<DeltaLog> log, MetadataPtr metadata, StructType schema, DeltaStreamOptions options)
      : name_(std::move(name)), log_(std::move(log)), metadata_(std::move(metadata)), schema_(std::move(schema)), options_(std::move(options)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return schema_; }
  Result<std::unique_ptr<Source>> CreateSource(const std::string& source_checkpoint_directory) const override {
    return std::unique_ptr<Source>(std::make_unique<DeltaStreamSource>(log_, metadata_, schema_, options_, source_checkpoint_directory));
  }

 private:
  const std::string name_;
  const std::shared_ptr<DeltaLog> log_;
  const MetadataPtr metadata_;
  const StructType schema_;
  const DeltaStreamOptions options_;
};

Status IllegalOption(const std::string& value, const char* name, const char* must) {
  return Status::Error(errors::kDeltaIllegalOption, {{"input", value}, {"name", name}, {"explain", std::string("must be ") + must}});
}

Status ParseStart(const OptionValues& values, const DeltaOpenOptions& open, DeltaStreamOptions* options) {
  const std::optional<std::string> version = values.String("startingVersion"), time = values.String("startingTimestamp");
  if (version && time) return Status::Error(errors::kDeltaSourceBothStarts);
  if (version) {
    if (*version == "latest") {
      options->starts_at_latest = true;
      return Status();
    }
    int64_t number = -1;
    const char* end = version->data() + version->size();
    if (std::from_chars(version->data(), end, number).ptr != end || number < 0)
      return IllegalOption(*version, "startingVersion", "greater than or equal to zero");
    options->starting_version = number;
  }
  if (time) {
    Result<Value> micros = ParsePartitionText(*time, DataType::Timestamp());
    if (!micros.ok() || micros->is_null()) return Status::Error(errors::kDeltaTimestampInvalid, {{"expr", *time}});
    const bool has_zone = time->ends_with("Z") || time->find('+') != std::string::npos;
    if (!has_zone && open.time_zone != "UTC" && open.time_zone != "Etc/UTC")
      return Status::Unsupported("startingTimestamp without a time zone while the session's is " + open.time_zone,
                                 "Write it with an offset: 2026-01-02T03:04:05Z.");
    options->starting_ms = std::get<int64_t>(micros->held) / 1000;
  }
  return Status();
}

Result<DeltaStreamOptions> ParseOptions(const DeltaOpenOptions& open) {
  for (const char* travel : {"versionAsOf", "timestampAsOf"})
    if (open.options.contains(travel)) return Status::Error(errors::kDeltaTimeTravelChanges);
  if (auto files = open.options.find("maxFilesPerTrigger"); files != open.options.end()) {
    int64_t number = 0;
    const char* end = files->second.data() + files->second.size();
    if (std::from_chars(files->second.data(), end, number).ptr != end || number <= 0)
      return IllegalOption(files->second, "maxFilesPerTrigger", "a positive integer");
  }
  if (auto bytes = open.options.find("maxBytesPerTrigger"); bytes != open.options.end()) {
    if (ParseByteSize(bytes->second).value_or(0) <= 0) return IllegalOption(bytes->second, "maxBytesPerTrigger", "a size configuration such as '10g'");
  }
  MS_ASSIGN_OR_RETURN(OptionValues values, DeltaStreamReadOptions().ParseKnown(open.options));
  for (const char* tracking : {"schemaTrackingLocation", "schemaLocation"})
    if (values.Has(tracking)) return Status::Unsupported(std::string(tracking) + " on a Delta stream");
  DeltaStreamOptions options;
  options.bytes_max = values.Int("maxBytesPerTrigger");
  if (values.Has("maxFilesPerTrigger")) {
    options.files_max = values.Int("maxFilesPerTrigger");
  } else if (options.bytes_max) {
    options.files_max = std::nullopt;
  }
  options.reads_changes = values.Bool("readChangeFeed") || values.Bool("readChangeData");
  options.ignore_changes = values.Bool("ignoreChanges") || values.Bool("ignoreFileDeletion");
  options.ignore_deletes = options.ignore_changes || values.Bool("ignoreDeletes");
  options.skip_change_commits = values.Bool("skipChangeCommits");
  options.fail_on_data_loss = values.Bool("failOnDataLoss");
  if (std::optional<std::string> pattern = values.String("excludeRegex"); pattern && !pattern->empty()) {
    auto exclude = std::make_shared<re2::RE2>(*pattern, re2::RE2::Quiet);
    if (!exclude->ok()) return Status::Error(errors::kDeltaSourceRegex, {{"regExpOption", "excludeRegex"}});
    options.exclude = std::move(exclude);
  }
  MS_RETURN_IF_ERROR(ParseStart(values, open, &options));
  return options;
}

}  // namespace

Result<RelationSourcePtr> OpenDeltaStream(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open) {
  MS_ASSIGN_OR_RETURN(DeltaStreamOptions options, ParseOptions(open));
  std::shared_ptr<DeltaLog> log = tables.Log(path);
  MS_ASSIGN_OR_RETURN(SnapshotPtr snapshot, log->Update());
  if (!snapshot) return Status::Error(errors::kDeltaTableNotFound, {{"path", HadoopPathString(path)}});
  if (options.starting_version && *options.starting_version > snapshot->version) {
    return Status::Error(errors::kDeltaVersionNotFound,
                         {{"userVersion", std::to_string(*options.starting_version)}, {"earliest", "0"}, {"latest", std::to_string(snapshot->version)}});
  }
  std::string name = open.name.empty() ? "delta.`" + path + "`" : open.name;
  StructType schema = snapshot->metadata->schema;
  if (options.reads_changes) {
    MS_ASSIGN_OR_RETURN(schema, ChangeFeedSchema(schema));
  }
  return RelationSourcePtr(std::make_shared<DeltaStreamRelation>(std::move(name), std::move(log), snapshot->metadata, std::move(schema), std::move(options)));
}

}  // namespace millstream
