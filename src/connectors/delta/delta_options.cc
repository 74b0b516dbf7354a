#include "connectors/delta/delta_connector.h"

namespace millstream {

const OptionTable& DeltaReadOptions() {
  static const OptionTable table("delta", {{"versionAsOf", OptionType::kInt, "", "Read the table as it was at this version.", "0.1"},
                                           {"timestampAsOf", OptionType::kString, "", "Read the table as it was at this date or timestamp.", "0.1"}});
  return table;
}

const OptionTable& DeltaWriteOptions() {
  static const OptionTable table(
      "delta", {{"mergeSchema", OptionType::kBool, "false", "Add columns of the rows that the table does not have.", "0.1"},
                {"overwriteSchema", OptionType::kBool, "false", "With overwrite or complete mode: replace the table's schema by that of the rows.", "0.1"},
                {"replaceWhere", OptionType::kString, "", "Overwrite only rows that match (not supported yet).", "0.1"},
                {"partitionOverwriteMode", OptionType::kString, "static", "static: overwrite everything; dynamic is not supported yet.", "0.1"},
                {"txnAppId", OptionType::kString, "", "With txnVersion: a write with this pair is made once.", "0.1"},
                {"txnVersion", OptionType::kInt, "", "With txnAppId: a write with this pair is made once.", "0.1"},
                {"userMetadata", OptionType::kString, "", "Text that DESCRIBE HISTORY shows for the commit.", "0.1"},
                {"checkpointLocation", OptionType::kString, "", "Streams: the directory of the query's checkpoint.", "0.1"},
                {"path", OptionType::kString, "", "The table's directory.", "0.1"}});
  return table;
}

}  // namespace millstream
