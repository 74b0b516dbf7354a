#pragma once

// stream_plan.h   An analyzed plan, cut at its operators: pieces that CompiledPlan computes, and operators between them. A batch query has no operators but
// those of DataFrame.observe.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/command.h"
#include "plan/logical_plan.h"
#include "streaming/operators/stream_operator.h"

namespace millstream {

class ObserveOperator;
class WatermarkOperator;

// Opens a leaf of the plan that is not an operator: a stream's new rows or a table.
using ScanOpener = std::function<Result<RowStreamPtr>(const RelationSourcePtr&, const ScanNeeds&)>;

struct StreamPlanOptions {
  OutputMode output_mode = OutputMode::kAppend;
  ComputeConf compute;
  bool ansi = true;
  // An operator above others is told what event time comes out of those; false: that of the query
  // (spark.sql.streaming.statefulOperator.allowMultiple, Spark's WatermarkPropagator).
  bool propagates_watermarks = true;
};

// Not thread-safe: one query owns it.
class StreamPlan {
 public:
  static Result<std::unique_ptr<StreamPlan>> Compile(const PlanPtr& analyzed, ComputeEngine& engine, const StreamPlanOptions& options);
  // A plan without operators.
  explicit StreamPlan(std::unique_ptr<CompiledPlan> whole);
  ~StreamPlan();

  const StructType& schema() const;
  // Bottom up, left to right.
  const std::vector<StatefulOperator*>& stateful() const { return stateful_; }
  // Each before those below it, left to right: as Spark lists them.
  std::vector<const StatefulOperator*> StatefulFromTop() const;
  const std::vector<WatermarkOperator*>& watermarks() const { return watermarks_; }
  const std::vector<ObserveOperator*>& observers() const { return observers_; }
  // There is a withWatermark above another one, which Spark allows until there is a watermark.
  bool redefines_watermark() const { return redefines_watermark_; }

  // Begins a batch. The context's watermarks are those of the plan's inputs; operators above others are told what comes out of those.
  Result<RowStreamPtr> Run(const BatchContext& batch, const ScanOpener& open_scan, const std::shared_ptr<CancelToken>& cancel);
  // Ends the batch: what nobody has pulled (a sink that had the batch before, a LIMIT) passes the operators nevertheless, so that all have seen all rows.
  Status Finish();
  // Some operator has work to do in a batch without data once the watermark has moved.
  bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const;

 private:
  struct Piece;
  struct Node;
  struct Watermarks {
    int64_t late_ms, eviction_ms;
  };
  class Rows;
  class Cutter;
  static void AddFromTop(const Piece& piece, std::vector<const StatefulOperator*>* operators);
  StreamPlan();
  // `watermarks`: of the inputs; afterwards, of what comes out.
  Result<RowStreamPtr> RunPiece(Piece& piece, const BatchContext& batch, const ScanOpener& open_scan, const std::shared_ptr<CancelToken>& cancel,
                                Watermarks* watermarks);
  Result<std::shared_ptr<Rows>> RunNode(Node& node, const BatchContext& batch, const ScanOpener& open_scan, const std::shared_ptr<CancelToken>& cancel,
                                        Watermarks* watermarks);
  bool AsksForBatch(const Piece& piece, Watermarks* last_and_new) const;

  std::unique_ptr<Piece> root_;
  std::vector<StatefulOperator*> stateful_;
  std::vector<WatermarkOperator*> watermarks_;
  std::vector<ObserveOperator*> observers_;
  bool propagates_watermarks_ = true;
  bool redefines_watermark_ = false;
  std::vector<std::shared_ptr<Rows>> running_;  // bottom up
};

}  // namespace millstream
