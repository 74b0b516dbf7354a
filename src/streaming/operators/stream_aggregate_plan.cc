#include "streaming/operators/stream_aggregate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "plan/analyzer/expression_walk.h"
#include "plan/function_registry.h"
#include "streaming/operators/aggregate_buffers.h"

namespace millstream {
namespace {

// The rows that a merge reads: buffers side by side.
class MergeRows : public RelationSource {
 public:
  explicit MergeRows(StructType schema) : schema_(std::move(schema)) {}
  std::string name() const override { return "merge"; }
  const StructType& schema() const override { return schema_; }
  bool is_streaming() const override { return false; }

 private:
  const StructType schema_;
};

AttributeRef Column(std::string name, const Expr& expr, ExprId id) {
  return {.name = std::move(name), .type = TypeOf(expr), .nullable = true, .id = id, .qualifier = {}};
}

ExprPtr Named(ExprPtr expr, const AttributeRef& column) {
  return MakeExpr(Alias{.child = std::move(expr), .names = {column.name}, .metadata = std::nullopt, .id = column.id});
}

class Planner {
 public:
  Planner(const EventTimes& times, bool ansi, const std::function<ExprId()>& new_id) : times_(times), ansi_(ansi), new_id_(new_id) {}

  // Distinct grouping expressions, an event time first: state is let go of in its order.
  void TakeKeys(const std::vector<ExprPtr>& group_by) {
    for (const ExprPtr& expr : group_by) {
      const bool known = std::any_of(keys_.begin(), keys_.end(), [&](const ExprPtr& key) { return KeyOf(*key) == KeyOf(*expr); });
      if (!known) keys_.push_back(expr);
    }
    const auto time = std::find_if(keys_.begin(), keys_.end(), [&](const ExprPtr& key) { return IsEventTime(*key, times_); });
    has_event_time_ = time != keys_.end();
    if (has_event_time_) std::rotate(keys_.begin(), time, time + 1);
    for (size_t i = 0; i < keys_.size(); ++i) {
      key_columns_.push_back(Column(fmt::format("k{}", i), *keys_[i], new_id_()));
      by_key_[KeyOf(*keys_[i])] = MakeExpr(AttributeRef(key_columns_.back()));
    }
  }

  Status TakeAggregates(const ExprPtr& expr) {
    if (by_key_.contains(KeyOf(*expr))) return Status();
    if (const auto* call = expr->As<AggregateCall>()) {
      if (call->is_distinct) return Status::Internal("a DISTINCT aggregate in a stream");
      MS_ASSIGN_OR_RETURN(AggregateBuffers buffers, BuffersOf(*call, ansi_));
      std::vector<ExprPtr> columns;
      for (const ExprPtr& partial : buffers.partial) {
        if (partial->As<AggregateCall>() == nullptr) return Status::Unsupported("The aggregate " + SqlOf(*expr) + " in a streaming query");
        const size_t at = buffer_columns_.size();
        buffer_columns_.push_back(Column(fmt::format("b{}", at), *partial, new_id_()));
        older_.push_back(Column(fmt::format("o{}", at), *partial, new_id_()));
        newer_.push_back(Column(fmt::format("n{}", at), *partial, new_id_()));
        partials_.push_back(partial);
        columns.push_back(MakeExpr(AttributeRef(buffer_columns_.back())));
      }
      const size_t first = buffer_columns_.size() - columns.size();
      std::vector<ExprPtr> older, newer;
      for (size_t i = first; i < buffer_columns_.size(); ++i) {
        older.push_back(MakeExpr(AttributeRef(older_[i])));
        newer.push_back(MakeExpr(AttributeRef(newer_[i])));
      }
      // Only groups that are known already are merged.
      MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> merged, buffers.merge(older, newer, MakeExpr(Literal{{true}, DataType::Boolean()})));
      merges_.insert(merges_.end(), merged.begin(), merged.end());
      MS_ASSIGN_OR_RETURN(by_key_[KeyOf(*expr)], buffers.result(columns));
      return Status();
    }
    for (const ExprPtr& child : ChildrenOf(*expr)) MS_RETURN_IF_ERROR(TakeAggregates(child));
    return Status();
  }

  // The same value, out of keys and buffers.
  ExprPtr ValueOf(const ExprPtr& expr) const {
    return Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
      // The name of a result is not part of its key, and stays.
      if (part->As<Alias>()) return nullptr;
      const auto found = by_key_.find(KeyOf(*part));
      return found == by_key_.end() ? nullptr : found->second;
    });
  }

  PlanPtr Input(const PlanPtr& child) const {
    Aggregate partial{.kind = Aggregate::Kind::kGroupBy, .group_by = keys_, .aggregates = {}, .child = child, .grouping_sets = {}};
    for (size_t i = 0; i < keys_.size(); ++i) partial.aggregates.push_back(Named(keys_[i], key_columns_[i]));
    for (size_t i = 0; i < partials_.size(); ++i) partial.aggregates.push_back(Named(partials_[i], buffer_columns_[i]));
    return MakePlan(std::move(partial));
  }

  PlanPtr Merge() const {
    std::vector<AttributeRef> output = older_;
    output.insert(output.end(), newer_.begin(), newer_.end());
    const AttributeRef place{.name = "r", .type = DataType::Long(), .nullable = false, .id = new_id_()};
    output.push_back(place);
    StructType schema;
    for (const AttributeRef& column : output) schema.Add({column.name, column.type});
    std::vector<ExprPtr> columns;
    for (size_t i = 0; i < merges_.size(); ++i) columns.push_back(MakeExpr(Alias{.child = merges_[i], .names = {buffer_columns_[i].name}, .id = new_id_()}));
    columns.push_back(MakeExpr(AttributeRef(place)));
    return MakePlan(Project{std::move(columns), MakePlan(ScanRelation{std::make_shared<MergeRows>(std::move(schema)), std::move(output)})});
  }

  StreamAggregateSpec Spec(OutputMode mode) const {
    StreamAggregateSpec spec{.keys = {}, .buffers = {}, .functions = {}, .has_event_time = has_event_time_, .mode = mode, .merge = nullptr};
    for (const AttributeRef& column : key_columns_) spec.keys.Add({column.name, column.type});
    for (const AttributeRef& column : buffer_columns_) spec.buffers.Add({column.name, column.type});
    for (const ExprPtr& partial : partials_) spec.functions.push_back(partial->As<AggregateCall>()->function->name);
    return spec;
  }

  std::vector<AttributeRef> Output() const {
    std::vector<AttributeRef> output = key_columns_;
    output.insert(output.end(), buffer_columns_.begin(), buffer_columns_.end());
    return output;
  }

 private:
  const EventTimes& times_;
  const bool ansi_;
  const std::function<ExprId()>& new_id_;
  bool has_event_time_ = false;
  std::vector<ExprPtr> keys_, partials_, merges_;
  std::vector<AttributeRef> key_columns_, buffer_columns_, older_, newer_;
  std::map<std::string, ExprPtr> by_key_;  // a grouping expression or an aggregate → what stands for it above
};

}  // namespace

Result<StreamAggregatePlan> PlanStreamAggregate(const Aggregate& aggregate, const EventTimes& times, OutputMode mode, ComputeEngine& engine,
                                                const ComputeConf& conf, bool ansi, const std::function<ExprId()>& new_id) {
  if (!aggregate.grouping_sets.empty())
    return Status::Unsupported("ROLLUP, CUBE and GROUPING SETS in a streaming query", "Aggregate by each set in a query of its own.");
  Planner planner(times, ansi, new_id);
  planner.TakeKeys(aggregate.group_by);
  StreamAggregatePlan plan;
  for (const ExprPtr& expr : aggregate.aggregates) MS_RETURN_IF_ERROR(planner.TakeAggregates(expr));
  for (const ExprPtr& expr : aggregate.aggregates) {
    ExprPtr result = planner.ValueOf(expr);
    const auto* attribute = expr->As<AttributeRef>();
    plan.results.push_back(attribute
                               ? MakeExpr(Alias{.child = std::move(result), .names = {attribute->name}, .metadata = attribute->metadata, .id = attribute->id})
                               : std::move(result));
  }
  plan.input = planner.Input(aggregate.child);
  plan.output = planner.Output();
  StreamAggregateSpec spec = planner.Spec(mode);
  if (spec.keys.empty() && spec.buffers.empty()) return Status::Unsupported("A streaming aggregation without keys and without aggregates");
  MS_ASSIGN_OR_RETURN(spec.merge, CompiledPlan::Compile(planner.Merge(), engine, conf));
  plan.aggregate = std::make_unique<StreamAggregateOperator>(std::move(spec));
  return plan;
}

}  // namespace millstream
