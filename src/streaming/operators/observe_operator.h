#pragma once

// observe_operator.h   DataFrame.observe: lets rows pass and computes aggregates of them on the side (Spark's CollectMetricsExec).

#include <memory>
#include <string>
#include <thread>

#include "streaming/operators/stream_operator.h"

namespace millstream {

class ObserveOperator : public StreamOperator {
 public:
  // `metrics` computes one row out of one scan, whose columns are some of `schema`'s.
  ObserveOperator(std::string name, StructType schema, std::unique_ptr<CompiledPlan> metrics);
  ~ObserveOperator() override;
  const StructType& schema() const override { return schema_; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;

  const std::string& name() const { return name_; }
  const StructType& metrics_schema() const { return metrics_->schema(); }
  // One row, of the rows that have been pulled since Run; the last call before the next Run. Errors: those of the metrics (ARITHMETIC_OVERFLOW…).
  Result<RecordBatchPtr> Observed();

 private:
  class Passing;
  class Tee;
  class Side;
  void End();

  const std::string name_;
  const StructType schema_;
  const std::unique_ptr<CompiledPlan> metrics_;
  std::shared_ptr<Passing> passing_;
  // Of its own, so that the aggregates need not hold the rows.
  std::thread computing_;
  Result<RecordBatchPtr> observed_;
};

}  // namespace millstream
