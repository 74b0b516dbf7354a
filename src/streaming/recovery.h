#pragma once

// recovery.h   What a query does first, decided from what its checkpoint holds. Reads nothing, writes nothing.

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace millstream {

// What was found in a checkpoint directory.
struct CheckpointFacts {
  std::string location;  // for messages
  bool has_metadata = false;
  // The newest entry of each log; a damaged newest entry is `damaged_…` and the one before it `last_…`.
  std::optional<BatchId> last_offsets;
  std::optional<BatchId> last_commit;
  std::optional<BatchId> damaged_offsets;
  std::optional<BatchId> damaged_commit;
  bool has_offsets_before_last = false;  // offsets/<last_offsets - 1>
  // The newest batch of this query that the sink holds; nullopt: none, or the sink cannot tell.
  std::optional<BatchId> last_in_sink;
};

enum class NextStep { kStartFresh, kRerunBatch, kPlanNextBatch, kRefuse };

struct Recovery {
  NextStep step = NextStep::kStartFresh;
  BatchId batch{0};  // of kRerunBatch: the batch to run again with its logged offsets; of kPlanNextBatch: the batch to plan
  bool discard_damaged_offsets = false;
  bool discard_damaged_commit = false;
  std::vector<std::string> warnings;
  Status refusal;  // of kRefuse
};

Recovery DecideRecovery(const CheckpointFacts& found);

}  // namespace millstream
