#include "streaming/operators/transform_timers.h"

#include <limits>

#include "streaming/operators/moment_bytes.h"
#include "streaming/operators/transform_state.h"

namespace millstream {

Result<std::unique_ptr<TransformTimers>> TransformTimers::Open(StateStores& stores, int64_t operator_id, TransformWithState::TimeMode mode) {
  auto timers = std::make_unique<TransformTimers>();
  MS_ASSIGN_OR_RETURN(timers->timers_, stores.Store({.operator_id = operator_id, .name = TimersStoreName(mode)}));
  MS_ASSIGN_OR_RETURN(timers->times_, stores.Store({.operator_id = operator_id, .name = TimerTimesStoreName(mode)}));
  return timers;
}

Status TransformTimers::Register(std::string_view key, int64_t moment_ms) {
  const std::string moment = MomentBytes(moment_ms);
  MS_RETURN_IF_ERROR(timers_->Put(std::string(key) + moment, ""));
  return times_->Put(moment + std::string(key), "");
}

Status TransformTimers::Delete(std::string_view key, int64_t moment_ms) {
  const std::string moment = MomentBytes(moment_ms);
  MS_RETURN_IF_ERROR(timers_->Remove(std::string(key) + moment));
  return times_->Remove(moment + std::string(key));
}

Result<std::vector<int64_t>> TransformTimers::List(std::string_view key) const {
  std::vector<int64_t> moments;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, timers_->Scan(key, PrefixEnd(key)));
  std::string_view at, nothing;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&at, &nothing));
    if (!more) return moments;
    if (at.size() == key.size() + kMomentBytes) moments.push_back(MomentOf(at.substr(key.size())));
  }
}

Result<std::vector<TransformTimers::Due>> TransformTimers::DueBy(int64_t through_ms) const {
  std::vector<Due> due;
  const std::string end = through_ms == std::numeric_limits<int64_t>::max() ? std::string() : MomentBytes(through_ms + 1);
  MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, times_->Scan({}, end));
  std::string_view at, nothing;
  for (;;) {
    MS_ASSIGN_OR_RETURN(bool more, walk->Next(&at, &nothing));
    if (!more) return due;
    due.push_back({MomentOf(at), std::string(at.substr(kMomentBytes))});
  }
}

}  // namespace millstream
