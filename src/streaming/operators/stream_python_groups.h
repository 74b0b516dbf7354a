#pragma once

// stream_python_groups.h   A Python function that is called with each group of a batch and remembers something of it
// (Spark's FlatMapGroupsInPandasWithStateExec).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

struct PythonGroupsSpec {
  std::shared_ptr<const PythonCode> code;
  StructType keys, columns;               // the input: the keys and then the function's columns, under unique names
  std::vector<std::string> column_names;  // as the function knows them
  StructType output;                      // under unique names
  std::vector<std::string> output_names;
  StructType state;
  PythonGroups::Timeout timeout = PythonGroups::Timeout::kNone;
  std::optional<size_t> event_time;  // place in `columns`
};

class PythonGroupsOperator : public StatefulOperator {
 public:
  explicit PythonGroupsOperator(PythonGroupsSpec spec) : spec_(std::move(spec)) {}
  const StructType& schema() const override { return spec_.output; }
  std::string name() const override { return "applyInPandasWithState"; }
  std::vector<StateSchema> state_schemas() const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override;
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  Status StartProcess(const std::function<bool()>& cancelled);

  const PythonGroupsSpec spec_;
  std::unique_ptr<PythonProcess> process_;  // from the first batch on
  bool talking_ = false;                    // in the middle of a talk: what has failed there is not spoken to again
  StateOperatorProgress progress_;          // written when the batch's rows have ended
};

}  // namespace millstream
