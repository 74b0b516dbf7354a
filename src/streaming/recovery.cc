#include "streaming/recovery.h"

#include <fmt/format.h>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

Recovery Refuse(Status status) {
  Recovery recovery;
  recovery.step = NextStep::kRefuse;
  recovery.refusal = std::move(status);
  return recovery;
}

Recovery RefuseDamaged(const CheckpointFacts& found, std::string problem, std::string repair) {
  return Refuse(
      Status::Error(errors::kCheckpointDamaged, {{"checkpointLocation", found.location}, {"problem", std::move(problem)}, {"repair", std::move(repair)}}));
}

// A torn newest entry of offsets/ can be dropped only when its batch is in no sink: planned anew, the batch would get other rows under the
// same number, and a sink that has the number already would skip them.
Recovery DropDamagedOffsets(const CheckpointFacts& found) {
  const BatchId damaged = *found.damaged_offsets;
  const std::string entry = fmt::format("{}/offsets/{}", found.location, damaged.value());
  if (found.last_commit && *found.last_commit >= damaged)
    return RefuseDamaged(found, fmt::format("offsets/{} is damaged, and the batch was committed.", damaged.value()),
                         fmt::format("Restore {} from a backup, or start with a new checkpoint.", entry));
  if (found.last_in_sink && *found.last_in_sink >= damaged)
    return RefuseDamaged(found, fmt::format("offsets/{} is damaged, and the sink holds that batch already.", damaged.value()),
                         fmt::format("Restore {} from a backup, or start with a new checkpoint.", entry));
  CheckpointFacts without = found;
  without.damaged_offsets.reset();
  Recovery recovery = DecideRecovery(without);
  if (recovery.step == NextStep::kRefuse) return recovery;
  recovery.discard_damaged_offsets = true;
  recovery.warnings.push_back(fmt::format("{} is damaged and its batch is in no commit: dropped, the batch is planned again", entry));
  return recovery;
}

}  // namespace

Recovery DecideRecovery(const CheckpointFacts& found) {
  const bool has_logs = found.last_offsets || found.damaged_offsets || found.last_commit || found.damaged_commit;
  if (!found.has_metadata && has_logs) return Refuse(Status::Error(errors::kMissingMetadataFile, {{"checkpointLocation", found.location}}));
  if (found.damaged_offsets) return DropDamagedOffsets(found);

  Recovery recovery;
  recovery.discard_damaged_commit = found.damaged_commit.has_value();
  if (recovery.discard_damaged_commit)
    recovery.warnings.push_back(
        fmt::format("{}/commits/{} is damaged: dropped, the batch is offered to the sink again", found.location, found.damaged_commit->value()));

  if (!found.last_offsets) {
    if (found.last_commit || found.damaged_commit)
      return RefuseDamaged(found, "it has entries in commits/ and none in offsets/.", "Restore offsets/ from a backup, or start with a new checkpoint.");
    recovery.step = NextStep::kStartFresh;
    return recovery;
  }
  const BatchId last = *found.last_offsets;
  const std::optional<BatchId> newest_commit = std::max(found.last_commit, found.damaged_commit);
  if (newest_commit && *newest_commit > last)
    return RefuseDamaged(found, fmt::format("commits/{} is newer than the newest entry of offsets/, {}.", newest_commit->value(), last.value()),
                         "Restore offsets/ from a backup, or start with a new checkpoint.");
  if (last.value() > 0 && !found.has_offsets_before_last)
    return RefuseDamaged(found, fmt::format("batch {} doesn't exist in offsets/.", last.value() - 1),
                         fmt::format("Restore {}/offsets/{} from a backup, or start with a new checkpoint.", found.location, last.value() - 1));
  if (found.last_commit == last) {
    recovery.step = NextStep::kPlanNextBatch;
    recovery.batch = last.next();
    return recovery;
  }
  if (last.value() > 0 && found.last_commit < last.previous())
    recovery.warnings.push_back(fmt::format("the newest entry of commits/ does not trail batch {} by one: batch {} runs again", last.value(), last.value()));
  recovery.step = NextStep::kRerunBatch;
  recovery.batch = last;
  return recovery;
}

}  // namespace millstream
