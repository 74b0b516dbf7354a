#include "streaming/operators/passed_keys.h"

#include <optional>

#include "streaming/state/row_codec.h"

namespace millstream {

Result<std::unique_ptr<PassedKeys>> PassedKeys::Make(StateStore& store, const DataType& time_type, int64_t through_us) {
  std::unique_ptr<PassedKeys> keys(new PassedKeys(time_type));
  keys->through_us_ = through_us;
  MS_ASSIGN_OR_RETURN(keys->walk_, store.Scan({}, {}));
  return keys;
}

Result<bool> PassedKeys::Next(std::string_view* key, std::string_view* value) {
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk_->Next(key, value));
    if (!more) return false;
    MS_ASSIGN_OR_RETURN(const std::optional<int64_t> time, FirstMomentOf(*key, time_type_));
    if (!time) continue;  // nulls come first, and never pass
    if (*time > through_us_) return false;
    MS_RETURN_IF_ERROR(walk_->Remove());
    return true;
  }
}

}  // namespace millstream
