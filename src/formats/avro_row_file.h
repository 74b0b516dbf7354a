#pragma once

// avro_row_file.h   Rows → Avro files, with the schema that spark-avro makes of theirs.

#include <memory>
#include <string>

#include "formats/row_file_format.h"

namespace millstream {

// The Avro schema of rows as JSON. Error: kAvroSchema for a name that Avro does not allow.
Result<std::string> AvroSchemaOf(const StructType& schema, const std::string& record_name, const std::string& record_namespace);

// Options: compression, recordName, recordNamespace. Errors: UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE, kAvroSchema, MILLSTREAM_UNSUPPORTED.
Result<std::shared_ptr<const RowFileFormat>> MakeAvroRowFileFormat(const OptionMap& options, const StructType& schema);

}  // namespace millstream
