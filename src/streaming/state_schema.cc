#include "streaming/state_schema.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "streaming/state/state_errors.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Json = nlohmann::ordered_json;

const StateStoreId kSchemaStore{.operator_id = 1'000'000, .partition = 0, .name = "schema"};
constexpr std::string_view kOperatorsKey = "operators";

// Keys by type alone: a renamed column is the same key. Values with their names, which say how they came about.
std::string TypesOf(const StructType& schema, bool with_names) {
  std::string text;
  for (const StructField& field : schema) text += (text.empty() ? "" : ", ") + (with_names ? field.name + " " : std::string()) + field.type.Sql();
  return text;
}

// As they stand in the checkpoint.
constexpr std::string_view kLayouts[] = {"row", "key-only", "moment", "join-row", "counter", "value", "list", "map", "timers"};

StructType WithNames(const StructType& schema, const std::vector<std::string>& names) {
  StructType renamed;
  for (size_t i = 0; i < schema.size(); ++i) {
    StructField field = schema[i];
    if (i < names.size()) field.name = names[i];
    renamed.Add(std::move(field));
  }
  return renamed;
}

Json Describe(const std::vector<StatefulOperator*>& operators) {
  Json all = Json::array();
  for (const StatefulOperator* op : operators) {
    Json one{{"id", op->operator_id}, {"name", op->name()}, {"stores", Json::array()}};
    if (std::string properties = op->properties(); !properties.empty()) one["properties"] = std::move(properties);
    const bool is_transform = one.contains("properties");
    for (const StateSchema& store : op->state_schemas()) {
      Json of_store{{"name", store.store},
                    {"key", TypesOf(store.key, false)},
                    // The columns of variables may have other names after a restart.
                    {"value", TypesOf(store.value, !is_transform)},
                    {"keySchema", ToSparkJson(WithNames(store.key, store.key_names))},
                    {"valueSchema", ToSparkJson(WithNames(store.value, store.value_names))},
                    {"hidden", store.hidden},
                    {"layout", kLayouts[static_cast<size_t>(store.layout)]}};
      if (store.layout == StateLayout::kMapVariable) {
        of_store["key"] = TypesOf(store.key, false) + ", userKey " + TypesOf(store.user_key, false);
        of_store["userKeySchema"] = ToSparkJson(store.user_key);
      }
      if (store.has_ttl) {
        of_store["value"] = TypesOf(store.value, false) + ", ttlExpirationMs BIGINT";
        of_store["ttl"] = true;
      }
      one["stores"].push_back(std::move(of_store));
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::string NamesOf(const Json& operators) {
  std::string text;
  for (const Json& op : operators) text += (text.empty() ? "" : ", ") + op.value("name", "");
  return text;
}

const Json* StoreNamed(const Json& stores, const Json& name) {
  for (const Json& one : stores) {
    if (one.value("name", "") == name) return &one;
  }
  return nullptr;
}

Status CheckStore(const Json& kept, const Json& now) {
  for (const auto& [part, error] : {std::pair{"key", &errors::kStateKeySchema}, std::pair{"value", &errors::kStateValueSchema}}) {
    const std::string before = kept.value(part, ""), after = now.value(part, "");
    if (before != after) return Status::Error(*error, {{"storedSchema", before}, {"newSchema", after}});
  }
  return Status();
}

// TransformWithStateOperatorProperties.validateOperatorProperties
Status CheckProperties(const Json& kept, const Json& now) {
  const Json before = Json::parse(kept.value("properties", ""), nullptr, false), after = Json::parse(now.value("properties", ""), nullptr, false);
  if (!before.is_object() || !after.is_object()) return Status();
  for (const char* name : {"timeMode", "outputMode"}) {
    if (before.value(name, "") != after.value(name, ""))
      return Status::Error(errors::kStateConfigChanged, {{"configName", name}, {"oldConfig", before.value(name, "")}, {"newConfig", after.value(name, "")}});
  }
  for (const Json& variable : after.value("stateVariables", Json::array())) {
    for (const Json& old : before.value("stateVariables", Json::array())) {
      if (old.value("stateName", "") != variable.value("stateName", "") || old.value("stateVariableType", "") == variable.value("stateVariableType", ""))
        continue;
      return Status::Error(errors::kStateVariableType, {{"stateVarName", old.value("stateName", "")},
                                                        {"oldType", old.value("stateVariableType", "")},
                                                        {"newType", variable.value("stateVariableType", "")}});
    }
  }
  return Status();
}

// Variables may come and go.
Status CheckVariables(const Json& kept, const Json& now) {
  for (const Json& store : now["stores"]) {
    if (const Json* old = StoreNamed(kept["stores"], store["name"])) MS_RETURN_IF_ERROR(CheckStore(*old, store));
  }
  return CheckProperties(kept, now);
}

Result<Json> KeptIn(StateStores& stores) {
  MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(kSchemaStore));
  std::string text;
  MS_ASSIGN_OR_RETURN(bool found, store->Get(kOperatorsKey, &text));
  return found ? Json::parse(text, nullptr, false) : Json();
}

// With what is kept of variables that are declared no longer: who takes a name up again is compared with it.
Json WithGone(const std::vector<StatefulOperator*>& operators, const Json& kept) {
  Json now = Describe(operators);
  for (size_t i = 0; i < now.size() && i < kept.size(); ++i) {
    if (!now[i].contains("properties")) continue;
    const std::vector<std::string> dropped = operators[i]->dropped_stores();
    for (const Json& old : kept[i].value("stores", Json::array())) {
      const std::string name = old.value("name", "");
      if (StoreNamed(now[i]["stores"], name) != nullptr || std::find(dropped.begin(), dropped.end(), name) != dropped.end()) continue;
      now[i]["stores"].push_back(old);
      now[i]["stores"].back()["gone"] = true;
    }
  }
  return now;
}

}  // namespace

Result<std::vector<StateOperatorFacts>> ReadStateSchema(StateStores& stores) {
  MS_ASSIGN_OR_RETURN(const Json kept, KeptIn(stores));
  std::vector<StateOperatorFacts> operators;
  if (!kept.is_array()) return operators;
  for (const Json& op : kept) {
    StateOperatorFacts facts{.id = op.value("id", int64_t{0}), .name = op.value("name", ""), .properties = op.value("properties", ""), .stores = {}};
    for (const Json& one : op.value("stores", Json::array())) {
      if (one.value("gone", false)) continue;
      const auto layout = std::find(std::begin(kLayouts), std::end(kLayouts), one.value("layout", ""));
      if (layout == std::end(kLayouts)) return std::vector<StateOperatorFacts>();
      StateStoreFacts of_store{.name = one.value("name", ""), .layout = static_cast<StateLayout>(layout - std::begin(kLayouts))};
      MS_ASSIGN_OR_RETURN(of_store.key, SchemaFromSparkJson(one.value("keySchema", "")));
      MS_ASSIGN_OR_RETURN(of_store.value, SchemaFromSparkJson(one.value("valueSchema", "")));
      for (const Json& place : one.value("hidden", Json::array())) of_store.hidden.push_back(place.get<size_t>());
      if (one.contains("userKeySchema")) {
        MS_ASSIGN_OR_RETURN(of_store.user_key, SchemaFromSparkJson(one.value("userKeySchema", "")));
      }
      of_store.has_ttl = one.value("ttl", false);
      facts.stores.push_back(std::move(of_store));
    }
    operators.push_back(std::move(facts));
  }
  return operators;
}

Status CheckStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators) {
  MS_ASSIGN_OR_RETURN(const Json kept, KeptIn(stores));
  if (!kept.is_array()) return Status();
  const Json now = Describe(operators);
  if (NamesOf(kept) != NamesOf(now)) return Status::Error(errors::kStateOperators, {{"OpsInMetadataSeq", NamesOf(kept)}, {"OpsInCurBatchSeq", NamesOf(now)}});
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i].contains("properties")) {
      MS_RETURN_IF_ERROR(CheckVariables(kept[i], now[i]));
      continue;
    }
    const Json &old_stores = kept[i]["stores"], &new_stores = now[i]["stores"];
    for (size_t s = 0; s < std::min(old_stores.size(), new_stores.size()); ++s) MS_RETURN_IF_ERROR(CheckStore(old_stores[s], new_stores[s]));
  }
  return Status();
}

Result<bool> HasOtherStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators) {
  MS_ASSIGN_OR_RETURN(const Json kept, KeptIn(stores));
  if (!kept.is_array()) return stores.version() == 0;
  const Json now = WithGone(operators, kept);
  return kept != now && std::any_of(now.begin(), now.end(), [](const Json& op) { return op.contains("properties"); });
}

Status KeepStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators) {
  MS_ASSIGN_OR_RETURN(const Json kept, KeptIn(stores));
  MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(kSchemaStore));
  return store->Put(kOperatorsKey, WithGone(operators, kept.is_array() ? kept : Json::array()).dump());
}

}  // namespace millstream
