#include "connectors/api/table.h"
#include "session/local_session.h"
#include "session/result_table.h"
#include "session/session_errors.h"
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

}  // namespace

Result<PlanPtr> LocalSession::AnalyzePlan(const PlanPtr& plan) {
  SessionCatalog catalog = MakeCatalog();
  return Analyze(plan, catalog, analyzer_conf());
}

Result<PlanPtr> LocalSession::AnalyzeBatch(const PlanPtr& plan) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(plan));
  if (IsStreaming(*analyzed)) {
    const RelationSource* stream = FirstStream(*analyzed);
    return Status::Error(errors::kStreamingUnsupported, {{"msg", kStreamInBatchQuery + (stream != nullptr ? stream->name() : std::string())}});
  }
  return analyzed;
}

Result<QueryResult> LocalSession::Execute(const PlanPtr& plan, std::shared_ptr<CancelToken> cancel) {
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzeBatch(plan));
  return ExecuteAnalyzed(analyzed, Cancel{std::move(cancel), nullptr});
}

Result<QueryResult> LocalSession::ExecuteAnalyzed(const PlanPtr& analyzed, const Cancel& cancel) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<CompiledPlan> compiled, CompiledPlan::Compile(Optimize(analyzed), engine_->compute, compute_conf()));
  std::vector<RowStreamPtr> inputs;
  for (const auto& [relation, needs] : compiled->scans()) {
    const auto* table = dynamic_cast<const BatchRelationSource*>(relation.get());
    if (table == nullptr) return Status::Internal(relation->name() + " cannot be read in a batch query");
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, table->Scan(needs));
    inputs.push_back(std::move(rows));
  }
  MS_ASSIGN_OR_RETURN(RowStreamPtr rows, compiled->Run(std::move(inputs), cancel.token));
  StructType schema = compiled->schema();
  return QueryResult{std::move(schema), OwnedRows(std::move(rows), std::pair(engine_, compiled))};
}

Result<QueryResult> LocalSession::ExecuteCommand(const Command& command, std::shared_ptr<CancelToken> cancel, std::shared_ptr<BatchWrites> writes) {
  const Cancel under{std::move(cancel), std::move(writes)};
  return std::visit([&](const auto& one) { return Run(one, under); }, command.node);
}

Result<QueryResult> LocalSession::Run(const Explain& command, const Cancel&) {
  ResultTable result(StructType({{"plan", DataType::String()}}));
  const bool extended = EqualsIgnoreCase(command.mode, "extended");
  MS_ASSIGN_OR_RETURN(PlanPtr analyzed, AnalyzePlan(command.query));
  std::string text;
  if (extended) text += "== Parsed Logical Plan ==\n" + TreeString(*command.query) + "\n== Analyzed Logical Plan ==\n" + TreeString(*analyzed) + "\n";
  text += extended ? "== Optimized Logical Plan ==\n" : "== Physical Plan ==\n";
  text += TreeString(*Optimize(analyzed));
  result.AddRow({TextValue(std::move(text))});
  return result.Finish();
}

}  // namespace millstream
