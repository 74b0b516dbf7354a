#include "streaming/operators/transform_variables.h"

#include <nlohmann/json.hpp>

#include "types/spark_json.h"

namespace millstream {
namespace {

using Kind = TransformVariable::Kind;

Result<Kind> KindOf(const std::string& name) {
  if (name == "value") return Kind::kValue;
  if (name == "list") return Kind::kList;
  if (name == "map") return Kind::kMap;
  return Status::Internal("a variable of kind " + name);
}

}  // namespace

Result<TransformDeclaration> ParseTransformDeclaration(const std::string& json) {
  const nlohmann::json all = nlohmann::json::parse(json, nullptr, false);
  if (!all.is_object() || !all.contains("variables")) return Status::Internal("the Python worker has declared no variables: " + json);
  TransformDeclaration declaration;
  for (const nlohmann::json& one : all["variables"]) {
    TransformVariable variable{.name = one.value("name", "")};
    MS_ASSIGN_OR_RETURN(variable.kind, KindOf(one.value("kind", "")));
    MS_ASSIGN_OR_RETURN(variable.columns, SchemaFromSparkJson(one.value("schema", "")));
    MS_ASSIGN_OR_RETURN(variable.values, SchemaFromSparkJson(one.value("values", "")));
    if (one.contains("ttl") && one["ttl"].is_number_integer()) variable.ttl_ms = one["ttl"].get<int64_t>();
    declaration.variables.push_back(std::move(variable));
  }
  for (const nlohmann::json& name : all.value("deleted", nlohmann::json::array())) declaration.deleted.push_back(name.get<std::string>());
  return declaration;
}

std::string TtlStoreName(const std::string& variable) { return "$ttl_" + variable; }
std::string ItemsStoreName(const std::string& list) { return "$items_" + list; }

std::string NameOf(TransformWithState::TimeMode mode) {
  switch (mode) {
    case TransformWithState::TimeMode::kNone:
      return "NoTime";
    case TransformWithState::TimeMode::kProcessingTime:
      return "ProcessingTime";
    case TransformWithState::TimeMode::kEventTime:
      return "EventTime";
  }
  return "";
}

std::string TimersStoreName(TransformWithState::TimeMode mode) {
  return mode == TransformWithState::TimeMode::kEventTime ? "$eventTimers_keyToTimestamp" : "$procTimers_keyToTimestamp";
}
std::string TimerTimesStoreName(TransformWithState::TimeMode mode) {
  return mode == TransformWithState::TimeMode::kEventTime ? "$eventTimers_timestampToKey" : "$procTimers_timestampToKey";
}

std::vector<StateSchema> StateSchemasOf(const StructType& keys, const std::vector<std::string>& key_names, const std::vector<TransformVariable>& variables,
                                        TransformWithState::TimeMode mode) {
  std::vector<StateSchema> schemas;
  for (const TransformVariable& variable : variables) {
    StateSchema schema{.store = variable.name, .key = keys, .value = variable.values, .key_names = key_names, .has_ttl = variable.ttl_ms.has_value()};
    switch (variable.kind) {
      case Kind::kValue:
        schema.layout = StateLayout::kValueVariable;
        break;
      case Kind::kList:
        schema.layout = StateLayout::kListVariable;
        break;
      case Kind::kMap:
        schema.layout = StateLayout::kMapVariable;
        schema.user_key = variable.columns;
        break;
    }
    schemas.push_back(std::move(schema));
  }
  if (mode != TransformWithState::TimeMode::kNone)
    schemas.push_back({.store = TimersStoreName(mode), .key = keys, .value = {}, .layout = StateLayout::kTimers, .key_names = key_names});
  return schemas;
}

}  // namespace millstream
