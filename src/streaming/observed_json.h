#pragma once

// observed_json.h   What DataFrame.observe has seen in a batch, as it stands in observedMetrics of the progress (org.apache.spark.sql.Row.json).

#include <string>

#include "base/status.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

// The one row of `rows` as an object. Instants are shown in the zone `time_zone`, to the second as Spark's.
Result<std::string> ObservedJson(const StructType& schema, const arrow::RecordBatch& rows, const std::string& time_zone);

}  // namespace millstream
