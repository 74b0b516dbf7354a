#pragma once

// arrow_types.h   Spark types ↔ Arrow types, after Spark's ArrowUtils.toArrowType.
// timestamp is timestamp[us, zone], timestamp_ntz timestamp[us], date date32, decimal decimal128, day-time interval duration[us],
// year-month interval interval(month), string utf8, binary binary, variant struct<value: binary, metadata: binary>.

#include <arrow/type.h>

#include <memory>
#include <string>

#include "base/status.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

// `time_zone` labels timestamps; inside the engine it is always "UTC", only a door that sends rows away uses the session's.
std::shared_ptr<arrow::DataType> ToArrowType(const DataType& type, const std::string& time_zone = "UTC");
ArrowSchemaPtr ToArrowSchema(const StructType& schema, const std::string& time_zone = "UTC");
// Also takes the widths that other writers use (large_utf8, timestamp[ns], dictionary…): see FromArrowType's test for the list.
Result<DataType> FromArrowType(const arrow::DataType& type);
Result<StructType> FromArrowSchema(const arrow::Schema& schema);
// Arrow's status in ours: one of the three places where a foreign error becomes a Status.
Status FromArrowStatus(const arrow::Status& status, const std::string& doing);

}  // namespace millstream
