#include "streaming/unsupported_operation_checker.h"

#include <algorithm>

#include "streaming/operators/event_time.h"
#include "streaming/operators/stream_join_plan.h"
#include "streaming/streaming_errors.h"
#include "streaming/streaming_rules.h"

namespace millstream {
namespace {

Status OutputModeUnsupported(const char* mode, const char* operation) {
  return Status::Error(errors::kOutputModeUnsupportedOperation, {{"outputMode", mode}, {"operation", operation}});
}

// Rows of an outer join that meet nobody come out when the watermark says so: there must be one that does.
Status CheckStreamJoin(const Join& join, OutputMode mode) {
  if (join.type == JoinType::kInner || join.type == JoinType::kCross) return Status();
  if (join.type == JoinType::kLeftAnti) return NotSupported("LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported");
  const std::string name = join.type == JoinType::kLeftOuter    ? "LeftOuter"
                           : join.type == JoinType::kRightOuter ? "RightOuter"
                           : join.type == JoinType::kFullOuter  ? "FullOuter"
                                                                : "LeftSemi";
  if (mode != OutputMode::kAppend) {
    return NotSupported(name + " join between two streaming DataFrames/Datasets is not supported in " + (mode == OutputMode::kUpdate ? "Update" : "Complete") +
                        " output mode, only in Append output mode");
  }
  if (UnmatchedRowsEnd(join, EventTimesOf(*join.left), EventTimesOf(*join.right))) return Status();
  return NotSupported(
      "Stream-stream " + name +
      " join between two streaming DataFrame/Datasets is not supported without a watermark in the join keys, or a watermark on the nullable side "
      "and an appropriate range condition");
}

Status CheckJoin(const Join& join, OutputMode mode) {
  const bool left = IsStreaming(*join.left), right = IsStreaming(*join.right);
  if (left && right) return CheckStreamJoin(join, mode);
  switch (join.type) {
    case JoinType::kInner:
    case JoinType::kCross:
      return Status();
    case JoinType::kFullOuter:
      return NotSupported("FullOuter joins with streaming DataFrames/Datasets on only one side are not supported");
    case JoinType::kLeftOuter:
    case JoinType::kLeftSemi:
    case JoinType::kLeftAnti:
      if (right)
        return NotSupported(
            "LeftOuter/LeftSemi/LeftAnti join with a streaming DataFrame/Dataset on the right and a static DataFrame/Dataset on the left is not supported");
      return Status();
    case JoinType::kRightOuter:
      if (left) return NotSupported("RightOuter join with a streaming DataFrame/Dataset on the left and a static DataFrame/DataSet on the right not supported");
      return Status();
  }
  return Status();
}

const char* NameOf(OutputMode mode) { return mode == OutputMode::kAppend ? "Append" : mode == OutputMode::kUpdate ? "Update" : "Complete"; }

// What of it depends on aggregations elsewhere in the query is in CheckGroupsAndAggregates.
Status CheckPythonGroups(const PythonGroups& groups, OutputMode) {
  if (groups.timeout == PythonGroups::Timeout::kEventTime && EventTimesOf(*groups.child).empty()) {
    return NotSupported(
        "Watermark must be specified in the query using '[Dataset/DataFrame].withWatermark()' for using event-time timeout in a applyInPandasWithState. "
        "Event-time timeout not supported without watermark.");
  }
  return Status();
}

int CountPythonGroups(const PlanNode& plan) {
  int count = plan.As<PythonGroups>() && IsStreaming(plan) ? 1 : 0;
  for (const PlanPtr& child : ChildrenOf(plan)) count += CountPythonGroups(*child);
  return count;
}

Status CheckGroupsAndAggregates(const PlanNode& plan, OutputMode mode, bool has_aggregates) {
  for (const PlanPtr& child : ChildrenOf(plan)) MS_RETURN_IF_ERROR(CheckGroupsAndAggregates(*child, mode, has_aggregates));
  const auto* groups = plan.As<PythonGroups>();
  if (groups == nullptr || !IsStreaming(plan)) return Status();
  if (!has_aggregates) {
    if (groups->updates == (mode == OutputMode::kUpdate) && mode != OutputMode::kComplete) return Status();
    return NotSupported(std::string("applyInPandasWithState in ") + (groups->updates ? "update" : "append") + " mode is not supported with " + NameOf(mode) +
                        " output mode on a streaming DataFrame/Dataset");
  }
  if (groups->updates) return NotSupported("applyInPandasWithState in update mode is not supported with aggregation on a streaming DataFrame/Dataset");
  if (HasStreamingAggregate(*groups->child))
    return NotSupported("applyInPandasWithState in append mode is not supported after aggregation on a streaming DataFrame/Dataset");
  return Status();
}

// `plan` has a stream below it.
Status CheckNode(const PlanNode& plan, OutputMode mode) {
  if (const auto* aggregate = plan.As<Aggregate>()) {
    // Without an event time among the keys no group would ever be complete.
    const EventTimes times = EventTimesOf(*aggregate->child);
    const bool ends = std::any_of(aggregate->group_by.begin(), aggregate->group_by.end(), [&](const ExprPtr& key) { return IsEventTime(*key, times); });
    if (mode == OutputMode::kAppend && !ends) return OutputModeUnsupported("append", "streaming aggregations without watermark");
    return Status();
  }
  if (const auto* sort = plan.As<Sort>())
    return mode == OutputMode::kComplete && HasStreamingAggregate(*sort->child)
               ? Status()
               : NotSupported(
                     "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset in Complete output mode");
  if (const auto* groups = plan.As<PythonGroups>()) return CheckPythonGroups(*groups, mode);
  if (plan.As<Limit>())
    return mode == OutputMode::kUpdate ? NotSupported("Limits are not supported on streaming DataFrames/Datasets in Update output mode") : Status();
  if (plan.As<Offset>()) return NotSupported("Offset is not supported on streaming DataFrames/Datasets");
  if (plan.As<Tail>()) return NotSupported("Tail is not supported on streaming DataFrames/Datasets");
  if (plan.As<Sample>()) return NotSupported("Sampling is not supported on streaming DataFrames/Datasets");
  if (plan.As<Window>()) return NotSupported("Non-time-based windows are not supported on streaming DataFrames/Datasets");
  if (const auto* deduplicate = plan.As<Deduplicate>()) {
    if (deduplicate->within_watermark && !HasWatermark(*deduplicate->child))
      return NotSupported("dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark");
    return Status();
  }
  if (const auto* set = plan.As<SetOperation>()) {
    if (set->kind == SetOperation::Kind::kIntersect) return NotSupported("Intersect of streaming DataFrames/Datasets is not supported");
    if (set->kind == SetOperation::Kind::kExcept) {
      return IsStreaming(*set->right) ? NotSupported("Except on a streaming DataFrame/Dataset on the right is not supported") : Status();
    }
    if (IsStreaming(*set->left) != IsStreaming(*set->right)) return NotSupported("Union between streaming and batch DataFrames/Datasets is not supported");
  }
  if (const auto* join = plan.As<Join>()) return CheckJoin(*join, mode);
  return Status();
}

Status CheckTree(const PlanNode& plan, OutputMode mode) {
  if (!IsStreaming(plan)) return Status();
  for (const PlanPtr& child : ChildrenOf(plan)) MS_RETURN_IF_ERROR(CheckTree(*child, mode));
  return CheckNode(plan, mode);
}

void CollectStreams(const PlanNode& plan, std::vector<RelationSourcePtr>& streams) {
  if (const auto* scan = plan.As<ScanRelation>(); scan != nullptr && scan->source->is_streaming()) {
    if (std::find(streams.begin(), streams.end(), scan->source) == streams.end()) streams.push_back(scan->source);
  }
  for (const PlanPtr& child : ChildrenOf(plan)) CollectStreams(*child, streams);
}

}  // namespace

Status CheckStreamingOperations(const PlanNode& plan, OutputMode mode) {
  if (mode == OutputMode::kComplete && !HasStreamingAggregate(plan)) return OutputModeUnsupported("complete", "no streaming aggregations");
  MS_RETURN_IF_ERROR(CheckStreamingRules(plan, mode));
  if (CountPythonGroups(plan) > 1) return NotSupported("Multiple applyInPandasWithStates are not supported on a streaming DataFrames/Datasets");
  MS_RETURN_IF_ERROR(CheckGroupsAndAggregates(plan, mode, HasStreamingAggregate(plan)));
  return CheckTree(plan, mode);
}

std::vector<RelationSourcePtr> StreamsOf(const PlanNode& plan) {
  std::vector<RelationSourcePtr> streams;
  CollectStreams(plan, streams);
  return streams;
}

}  // namespace millstream
