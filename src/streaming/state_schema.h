#pragma once

// state_schema.h   Which operators a query's state belongs to and what its columns are, kept with the state: a query whose plan has changed is refused instead
// of misreading it (Spark's StateSchemaCompatibilityChecker and OperatorStateMetadata).

#include <vector>

#include "streaming/operators/stream_operator.h"

namespace millstream {

// STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA, STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE, STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE when `stores` were
// written by other operators. Stores without a schema are taken as they are.
Status CheckStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators);
// What the kept schemas say, for those who read the state as a table.
struct StateStoreFacts {
  std::string name;
  StructType key, value;  // with the names that people know
  StateLayout layout = StateLayout::kRow;
  std::vector<size_t> hidden;  // places in `value`
};
struct StateOperatorFacts {
  int64_t id = 0;
  std::string name;
  std::vector<StateStoreFacts> stores;
};
// In the order of their ids. Empty: there is no schema that could be read.
Result<std::vector<StateOperatorFacts>> ReadStateSchema(StateStores& stores);
// Puts the schema beside the state of the first batch; a part of its commit.
Status KeepStateSchema(StateStores& stores, const std::vector<StatefulOperator*>& operators);

}  // namespace millstream
