#pragma once

// watermark_operator.h   withWatermark: lets rows pass and notes their event times (Spark's EventTimeWatermarkExec).

#include <memory>
#include <mutex>

#include "streaming/operators/stream_operator.h"

namespace millstream {

class WatermarkOperator : public StreamOperator {
 public:
  // `column` of `schema` is the event time: a timestamp.
  WatermarkOperator(StructType schema, size_t column, int64_t delay_ms);
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;

  int64_t delay_ms() const { return delay_ms_; }
  // Of the batch that has ended. Thread-safe.
  EventTimeStats stats() const;

 private:
  class Rows;
  void Observe(const arrow::RecordBatch& batch);

  const StructType schema_;
  const size_t column_;
  const int64_t delay_ms_;
  mutable std::mutex mutex_;
  EventTimeStats stats_;  // GUARDED_BY(mutex_)
};

}  // namespace millstream
