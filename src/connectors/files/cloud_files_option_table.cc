// The options of format("cloudFiles") by name, and those of every file reader.

#include "connectors/files/cloud_files_options.h"
#include "formats/archive_format.h"

namespace millstream {

const OptionTable& CloudFilesOptionTable() {
  static const OptionTable table(
      "cloudFiles",
      {{"cloudFiles.format", OptionType::kString, "", "The format of the files: json, csv, parquet, text …", "0.1"},
       {"cloudFiles.schemaLocation", OptionType::kString, "", "Where the inferred schema and its versions are kept.", "0.1"},
       {"cloudFiles.schemaEvolutionMode",
        OptionType::kEnum,
        "",
        "What a column that the schema lacks leads to.",
        "0.1",
        {"addNewColumns", "addNewColumnsWithTypeWidening", "addNewColumnsWithoutRestart", "rescue", "failOnNewColumns", "none"}},
       {"cloudFiles.schemaEvolutionPolicy", OptionType::kString, "", "What may change at which path: 'payload.*: add, id: freeze, amount: widen'.", "0.5"},
       {"cloudFiles.schemaHints", OptionType::kString, "", "Types that inference must respect, as DDL.", "0.1"},
       {"cloudFiles.inferColumnTypes", OptionType::kBool, "false", "Infer numbers, dates … instead of strings.", "0.1"},
       {"cloudFiles.includeExistingFiles", OptionType::kBool, "true", "Load what is there when the stream starts for the first time.", "0.1"},
       {"cloudFiles.maxFilesPerTrigger", OptionType::kInt, "1000", "At most so many files in a batch.", "0.1"},
       {"cloudFiles.maxBytesPerTrigger", OptionType::kBytes, "", "About so many bytes in a batch.", "0.1"},
       {"cloudFiles.maxBatchDuration", OptionType::kDuration, "", "A batch takes no more than what the last ones promise to load within it.", "0.5"},
       {"cloudFiles.fileOrder",
        OptionType::kEnum,
        "discovery",
        "In which order files that wait go into batches.",
        "0.5",
        {"discovery", "path", "modificationTime"}},
       {"cloudFiles.startAfter", OptionType::kString, "", "As startAfter.", "0.5"},
       {"cloudFiles.partitionColumns", OptionType::kString, "", "Hive-style columns to take from the path; empty for none.", "0.1"},
       {"cloudFiles.allowOverwrites", OptionType::kBool, "false", "Load a file again when it has changed.", "0.1"},
       {"cloudFiles.useStrictGlobber", OptionType::kBool, "false", "Globs as in Spark: `*` does not cross slashes.", "0.1"},
       {"cloudFiles.validateOptions", OptionType::kBool, "true", "Refuse options that nobody knows.", "0.1"},
       {"cloudFiles.rescuedDataColumn", OptionType::kString, "", "As rescuedDataColumn.", "0.1"},
       {"cloudFiles.onError", OptionType::kString, "",
        "What becomes of bad records: ABORT_STATEMENT (when nothing is said), CONTINUE (they are left out), SKIP_FILE, SKIP_FILE_<n>, SKIP_FILE_<p>%.", "0.5"},
       {"cloudFiles.maxBadRecords", OptionType::kString, "", "So many bad records of a batch, or <p>%, are left out; more of them end the query.", "0.5"},
       {"cloudFiles.quarantineTable", OptionType::kString, "", "The table (a name or a path) that keeps bad records.", "0.4"},
       {"cloudFiles.knownFrom", OptionType::kString, "",
        "At the first start: a table, a checkpoint, or a file with a column path, whose files are known and not loaded.", "0.5"},
       {"cloudFiles.listOnStart", OptionType::kBool, "false", "The directory is always listed at the start.", "0.1"},
       {"cloudFiles.changedFiles",
        OptionType::kEnum,
        "",
        "What happens to a file that has changed since it was loaded: appended is allowOverwrites, with replaced its rows make way, with continued the lines "
        "that have come are loaded.",
        "0.3",
        {"ignored", "appended", "replaced", "continued"}},
       {"cloudFiles.deletedFiles",
        OptionType::kEnum,
        "ignored",
        "What happens when a loaded file goes from the source: with removed its rows leave the table.",
        "0.5",
        {"ignored", "removed"}},
       {"cloudFiles.deletedFiles.maxFraction", OptionType::kString, "0.5", "When a larger part of the loaded files is gone at a time, the query stops.", "0.5"},
       {"cloudFiles.deletedFiles.confirmAfter", OptionType::kDuration, "5 seconds", "A file is gone when it is so twice, so long apart.", "0.5"},
       {"cloudFiles.fileIdentity", OptionType::kEnum, "path", "What makes a file the same as one before: its path, or its bytes.", "0.3", {"path", "content"}},
       {"cloudFiles.sharedListing", OptionType::kBool, "true", "Streams over the same directories read them together.", "0.5"},
       {"cloudFiles.settleTime", OptionType::kDuration, "0 seconds", "A file is taken when it has not changed for so long.", "0.3"},
       {"cloudFiles.maxFileAge", OptionType::kDuration, "", "Older files are not loaded, and known ones are forgotten: 14 days at least.", "0.3"},
       {"cloudFiles.backfillInterval", OptionType::kDuration, "", "Every directory is listed in full at least so often.", "0.3"},
       {"cloudFiles.cleanSource", OptionType::kEnum, "OFF", "What becomes of loaded files.", "0.3", {"OFF", "DELETE", "MOVE", "TAG"}},
       {"cloudFiles.cleanSource.retentionDuration", OptionType::kDuration, "30 days", "How long loaded files stay where they are.", "0.3"},
       {"cloudFiles.cleanSource.moveDestination", OptionType::kString, "", "Where MOVE puts files, under their path below the load path.", "0.3"},
       {"cloudFiles.cleanSource.consumers", OptionType::kString, "",
        "Checkpoints of other streams, and tables of COPY INTO, that must have committed a file before it is cleaned up: separated by commas.", "0.5"},
       {"cloudFiles.maxFileRetries", OptionType::kInt, "", "A file that cannot be read is left out, and tried again so often.", "0.5"},
       {"cloudFiles.cleanSource.waitForCompletion", OptionType::kBool, "false", "availableNow ends when all that is due is cleaned.", "0.3"},
       {"cloudFiles.zeroCopy",
        OptionType::kString,
        "off",
        "Parquet files become data files of the Delta table as they are, where they fit: by a copy that shares blocks where it can, or by a hard link.",
        "0.5"},
       {"cloudFiles.useIncrementalListing",
        OptionType::kEnum,
        "false",
        "Listing is always complete, and cheap for what is known.",
        "0.1",
        {"auto", "true", "false"}}});
  return table;
}

const OptionTable& GenericFileOptionTable() {
  static const OptionTable table = [] {
    std::vector<OptionSpec> specs{{"path", OptionType::kString, "", "The load path.", "0.1"},
                                  {"pathGlobFilter", OptionType::kString, "", "A glob that file names must match.", "0.1"},
                                  {"fileNamePattern", OptionType::kString, "", "As pathGlobFilter.", "0.1"},
                                  {"recursiveFileLookup", OptionType::kBool, "false", "Read all directories below, without partitions.", "0.1"},
                                  {"basePath", OptionType::kString, "", "Where partition directories begin.", "0.1"},
                                  {"modifiedAfter", OptionType::kString, "", "Only files that changed after this time.", "0.1"},
                                  {"modifiedBefore", OptionType::kString, "", "Only files that changed before this time.", "0.1"},
                                  {"startAfter", OptionType::kString, "", "Paths that sort at or before this one are not listed.", "0.5"},
                                  {"ignoreMissingFiles", OptionType::kBool, "false", "Go on without files that are gone.", "0.1"},
                                  {"ignoreCorruptFiles", OptionType::kBool, "false", "Go on without files that cannot be read.", "0.1"},
                                  {"rescuedDataColumn", OptionType::kString, "", "The column for data that does not fit the schema.", "0.1"},
                                  {"badRecordsPath", OptionType::kString, "", "A directory for bad records, as JSON lines.", "0.5"},
                                  {"mergeSchema", OptionType::kBool, "", "Merge the schemas of all files.", "0.1"},
                                  {"readerCaseSensitive", OptionType::kBool, "", "Whether names in files must match in case.", "0.1"}};
    const std::vector<OptionSpec>& archives = ArchiveOptionTable().specs();
    specs.insert(specs.end(), archives.begin(), archives.end());
    return OptionTable("files", std::move(specs));
  }();
  return table;
}

std::span<const UnsupportedOption> UnsupportedCloudFilesOptions() {
  static constexpr std::string_view kListing = "New files are found by listing the directory, which takes microseconds for what is known already.";
  static constexpr std::string_view kNotification = "It belongs to file notifications: leave it out, new files are found by listing the directory.";
  static constexpr std::string_view kLocal = "Only files on this machine are read.";
  static constexpr UnsupportedOption options[] = {
      {"cloudFiles.useNotifications", "false", kListing},
      {"cloudFiles.useManagedFileEvents", "false", kListing},
      {"cloudFiles.fetchParallelism", "1", kNotification},
      {"cloudFiles.pathRewrites", "", kNotification},
      {"cloudFiles.queueUrl", "", kNotification},
      {"cloudFiles.queueName", "", kNotification},
      {"cloudFiles.connectionString", "", kNotification},
      {"cloudFiles.subscriptionId", "", kNotification},
      {"cloudFiles.subscription", "", kNotification},
      {"cloudFiles.resourceGroup", "", kNotification},
      {"cloudFiles.clientId", "", kNotification},
      {"cloudFiles.clientSecret", "", kNotification},
      {"cloudFiles.tenantId", "", kNotification},
      {"cloudFiles.projectId", "", kNotification},
      {"cloudFiles.client", "", kNotification},
      {"cloudFiles.clientEmail", "", kNotification},
      {"cloudFiles.privateKey", "", kNotification},
      {"cloudFiles.privateKeyId", "", kNotification},
      {"cloudFiles.restrictNotificationSetupToSameAWSAccountId", "false", kNotification},
      {"cloudFiles.region", "", kLocal},
      {"cloudFiles.roleArn", "", kLocal},
      {"cloudFiles.roleExternalId", "", kLocal},
      {"cloudFiles.roleSessionName", "", kLocal},
      {"cloudFiles.stsEndpoint", "", kLocal},
      {"cloudFiles.awsAccessKey", "", kLocal},
      {"cloudFiles.awsSecretKey", "", kLocal},
      {"databricks.serviceCredential", "", kLocal},
  };
  return options;
}

}  // namespace millstream
