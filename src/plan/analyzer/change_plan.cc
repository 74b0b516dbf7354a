// The plan that runs DELETE, UPDATE and MERGE: one row for each row of the table that changes, or comes new.

#include <algorithm>
#include <set>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/stored_value.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "plan/row_changes.h"

namespace millstream {
namespace {

using When = RowChanges::When;

// Far above what one analysis hands out, and apart from store_assignment.cc's.
constexpr int64_t kFirstId = int64_t{1} << 41;

class PlanMaker {
 public:
  explicit PlanMaker(const RowChanges& changes) : changes_(changes) {}

  PlanPtr Make(const PlanPtr& source_rows, bool with_new, bool with_old) {
    PlanPtr plan = changes_.source ? Joined(source_rows) : changes_.target;
    if (!changes_.source && changes_.condition) plan = MakePlan(Filter{changes_.condition, plan});
    ExprPtr clause = IntOf(0);
    if (changes_.source && !changes_.IsOnlyDelete()) {
      // Which clause applies is a column of its own, so that the values below need not ask again.
      std::vector<ExprPtr> list;
      for (const AttributeRef& column : OutputOf(*plan)) list.push_back(MakeExpr(column));
      AttributeRef number{.name = "__clause", .type = DataType::Integer(), .nullable = true, .id = NextId()};
      list.push_back(MakeExpr(Alias{WhichClause(), {number.name}, std::nullopt, number.id}));
      plan = MakePlan(Project{std::move(list), plan});
      clause = MakeExpr(number);
      plan = MakePlan(Filter{CallOf("isnotnull", {clause}, DataType::Boolean(), false), plan});
    }
    const std::vector<AttributeRef> there = OutputOf(*plan);
    auto if_there = [&](const AttributeRef& column) {
      bool found = std::any_of(there.begin(), there.end(), [&](const AttributeRef& other) { return other.id == column.id; });
      return found ? MakeExpr(column) : MakeExpr(Literal{Value{}, column.type});
    };
    std::vector<ExprPtr> output;
    auto add = [&](ExprPtr value, std::string name) { output.push_back(MakeExpr(Alias{std::move(value), {std::move(name)}, std::nullopt, NextId()})); };
    add(clause, "__clause");
    add(if_there(changes_.file), "__file");
    add(if_there(changes_.row), "__row");
    for (size_t i = 0; with_new && i < changes_.columns.size(); ++i) add(NewValue(i, clause), "__new_" + std::to_string(i));
    for (size_t i = 0; with_old && i < changes_.columns.size(); ++i) add(if_there(changes_.columns[i]), "__old_" + std::to_string(i));
    return MakePlan(Project{std::move(output), std::move(plan)});
  }

 private:
  ExprId NextId() { return ExprId(next_id_++); }
  static ExprPtr IntOf(int64_t number) { return MakeExpr(Literal{Value{number}, DataType::Integer()}); }
  static ExprPtr NotNull(const ExprPtr& expr) { return CallOf("isnotnull", {expr}, DataType::Boolean(), false); }

  PlanPtr Joined(const PlanPtr& source_rows) {
    PlanPtr source = source_rows ? source_rows : changes_.source;
    ExprPtr condition = changes_.condition ? changes_.condition : MakeExpr(Literal{Value{true}, DataType::Boolean()});
    if (changes_.IsOnlyDelete()) return MakePlan(Join{.type = JoinType::kLeftSemi, .condition = condition, .left = changes_.target, .right = source});
    const bool matched = changes_.Has(When::kMatched), not_matched = changes_.Has(When::kNotMatched), by_source = changes_.Has(When::kNotMatchedBySource);
    if (!matched && !by_source) return MakePlan(Join{.type = JoinType::kLeftAnti, .condition = condition, .left = source, .right = changes_.target});
    // A column that is never null tells whether a row of the source is there.
    std::vector<ExprPtr> list;
    for (const AttributeRef& column : OutputOf(*source)) list.push_back(MakeExpr(column));
    AttributeRef mark{.name = "__source", .type = DataType::Boolean(), .nullable = true, .id = NextId()};
    list.push_back(MakeExpr(Alias{MakeExpr(Literal{Value{true}, DataType::Boolean()}), {mark.name}, std::nullopt, mark.id}));
    source_mark_ = MakeExpr(mark);
    JoinType type = by_source ? (not_matched ? JoinType::kFullOuter : JoinType::kRightOuter) : (not_matched ? JoinType::kLeftOuter : JoinType::kInner);
    return MakePlan(Join{.type = type, .condition = condition, .left = MakePlan(Project{std::move(list), source}), .right = changes_.target});
  }

  // The first clause of this kind whose condition holds; `otherwise` is null for none.
  ExprPtr FirstOf(When when, ExprPtr otherwise) {
    std::vector<ExprPtr> args;
    for (size_t i = 0; i < changes_.clauses.size(); ++i) {
      const RowChanges::Clause& clause = changes_.clauses[i];
      if (clause.when != when) continue;
      if (!clause.condition) {
        if (args.empty()) return IntOf(static_cast<int64_t>(i));
        args.push_back(IntOf(static_cast<int64_t>(i)));
        return CallOf("when", std::move(args), DataType::Integer(), true);
      }
      args.push_back(clause.condition);
      args.push_back(IntOf(static_cast<int64_t>(i)));
    }
    if (args.empty()) return otherwise;
    args.push_back(std::move(otherwise));
    return CallOf("when", std::move(args), DataType::Integer(), true);
  }

  ExprPtr WhichClause() {
    const ExprPtr none = MakeExpr(Literal{Value{}, DataType::Integer()});
    if (!source_mark_) return FirstOf(When::kNotMatched, none);
    // Two rows of the source that match one row of the table are an error even where no clause applies to them.
    ExprPtr matched = FirstOf(When::kMatched, IntOf(-1));
    ExprPtr by_source = FirstOf(When::kNotMatchedBySource, none);
    ExprPtr inserted = FirstOf(When::kNotMatched, none);
    ExprPtr row = MakeExpr(changes_.row);
    std::vector<ExprPtr> args = {CallOf("isnull", {row}, DataType::Boolean(), false), inserted, CallOf("isnull", {source_mark_}, DataType::Boolean(), false),
                                 by_source, matched};
    return CallOf("when", std::move(args), DataType::Integer(), true);
  }

  ExprPtr NewValue(size_t column, const ExprPtr& clause) {
    // Integers may be wider than the column, in some clauses and not in others.
    DataType type = changes_.columns[column].type;
    for (const RowChanges::Clause& one : changes_.clauses) {
      if (one.values.empty()) continue;
      const DataType found = TypeOf(*one.values[column]);
      if (found.IsIntegral() && type.IsIntegral() && found.id() > type.id()) type = found;
    }
    std::vector<ExprPtr> args;
    std::set<std::string> different;
    ExprPtr some;
    for (size_t i = 0; i < changes_.clauses.size(); ++i) {
      if (changes_.clauses[i].values.empty()) continue;
      some = CastTo(changes_.clauses[i].values[column], type, EvalMode::kAnsi);
      different.insert(KeyOf(*some));
      args.push_back(CallOf("==", {clause, IntOf(static_cast<int64_t>(i))}, DataType::Boolean(), false));
      args.push_back(some);
    }
    if (!some) return MakeExpr(Literal{Value{}, type});
    return different.size() == 1 && IsDeterministic(*some) ? some : CallOf("when", std::move(args), type, true);
  }

  const RowChanges& changes_;
  int64_t next_id_ = kFirstId;
  ExprPtr source_mark_;
};

std::vector<ExprPtr> ConjunctsOf(const ExprPtr& condition) {
  std::vector<ExprPtr> conjuncts, pending;
  if (condition) pending.push_back(condition);
  while (!pending.empty()) {
    ExprPtr expr = pending.back();
    pending.pop_back();
    const auto* call = expr->As<Call>();
    if (call && call->function->name == "and") {
      pending.insert(pending.end(), call->args.begin(), call->args.end());
    } else {
      conjuncts.push_back(std::move(expr));
    }
  }
  return conjuncts;
}

bool SpeaksOnlyOf(const Expr& expr, const std::set<ExprId>& ids) {
  return !Contains(expr, [&](const Expr& part) {
    const auto* column = part.As<AttributeRef>();
    return part.As<SubqueryExpr>() != nullptr || (column && !ids.contains(column->id));
  });
}

std::set<ExprId> IdsOf(const std::vector<AttributeRef>& columns) {
  std::set<ExprId> ids;
  for (const AttributeRef& column : columns) ids.insert(column.id);
  return ids;
}

}  // namespace

PlanPtr ChangePlan(const RowChanges& changes, const PlanPtr& source_rows, bool with_new, bool with_old) {
  return PlanMaker(changes).Make(source_rows, with_new, with_old);
}

ExprPtr ConditionOn(const RowChanges& changes, const std::vector<AttributeRef>& columns) {
  const ExprPtr yes = MakeExpr(Literal{Value{true}, DataType::Boolean()}), no = MakeExpr(Literal{Value{false}, DataType::Boolean()});
  if (!changes.condition) return yes;
  ExprPtr condition = Replace(changes.condition, [&](const ExprPtr& part) -> ExprPtr {
    const auto* column = part->As<AttributeRef>();
    for (size_t i = 0; column && i < changes.columns.size(); ++i) {
      if (changes.columns[i].id == column->id) return MakeExpr(columns[i]);
    }
    return nullptr;
  });
  return CallOf("coalesce", {std::move(condition), no}, DataType::Boolean(), false);
}

std::vector<ExprPtr> TargetConjuncts(const RowChanges& changes) {
  const std::set<ExprId> ids = IdsOf(changes.columns);
  std::vector<ExprPtr> found;
  for (ExprPtr& conjunct : ConjunctsOf(changes.condition)) {
    if (SpeaksOnlyOf(*conjunct, ids)) found.push_back(std::move(conjunct));
  }
  return found;
}

std::vector<std::pair<AttributeRef, AttributeRef>> EqualColumns(const RowChanges& changes) {
  std::vector<std::pair<AttributeRef, AttributeRef>> found;
  if (!changes.source) return found;
  const std::set<ExprId> table = IdsOf(changes.columns), source = IdsOf(OutputOf(*changes.source));
  for (const ExprPtr& conjunct : ConjunctsOf(changes.condition)) {
    const auto* call = conjunct->As<Call>();
    if (!call || call->function->name != "==") continue;
    const auto *left = call->args[0]->As<AttributeRef>(), *right = call->args[1]->As<AttributeRef>();
    if (!left || !right) continue;
    if (table.contains(left->id) && source.contains(right->id)) found.emplace_back(*left, *right);
    if (table.contains(right->id) && source.contains(left->id)) found.emplace_back(*right, *left);
  }
  return found;
}

}  // namespace millstream
