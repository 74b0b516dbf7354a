#pragma once

// avro_default.h   A field's default, which Avro schemas hold as JSON, as the bytes that would have been written.

#include <nlohmann/json.hpp>
#include <string>

#include "types/avro_schema.h"

namespace millstream {

// Error: kAvroSchema when the JSON is no value of the type.
Result<std::string> EncodeAvroDefault(const AvroType& type, const nlohmann::json& value);

}  // namespace millstream
