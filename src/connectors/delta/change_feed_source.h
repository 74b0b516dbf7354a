#pragma once

// change_feed_source.h   spark.read.option("readChangeFeed", true): a table's changes as a relation.

#include <memory>
#include <string>

#include "base/option_table.h"
#include "connectors/api/table.h"
#include "connectors/delta/delta_connector.h"

namespace millstream {

// `options` as DeltaReadOptions has read them. DELTA_NO_START_FOR_CDC_READ, DELTA_MULTIPLE_CDC_BOUNDARY, DELTA_INVALID_CDC_RANGE,
// DELTA_CDC_START_VERSION_AFTER_LATEST, DELTA_TIMESTAMP_GREATER_THAN_COMMIT, DELTA_MISSING_CHANGE_DATA.
Result<std::shared_ptr<const BatchRelationSource>> OpenChangeFeed(DeltaTables& tables, const std::string& path, const DeltaOpenOptions& open,
                                                                  const OptionValues& options);

// A time as a user writes it, in milliseconds since the epoch. Without a zone in the text it is of `time_zone`.
Result<int64_t> WallMillisOf(const std::string& text, const std::string& time_zone);

}  // namespace millstream
