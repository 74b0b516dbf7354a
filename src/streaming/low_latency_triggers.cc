#include "streaming/low_latency_triggers.h"

#include <string>

#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

Status NotContinuous(std::string_view what) {
  return Status::Error(errors::kStreamingUnsupported, {{"msg", "Continuous processing does not support " + std::string(what) + " operations."}});
}

// The Spark class by which its messages call a sink of real-time mode's refusals; empty: it is allowed.
std::string_view ClassOfSink(std::string_view sink) {
  if (sink == "console" || sink == "foreach" || sink == "kafka") return "";
  if (sink == "noop") return "org.apache.spark.sql.execution.datasources.noop.NoopTable$";
  if (sink == "memory") return "org.apache.spark.sql.execution.streaming.sources.MemorySink";
  if (sink == "delta") return "org.apache.spark.sql.delta.sources.DeltaSink";
  if (sink == "foreachBatch") return "org.apache.spark.sql.execution.streaming.sources.ForeachBatchSink";
  return "org.apache.spark.sql.execution.streaming.sinks.FileStreamSink";
}

std::string ClassOfStream(const std::string& source) {
  const std::string package = "org.apache.spark.sql.execution.streaming.sources.";
  if (source == "rate") return package + "RateStreamMicroBatchStream";
  if (source == "rate-micro-batch") return package + "RatePerMicroBatchStream";
  if (source == "socket") return package + "TextSocketMicroBatchStream";
  return source;
}

// As Spark's LogicalPlan.nodeName has it.
std::string_view NameOfNode(const PlanNode& plan) {
  if (plan.As<Aggregate>()) return "Aggregate";
  if (plan.As<Deduplicate>()) return "Deduplicate";
  if (plan.As<Sort>()) return "Sort";
  if (plan.As<Limit>()) return "LocalLimit";
  if (plan.As<Offset>()) return "Offset";
  if (plan.As<Tail>()) return "Tail";
  if (plan.As<Sample>()) return "Sample";
  if (plan.As<WithWatermark>()) return "EventTimeWatermark";
  if (plan.As<TransformWithState>()) return "TransformWithStateInPySpark";
  if (plan.As<PythonGroups>()) return "FlatMapGroupsInPandasWithState";
  if (plan.As<Generate>()) return "Generate";
  if (plan.As<Window>()) return "Window";
  if (plan.As<PythonEval>()) return "ArrowEvalPython";
  if (const auto* map = plan.As<PythonMap>()) return map->kind == PythonMap::Kind::kPandas ? "MapInPandas" : "MapInArrow";
  if (plan.As<Unpivot>()) return "Expand";
  if (plan.As<Join>()) return "Join";
  if (plan.As<Range>()) return "Range";
  if (plan.As<LocalRelation>()) return "LocalRelation";
  if (plan.As<OneRow>()) return "OneRowRelation";
  if (plan.As<Repartition>()) return "Repartition";
  if (plan.As<ScanRelation>()) return "LogicalRelation";
  if (const auto* set = plan.As<SetOperation>()) {
    return set->kind == SetOperation::Kind::kUnion ? "Union" : set->kind == SetOperation::Kind::kIntersect ? "Intersect" : "Except";
  }
  return "these";
}

Status CheckContinuousNode(const PlanNode& plan) {
  for (const PlanPtr& child : ChildrenOf(plan)) MS_RETURN_IF_ERROR(CheckContinuousNode(*child));
  if (plan.As<Project>() || plan.As<Filter>() || plan.As<SubqueryAlias>() || plan.As<ToDf>() || plan.As<WithColumns>()) return Status();
  if (const auto* scan = plan.As<ScanRelation>(); scan != nullptr && scan->source->is_streaming()) {
    const std::string name = scan->source->name();
    if (name == "rate" || name == "socket") return Status();
    if (name == "rate-micro-batch") return Status::Error(errors::kNoContinuousSource, {{"sourceName", name}});
    return NotContinuous("StreamingRelation");
  }
  return NotContinuous(NameOfNode(plan));
}

const RelationSource* AnyStream(const PlanNode& plan) {
  if (const auto* scan = plan.As<ScanRelation>(); scan != nullptr && scan->source->is_streaming()) return scan->source.get();
  for (const PlanPtr& child : ChildrenOf(plan)) {
    if (const RelationSource* found = AnyStream(*child)) return found;
  }
  return nullptr;
}

}  // namespace

Status CheckContinuousTrigger(const Trigger& trigger, const LowLatencyQuery& query) {
  if (trigger.kind != Trigger::Kind::kContinuous) return Status();
  if (query.sink == "foreachBatch") return Status::Error(errors::kNotWithContinuousTrigger, {{"source", std::string(query.sink)}});
  MS_RETURN_IF_ERROR(CheckContinuousNode(query.plan));
  if (query.asks_for_time) return NotContinuous("current time");
  if (query.sink == "noop" || query.sink == "memory" || query.sink == "console" || query.sink == "foreach") return Status();
  return Status::Error(errors::kUnknownTrigger, {{"trigger", "ContinuousTrigger(" + std::to_string(trigger.interval_ms) + ")"}});
}

Status CheckRealTimeTrigger(const Trigger& trigger, const LowLatencyQuery& query) {
  if (trigger.kind != Trigger::Kind::kRealTime) return Status();
  if (trigger.interval_ms <= 0) return Status::IllegalArgument("requirement failed: the batch duration should not be negative");
  // Delta says no to update mode by itself, and first.
  if (query.sink == "delta" && query.output_mode == OutputMode::kUpdate) return Status();
  if (const std::string_view sink = ClassOfSink(query.sink); query.checks_allowlist && !sink.empty()) {
    return Status::Error(errors::kRealTimeAllowlist, {{"errorType", "sink"}, {"message", std::string(sink) + " is"}});
  }
  if (query.output_mode != OutputMode::kUpdate) {
    return Status::Error(errors::kRealTimeOutputMode, {{"outputMode", query.output_mode == OutputMode::kAppend ? "Append" : "Complete"}});
  }
  const RelationSource* stream = AnyStream(query.plan);
  return Status::Error(errors::kRealTimeInput, {{"className", ClassOfStream(stream == nullptr ? "" : stream->name())}});
}

}  // namespace millstream
