#pragma once

// spark_json.h   Spark types ↔ the JSON of DataType.json, which is also Delta's schemaString and Auto Loader's schema file.

#include <string>
#include <string_view>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

std::string ToSparkJson(const DataType& type);
std::string ToSparkJson(const StructType& schema);
// Refuses unknown types by name and nesting deeper than kMaxTypeDepth.
Result<DataType> DataTypeFromSparkJson(std::string_view json);
Result<StructType> SchemaFromSparkJson(std::string_view json);

}  // namespace millstream
