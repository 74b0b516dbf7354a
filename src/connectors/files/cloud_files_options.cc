#include "connectors/files/cloud_files_options.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "connectors/files/files_errors.h"
#include "formats/spark_text.h"
#include "formats/time_zone.h"
#include "storage/fs.h"

namespace millstream {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Known at Databricks, and not built: `harmless` is the value that asks for nothing.
struct NotBuilt {
  std::string_view name, harmless, hint;
};
constexpr NotBuilt kNotBuilt[] = {
    {"cloudFiles.useNotifications", "false", "New files are found by listing the directory, which takes microseconds for what is known already."},
    {"cloudFiles.useManagedFileEvents", "false", "New files are found by listing the directory."},
    {"cloudFiles.cleanSource", "off", "Remove or move loaded files yourself; the ledger knows which they are."},
    {"cloudFiles.cleanSource.retentionDuration", "", "It belongs to cloudFiles.cleanSource."},
    {"cloudFiles.cleanSource.moveDestination", "", "It belongs to cloudFiles.cleanSource."},
    {"cloudFiles.cleanSource.waitForCompletion", "false", "It belongs to cloudFiles.cleanSource."},
    {"cloudFiles.backfillInterval", "", "Every look at the directory is complete, there is nothing to fill in."},
    {"cloudFiles.maxFileAge", "", "Files are remembered for ever, at about 30 bytes each."},
    {"cloudFiles.fetchParallelism", "1", "It belongs to file notifications."},
    {"cloudFiles.pathRewrites", "", "It belongs to file notifications."},
    {"cloudFiles.region", "", "Only files on this machine can be read."},
    {"cloudFiles.queueUrl", "", "It belongs to file notifications."},
    {"cloudFiles.connectionString", "", "It belongs to file notifications."},
    {"cloudFiles.subscriptionId", "", "It belongs to file notifications."},
    {"cloudFiles.resourceGroup", "", "It belongs to file notifications."},
    {"cloudFiles.clientId", "", "It belongs to file notifications."},
    {"cloudFiles.clientSecret", "", "It belongs to file notifications."},
    {"cloudFiles.tenantId", "", "It belongs to file notifications."},
    {"cloudFiles.projectId", "", "It belongs to file notifications."},
    {"cloudFiles.subscription", "", "It belongs to file notifications."},
    {"cloudFiles.roleArn", "", "Only files on this machine can be read."},
    {"cloudFiles.awsAccessKey", "", "Only files on this machine can be read."},
    {"cloudFiles.awsSecretKey", "", "Only files on this machine can be read."},
    {"singleVariantColumn", "", "Give a schema, or let it be inferred."},
    {"badRecordsPath", "", "Use rescuedDataColumn or columnNameOfCorruptRecord, which lose no row when a batch is run again."},
};

Status CheckNotBuilt(const OptionMap& user) {
  for (const NotBuilt& option : kNotBuilt) {
    auto set = user.find(option.name);
    if (set == user.end() || Lower(set->second) == option.harmless) continue;
    return Status::Unsupported("The option " + std::string(option.name) + " = '" + set->second + "'", std::string(option.hint));
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
  for (const NotBuilt& option : kNotBuilt) names.emplace_back(option.name);
  CaseInsensitiveLess less;
  for (const auto& [name, value] : user) {
    bool known = std::any_of(names.begin(), names.end(), [&](const std::string& known_name) { return !less(known_name, name) && !less(name, known_name); });
    if (known) continue;
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

Result<std::optional<int64_t>> Positive(const OptionValues& values, const std::string& name) {
  std::optional<int64_t> value = values.Int(name);
  if (value && *value <= 0) {
    return Status::Error(errors::kInvalidOptionValue,
                         {{"option", name}, {"owner", "cloudFiles"}, {"value", std::to_string(*value)}, {"reason", "expected a number above zero"}});
  }
  return value;
}

}  // namespace

const OptionTable& CloudFilesOptionTable() {
  static const OptionTable table(
      "cloudFiles", {{"cloudFiles.format", OptionType::kString, "", "The format of the files: json, csv, parquet, text …", "0.1"},
                     {"cloudFiles.schemaLocation", OptionType::kString, "", "Where the inferred schema and its versions are kept.", "0.1"},
                     {"cloudFiles.schemaEvolutionMode",
                      OptionType::kEnum,
                      "",
                      "What a column that the schema lacks leads to.",
                      "0.1",
                      {"addNewColumns", "addNewColumnsWithTypeWidening", "rescue", "failOnNewColumns", "none"}},
                     {"cloudFiles.schemaHints", OptionType::kString, "", "Types that inference must respect, as DDL.", "0.1"},
                     {"cloudFiles.inferColumnTypes", OptionType::kBool, "false", "Infer numbers, dates … instead of strings.", "0.1"},
                     {"cloudFiles.includeExistingFiles", OptionType::kBool, "true", "Load what is there when the stream starts for the first time.", "0.1"},
                     {"cloudFiles.maxFilesPerTrigger", OptionType::kInt, "1000", "At most so many files in a batch.", "0.1"},
                     {"cloudFiles.maxBytesPerTrigger", OptionType::kBytes, "", "About so many bytes in a batch.", "0.1"},
                     {"cloudFiles.partitionColumns", OptionType::kString, "", "Hive-style columns to take from the path; empty for none.", "0.1"},
                     {"cloudFiles.allowOverwrites", OptionType::kBool, "false", "Load a file again when it has changed.", "0.1"},
                     {"cloudFiles.useStrictGlobber", OptionType::kBool, "false", "Globs as in Spark: `*` does not cross slashes.", "0.1"},
                     {"cloudFiles.validateOptions", OptionType::kBool, "true", "Refuse options that nobody knows.", "0.1"},
                     {"cloudFiles.rescuedDataColumn", OptionType::kString, "", "As rescuedDataColumn.", "0.1"},
                     {"cloudFiles.listOnStart", OptionType::kBool, "false", "The directory is always listed at the start.", "0.1"},
                     {"cloudFiles.useIncrementalListing",
                      OptionType::kEnum,
                      "false",
                      "Listing is always complete, and cheap for what is known.",
                      "0.1",
                      {"auto", "true", "false"}}});
  return table;
}

const OptionTable& GenericFileOptionTable() {
  static const OptionTable table("files", {{"path", OptionType::kString, "", "The load path.", "0.1"},
                                           {"pathGlobFilter", OptionType::kString, "", "A glob that file names must match.", "0.1"},
                                           {"fileNamePattern", OptionType::kString, "", "As pathGlobFilter.", "0.1"},
                                           {"recursiveFileLookup", OptionType::kBool, "false", "Read all directories below, without partitions.", "0.1"},
                                           {"basePath", OptionType::kString, "", "Where partition directories begin.", "0.1"},
                                           {"modifiedAfter", OptionType::kString, "", "Only files that changed after this time.", "0.1"},
                                           {"modifiedBefore", OptionType::kString, "", "Only files that changed before this time.", "0.1"},
                                           {"ignoreMissingFiles", OptionType::kBool, "false", "Go on without files that are gone.", "0.1"},
                                           {"ignoreCorruptFiles", OptionType::kBool, "false", "Go on without files that cannot be read.", "0.1"},
                                           {"rescuedDataColumn", OptionType::kString, "", "The column for data that does not fit the schema.", "0.1"},
                                           {"mergeSchema", OptionType::kBool, "", "Merge the schemas of all files.", "0.1"},
                                           {"readerCaseSensitive", OptionType::kBool, "", "Whether names in files must match in case.", "0.1"}});
  return table;
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
  if (values.Bool("cloudFiles.validateOptions")) {
    MS_RETURN_IF_ERROR(CheckNames(user, options.format.empty() ? "no format" : options.format, format_options(options.format)));
  }
  if (!format) {
    return Status::Error(errors::kInvalidOptionValue, {{"option", "cloudFiles.format"},
                                                       {"owner", "cloudFiles"},
                                                       {"value", ""},
                                                       {"reason", "it is required; set it to the format of the files, such as json, csv or parquet"}});
  }
  MS_RETURN_IF_ERROR(CheckNotBuilt(user));
  if (auto location = values.String("cloudFiles.schemaLocation")) {
    MS_ASSIGN_OR_RETURN(options.schema_location, PathFromUri(*location));
  }
  if (auto mode = values.String("cloudFiles.schemaEvolutionMode")) {
    if (*mode == "addNewColumnsWithTypeWidening") {
      return Status::Unsupported("The schema evolution mode addNewColumnsWithTypeWidening",
                                 "Use addNewColumns: values that do not fit their column's type go to the rescued data column.");
    }
    options.evolution_mode = *mode == "addNewColumns"      ? SchemaEvolutionMode::kAddNewColumns
                             : *mode == "rescue"           ? SchemaEvolutionMode::kRescue
                             : *mode == "failOnNewColumns" ? SchemaEvolutionMode::kFailOnNewColumns
                                                           : SchemaEvolutionMode::kNone;
  }
  if (auto hints = values.String("cloudFiles.schemaHints")) {
    MS_ASSIGN_OR_RETURN(options.schema_hints, ParseSchemaHints(*hints));
  }
  options.infer_column_types = values.Bool("cloudFiles.inferColumnTypes");
  options.include_existing_files = values.Bool("cloudFiles.includeExistingFiles");
  MS_ASSIGN_OR_RETURN(options.limits.files_max, Positive(values, "cloudFiles.maxFilesPerTrigger"));
  MS_ASSIGN_OR_RETURN(options.limits.bytes_max, Positive(values, "cloudFiles.maxBytesPerTrigger"));
  if (values.Has("cloudFiles.partitionColumns")) options.partition_columns = SplitList(*values.String("cloudFiles.partitionColumns"));
  options.allow_overwrites = values.Bool("cloudFiles.allowOverwrites");
  options.globber = values.Bool("cloudFiles.useStrictGlobber") ? PathGlob::Mode::kStrict : PathGlob::Mode::kLoose;
  for (const char* name : {"pathGlobFilter", "fileNamePattern"}) {
    if (auto pattern = generic.String(name)) {
      MS_ASSIGN_OR_RETURN(options.name_filter, NameGlob::Parse(*pattern));
    }
  }
  options.rescued_data_column = generic.String("rescuedDataColumn");
  if (!options.rescued_data_column) options.rescued_data_column = values.String("cloudFiles.rescuedDataColumn");
  if (auto time = generic.String("modifiedAfter")) {
    MS_ASSIGN_OR_RETURN(options.modified_after_ns, ParseModifiedTime("modifiedAfter", *time, time_zone));
  }
  if (auto time = generic.String("modifiedBefore")) {
    MS_ASSIGN_OR_RETURN(options.modified_before_ns, ParseModifiedTime("modifiedBefore", *time, time_zone));
  }
  options.path = generic.String("path");
  for (const auto& [name, value] : user) {
    if (!Lower(name).starts_with("cloudfiles.")) options.reader_options.emplace(name, value);
  }
  return options;
}

}  // namespace millstream
