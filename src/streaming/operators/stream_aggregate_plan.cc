#include "streaming/operators/stream_aggregate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/session_windows.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "streaming/operators/aggregate_buffers.h"
#include "streaming/operators/stream_session.h"
#include "streaming/streaming_errors.h"

namespace millstream {
namespace {

// What a column of the state stands for, in a word or two: "window", "k", "sum(v)".
std::string NameOf(const Expr& expr) {
  if (const auto* alias = expr.As<Alias>()) return alias->names.front();
  if (const auto* attribute = expr.As<AttributeRef>()) return attribute->name;
  if (const auto* call = expr.As<Call>()) return call->function->name;
  const auto* aggregate = expr.As<AggregateCall>();
  if (aggregate == nullptr) return "value";
  const AttributeRef* column = aggregate->args.empty() ? nullptr : aggregate->args[0]->As<AttributeRef>();
  return aggregate->function->name + (column != nullptr ? "(" + column->name + ")" : "");
}

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
    const std::optional<size_t> session = SessionKeyOf(keys_);
    has_session_ = session.has_value();
    const auto time = has_session_ ? keys_.begin() + static_cast<ptrdiff_t>(*session)
                                   : std::find_if(keys_.begin(), keys_.end(), [&](const ExprPtr& key) { return IsEventTime(*key, times_); });
    has_event_time_ = time != keys_.end() && IsEventTime(**time, times_);
    if (time != keys_.end()) std::rotate(keys_.begin(), time, time + 1);
    for (size_t i = 0; i < keys_.size(); ++i) {
      key_columns_.push_back(Column(fmt::format("k{}", i), *keys_[i], new_id_()));
      by_key_[KeyOf(*keys_[i])] = MakeExpr(AttributeRef(key_columns_.back()));
    }
  }

  // Each row counts for a group of each set; which set a group is of is one of its keys (Spark's spark_grouping_id).
  void TakeGroupingSets(const Aggregate& aggregate) {
    sets_ = &aggregate;
    const FunctionDef* function = FindFunction("grouping_id");
    keys_.push_back(MakeExpr(AggregateCall{.function = function, .args = aggregate.group_by, .type = DataType::Long(), .nullable = false}));
    key_columns_.push_back(Column(fmt::format("k{}", key_columns_.size()), *keys_.back(), new_id_()));
  }

  Status TakeAggregates(const ExprPtr& expr) {
    if (by_key_.contains(KeyOf(*expr))) return Status();
    if (const auto* call = expr->As<AggregateCall>()) {
      if (call->function->name == "grouping" || call->function->name == "grouping_id") {
        MS_ASSIGN_OR_RETURN(by_key_[KeyOf(*expr)], OutOfGroupingId(*call));
        return Status();
      }
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
        // How many rows a sum has is kept beside it, to tell 0 from null.
        is_sparks_.push_back(columns.empty() || (call->function->name != "sum" && call->function->name != "try_sum"));
        columns.push_back(MakeExpr(AttributeRef(buffer_columns_.back())));
      }
      const size_t first = buffer_columns_.size() - columns.size();
      std::vector<ExprPtr> older, newer;
      for (size_t i = first; i < buffer_columns_.size(); ++i) {
        older.push_back(MakeExpr(AttributeRef(older_[i])));
        newer.push_back(MakeExpr(AttributeRef(newer_[i])));
      }
      // Only groups that are known already are merged.
      MS_ASSIGN_OR_RETURN(std::vector<ExprPtr> merged, buffers.merge(older, newer));
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

  bool has_session() const { return has_session_; }

  Result<PlanPtr> Input(const PlanPtr& child) const {
    std::vector<ExprPtr> keys = keys_;
    // The sessions of a batch are merged by the operator, together with those in state.
    if (has_session_) {
      AttributeRef session = *keys[0]->As<AttributeRef>();
      session.metadata = "{}";
      keys[0] = MakeExpr(std::move(session));
    }
    Aggregate partial{.kind = Aggregate::Kind::kGroupBy, .group_by = keys, .aggregates = {}, .child = child, .grouping_sets = {}};
    if (sets_ != nullptr) {
      partial.kind = sets_->kind;
      partial.group_by = sets_->group_by;
      partial.grouping_sets = sets_->grouping_sets;
    }
    for (size_t i = 0; i < keys.size(); ++i) partial.aggregates.push_back(Named(keys[i], key_columns_[i]));
    for (size_t i = 0; i < partials_.size(); ++i) partial.aggregates.push_back(Named(partials_[i], buffer_columns_[i]));
    return WithRows(MakePlan(std::move(partial)));
  }

  // The set without columns has a group also where there are no rows, which is none of the stream's.
  Result<PlanPtr> WithRows(const PlanPtr& partial) const {
    if (sets_ == nullptr) return partial;
    Aggregate counted = *partial->As<Aggregate>();
    const FunctionDef* count = FindFunction("count");
    MS_ASSIGN_OR_RETURN(TypedCall typed, count->rule(*count, {MakeExpr(Literal{{int64_t{1}}, DataType::Integer()})}, AnalyzerConf{}));
    const AttributeRef rows{.name = "rows", .type = typed.type, .nullable = false, .id = new_id_()};
    counted.aggregates.push_back(Named(MakeExpr(AggregateCall{.function = count, .args = std::move(typed.args), .type = typed.type, .nullable = false}), rows));
    const FunctionDef* greater = FindFunction(">");
    MS_ASSIGN_OR_RETURN(typed, greater->rule(*greater, {MakeExpr(AttributeRef(rows)), MakeExpr(Literal{{int64_t{0}}, DataType::Long()})}, AnalyzerConf{}));
    ExprPtr any = MakeExpr(Call{greater, std::move(typed.args), typed.type, typed.nullable, EvalMode::kAnsi});
    std::vector<ExprPtr> columns;
    for (const AttributeRef& column : Output()) columns.push_back(MakeExpr(AttributeRef(column)));
    return MakePlan(Project{std::move(columns), MakePlan(Filter{std::move(any), MakePlan(std::move(counted))})});
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
    StreamAggregateSpec spec{.keys = {}, .buffers = {}, .functions = {}, .is_sparks = {}, .has_event_time = has_event_time_, .mode = mode, .merge = nullptr};
    for (const AttributeRef& column : key_columns_) spec.keys.Add({column.name, column.type});
    for (const AttributeRef& column : buffer_columns_) spec.buffers.Add({column.name, column.type});
    for (const ExprPtr& key : keys_) spec.names.push_back(NameOf(*key));
    for (const ExprPtr& partial : partials_) spec.names.push_back(NameOf(*partial));
    for (const ExprPtr& partial : partials_) spec.functions.push_back(partial->As<AggregateCall>()->function->name);
    spec.is_sparks = is_sparks_;
    return spec;
  }

  std::vector<AttributeRef> Output() const {
    std::vector<AttributeRef> output = key_columns_;
    output.insert(output.end(), buffer_columns_.begin(), buffer_columns_.end());
    return output;
  }

 private:
  // A bit a grouping expression, the last one's the lowest: 1 where the group's set does not have it.
  Result<ExprPtr> OutOfGroupingId(const AggregateCall& call) const {
    if (sets_ == nullptr) return Status::Internal(call.function->name + " without grouping sets");
    auto make = [](const char* name, std::vector<ExprPtr> args) -> Result<ExprPtr> {
      const FunctionDef* function = FindFunction(name);
      MS_ASSIGN_OR_RETURN(TypedCall typed, function->rule(*function, std::move(args), AnalyzerConf{}));
      return MakeExpr(Call{function, std::move(typed.args), typed.type, typed.nullable, EvalMode::kAnsi});
    };
    auto number = [](int64_t value) { return MakeExpr(Literal{{value}, DataType::Long()}); };
    const std::vector<ExprPtr>& all = sets_->group_by;
    const ExprPtr id = MakeExpr(AttributeRef(key_columns_.back()));
    ExprPtr bits = number(0);
    for (const ExprPtr& arg : call.args.empty() ? all : call.args) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const ExprPtr& key) { return KeyOf(*key) == KeyOf(*arg); });
      if (at == all.end()) return Status::Internal(SqlOf(*arg) + " is no grouping expression");
      const int64_t weight = int64_t{1} << (all.end() - at - 1);
      MS_ASSIGN_OR_RETURN(ExprPtr shifted, make("div", {id, number(weight)}));
      MS_ASSIGN_OR_RETURN(ExprPtr bit, make("%", {std::move(shifted), number(2)}));
      MS_ASSIGN_OR_RETURN(bits, make("*", {std::move(bits), number(2)}));
      MS_ASSIGN_OR_RETURN(bits, make("+", {std::move(bits), std::move(bit)}));
    }
    return CastTo(std::move(bits), call.type, EvalMode::kAnsi);
  }

  const Aggregate* sets_ = nullptr;
  const EventTimes& times_;
  const bool ansi_;
  const std::function<ExprId()>& new_id_;
  bool has_event_time_ = false;
  bool has_session_ = false;  // the first key is one
  std::vector<ExprPtr> keys_, partials_, merges_;
  std::vector<bool> is_sparks_;  // of each partial
  std::vector<AttributeRef> key_columns_, buffer_columns_, older_, newer_;
  std::map<std::string, ExprPtr> by_key_;  // a grouping expression or an aggregate → what stands for it above
};

}  // namespace

Result<StreamAggregatePlan> PlanStreamAggregate(const Aggregate& aggregate, const EventTimes& times, OutputMode mode, ComputeEngine& engine,
                                                const ComputeConf& conf, bool ansi, const std::function<ExprId()>& new_id) {
  Planner planner(times, ansi, new_id);
  planner.TakeKeys(aggregate.group_by);
  if (!aggregate.grouping_sets.empty()) planner.TakeGroupingSets(aggregate);
  StreamAggregatePlan plan;
  for (const ExprPtr& expr : aggregate.aggregates) MS_RETURN_IF_ERROR(planner.TakeAggregates(expr));
  for (const ExprPtr& expr : aggregate.aggregates) {
    ExprPtr result = planner.ValueOf(expr);
    const auto* attribute = expr->As<AttributeRef>();
    plan.results.push_back(attribute
                               ? MakeExpr(Alias{.child = std::move(result), .names = {attribute->name}, .metadata = attribute->metadata, .id = attribute->id})
                               : std::move(result));
  }
  MS_ASSIGN_OR_RETURN(plan.input, planner.Input(aggregate.child));
  plan.output = planner.Output();
  StreamAggregateSpec spec = planner.Spec(mode);
  if (spec.keys.empty() && spec.buffers.empty()) return Status::Unsupported("A streaming aggregation without keys and without aggregates");
  MS_ASSIGN_OR_RETURN(spec.merge, CompiledPlan::Compile(planner.Merge(), engine, conf));
  if (!planner.has_session()) {
    plan.aggregate = std::make_unique<StreamAggregateOperator>(std::move(spec));
  } else if (spec.keys.size() > 1) {
    plan.aggregate = std::make_unique<StreamSessionOperator>(std::move(spec));
  } else {
    return Status::Error(errors::kGlobalSessions);
  }
  return plan;
}

}  // namespace millstream
