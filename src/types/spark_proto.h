#pragma once

// spark_proto.h   Spark types ↔ the DataType message of Spark Connect.

#include "base/status.h"
#include "types/data_type.h"

namespace spark::connect {
class DataType;
}

namespace millstream {

void ToSparkProto(const DataType& type, spark::connect::DataType* out);
void ToSparkProto(const StructType& schema, spark::connect::DataType* out);
// Takes the text form (Unparsed) as DDL too. char and varchar are read as string; types that we do not have are refused by name.
Result<DataType> DataTypeFromSparkProto(const spark::connect::DataType& proto);

}  // namespace millstream
