#pragma once

// state_partitions.h   The state of one operator in several stores, by a hash of the key, so that a large batch is looked up and kept by several threads
// (Spark's partitions of a stateful operator).

#include <string_view>
#include <vector>

#include "streaming/state/state_store.h"

namespace millstream {

class StatePartitions {
 public:
  // Of new state. Old state has as many as it was begun with: a key must be found where it was put.
  static constexpr int32_t kCount = 4;

  static Result<StatePartitions> Open(StateStores& stores, int64_t operator_id);
  size_t count() const { return stores_.size(); }
  StateStore& operator[](size_t partition) const { return *stores_[partition]; }
  size_t PartitionOf(std::string_view key) const;
  int64_t rows() const;
  int64_t memory_bytes() const;

 private:
  std::vector<StateStore*> stores_;
};

}  // namespace millstream
