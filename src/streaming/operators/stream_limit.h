#pragma once

// stream_limit.h   The first rows of a stream, over all batches (Spark's StreamingGlobalLimitExec).

#include "streaming/operators/stream_operator.h"

namespace millstream {

class StreamLimitOperator : public StatefulOperator {
 public:
  StreamLimitOperator(StructType columns, int64_t rows_max) : columns_(std::move(columns)), rows_max_(rows_max) {}
  const StructType& schema() const override { return columns_; }
  std::string name() const override { return "globalLimit"; }
  std::vector<StateSchema> state_schemas() const override {
    return {{.store = "default", .key = {}, .value = StructType({{"value", DataType::Long()}}), .layout = StateLayout::kCounter}};
  }
  bool ShouldRunAnotherBatch(int64_t, int64_t) const override { return false; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  const StructType columns_;
  const int64_t rows_max_;
  StateOperatorProgress progress_;  // written when the batch's rows have ended
};

}  // namespace millstream
