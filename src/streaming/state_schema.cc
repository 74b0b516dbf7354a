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
constexpr std::string_view kKey = "operators";

// Keys by type alone: a renamed column is the same key. Values with their names, which say how they came about.
std::string TypesOf(const StructType& schema, bool with_names) {
  std::string text;
  for (const StructField& field : schema) text += (text.empty() ? "" : ", ") + (with_names ? field.name + " " : std::string()) + field.type.Sql();
  return text;
}

// As they stand in the checkpoint.
constexpr std::string_view kLayouts[] = {"row", "key-only", "moment", "join-row", "counter"};

StructType Renamed(const StructType& schema, const std::vector<std::string>& names) {
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
    for (const StateSchema& store : op->state_schemas())
      one["stores"].push_back({{"name", store.store},
                               {"key", TypesOf(store.key, false)},
                               {"value", TypesOf(store.value, true)},
                               {"keySchema", ToSparkJson(Renamed(store.key, store.key_names))},
                               {"valueSchema", ToSparkJson(Renamed(store.value, store.value_names))},
                               {"hidden", store.hidden},
                               {"layout", kLayouts[static_cast<size_t>(store.layout)]}});
    all.push_back(std::move(one));
  }
  return all;
}

std::string NamesOf(const Json& operators) {
  std::string text;
  for (const Json& op : operators) text += (text.empty() ? "" : ", ") + op.value("name", "");
  return text;
}

}  // namespace

Result<std::vector<StateOperatorFacts>> ReadStateSchema(StateStores& stores) {
  MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(kSchemaStore));
  std::string text;
  MS_ASSIGN_OR_RETURN(bool found, store->Get(kKey, &text));
  const Json kept = found ? Json::parse(text, nullptr, false) : Json();
  std::vector<StateOperatorFacts> operators;
  if (!kept.is_array()) return operators;
  for (const Json& op : kept) {
    StateOperatorFacts facts{.id = op.value("id", int64_t{0}), .name = op.value("name", ""), .stores = {}};
    for (const Json& one : op.value("stores", Json::array())) {
      const auto layout = std::find(std::begin(kLayouts), std::end(kLayouts), one.value("layout", ""));
      if (layout == std::end(kLayouts)) return std::vector<StateOperatorFacts>();
      StateStoreFacts of_store{.name = one.value("name", ""), .layout = static_cast<StateLayout>(layout - std::begin(kLayouts))};
      MS_ASSIGN_OR_RETURN(of_store.key, SchemaFromSparkJson(one.value("keySchema", "")));
      MS_ASSIGN_OR_RETURN(of_store.value, SchemaFromSparkJson(one.value("valueSchema", "")));
      for (const Json& place : one.value("hidden", Json::array())) of_store.hidden.push_back(place.get<size_t>());
      facts.stores.push_back(std::move(of_store));
    }
    operators.push_back(std::move(facts));
  }
  return operators;
}

Status CheckStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators) {
  MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(kSchemaStore));
  std::string text;
  MS_ASSIGN_OR_RETURN(bool found, store->Get(kKey, &text));
  const Json kept = found ? Json::parse(text, nullptr, false) : Json();
  if (!kept.is_array()) return Status();
  const Json now = Describe(operators);
  if (NamesOf(kept) != NamesOf(now)) return Status::Error(errors::kStateOperators, {{"OpsInMetadataSeq", NamesOf(kept)}, {"OpsInCurBatchSeq", NamesOf(now)}});
  for (size_t i = 0; i < now.size(); ++i) {
    const Json &old_stores = kept[i]["stores"], &new_stores = now[i]["stores"];
    for (size_t s = 0; s < std::min(old_stores.size(), new_stores.size()); ++s) {
      for (const auto& [part, error] : {std::pair{"key", &errors::kStateKeySchema}, std::pair{"value", &errors::kStateValueSchema}}) {
        const std::string before = old_stores[s].value(part, ""), after = new_stores[s].value(part, "");
        if (before != after) return Status::Error(*error, {{"storedSchema", before}, {"newSchema", after}});
      }
    }
  }
  return Status();
}

Status KeepStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators) {
  MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store(kSchemaStore));
  return store->Put(kKey, Describe(operators).dump());
}

}  // namespace millstream
