#include "connectors/files/cloud_files_options.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "base/ignore_case.h"
#include "connectors/files/files_errors.h"
#include "connectors/files/start_key.h"
#include "connectors/files/whole_file_rows.h"
#include "formats/spark_text.h"
#include "formats/time_zone.h"
#include "storage/fs.h"

namespace millstream {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

constexpr std::string_view kResourceTags = "cloudfiles.resourcetag.";

Status CheckSupported(const OptionMap& user) {
  for (const UnsupportedOption& option : UnsupportedCloudFilesOptions()) {
    auto set = user.find(option.name);
    if (set == user.end() || Lower(set->second) == option.harmless) continue;
    return Status::Unsupported("The option " + std::string(option.name) + " = '" + set->second + "'", std::string(option.hint));
  }
  for (const auto& [name, value] : user) {
    if (Lower(name).starts_with(kResourceTags)) return Status::Unsupported("The option " + name, "Nothing is created in a cloud that could be tagged.");
  }
  return Status();
}

// One "did you mean" over all tables at once.
Status CheckNames(const OptionMap& user, const std::string& format, const OptionTable* format_options) {
  std::vector<std::string> names;
  for (const OptionTable* table : {&CloudFilesOptionTable(), &GenericFileOptionTable(), format_options}) {
    if (table == nullptr) continue;
    for (const OptionSpec& spec : table->specs()) names.emplace_back(spec.name);
  }
  for (const UnsupportedOption& option : UnsupportedCloudFilesOptions()) names.emplace_back(option.name);
  for (const auto& [name, value] : user) {
    bool known = std::any_of(names.begin(), names.end(), [&](const std::string& known_name) { return EqualsIgnoreCase(known_name, name); });
    if (known || Lower(name).starts_with(kResourceTags)) continue;
    std::optional<std::string> meant = DidYouMean(name, names);
    std::string hint = meant ? "Did you mean `" + *meant + "`?" : "To let it pass, set cloudFiles.validateOptions to false.";
    return Status::Error(errors::kUnknownOption, {{"option", name}, {"owner", "cloudFiles (" + format + ")"}, {"hint", std::move(hint)}});
  }
  return Status();
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    size_t from = text.find_first_not_of(" \t", at);
    size_t to = text.find_last_not_of(" \t", end == 0 ? 0 : end - 1);
    if (from != std::string::npos && from < end && to != std::string::npos && to >= from) names.push_back(text.substr(from, to - from + 1));
    at = end + 1;
  }
  return names;
}

Status Invalid(const std::string& option, const std::string& value, std::string reason) {
  return Status::Error(errors::kInvalidOptionValue, {{"option", option}, {"owner", "cloudFiles"}, {"value", value}, {"reason", std::move(reason)}});
}

Result<std::optional<int64_t>> Positive(const OptionValues& values, const std::string& name) {
  std::optional<int64_t> value = values.Int(name);
  if (value && *value <= 0) return Invalid(name, std::to_string(*value), "expected a number above zero");
  return value;
}

constexpr int64_t kDayMs = 86'400'000;

// What becomes of files once they are loaded.
Status ParseCleaning(const OptionMap& user, const OptionValues& values, CloudFilesOptions& options) {
  const std::string mode = *values.String("cloudFiles.cleanSource");
  CleanSourceOptions& clean = options.clean_source;
  clean.mode = mode == "DELETE" ? CleanSourceOptions::Mode::kDelete
               : mode == "MOVE" ? CleanSourceOptions::Mode::kMove
               : mode == "TAG"  ? CleanSourceOptions::Mode::kTag
                                : CleanSourceOptions::Mode::kOff;
  clean.retention_ms = *values.Int("cloudFiles.cleanSource.retentionDuration");
  clean.waits = values.Bool("cloudFiles.cleanSource.waitForCompletion");
  auto written = [&](const char* name) { return user.find(name)->second; };
  if (values.Bool("cloudFiles.validateOptions")) {
    for (const char* name :
         {"cloudFiles.cleanSource.retentionDuration", "cloudFiles.cleanSource.moveDestination", "cloudFiles.cleanSource.waitForCompletion",
          "cloudFiles.cleanSource.consumers"}) {
      if (clean.mode == CleanSourceOptions::Mode::kOff && values.Has(name)) {
        return Invalid(name, written(name), "it says how loaded files are cleaned up, and cloudFiles.cleanSource is OFF; set it to DELETE, MOVE or TAG");
      }
    }
    if (clean.mode != CleanSourceOptions::Mode::kMove && values.Has("cloudFiles.cleanSource.moveDestination")) {
      return Invalid("cloudFiles.cleanSource.moveDestination", written("cloudFiles.cleanSource.moveDestination"),
                     "cloudFiles.cleanSource is " + mode + "; set it to MOVE to keep the files there");
    }
  }
  if (clean.mode == CleanSourceOptions::Mode::kOff) return Status();
  if (clean.retention_ms < 0) return Invalid("cloudFiles.cleanSource.retentionDuration", written("cloudFiles.cleanSource.retentionDuration"), "it is negative");
  if (clean.mode == CleanSourceOptions::Mode::kDelete && clean.retention_ms <= 7 * kDayMs) {
    return Invalid("cloudFiles.cleanSource.retentionDuration", written("cloudFiles.cleanSource.retentionDuration"),
                   "what is deleted cannot be loaded again: with DELETE it must be more than 7 days; MOVE has no minimum");
  }
  for (const std::string& consumer : SplitList(values.String("cloudFiles.cleanSource.consumers").value_or(""))) {
    MS_ASSIGN_OR_RETURN(std::string path, PathFromUri(consumer));
    clean.consumers.push_back(NormalizePath(path));
  }
  if (clean.mode != CleanSourceOptions::Mode::kMove) return Status();
  std::optional<std::string> destination = values.String("cloudFiles.cleanSource.moveDestination");
  if (!destination || destination->empty()) {
    return Invalid("cloudFiles.cleanSource", "MOVE", "set cloudFiles.cleanSource.moveDestination to the directory that the files are moved to");
  }
  MS_ASSIGN_OR_RETURN(clean.move_destination, PathFromUri(*destination));
  clean.move_destination = NormalizePath(clean.move_destination);
  return Status();
}

// When a file is taken, and when it is taken again.
Status ParseIdentity(const OptionMap& user, const OptionValues& values, CloudFilesOptions& options) {
  const bool overwrites = values.Bool("cloudFiles.allowOverwrites");
  options.changed_files = overwrites ? ChangedFiles::kAppended : ChangedFiles::kIgnored;
  if (auto policy = values.String("cloudFiles.changedFiles")) {
    options.changed_files = *policy == "ignored" ? ChangedFiles::kIgnored : *policy == "appended"    ? ChangedFiles::kAppended
                            : *policy == "continued" ? ChangedFiles::kContinued
                                                     : ChangedFiles::kReplaced;
    if (values.Has("cloudFiles.allowOverwrites") && overwrites == (options.changed_files == ChangedFiles::kIgnored)) {
      return Invalid("cloudFiles.changedFiles", *policy,
                     "cloudFiles.allowOverwrites = " + std::string(overwrites ? "true" : "false") + " says otherwise; leave cloudFiles.allowOverwrites out");
    }
  }
  options.identity_by_content = values.String("cloudFiles.fileIdentity") == "content";
  options.shared_listing = values.Bool("cloudFiles.sharedListing");
  options.settle_ms = *values.Int("cloudFiles.settleTime");
  if (options.settle_ms < 0) return Invalid("cloudFiles.settleTime", user.find("cloudFiles.settleTime")->second, "it is negative");
  if (values.Has("cloudFiles.maxFileAge")) {
    options.max_file_age_ms = values.Int("cloudFiles.maxFileAge");
    if (*options.max_file_age_ms < 14 * kDayMs) {
      return Invalid("cloudFiles.maxFileAge", user.find("cloudFiles.maxFileAge")->second, "it must be 14 days at least");
    }
  }
  MS_ASSIGN_OR_RETURN(options.backfill_interval_ms, Positive(values, "cloudFiles.backfillInterval"));
  return Status();
}

// Which streams can load files that grow.
Status CheckContinued(const OptionMap& user, CloudFilesOptions& options) {
  if (options.changed_files != ChangedFiles::kContinued) return Status();
  auto refuse = [](std::string reason) { return Invalid("cloudFiles.changedFiles", "continued", std::move(reason)); };
  if (options.format != "json" && options.format != "csv" && options.format != "text") return refuse("only lines of json, csv and text files can be continued");
  for (const char* name : {"multiLine", "wholetext"}) {
    auto option = user.find(name);
    if (option != user.end() && ParseBool(option->second).value_or(true)) return refuse(std::string(name) + " reads files as a whole; leave it out");
  }
  for (const char* name : {"encoding", "charset", "lineSep"}) {
    auto option = user.find(name);
    if (option == user.end() || Lower(option->second) == "utf-8" || option->second == "\n") continue;
    return refuse("lines are found by their line feeds in UTF-8; leave " + std::string(name) + " out");
  }
  if (options.identity_by_content) return refuse("the bytes of a file that grows are no identity; leave cloudFiles.fileIdentity out");
  if (user.contains("cloudFiles.quarantineTable")) return refuse("cloudFiles.quarantineTable finds records by their place in a whole file; leave it out");
  using Mode = CleanSourceOptions::Mode;
  if (options.clean_source.mode == Mode::kDelete || options.clean_source.mode == Mode::kMove) {
    return refuse("cloudFiles.cleanSource would take away lines that are not loaded yet; leave it out");
  }
  // The text of a batch is in memory.
  constexpr int64_t kBatchBytes = int64_t{64} << 20;
  options.limits.bytes_max = std::min(options.limits.bytes_max.value_or(kBatchBytes), kBatchBytes);
  return Status();
}

// What becomes of rows whose files are gone.
Status ParseDeletedFiles(const OptionMap& user, const OptionValues& values, CloudFilesOptions& options) {
  DeletedFilesOptions& deleted = options.deleted_files;
  deleted.removes_rows = values.String("cloudFiles.deletedFiles") == "removed";
  const std::string fraction = *values.String("cloudFiles.deletedFiles.maxFraction");
  const std::optional<double> parsed = ParseFraction(fraction);
  if (!parsed) return Invalid("cloudFiles.deletedFiles.maxFraction", fraction, "expected a number above 0, and up to 1");
  deleted.fraction_max = *parsed;
  deleted.confirm_after_ms = *values.Int("cloudFiles.deletedFiles.confirmAfter");
  if (deleted.confirm_after_ms < 0) return Invalid("cloudFiles.deletedFiles.confirmAfter", user.find("cloudFiles.deletedFiles.confirmAfter")->second, "it is negative");
  if (!deleted.removes_rows) return Status();
  using Mode = CleanSourceOptions::Mode;
  if (options.clean_source.mode == Mode::kDelete || options.clean_source.mode == Mode::kMove) {
    return Invalid("cloudFiles.deletedFiles", "removed", "cloudFiles.cleanSource takes files away whose rows are to stay; leave one of the two out");
  }
  if (options.identity_by_content) {
    return Invalid("cloudFiles.deletedFiles", "removed",
                   "with cloudFiles.fileIdentity = content the rows of a file may stand for those of its duplicates; leave one of the two out");
  }
  return Status();
}

}  // namespace

Status CloudFilesOptions::Resolve(const PathGlob& glob) {
  if (start_after.empty()) return Status();
  MS_ASSIGN_OR_RETURN(start_after, ResolveStartKey("startAfter", start_after, glob.base()));
  return Status();
}

Result<int64_t> ParseModifiedTime(const std::string& option, const std::string& text, const std::string& time_zone) {
  const TimeZone* zone = TimeZone::Find(time_zone);
  std::optional<int64_t> micros = StringToTimestamp(text, zone == nullptr ? TimeZone::Utc() : *zone);
  if (!micros || *micros > INT64_MAX / 1000 || *micros < INT64_MIN / 1000) {
    return Status::Error(errors::kInvalidOptionValue,
                         {{"option", option}, {"owner", "files"}, {"value", text}, {"reason", "expected a time such as 2026-01-02T03:04:05"}});
  }
  return *micros * 1000;
}

Result<CloudFilesOptions> ParseCloudFilesOptions(const OptionMap& user, const OptionTable* (*format_options)(const std::string&),
                                                 const std::string& time_zone) {
  MS_ASSIGN_OR_RETURN(OptionValues values, CloudFilesOptionTable().ParseKnown(user));
  MS_ASSIGN_OR_RETURN(OptionValues generic, GenericFileOptionTable().ParseKnown(user));
  CloudFilesOptions options;
  // A mistyped option is told first: it is often the reason why a required one is missing.
  std::optional<std::string> format = values.String("cloudFiles.format");
  options.format = format ? Lower(*format) : "";
  if (options.format == "ndjson") options.format = "json";
  if (values.Bool("cloudFiles.validateOptions")) {
    MS_RETURN_IF_ERROR(CheckNames(user, options.format.empty() ? "no format" : options.format, format_options(options.format)));
  }
  if (!format) {
    return Status::Error(errors::kInvalidOptionValue, {{"option", "cloudFiles.format"},
                                                       {"owner", "cloudFiles"},
                                                       {"value", ""},
                                                       {"reason", "it is required; set it to the format of the files, such as json, csv or parquet"}});
  }
  MS_RETURN_IF_ERROR(CheckSupported(user));
  if (auto location = values.String("cloudFiles.schemaLocation")) {
    MS_ASSIGN_OR_RETURN(options.schema_location, PathFromUri(*location));
  }
  if (auto mode = values.String("cloudFiles.schemaEvolutionMode")) {
    options.evolution_mode = *mode == "addNewColumns"                   ? SchemaEvolutionMode::kAddNewColumns
                             : *mode == "addNewColumnsWithTypeWidening" ? SchemaEvolutionMode::kAddNewColumnsWithTypeWidening
                             : *mode == "addNewColumnsWithoutRestart"   ? SchemaEvolutionMode::kAddNewColumnsWithoutRestart
                             : *mode == "rescue"                        ? SchemaEvolutionMode::kRescue
                             : *mode == "failOnNewColumns"              ? SchemaEvolutionMode::kFailOnNewColumns
                                                                        : SchemaEvolutionMode::kNone;
  }
  if (auto rules = values.String("cloudFiles.schemaEvolutionPolicy")) {
    MS_ASSIGN_OR_RETURN(options.evolution_rules, ParseEvolutionRules(*rules));
  }
  if (auto hints = values.String("cloudFiles.schemaHints")) {
    MS_ASSIGN_OR_RETURN(options.schema_hints, ParseSchemaHints(*hints));
  }
  options.infer_column_types = values.Bool("cloudFiles.inferColumnTypes");
  options.include_existing_files = values.Bool("cloudFiles.includeExistingFiles");
  MS_ASSIGN_OR_RETURN(options.limits.files_max, Positive(values, "cloudFiles.maxFilesPerTrigger"));
  MS_ASSIGN_OR_RETURN(options.limits.bytes_max, Positive(values, "cloudFiles.maxBytesPerTrigger"));
  if (values.Has("cloudFiles.partitionColumns")) options.partition_columns = SplitList(*values.String("cloudFiles.partitionColumns"));
  MS_RETURN_IF_ERROR(ParseCleaning(user, values, options));
  MS_ASSIGN_OR_RETURN(options.file_retries_max, Positive(values, "cloudFiles.maxFileRetries"));
  MS_RETURN_IF_ERROR(ParseIdentity(user, values, options));
  MS_RETURN_IF_ERROR(CheckContinued(user, options));
  MS_RETURN_IF_ERROR(ParseDeletedFiles(user, values, options));
  options.globber = values.Bool("cloudFiles.useStrictGlobber") ? PathGlob::Mode::kStrict : PathGlob::Mode::kLoose;
  for (const char* name : {"pathGlobFilter", "fileNamePattern"}) {
    if (auto pattern = generic.String(name)) {
      MS_ASSIGN_OR_RETURN(options.name_filter, NameGlob::Parse(*pattern));
    }
  }
  options.rescued_data_column = generic.String("rescuedDataColumn");
  if (!options.rescued_data_column) options.rescued_data_column = values.String("cloudFiles.rescuedDataColumn");
  options.quarantine_table = values.String("cloudFiles.quarantineTable");
  options.known_from = values.String("cloudFiles.knownFrom");
  MS_ASSIGN_OR_RETURN(options.errors, ErrorBudget::Parse(values.String("cloudFiles.onError"), values.String("cloudFiles.maxBadRecords"),
                                                         options.quarantine_table.has_value(), "cloudFiles"));
  if (auto time = generic.String("modifiedAfter")) {
    MS_ASSIGN_OR_RETURN(options.modified_after_ns, ParseModifiedTime("modifiedAfter", *time, time_zone));
  }
  if (auto time = generic.String("modifiedBefore")) {
    MS_ASSIGN_OR_RETURN(options.modified_before_ns, ParseModifiedTime("modifiedBefore", *time, time_zone));
  }
  for (const OptionValues* set : {&values, &generic}) {
    const char* name = set == &values ? "cloudFiles.startAfter" : "startAfter";
    if (!set->Has(name)) continue;
    options.start_after = *set->String(name);
    if (options.start_after.empty()) return Invalid(name, "", "expected a path below the load path; leave it out to list everything");
  }
  const std::string order = *values.String("cloudFiles.fileOrder");
  options.file_order = order == "path" ? FileOrder::kPath : order == "modificationTime" ? FileOrder::kModificationTime : FileOrder::kDiscovery;
  MS_ASSIGN_OR_RETURN(options.batch_duration_max_ms, Positive(values, "cloudFiles.maxBatchDuration"));
  if (auto zero_copy = values.String("cloudFiles.zeroCopy")) {
    MS_ASSIGN_OR_RETURN(options.zero_copy, ParseZeroCopy("cloudFiles.zeroCopy", *zero_copy, "cloudFiles", options.format));
  }
  options.path = generic.String("path");
  for (const auto& [name, value] : user) {
    if (!Lower(name).starts_with("cloudfiles.")) options.reader_options.emplace(name, value);
  }
  return options;
}

}  // namespace millstream
