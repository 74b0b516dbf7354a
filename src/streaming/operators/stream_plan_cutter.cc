// An analyzed plan is cut at its operators.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "plan/analyzer.h"
#include "streaming/operators/observe_operator.h"
#include "streaming/operators/python_functions.h"
#include "streaming/operators/stream_aggregate_plan.h"
#include "streaming/operators/stream_deduplicate.h"
#include "streaming/operators/stream_join_plan.h"
#include "streaming/operators/stream_limit.h"
#include "streaming/operators/stream_plan_pieces.h"
#include "streaming/operators/stream_python_groups.h"
#include "streaming/operators/stream_transform.h"
#include "streaming/operators/used_columns.h"
#include "streaming/operators/watermark_operator.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

// What an operator gives to the piece above it.
class OperatorRelation : public RelationSource {
 public:
  OperatorRelation(StructType schema, bool is_streaming) : schema_(std::move(schema)), is_streaming_(is_streaming) {}
  std::string name() const override { return "operator"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return is_streaming_; }

 private:
  const StructType schema_;
  const bool is_streaming_;
};

// Spark's WatermarkSupport.findEventTimeColumn, over what an operator reads.
Status CheckOneEventTime(const PlanNode& input) {
  const EventTimes times = EventTimesOf(input);
  if (times.size() < 2) return Status();
  std::string columns;
  for (const AttributeRef& column : OutputOf(input)) {
    if (const auto time = times.find(column.id); time != times.end())
      columns += fmt::format("{}{}#{}-T{}ms", columns.empty() ? "" : ",", column.name, column.id.value(), time->second);
  }
  return Status::Error(errors::kSeveralEventTimes, {{"eventTimeCols", columns}});
}

bool HasOperators(const PlanNode& plan) {
  if (CollectsMetrics(plan) || RunsPython(plan)) return true;
  if (!IsStreaming(plan)) return false;
  if (plan.As<WithWatermark>() || plan.As<Aggregate>() || plan.As<Deduplicate>() || plan.As<Limit>() || plan.As<PythonGroups>()) return true;
  const std::vector<PlanPtr> children = ChildrenOf(plan);
  if (plan.As<Join>() != nullptr && IsStreaming(*children[0]) && IsStreaming(*children[1])) return true;
  return std::any_of(children.begin(), children.end(), [](const PlanPtr& child) { return HasOperators(*child); });
}

}  // namespace

class StreamPlan::Cutter {
 public:
  Cutter(StreamPlan& plan, const PlanNode& whole, ComputeEngine& engine, const StreamPlanOptions& options)
      : plan_(plan), engine_(engine), options_(options), used_(whole) {}

  Result<std::unique_ptr<Piece>> MakePiece(const PlanPtr& plan) {
    auto piece = std::make_unique<Piece>();
    MS_ASSIGN_OR_RETURN(PlanPtr cut, Cut(plan, *piece));
    MS_ASSIGN_OR_RETURN(piece->plan, CompiledPlan::Compile(Optimize(cut), engine_, options_.compute));
    return piece;
  }

 private:
  // Depth is bounded by kMaxPlanDepth.
  Result<PlanPtr> Cut(const PlanPtr& plan, Piece& into) {
    if (const auto* node = plan->As<CollectMetrics>()) return CutMetrics(*node, into);
    if (const auto* node = plan->As<PythonEval>()) return CutPythonFunctions(*node, into);
    if (const auto* node = plan->As<PythonMap>()) return CutPythonMap(*node, into);
    if (const auto* node = plan->As<TransformWithState>()) return CutTransform(*node, into);
    if (!IsStreaming(*plan)) return CollectsMetrics(*plan) || RunsPython(*plan) ? CutBelow(*plan, into) : plan;
    if (const auto* node = plan->As<WithWatermark>()) return CutWatermark(*node, into);
    if (const auto* node = plan->As<Join>(); node != nullptr && IsStreaming(*node->left) && IsStreaming(*node->right)) {
      auto new_id = [this] { return ExprId(next_id_++); };
      Join narrow = *node;
      narrow.left = OnlyUsed(node->left);
      narrow.right = OnlyUsed(node->right);
      MS_RETURN_IF_ERROR(CheckOneEventTime(*narrow.left));
      MS_RETURN_IF_ERROR(CheckOneEventTime(*narrow.right));
      MS_ASSIGN_OR_RETURN(StreamJoinPlan join,
                          PlanStreamJoin(narrow, EventTimesOf(*node->left), EventTimesOf(*node->right), engine_, options_.compute, new_id));
      StatefulOperator* stateful = join.join.get();
      return Replace(std::move(join.join), stateful, {join.left, join.right}, std::move(join.output), into);
    }
    if (const auto* node = plan->As<Aggregate>(); node != nullptr && !of_one_batch_.contains(plan.get())) return CutAggregate(*node, into);
    if (const auto* node = plan->As<Deduplicate>()) return CutDeduplicate(*node, into);
    if (const auto* node = plan->As<PythonGroups>()) return CutPythonGroups(*node, into);
    // Above an aggregation in complete mode each batch's result is limited by itself.
    if (const auto* node = plan->As<Limit>(); node != nullptr && (options_.output_mode != OutputMode::kComplete || !HasStreamingAggregate(*node->child)))
      return CutLimit(*node, into);
    return CutBelow(*plan, into);
  }

  Result<PlanPtr> CutBelow(const PlanNode& plan, Piece& into) {
    std::vector<PlanPtr> children = ChildrenOf(plan);
    for (PlanPtr& child : children) {
      MS_ASSIGN_OR_RETURN(child, Cut(child, into));
    }
    if (const auto* node = plan.As<Project>()) return MakePlan(Project{UsedOf(node->expressions), std::move(children[0])});
    return WithChildren(plan, std::move(children));
  }

  Result<PlanPtr> CutAggregate(const Aggregate& node, Piece& into) {
    auto new_id = [this] { return ExprId(next_id_++); };
    MS_ASSIGN_OR_RETURN(StreamAggregatePlan aggregate,
                        PlanStreamAggregate(node, EventTimesOf(*node.child), options_.output_mode, engine_, options_.compute, options_.ansi, new_id));
    StatefulOperator* stateful = aggregate.aggregate.get();
    // Grouping sets have a filter over it.
    PlanPtr partial = aggregate.input;
    while (partial->As<Aggregate>() == nullptr) partial = ChildrenOf(*partial)[0];
    of_one_batch_.insert(partial.get());
    MS_ASSIGN_OR_RETURN(PlanPtr groups, Replace(std::move(aggregate.aggregate), stateful, {aggregate.input}, std::move(aggregate.output), into));
    return MakePlan(Project{std::move(aggregate.results), std::move(groups)});
  }

  // At least one: a plan without columns has no rows.
  std::vector<ExprPtr> UsedOf(const std::vector<ExprPtr>& list) const {
    std::vector<ExprPtr> used;
    for (const ExprPtr& expr : list) {
      if (used_.Has(IdOfColumn(*expr))) used.push_back(expr);
    }
    if (used.empty() && !list.empty()) used.push_back(list[0]);
    return used;
  }
  PlanPtr OnlyUsed(const PlanPtr& plan) const {
    std::vector<ExprPtr> columns;
    for (const AttributeRef& column : OutputOf(*plan)) columns.push_back(MakeExpr(AttributeRef(column)));
    std::vector<ExprPtr> used = UsedOf(columns);
    return used.size() == columns.size() ? plan : MakePlan(Project{std::move(used), plan});
  }

  // A plan's columns under names that are unique, and those names' schema.
  struct Named {
    PlanPtr plan;
    StructType schema;
    std::vector<AttributeRef> output;  // as it was
  };
  Named WithUniqueNames(const PlanPtr& whole) {
    const PlanPtr plan = OnlyUsed(whole);
    Named named{.plan = nullptr, .schema = {}, .output = OutputOf(*plan)};
    std::vector<ExprPtr> columns;
    for (const AttributeRef& column : named.output) {
      const std::string name = fmt::format("c{}", columns.size());
      named.schema.Add({.name = name, .type = column.type, .nullable = column.nullable});
      columns.push_back(MakeExpr(Alias{.child = MakeExpr(AttributeRef(column)), .names = {name}, .metadata = std::nullopt, .id = ExprId(next_id_++)}));
    }
    named.plan = MakePlan(Project{std::move(columns), plan});
    return named;
  }

  Result<PlanPtr> CutWatermark(const WithWatermark& node, Piece& into) {
    Named input = WithUniqueNames(node.child);
    const auto event_time = std::find_if(input.output.begin(), input.output.end(), [&](const AttributeRef& column) { return column.id == node.event_time; });
    if (event_time == input.output.end()) return Status::Internal("the event time " + node.column + " is no column of its plan");
    const size_t place = static_cast<size_t>(event_time - input.output.begin());
    plan_.redefines_watermark_ |= options_.propagates_watermarks && HasWatermark(*node.child);
    auto watermark = std::make_unique<WatermarkOperator>(std::move(input.schema), place, node.delay_ms);
    plan_.watermarks_.push_back(watermark.get());
    return Replace(std::move(watermark), nullptr, {input.plan}, std::move(input.output), into);
  }

  Result<PlanPtr> CutMetrics(const CollectMetrics& node, Piece& into) {
    Named input = WithUniqueNames(node.child);
    std::vector<AttributeRef> columns = input.output;
    for (size_t i = 0; i < columns.size(); ++i) columns[i].name = input.schema[i].name;
    PlanPtr rows = MakePlan(ScanRelation{std::make_shared<OperatorRelation>(input.schema, false), std::move(columns)});
    const PlanPtr metrics =
        MakePlan(Aggregate{.kind = Aggregate::Kind::kGroupBy, .group_by = {}, .aggregates = node.metrics, .child = std::move(rows), .grouping_sets = {}});
    MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> compiled, CompiledPlan::Compile(Optimize(metrics), engine_, options_.compute));
    auto observe = std::make_unique<ObserveOperator>(node.name, std::move(input.schema), std::move(compiled));
    plan_.observers_.push_back(observe.get());
    return Replace(std::move(observe), nullptr, {input.plan}, std::move(input.output), into);
  }

  Result<PlanPtr> CutDeduplicate(const Deduplicate& node, Piece& into) {
    const EventTimes times = EventTimesOf(*node.child);
    MS_RETURN_IF_ERROR(CheckOneEventTime(*OnlyUsed(node.child)));
    Named input = WithUniqueNames(node.child);
    StreamDeduplicateSpec spec{.columns = input.schema};
    for (size_t i = 0; i < input.output.size(); ++i) {
      const ExprId id = input.output[i].id;
      spec.names.push_back(input.output[i].name);
      const auto time = times.find(id);
      if (time != times.end()) {
        spec.event_time = i;
        if (node.within_watermark) spec.within_ms = time->second;
      }
      if (std::find(node.keys.begin(), node.keys.end(), id) == node.keys.end()) continue;
      const bool leads = time != times.end() && !spec.has_event_time && !node.within_watermark;
      spec.has_event_time |= leads;
      spec.keys.insert(leads ? spec.keys.begin() : spec.keys.end(), i);
    }
    auto deduplicate = std::make_unique<StreamDeduplicateOperator>(std::move(spec));
    StatefulOperator* stateful = deduplicate.get();
    return Replace(std::move(deduplicate), stateful, {input.plan}, std::move(input.output), into);
  }

  // Nothing is read for it.
  static PlanPtr NoRowsOf(const PlanNode& plan) {
    LocalRelation none{.schema = SchemaOf(plan), .batches = {}, .output = OutputOf(plan)};
    return MakePlan(std::move(none));
  }

  // A child's columns as they are, and the keys before them.
  struct Grouped {
    PlanPtr plan;
    StructType keys, columns;
    std::vector<std::string> key_names, column_names;
    std::optional<size_t> event_time;  // place in `columns`
  };
  Grouped WithKeys(const std::vector<ExprPtr>& grouping, const PlanPtr& child) {
    const EventTimes times = EventTimesOf(*child);
    Grouped grouped;
    std::vector<ExprPtr> columns;
    auto add = [&](const ExprPtr& column, const std::string& name) {
      columns.push_back(MakeExpr(Alias{.child = column, .names = {name}, .metadata = std::nullopt, .id = ExprId(next_id_++)}));
    };
    for (const ExprPtr& key : grouping) {
      const auto* alias = key->As<Alias>();
      const auto* attribute = key->As<AttributeRef>();
      grouped.keys.Add({.name = fmt::format("k{}", columns.size()), .type = TypeOf(*key), .nullable = IsNullable(*key)});
      grouped.key_names.push_back(alias ? alias->names.at(0) : attribute ? attribute->name : SqlOf(*key));
      add(alias ? alias->child : key, grouped.keys.fields().back().name);
    }
    for (const AttributeRef& column : OutputOf(*child)) {
      if (times.contains(column.id)) grouped.event_time = grouped.columns.size();
      grouped.columns.Add({.name = fmt::format("c{}", grouped.columns.size()), .type = column.type, .nullable = column.nullable});
      grouped.column_names.push_back(column.name);
      add(MakeExpr(AttributeRef(column)), grouped.columns.fields().back().name);
    }
    grouped.plan = MakePlan(Project{std::move(columns), child});
    return grouped;
  }
  static StructType NumberedOutput(const std::vector<AttributeRef>& output, std::vector<std::string>* names) {
    StructType schema;
    for (const AttributeRef& column : output) {
      schema.Add({.name = fmt::format("r{}", schema.size()), .type = column.type, .nullable = column.nullable});
      names->push_back(column.name);
    }
    return schema;
  }

  Result<PlanPtr> CutPythonGroups(const PythonGroups& node, Piece& into) {
    Grouped grouped = WithKeys(node.grouping, node.child);
    PythonGroupsSpec spec{.code = node.code, .state = node.state_schema, .timeout = node.timeout};
    spec.keys = std::move(grouped.keys);
    spec.columns = std::move(grouped.columns);
    spec.column_names = std::move(grouped.column_names);
    spec.event_time = grouped.event_time;
    spec.output = NumberedOutput(node.output, &spec.output_names);
    auto groups = std::make_unique<PythonGroupsOperator>(std::move(spec));
    StatefulOperator* stateful = groups.get();
    return Replace(std::move(groups), stateful, {grouped.plan}, node.output, into);
  }

  Result<PlanPtr> CutTransform(const TransformWithState& node, Piece& into) {
    Grouped grouped = WithKeys(node.grouping, node.child);
    TransformSpec spec{
        .code = node.code, .in_pandas = node.in_pandas, .is_streaming = IsStreaming(*node.child), .mode = node.mode, .time_mode = node.time_mode};
    spec.keys = std::move(grouped.keys);
    spec.columns = std::move(grouped.columns);
    spec.key_names = std::move(grouped.key_names);
    spec.column_names = std::move(grouped.column_names);
    spec.event_time = grouped.event_time;
    spec.output = NumberedOutput(node.output, &spec.output_names);
    for (size_t i = 0; i < node.output.size(); ++i) {
      if (node.event_time == node.output[i].id) spec.output_event_time = i;
    }
    std::vector<PlanPtr> inputs{grouped.plan};
    if (node.initial) {
      Grouped initial = WithKeys(node.initial_grouping, node.initial);
      spec.initial = std::move(initial.columns);
      spec.initial_names = std::move(initial.column_names);
      inputs.push_back(std::move(initial.plan));
    }
    auto groups = std::make_unique<TransformOperator>(std::move(spec));
    // Of a batch nothing is kept: it has no part in the query's state.
    StatefulOperator* stateful = IsStreaming(*node.child) ? groups.get() : nullptr;
    return Replace(std::move(groups), stateful, inputs, node.output, into);
  }

  // The functions are given what they are called with, beside the child's columns that somebody asks for.
  Result<PlanPtr> CutPythonFunctions(const PythonEval& node, Piece& into) {
    PythonFunctionsSpec spec;
    std::vector<ExprPtr> columns;
    std::vector<AttributeRef> output;
    auto add = [&](const std::string& name, const ExprPtr& column) {
      spec.input.Add({.name = name, .type = TypeOf(*column), .nullable = IsNullable(*column)});
      columns.push_back(MakeExpr(Alias{.child = column, .names = {name}, .metadata = std::nullopt, .id = ExprId(next_id_++)}));
    };
    for (const AttributeRef& column : OutputOf(*node.child)) {
      if (!used_.Has(column.id)) continue;
      add(fmt::format("c{}", columns.size()), MakeExpr(AttributeRef(column)));
      spec.output.Add(spec.input[columns.size() - 1]);
      output.push_back(column);
    }
    spec.passing = columns.size();
    for (const ExprPtr& one : node.calls) {
      const auto* alias = one->As<Alias>();
      PythonFunctionsSpec::Function function{.call = *alias->child->As<PythonCall>(), .first_argument = columns.size()};
      for (const ExprPtr& argument : function.call.args) add(fmt::format("a{}", columns.size()), argument);
      spec.output.Add({.name = fmt::format("r{}", spec.functions.size()), .type = function.call.type, .nullable = true});
      output.push_back({.name = alias->names.at(0), .type = function.call.type, .nullable = true, .id = alias->id});
      spec.functions.push_back(std::move(function));
    }
    if (columns.empty()) add("n", MakeExpr(Literal{Value{true}, DataType::Boolean()}));  // rows are counted by a column
    auto functions = std::make_unique<PythonFunctionsOperator>(std::move(spec));
    return Replace(std::move(functions), nullptr, {MakePlan(Project{std::move(columns), node.child})}, std::move(output), into);
  }

  Result<PlanPtr> CutPythonMap(const PythonMap& node, Piece& into) {
    Named input = WithUniqueNames(node.child);
    PythonMapSpec spec{.kind = node.kind, .code = node.code, .input = input.schema};
    for (const AttributeRef& column : input.output) spec.input_names.push_back(column.name);
    spec.output = NumberedOutput(node.output, &spec.output_names);
    return Replace(std::make_unique<PythonMapOperator>(std::move(spec)), nullptr, {input.plan}, node.output, into);
  }

  Result<PlanPtr> CutLimit(const Limit& node, Piece& into) {
    int64_t rows_max = std::numeric_limits<int64_t>::max();
    PlanPtr child;
    // Of limits over each other the lowest counts (Spark's CombineLimits).
    for (const Limit* limit = &node; limit != nullptr; limit = child->As<Limit>()) {
      const auto* literal = limit->count->As<Literal>();
      const auto* rows = literal ? std::get_if<int64_t>(&literal->value.held) : nullptr;
      if (rows == nullptr) return Status::Unsupported("LIMIT ALL in a streaming query", "Leave it out.");
      rows_max = std::min(rows_max, *rows);
      child = limit->child;
    }
    if (rows_max == 0) return NoRowsOf(*child);
    Named input = WithUniqueNames(child);
    auto limit = std::make_unique<StreamLimitOperator>(input.schema, rows_max);
    StatefulOperator* stateful = limit.get();
    return Replace(std::move(limit), stateful, {input.plan}, std::move(input.output), into);
  }

  Result<PlanPtr> Replace(std::unique_ptr<StreamOperator> op, StatefulOperator* stateful, const std::vector<PlanPtr>& inputs, std::vector<AttributeRef> output,
                          Piece& into) {
    auto node = std::make_unique<Node>();
    for (const PlanPtr& input : inputs) {
      MS_ASSIGN_OR_RETURN(std::unique_ptr<Piece> piece, MakePiece(input));
      node->inputs.push_back(std::move(piece));
    }
    if (stateful != nullptr) {
      stateful->operator_id = static_cast<int64_t>(plan_.stateful_.size());
      plan_.stateful_.push_back(stateful);
    }
    const bool is_streaming = std::any_of(inputs.begin(), inputs.end(), [](const PlanPtr& input) { return IsStreaming(*input); });
    node->relation = std::make_shared<OperatorRelation>(op->schema(), is_streaming);
    for (size_t i = 0; i < output.size(); ++i) output[i].name = op->schema().fields()[i].name;
    node->op = std::move(op);
    node->stateful = stateful;
    PlanPtr scan = MakePlan(ScanRelation{node->relation, std::move(output)});
    into.nodes.push_back(std::move(node));
    return scan;
  }

  StreamPlan& plan_;
  ComputeEngine& engine_;
  const StreamPlanOptions& options_;
  const UsedColumns used_;
  std::set<const PlanNode*> of_one_batch_;  // Aggregates that make the groups of a batch, for an operator
  int64_t next_id_ = kFirstCutId;
};

Result<std::unique_ptr<StreamPlan>> StreamPlan::Compile(const PlanPtr& analyzed, ComputeEngine& engine, const StreamPlanOptions& options) {
  if (!HasOperators(*analyzed)) {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> whole, CompiledPlan::Compile(Optimize(analyzed), engine, options.compute));
    return std::make_unique<StreamPlan>(std::move(whole));
  }
  std::unique_ptr<StreamPlan> plan(new StreamPlan);
  plan->propagates_watermarks_ = options.propagates_watermarks;
  // The columns' names are the user's, also where operators have given them others.
  std::vector<ExprPtr> named;
  for (const AttributeRef& attribute : OutputOf(*analyzed)) {
    named.push_back(MakeExpr(Alias{.child = MakeExpr(AttributeRef(attribute)), .names = {attribute.name}, .metadata = attribute.metadata, .id = attribute.id}));
  }
  const PlanPtr whole = MakePlan(Project{std::move(named), analyzed});
  Cutter cutter(*plan, *whole, engine, options);
  MS_ASSIGN_OR_RETURN(plan->root_, cutter.MakePiece(whole));
  return plan;
}
}  // namespace millstream
