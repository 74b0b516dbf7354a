#pragma once

// transform_variables.h   The variables that a processor of transformWithState has declared.

#include <optional>
#include <string>
#include <vector>

#include "streaming/operators/stream_operator.h"
#include "types/data_type.h"

namespace millstream {

struct TransformVariable {
  enum class Kind { kValue, kList, kMap };
  std::string name;
  Kind kind = Kind::kValue;
  StructType columns;  // of the value, of an element, of a map's keys
  StructType values;   // of a map's values; else as `columns`
  std::optional<int64_t> ttl_ms;
};

struct TransformDeclaration {
  std::vector<TransformVariable> variables;
  std::vector<std::string> deleted;  // names of variables of old that are to go
};

// As millstream_transform.py tells it.
Result<TransformDeclaration> ParseTransformDeclaration(const std::string& json);

// Names of stores, Spark's where it has one. A user's variable cannot begin so.
std::string TtlStoreName(const std::string& variable);
std::string ItemsStoreName(const std::string& list);
std::string TimersStoreName(TransformWithState::TimeMode mode);      // (key, moment)
std::string TimerTimesStoreName(TransformWithState::TimeMode mode);  // (moment, key)
// "NoTime", "ProcessingTime", "EventTime"
std::string NameOf(TransformWithState::TimeMode mode);

// What each store of the operator has.
std::vector<StateSchema> StateSchemasOf(const StructType& keys, const std::vector<std::string>& key_names, const std::vector<TransformVariable>& variables,
                                        TransformWithState::TimeMode mode);

}  // namespace millstream
