#pragma once

// stream_deduplicate.h   The first row of each key (Spark's StreamingDeduplicateExec and StreamingDeduplicateWithinWatermarkExec).

#include <optional>
#include <vector>

#include "streaming/operators/stream_operator.h"

namespace millstream {

struct StreamDeduplicateSpec {
  StructType columns;                // of the input and the output
  std::vector<std::string> names;    // of the columns, for people
  std::vector<size_t> keys;          // places in `columns`, an event time first
  std::optional<size_t> event_time;  // rows that come too late by this column are dropped, be it a key or not
  bool has_event_time = false;       // the first key is an event time: its state goes with the watermark
  // dropDuplicatesWithinWatermark: a key is forgotten this long after the event time of its first row.
  std::optional<int64_t> within_ms;
};

class StreamDeduplicateOperator : public StatefulOperator {
 public:
  explicit StreamDeduplicateOperator(StreamDeduplicateSpec spec);
  const StructType& schema() const override { return spec_.columns; }
  std::string name() const override { return spec_.within_ms ? "dedupeWithinWatermark" : "dedupe"; }
  std::vector<StateSchema> state_schemas() const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override { return new_watermark_ms > last_watermark_ms; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  const StreamDeduplicateSpec spec_;
  StructType key_schema_;
  StateOperatorProgress progress_;  // written when the batch's rows have ended
};

}  // namespace millstream
