#pragma once

// stream_join.h   Two streams joined by equal keys and a condition (Spark's StreamingSymmetricHashJoinExec): each side's rows are kept and meet those of the
// other side that come later, until the watermark says that none can come.
//
// A batch takes the left rows (against the right rows that are kept), then the right rows (against the left ones, those of this batch included), then
// lets go of what is done with: that is when rows of an outer join that have met nobody come out. In a left semi join the right rows come first, and a left
// row goes when it has met one.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"
#include "streaming/operators/join_bounds.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

struct StreamJoinSide {
  StructType columns;
  std::vector<std::string> names;  // of the columns, for people
  // The rows of this input: the columns, then the keys, then, when there is one, the side's own part of the condition: a row for which it is not true
  // meets nobody.
  StructType input;
  size_t keys = 0;
  bool has_condition = false;
  std::vector<size_t> not_null;      // input columns: a row with a null there meets nobody and is left out
  std::optional<size_t> event_time;  // among the columns: rows up to the watermark come too late
  // What decides when a row is done with: an input column, and the bound up to which. A window counts by its end.
  std::optional<size_t> expiry;
  StateBound bound;
};

struct StreamJoinSpec {
  JoinType type = JoinType::kInner;
  StreamJoinSide left, right;
  StructType output;  // left columns, then right ones; of a left semi join the left ones
  // What is left of the condition: a plan with one scan, over some columns of left and right and a number, that gives the numbers of the pairs for which it
  // is true. `condition_columns`: left ones, then right ones, by position.
  std::unique_ptr<CompiledPlan> condition;
  std::vector<size_t> condition_columns;
};

class StreamJoinOperator : public StatefulOperator {
 public:
  explicit StreamJoinOperator(StreamJoinSpec spec) : spec_(std::move(spec)) {}

  const StructType& schema() const override { return spec_.output; }
  Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) override;
  std::string name() const override { return "symmetricHashJoin"; }
  std::vector<StateSchema> state_schemas() const override;
  int64_t OutputWatermark(int64_t input_watermark_ms) const override;
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const override;
  StateOperatorProgress progress() const override { return progress_; }

 private:
  class Rows;
  StreamJoinSpec spec_;
  StateOperatorProgress progress_;
};

}  // namespace millstream
