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
  DeltaStreamRelation(std::string name, std::shared_ptr<DeltaLog> log, MetadataPtr metadata, DeltaStreamOptions options)
      : name_(std::move(name)), log_(std::move(log)), metadata_(std::move(metadata)), options_(std::move(options)) {}
  std::string name() const override { return name_; }
  const StructType& schema() const override { return metadata_->schema; }
  Result<std::unique_ptr<Source>> CreateSource(const std::string& source_checkpoint_directory) const override {
    return std::unique_ptr<Source>(std::make_unique<DeltaStreamSource>(log_, metadata_, options_, source_checkpoint_directory));
  }

 private:
  const std::string name_;
  const std::shared_ptr<DeltaLog> log_;
  const MetadataPtr metadata_;
  const DeltaStreamOptions options_;
};

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
      return Status::Error(errors::kDeltaSourceStartValue, {{"timeTravelKey", "startingVersion"}});
    options->starting_version = number;
  }
  if (time) {
    Result<Value> micros = ParsePartitionText(*time, DataType::Timestamp());
    if (!micros.ok() || micros->is_null()) return Status::Error(errors::kDeltaSourceStartValue, {{"timeTravelKey", "startingTimestamp"}});
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
    if (open.options.contains(travel)) return Status::Unsupported(std::string(travel) + " on a stream", "Use startingVersion or startingTimestamp.");
  MS_ASSIGN_OR_RETURN(OptionValues values, DeltaStreamReadOptions().ParseKnown(open.options));
  if (values.Bool("readChangeFeed") || values.Bool("readChangeData"))
    return Status::Unsupported("readChangeFeed on a stream", "Read the change feed in a batch query.");
  for (const char* tracking : {"schemaTrackingLocation", "schemaLocation"})
    if (values.Has(tracking)) return Status::Unsupported(std::string(tracking) + " on a Delta stream");
  DeltaStreamOptions options;
  options.bytes_max = values.Int("maxBytesPerTrigger");
  if (values.Has("maxFilesPerTrigger")) {
    options.files_max = values.Int("maxFilesPerTrigger");
    if (*options.files_max <= 0)
      return Status::IllegalArgument("Invalid value '" + std::to_string(*options.files_max) + "' for option 'maxFilesPerTrigger', must be a positive integer");
  } else if (options.bytes_max) {
    options.files_max = std::nullopt;
  }
  if (options.bytes_max && *options.bytes_max <= 0)
    return Status::IllegalArgument("Invalid value '" + std::to_string(*options.bytes_max) +
                                   "' for option 'maxBytesPerTrigger', must be a size configuration such as '10g'");
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
  if (options.starting_version && *options.starting_version > snapshot->version + 1) {
    // The next commit may be waited for; one further on is a mistake.
    return Status::Error(errors::kDeltaVersionNotFound,
                         {{"userVersion", std::to_string(*options.starting_version)}, {"earliest", "0"}, {"latest", std::to_string(snapshot->version)}});
  }
  std::string name = open.name.empty() ? "delta.`" + path + "`" : open.name;
  return RelationSourcePtr(std::make_shared<DeltaStreamRelation>(std::move(name), std::move(log), snapshot->metadata, std::move(options)));
}

}  // namespace millstream
