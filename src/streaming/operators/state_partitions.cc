#include "streaming/operators/state_partitions.h"

#include <algorithm>

#include "base/crc32c.h"

namespace millstream {

Result<StatePartitions> StatePartitions::Open(StateStores& stores, int64_t operator_id) {
  int32_t count = 0;
  for (const StateStoreId& id : stores.Ids()) {
    if (id.operator_id == operator_id) count = std::max(count, id.partition + 1);
  }
  if (count == 0) count = kCount;
  StatePartitions partitions;
  for (int32_t partition = 0; partition < count; ++partition) {
    MS_ASSIGN_OR_RETURN(StateStore * store, stores.Store({.operator_id = operator_id, .partition = partition}));
    partitions.stores_.push_back(store);
  }
  return partitions;
}

size_t StatePartitions::PartitionOf(std::string_view key) const {
  if (stores_.size() == 1) return 0;
  // A checksum's bits depend on the key's in a linear way, and keys that count up differ in few: the product mixes them.
  return static_cast<size_t>((uint64_t{Crc32c(key)} * 0x9E3779B97F4A7C15ULL) >> 32) % stores_.size();
}

int64_t StatePartitions::rows() const {
  int64_t rows = 0;
  for (const StateStore* store : stores_) rows += store->rows();
  return rows;
}

int64_t StatePartitions::memory_bytes() const {
  int64_t bytes = 0;
  for (const StateStore* store : stores_) bytes += store->memory_bytes();
  return bytes;
}

}  // namespace millstream
