#pragma once

// state_table_rows.h   The relations behind state_table.h, once it is known which store of which version is meant.

#include <string>
#include <string_view>
#include <vector>

#include "plan/logical_plan.h"
#include "storage/fs.h"
#include "streaming/state_schema.h"

namespace millstream {

struct StateRelationSpec {
  Fs& fs;
  std::string directory;  // <checkpoint>/state
  int64_t operator_id = 0;
  std::string store;  // its name; all partitions are read
  StateStoreFacts facts;
  bool flatten = true;   // each element of a list and each entry of a map is a row
  bool changes = false;  // of all batches from `first_batch` on; else what there is after `last_batch`
  int64_t first_batch = 0, last_batch = 0;
};
// Of the stores that there are.
std::vector<StateStoreId> PartitionsOf(const StateStores& stores, int64_t operator_id, std::string_view store);
RelationSourcePtr MakeStateRelation(StateRelationSpec spec);

struct StateMetadataRow {
  int64_t operator_id = 0;
  std::string operator_name, store_name, properties;
  int32_t partitions = 0;
  int64_t batch_min = 0, batch_max = 0;
};
RelationSourcePtr MakeStateMetadataRelation(std::vector<StateMetadataRow> rows);

}  // namespace millstream
