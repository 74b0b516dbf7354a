#include "streaming/operators/stream_plan.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "streaming/operators/read_ahead.h"
#include "streaming/operators/stream_plan_pieces.h"

namespace millstream {

// The rows of an operator: pulled by the piece above it, and by Finish when that has stopped early.
class StreamPlan::Rows {
 public:
  explicit Rows(RowStreamPtr rows) : rows_(std::move(rows)) {}
  const ArrowSchemaPtr& schema() const { return rows_->schema(); }
  Result<RecordBatchPtr> Next() {
    Result<RecordBatchPtr> next = rows_->Next();
    std::lock_guard lock(mutex_);
    if (!next.ok() && failed_.ok()) failed_ = next.status();
    if (next.ok() && *next == nullptr) ended_ = true;
    return next;
  }
  Status Drain() {
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        MS_RETURN_IF_ERROR(failed_);
        if (ended_) return Status();
      }
      MS_ASSIGN_OR_RETURN([[maybe_unused]] RecordBatchPtr next, Next());
    }
  }

  // Some of the columns, for a piece.
  class View : public RowStream {
   public:
    View(std::shared_ptr<Rows> rows, const std::vector<std::string>& columns) : rows_(std::move(rows)) {
      std::vector<std::shared_ptr<arrow::Field>> fields;
      for (const std::string& column : columns) {
        columns_.push_back(rows_->schema()->GetFieldIndex(column));
        MS_CHECK(columns_.back() >= 0);
        fields.push_back(rows_->schema()->field(columns_.back()));
      }
      schema_ = arrow::schema(std::move(fields));
    }
    const ArrowSchemaPtr& schema() const override { return schema_; }
    Result<RecordBatchPtr> Next() override {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr next, rows_->Next());
      if (next == nullptr) return next;
      std::vector<std::shared_ptr<arrow::Array>> columns;
      for (int column : columns_) columns.push_back(next->column(column));
      return arrow::RecordBatch::Make(schema_, next->num_rows(), std::move(columns));
    }

   private:
    const std::shared_ptr<Rows> rows_;
    std::vector<int> columns_;
    ArrowSchemaPtr schema_;
  };

 private:
  const RowStreamPtr rows_;
  std::mutex mutex_;
  bool ended_ = false;  // GUARDED_BY(mutex_)
  Status failed_;       // GUARDED_BY(mutex_)
};

StreamPlan::StreamPlan() = default;
StreamPlan::~StreamPlan() = default;

StreamPlan::StreamPlan(std::unique_ptr<CompiledPlan> whole) : root_(std::make_unique<Piece>()) { root_->plan = std::move(whole); }

const StructType& StreamPlan::schema() const { return root_->plan->schema(); }

void StreamPlan::AddFromTop(const Piece& piece, std::vector<const StatefulOperator*>* operators) {
  for (const std::unique_ptr<Node>& node : piece.nodes) {
    if (node->stateful != nullptr) operators->push_back(node->stateful);
    for (const std::unique_ptr<Piece>& input : node->inputs) AddFromTop(*input, operators);
  }
}

std::vector<const StatefulOperator*> StreamPlan::StatefulFromTop() const {
  std::vector<const StatefulOperator*> operators;
  AddFromTop(*root_, &operators);
  return operators;
}

Result<RowStreamPtr> StreamPlan::Run(const BatchContext& batch, const ScanOpener& open_scan, const std::shared_ptr<CancelToken>& cancel) {
  running_.clear();
  Watermarks watermarks{propagates_watermarks_ ? batch.late_watermark_ms : batch.eviction_watermark_ms, batch.eviction_watermark_ms};
  return RunPiece(*root_, batch, open_scan, cancel, &watermarks);
}

Result<RowStreamPtr> StreamPlan::RunPiece(Piece& piece, const BatchContext& batch, const ScanOpener& open_scan, const std::shared_ptr<CancelToken>& cancel,
                                          Watermarks* watermarks) {
  const Watermarks in = *watermarks;
  std::vector<RowStreamPtr> inputs;
  for (const auto& [relation, needs] : piece.plan->scans()) {
    auto node = std::find_if(piece.nodes.begin(), piece.nodes.end(), [&](const std::unique_ptr<Node>& one) { return one->relation == relation; });
    if (node == piece.nodes.end()) {
      MS_ASSIGN_OR_RETURN(RowStreamPtr rows, open_scan(relation, needs));
      inputs.push_back(std::move(rows));
      continue;
    }
    Watermarks of_node = in;
    MS_ASSIGN_OR_RETURN(std::shared_ptr<Rows> rows, RunNode(**node, batch, open_scan, cancel, &of_node));
    inputs.push_back(std::make_unique<Rows::View>(std::move(rows), needs.columns));
    watermarks->late_ms = std::min(watermarks->late_ms, of_node.late_ms);
    watermarks->eviction_ms = std::min(watermarks->eviction_ms, of_node.eviction_ms);
  }
  return piece.plan->Run(std::move(inputs), cancel);
}

Result<std::shared_ptr<StreamPlan::Rows>> StreamPlan::RunNode(Node& node, const BatchContext& batch, const ScanOpener& open_scan,
                                                              const std::shared_ptr<CancelToken>& cancel, Watermarks* watermarks) {
  const Watermarks in = *watermarks;
  std::vector<RowStreamPtr> inputs;
  for (const std::unique_ptr<Piece>& input : node.inputs) {
    if (node.stateful != nullptr && !node.stateful->Reads(inputs.size(), batch)) {
      inputs.push_back(nullptr);
      continue;
    }
    Watermarks of_input = in;
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, RunPiece(*input, batch, open_scan, cancel, &of_input));
    if (node.stateful != nullptr) rows = std::make_unique<ReadAheadRows>(std::move(rows));
    inputs.push_back(std::move(rows));
    watermarks->late_ms = std::min(watermarks->late_ms, of_input.late_ms);
    watermarks->eviction_ms = std::min(watermarks->eviction_ms, of_input.eviction_ms);
  }
  BatchContext context = batch;
  context.late_watermark_ms = watermarks->late_ms;
  context.eviction_watermark_ms = watermarks->eviction_ms;
  context.cancel = cancel;
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, node.op->Run(context, std::move(inputs)));
  if (node.stateful != nullptr && propagates_watermarks_)
    *watermarks = {node.stateful->OutputWatermark(watermarks->late_ms), node.stateful->OutputWatermark(watermarks->eviction_ms)};
  running_.push_back(std::make_shared<Rows>(std::move(rows)));
  return running_.back();
}

Status StreamPlan::Finish() {
  // From the top: what is below has been pulled by what is above it.
  Status finished;
  for (auto rows = running_.rbegin(); rows != running_.rend() && finished.ok(); ++rows) finished = (*rows)->Drain();
  running_.clear();
  return finished;
}

// `last_and_new` are the last and the new watermark of the inputs, and then of what comes out.
bool StreamPlan::AsksForBatch(const Piece& piece, Watermarks* last_and_new) const {
  const Watermarks in = *last_and_new;
  bool asks = false;
  for (const std::unique_ptr<Node>& node : piece.nodes) {
    Watermarks of_node = in;
    for (const std::unique_ptr<Piece>& input : node->inputs) {
      Watermarks of_input = in;
      asks |= AsksForBatch(*input, &of_input);
      of_node = {std::min(of_node.late_ms, of_input.late_ms), std::min(of_node.eviction_ms, of_input.eviction_ms)};
    }
    if (node->stateful != nullptr) {
      asks |= node->stateful->ShouldRunAnotherBatch(of_node.late_ms, of_node.eviction_ms);
      if (propagates_watermarks_) of_node = {node->stateful->OutputWatermark(of_node.late_ms), node->stateful->OutputWatermark(of_node.eviction_ms)};
    }
    *last_and_new = {std::min(last_and_new->late_ms, of_node.late_ms), std::min(last_and_new->eviction_ms, of_node.eviction_ms)};
  }
  return asks;
}

bool StreamPlan::ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const {
  Watermarks last_and_new{last_watermark_ms, new_watermark_ms};
  return AsksForBatch(*root_, &last_and_new);
}

}  // namespace millstream
