#pragma once

// stream_transform.h   A Python object that is called with each group of a batch and with the timers that it has set, and keeps variables
// (Spark's TransformWithStateInPySparkExec).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/python_code.h"
#include "streaming/operators/stream_operator.h"
#include "streaming/operators/transform_variables.h"

namespace millstream {

struct TransformSpec {
  std::shared_ptr<const PythonCode> code;
  StructType keys, columns;                          // the input: the keys and then the processor's columns, under unique names
  std::vector<std::string> key_names, column_names;  // as the processor knows them
  StructType initial;                                // of the initial state, beside the keys
  std::vector<std::string> initial_names;
  StructType output;  // under unique names
  std::vector<std::string> output_names;
  bool in_pandas = false;
  bool is_streaming = true;
  TransformWithState::Mode mode = TransformWithState::Mode::kAppend;
  TransformWithState::TimeMode time_mode = TransformWithState::TimeMode::kNone;
  std::optional<size_t> event_time;         // place in `columns`
  std::optional<size_t> output_event_time;  // place in `output`
};

class TransformOperator : public StatefulOperator {
 public:
  explicit TransformOperator(TransformSpec spec) : spec_(std::move(spec)) {}
  const StructType& schema() const override { return spec_.output; }
  std::string name() const override { return spec_.in_pandas ? "transformWithStateInPandasExec" : "transformWithStateInPySparkExec"; }
  Status Prepare(const std::function<bool()>& cancelled) override;
  std::vector<StateSchema> state_schemas() const override;
  std::string properties() const override;
  std::vector<std::string> dropped_stores() const override;
  bool Reads(size_t input, const BatchContext& batch) const override;
  int64_t OutputWatermark(int64_t input_watermark_ms) const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override;
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  Status StartProcess(const std::function<bool()>& cancelled);

  const TransformSpec spec_;
  std::unique_ptr<PythonProcess> process_;  // from Prepare on
  bool talking_ = false;                    // in the middle of a talk: what has failed there is not spoken to again
  std::optional<TransformDeclaration> declaration_;
  std::vector<bool> ships_;         // variables that are sent with the groups
  int64_t runs_ = 0;                // each has an object of its own
  StateOperatorProgress progress_;  // written when the batch's rows have ended
};

}  // namespace millstream
