#pragma once

// state_schema.h   Which operators a query's state belongs to and what its columns are, kept with the state: a query whose plan has changed is refused instead
// of misreading it (Spark's StateSchemaCompatibilityChecker and OperatorStateMetadata).

#include <vector>

#include "streaming/operators/stream_operator.h"

namespace millstream {

// STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA, STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE, STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE,
// STATE_STORE_INVALID_CONFIG_AFTER_RESTART, STATE_STORE_INVALID_VARIABLE_TYPE_CHANGE when `stores` were written by other operators. Stores without a schema are taken as they are.
Status CheckStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators);
// What the kept schemas say, for those who read the state as a table.
struct StateStoreFacts {
  std::string name;
  StructType key, value;  // with the names that people know
  StateLayout layout = StateLayout::kRow;
  std::vector<size_t> hidden;  // places in `value`
  StructType user_key;         // of a map
  bool has_ttl = false;
};
struct StateOperatorFacts {
  int64_t id = 0;
  std::string name, properties;
  std::vector<StateStoreFacts> stores;
};
// In the order of their ids. Empty: there is no schema that could be read.
Result<std::vector<StateOperatorFacts>> ReadStateSchema(StateStores& stores);
// Whether what is kept is to be written anew: variables of transformWithState come and go.
Result<bool> HasOtherStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators);
// Puts the schema beside the state of the next batch; a part of its commit.
Status KeepStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators);

}  // namespace millstream
