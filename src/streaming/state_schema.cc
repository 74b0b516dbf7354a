#include "streaming/state_schema.h"

#include <nlohmann/json.hpp>

#include "streaming/state/state_errors.h"

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

Json Describe(const std::vector<StatefulOperator*>& operators) {
  Json all = Json::array();
  for (const StatefulOperator* op : operators) {
    Json one{{"id", op->operator_id}, {"name", op->name()}, {"stores", Json::array()}};
    for (const StateSchema& store : op->state_schemas())
      one["stores"].push_back({{"name", store.store}, {"key", TypesOf(store.key, false)}, {"value", TypesOf(store.value, true)}});
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
