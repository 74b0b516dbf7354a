#include "connectors/delta/delta_connector.h"

namespace millstream {

const OptionTable& DeltaReadOptions() {
  static const OptionTable table("delta", {{"versionAsOf", OptionType::kInt, "", "Read the table as it was at this version.", "0.1"},
                                           {"timestampAsOf", OptionType::kString, "", "Read the table as it was at this date or timestamp.", "0.1"},
                                           {"readChangeFeed", OptionType::kBool, "false", "Read what changed, not what is there: the change data feed.", "0.2"},
                                           {"readChangeData", OptionType::kBool, "false", "The same as readChangeFeed.", "0.2"},
                                           {"startingVersion", OptionType::kString, "", "Changes from this version on.", "0.2"},
                                           {"endingVersion", OptionType::kString, "", "Changes up to this version, which is included.", "0.2"},
                                           {"startingTimestamp", OptionType::kString, "", "Changes from the first version at or after this time on.", "0.2"},
                                           {"endingTimestamp", OptionType::kString, "", "Changes up to the last version at or before this time.", "0.2"}});
  return table;
}

const OptionTable& DeltaStreamReadOptions() {
  static const OptionTable table(
      "delta",
      {{"startingVersion", OptionType::kString, "", "Begin with the changes of this version, or with those after the \"latest\" one.", "0.1"},
       {"startingTimestamp", OptionType::kString, "", "Begin with the first commit at or after this date or timestamp.", "0.1"},
       {"maxFilesPerTrigger", OptionType::kInt, "", "How many new files a batch takes: 1000, or any number when only maxBytesPerTrigger is set.", "0.1"},
       {"maxBytesPerTrigger", OptionType::kBytes, "", "After how many bytes of files a batch takes no more.", "0.1"},
       {"ignoreDeletes", OptionType::kBool, "false", "Go on after commits that only delete rows.", "0.1"},
       {"ignoreChanges", OptionType::kBool, "false", "Go on after updates, and give all rows of the files that they wrote anew.", "0.1"},
       {"ignoreFileDeletion", OptionType::kBool, "false", "The old name of ignoreChanges.", "0.1"},
       {"skipChangeCommits", OptionType::kBool, "false", "Leave out commits that delete or change rows.", "0.1"},
       {"excludeRegex", OptionType::kString, "", "Leave out data files whose path has a match.", "0.1"},
       {"failOnDataLoss", OptionType::kBool, "true", "End the query when commits that it has not read are gone.", "0.1"},
       {"readChangeFeed", OptionType::kBool, "false", "Read changes instead of rows: the change data feed.", "0.1"},
       {"readChangeData", OptionType::kBool, "false", "The old name of readChangeFeed.", "0.1"},
       {"schemaTrackingLocation", OptionType::kString, "", "Go on after columns were renamed or dropped (not supported yet).", "0.1"},
       {"schemaLocation", OptionType::kString, "", "The old name of schemaTrackingLocation.", "0.1"}});
  return table;
}

const OptionTable& DeltaWriteOptions() {
  static const OptionTable table(
      "delta",
      {{"mergeSchema", OptionType::kBool, "false", "Add columns of the rows that the table does not have.", "0.1"},
       {"overwriteSchema", OptionType::kBool, "false", "With overwrite or complete mode: replace the table's schema by that of the rows.", "0.1"},
       {"replaceWhere", OptionType::kString, "", "With overwrite mode: replace only the rows that fulfil this condition, by rows that all fulfil it.", "0.1"},
       {"partitionOverwriteMode", OptionType::kString, "static", "static: overwrite everything; dynamic is not supported yet.", "0.1"},
       {"txnAppId", OptionType::kString, "", "With txnVersion: a write with this pair is made once.", "0.1"},
       {"txnVersion", OptionType::kInt, "", "With txnAppId: a write with this pair is made once.", "0.1"},
       {"userMetadata", OptionType::kString, "", "Text that DESCRIBE HISTORY shows for the commit.", "0.1"},
       {"checkpointLocation", OptionType::kString, "", "Streams: the directory of the query's checkpoint.", "0.1"},
       {"path", OptionType::kString, "", "The table's directory.", "0.1"}});
  return table;
}

}  // namespace millstream
