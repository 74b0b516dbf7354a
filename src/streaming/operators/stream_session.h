#pragma once

// stream_session.h   Groups whose windows are sessions: a row that comes joins those that it meets (Spark's SessionWindowStateStoreRestoreExec,
// MergingSessionsExec and SessionWindowStateStoreSaveExec).
//
// The piece below makes one row a group of the batch's rows and a session of one of them: the session, the other keys, then the aggregates' buffers. Stores:
//   default   other keys, start → end, buffers
//   ends      end, other keys, start: those that the watermark has passed come first

#include "streaming/operators/stream_aggregate.h"

namespace millstream {

class StreamSessionOperator : public StatefulOperator {
 public:
  // The first key is the session, and there are others.
  explicit StreamSessionOperator(StreamAggregateSpec spec);
  const StructType& schema() const override { return schema_; }
  std::string name() const override { return "sessionWindowStateStoreSaveExec"; }
  std::vector<StateSchema> state_schemas() const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override {
    return spec_.mode != OutputMode::kComplete && new_watermark_ms > last_watermark_ms;
  }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  const StreamAggregateSpec spec_;
  StructType schema_;                   // keys, then buffers
  StructType others_;                   // keys but the session
  StructType kept_key_, kept_, ended_;  // other keys and start; end and buffers; end, other keys and start
  StateOperatorProgress progress_;      // written when the batch's rows have ended
};

}  // namespace millstream
