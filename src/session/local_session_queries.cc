#include <fmt/format.h>

#include "base/ignore_case.h"
#include "connectors/api/table.h"
#include "connectors/files/cloud_files_plan.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"
#include "streaming/operators/observe_operator.h"
#include "streaming/operators/stream_plan.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

constexpr const char* kStreamInBatchQuery =
    "Queries with streaming sources must be executed with writeStream.start(), or from a streaming table or flow definition within a Spark "
    "Declarative Pipeline.;\n";

const RelationSource* FirstStream(const PlanNode& plan) {
  std::vector<const PlanNode*> open = {&plan};
  std::vector<PlanPtr> held;
  while (!open.empty()) {
    const PlanNode* node = open.back();
    open.pop_back();
    if (const auto* scan = node->As<ScanRelation>(); scan != nullptr && scan->source->is_streaming()) return scan->source.get();
    for (PlanPtr& child : ChildrenOf(*node)) {
      open.push_back(child.get());
      held.push_back(std::move(child));
    }
  }
  return nullptr;
}

// What a stream without a checkpoint would load.
std::string ForecastText(const CloudFilesForecast& forecast) {
  return fmt::format(
      "\n== Files ==\nof a first start: {} files, {} bytes, in {} batches; left out: {} hidden, {} unfinished\nnext: cloud_files_plan('/path', checkpoint => "
      "'…') "
      "lists them, and knows what a checkpoint has loaded\n",
      forecast.files, forecast.bytes, forecast.batches, forecast.left_out.hidden, forecast.left_out.unfinished);
}

Result<RowStreamPtr> ScanTable(const RelationSourcePtr& relation, const ScanNeeds& needs) {
  const auto* table = dynamic_cast<const BatchRelationSource*>(relation.get());
  if (table == nullptr) return Status::Internal(relation->name() + " cannot be read in a batch query");
  return table->Scan(needs);
}

// Tells what was observed of the rows when the last of them has been read.
class ObservedRows : public RowStream {
 public:
  ObservedRows(RowStreamPtr rows, std::shared_ptr<StreamPlan> plan, std::shared_ptr<Observations> observed)
      : rows_(std::move(rows)), plan_(std::move(plan)), observed_(std::move(observed)) {}
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr next, rows_->Next());
    if (next != nullptr) return next;
    std::lock_guard lock(mutex_);
    if (!is_told_) told_ = Tell();
    is_told_ = true;
    MS_RETURN_IF_ERROR(told_);
    return RecordBatchPtr();
  }

 private:
  Status Tell() {
    for (ObserveOperator* observer : plan_->observers()) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr row, observer->Observed());
      if (observed_ != nullptr) observed_->Add({observer->name(), observer->metrics_schema(), std::move(row)});
    }
    return Status();
  }

  const RowStreamPtr rows_;
  const std::shared_ptr<StreamPlan> plan_;
  const std::shared_ptr<Observations> observed_;
  std::mutex mutex_;
  bool is_told_ = false;  // GUARDED_BY(mutex_)
  Status told_;           // GUARDED_BY(mutex_)
};

}  // namespace

Result<PlanPtr> LocalSession::AnalyzePlan(const PlanPtr& plan) {
  MS_ASSIGN_OR_RETURN(PlanPtr whole, WithPivotValues(plan));
  SessionCatalog catalog = MakeCatalog();
  return Analyze(whole, catalog, analyzer_conf());
}

Result<PlanPtr> LocalSession::AnalyzeBatch(const PlanPtr& plan) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(plan));
  if (IsStreaming(*analyzed)) {
    const RelationSource* stream = FirstStream(*analyzed);
    return Status::Error(errors::kStreamingUnsupported, {{"msg", kStreamInBatchQuery + (stream != nullptr ? stream->name() : std::string())}});
  }
  return analyzed;
}

Result<QueryResult> LocalSession::Execute(const PlanPtr& plan, const Execution& under) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzeBatch(plan));
  return ExecuteAnalyzed(analyzed, under);
}

Result<QueryResult> LocalSession::ExecuteAnalyzed(const PlanPtr& analyzed, const Execution& under) {
  if (CollectsMetrics(*analyzed) || RunsPython(*analyzed)) return ExecuteObserved(analyzed, under);
  MS_ASSIGN_OR_RETURN(std::shared_ptr<CompiledPlan> compiled, CompiledPlan::Compile(Optimize(analyzed), engine_->compute, compute_conf()));
  std::vector<RowStreamPtr> inputs;
  for (const auto& [relation, needs] : compiled->scans()) {
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, ScanTable(relation, needs));
    inputs.push_back(std::move(rows));
  }
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, compiled->Run(std::move(inputs), under.cancel));
  StructType schema = compiled->schema();
  return QueryResult{std::move(schema), OwnedRows(std::move(rows), std::pair(engine_, compiled))};
}

Result<QueryResult> LocalSession::ExecuteObserved(const PlanPtr& analyzed, const Execution& under) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<StreamPlan> plan,
                      StreamPlan::Compile(analyzed, engine_->compute, {.compute = compute_conf(), .ansi = analyzer_conf().ansi}));
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, plan->Run(BatchContext{.timestamp_ms = analyzer_conf().now_us / 1000}, ScanTable, under.cancel));
  StructType schema = plan->schema();
  rows = std::make_unique<ObservedRows>(std::move(rows), plan, under.observed);
  return QueryResult{std::move(schema), OwnedRows(std::move(rows), std::pair(engine_, plan))};
}

Result<QueryResult> LocalSession::ExecuteCommand(const Command& command, const Execution& under) {
  return std::visit([&](const auto& one) { return Run(one, under); }, command.node);
}

Result<QueryResult> LocalSession::Run(const Explain& command, const Execution&) {
  ResultTable result(StructType({{"plan", DataType::String()}}));
  const bool extended = EqualsIgnoreCase(command.mode, "extended");
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(command.query));
  std::string text;
  if (extended) text += "== Parsed Logical Plan ==\n" + TreeString(*command.query) + "\n== Analyzed Logical Plan ==\n" + TreeString(*analyzed) + "\n";
  text += extended ? "== Optimized Logical Plan ==\n" : "== Physical Plan ==\n";
  text += TreeString(*Optimize(analyzed));
  if (const auto* files = dynamic_cast<const CloudFilesRelation*>(FirstStream(*analyzed))) {
    MS_ASSIGN_OR_RETURN(CloudFilesForecast forecast, Forecast(files->definition()));
    text += ForecastText(forecast);
  }
  result.AddRow({TextValue(std::move(text))});
  return result.Finish();
}

}  // namespace millstream
