#pragma once

// stream_aggregate.h   Groups that grow from batch to batch (Spark's StateStoreRestoreExec and StateStoreSaveExec).
//
// The piece below makes one row a group of the batch's rows: the keys, then the aggregates' buffers. This keeps keys → buffers and lets out the same columns:
// append mode the groups that the watermark has passed, update mode those that changed, complete mode all. The piece above makes the results of the buffers.

#include <memory>
#include <optional>

#include "plan/command.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

struct StreamAggregateSpec {
  StructType keys, buffers;            // of the input and the output: keys, then buffers
  std::vector<std::string> functions;  // what makes each buffer, as SQL: a buffer of another function is not continued
  std::vector<bool> is_sparks;         // of each buffer: Spark has it too
  std::vector<std::string> names;      // of keys and buffers, for people
  bool has_event_time = false;         // the first key is an event time: a timestamp, or a window of them
  OutputMode mode = OutputMode::kAppend;
  // Rows (older buffers o0…, newer buffers n0…, r: bigint) → (merged buffers, r).
  std::unique_ptr<CompiledPlan> merge;
};

class StreamAggregateOperator : public StatefulOperator {
 public:
  explicit StreamAggregateOperator(StreamAggregateSpec spec);
  const StructType& schema() const override { return schema_; }
  std::string name() const override { return "stateStoreSave"; }
  std::vector<StateSchema> state_schemas() const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override {
    return spec_.mode != OutputMode::kComplete && new_watermark_ms > last_watermark_ms;
  }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  std::vector<std::string> BufferNames() const;
  std::vector<size_t> HiddenBuffers() const;
  bool IsSparks(size_t buffer) const { return buffer >= spec_.is_sparks.size() || spec_.is_sparks[buffer]; }
  const StreamAggregateSpec spec_;
  StructType schema_;
  StateOperatorProgress progress_;  // written when the batch's rows have ended
};

}  // namespace millstream
