#pragma once

// passed_keys.h   The keys of a store that the watermark has passed, oldest first: walked and removed.

#include <memory>
#include <string_view>

#include "streaming/state/state_store.h"
#include "types/data_type.h"

namespace millstream {

class PassedKeys {
 public:
  // The first column of the keys is their event time.
  static Result<std::unique_ptr<PassedKeys>> Make(StateStore& store, const DataType& time_type, int64_t through_us);
  // Removes the next one; false at the end. The views hold until the next call.
  Result<bool> Next(std::string_view* key, std::string_view* value);

 private:
  explicit PassedKeys(const DataType& time_type) : time_type_(time_type) {}
  const DataType time_type_;
  std::unique_ptr<StateIterator> walk_;
  int64_t through_us_ = 0;
};

}  // namespace millstream
