#pragma once

// spark_ddl.h   Spark types ↔ DDL: "id BIGINT NOT NULL COMMENT 'key', tags ARRAY<STRING>".

#include <string>
#include <string_view>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

// A column list, with or without colons ("a: INT" and "a INT"). PARSE_SYNTAX_ERROR (ParseException) as Spark raises it.
Result<StructType> SchemaFromDdl(std::string_view ddl);
// One type: "decimal(10,2)", "array<struct<a:int>>".
Result<DataType> DataTypeFromDdl(std::string_view ddl);
// What StructType.toDDL prints.
std::string ToDdl(const StructType& schema);

}  // namespace millstream
