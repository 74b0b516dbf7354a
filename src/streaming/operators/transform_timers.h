#pragma once

// transform_timers.h   The timers of transformWithState: "…_keyToTimestamp" has (key ‖ moment), "…_timestampToKey" (moment ‖ key).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/operators/transform_variables.h"

namespace millstream {

class TransformTimers {
 public:
  static Result<std::unique_ptr<TransformTimers>> Open(StateStores& stores, int64_t operator_id, TransformWithState::TimeMode mode);
  Status Register(std::string_view key, int64_t moment_ms);
  Status Delete(std::string_view key, int64_t moment_ms);
  // Of one group.
  Result<std::vector<int64_t>> List(std::string_view key) const;
  struct Due {
    int64_t moment_ms = 0;
    std::string key;
  };
  // All that are not after `through_ms`, oldest first.
  Result<std::vector<Due>> DueBy(int64_t through_ms) const;

 private:
  StateStore* timers_ = nullptr;
  StateStore* times_ = nullptr;
};

}  // namespace millstream
