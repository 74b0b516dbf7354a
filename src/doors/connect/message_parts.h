#pragma once

// message_parts.h   What the files that decode messages share: options, schemas as text, and the error of a message that Spark's own client does not send.

#include <google/protobuf/map.h>

#include <string>
#include <utility>

#include "base/option_table.h"
#include "doors/connect/connect_errors.h"
#include "types/spark_json.h"

namespace millstream {

// kPlanMalformed
inline Status Malformed(std::string message) { return Status::Error(errors::kPlanMalformed, {{"message", std::move(message)}}); }

inline OptionMap OptionsOf(const google::protobuf::Map<std::string, std::string>& map) {
  OptionMap options;
  for (const auto& [key, value] : map) options[key] = value;
  return options;
}

// Of a type's JSON or of DDL.
Result<StructType> SchemaOfText(const std::string& text);

}  // namespace millstream
