// groupBy(…).pivot(column, values): a column of results for each value (Spark's ResolvePivot and PivotFirst).

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/analyzer/plan_analyzer.h"
#include "plan/coercion.h"
#include "plan/function_registry.h"
#include "plan/plan_errors.h"

namespace millstream {
namespace {

constexpr ErrorClass kNonLiteralPivotValues{"NON_LITERAL_PIVOT_VALUES", "42K08", ExceptionKind::kAnalysis,
                                            "Literal expressions required for pivot values, found <expression>."};
constexpr ErrorClass kPivotValueType{"PIVOT_VALUE_DATA_TYPE_MISMATCH", "42K09", ExceptionKind::kAnalysis,
                                     "Invalid pivot value '<value>': value data type <valueType> does not match pivot column data type <pivotType>."};

// What PivotFirst carries: results of these types are computed for each group and value first, and then put side by side, so what is missing is null. Of
// others each column is an aggregate by itself.
bool IsCarried(const DataType& type) { return type.id() == TypeId::kBoolean || type.IsNumeric(); }

// What a column is called after a value: the value as text.
std::string PivotName(const Expr& value) {
  const auto* literal = value.As<Literal>();
  if (literal == nullptr) return SqlOf(value);
  if (literal->value.is_null()) return "null";
  if (const auto* text = std::get_if<std::string>(&literal->value.held)) return *text;
  std::string sql = SqlOf(value);  // DATE '2026-01-02'
  const size_t from = sql.find('\''), to = sql.rfind('\'');
  return from == to ? sql : sql.substr(from + 1, to - from - 1);
}

ExprPtr Call2(const char* name, ExprPtr left, ExprPtr right) {
  return MakeExpr(UnresolvedFunction{.name = {name}, .args = {std::move(left), std::move(right)}});
}

// The same with `condition` as the filter of each aggregate in it; first and last pass over nulls then, as in Spark.
ExprPtr OnlyWhere(const ExprPtr& expr, const ExprPtr& condition) {
  return Replace(expr, [&](const ExprPtr& part) -> ExprPtr {
    const auto* call = part->As<UnresolvedFunction>();
    const FunctionDef* function = call == nullptr ? nullptr : FindFunction(call->name.back());
    if (function == nullptr || function->kind != FunctionDef::Kind::kAggregate) return nullptr;
    UnresolvedFunction filtered = *call;
    filtered.filter = filtered.filter ? Call2("and", filtered.filter, condition) : condition;
    if (function->name == "first" || function->name == "last") filtered.ignore_nulls = true;
    return MakeExpr(std::move(filtered));
  });
}

}  // namespace

Result<PlanPtr> PlanAnalyzer::PivotOf(const Aggregate& node) {
  const Aggregate::Pivot& pivot = *node.pivot;
  if (!pivot.values) return Status::Internal("a pivot without values has come to the analyzer");
  // Each group and value by itself: tells the types, and is the lower half of the answer.
  Aggregate by_value{.kind = Aggregate::Kind::kGroupBy, .group_by = node.group_by, .aggregates = node.group_by, .child = node.child, .grouping_sets = {}};
  by_value.group_by.push_back(pivot.column);
  by_value.aggregates.push_back(MakeExpr(Alias{pivot.column, {"__pivot"}, std::nullopt, {}}));
  for (const ExprPtr& aggregate : pivot.aggregates) by_value.aggregates.push_back(aggregate);
  MS_ASSIGN_OR_RETURN(PlanPtr lower, Analyze(MakePlan(std::move(by_value))));
  const std::vector<AttributeRef> columns = OutputOf(*lower);
  const size_t results = pivot.aggregates.size(), place = columns.size() - results - 1;
  const AttributeRef& pivoted = columns[place];

  Scope scope{columns, outer_};
  ExpressionAnalyzer expressions(*this, scope);
  std::vector<ExprPtr> values;
  std::vector<std::string> names;
  for (const ExprPtr& written : *pivot.values) {
    const auto* alias = written->As<Alias>();
    MS_ASSIGN_OR_RETURN(ExprPtr value, expressions.Resolve(alias ? alias->child : written));
    if (Contains(*value, [](const Expr& part) { return part.As<AttributeRef>() != nullptr; })) {
      return Status::Error(kNonLiteralPivotValues, {{"expression", "\"" + SqlOf(*value) + "\""}});
    }
    if (!CanCast(TypeOf(*value), pivoted.type, ModeOf(conf_))) {
      return Status::Error(kPivotValueType, {{"value", SqlOf(*value)}, {"valueType", TypeOf(*value).Sql()}, {"pivotType", pivoted.type.Sql()}});
    }
    names.push_back(alias ? alias->names.at(0) : PivotName(*value));
    values.push_back(CastTo(value, pivoted.type, ModeOf(conf_)));
  }
  auto name_of = [&](size_t value, size_t result) { return results == 1 ? names[value] : names[value] + "_" + columns[place + 1 + result].name; };

  const bool carried =
      std::all_of(columns.begin() + static_cast<std::ptrdiff_t>(place) + 1, columns.end(), [](const AttributeRef& one) { return IsCarried(one.type); });
  if (!carried) {
    Aggregate each{.kind = Aggregate::Kind::kGroupBy, .group_by = node.group_by, .aggregates = node.group_by, .child = node.child, .grouping_sets = {}};
    for (size_t value = 0; value < values.size(); ++value) {
      const ExprPtr here = Call2("<=>", pivot.column, values[value]);
      for (size_t result = 0; result < results; ++result) {
        const auto* alias = pivot.aggregates[result]->As<Alias>();
        each.aggregates.push_back(
            MakeExpr(Alias{OnlyWhere(alias ? alias->child : pivot.aggregates[result], here), {name_of(value, result)}, std::nullopt, {}}));
      }
    }
    return Analyze(MakePlan(std::move(each)));
  }
  Aggregate side_by_side{.kind = Aggregate::Kind::kGroupBy, .group_by = {}, .aggregates = {}, .child = lower, .grouping_sets = {}};
  for (size_t i = 0; i < place; ++i) {
    side_by_side.group_by.push_back(MakeExpr(columns[i]));
    side_by_side.aggregates.push_back(MakeExpr(columns[i]));
  }
  for (size_t value = 0; value < values.size(); ++value) {
    const ExprPtr here = Call2("<=>", MakeExpr(pivoted), values[value]);
    for (size_t result = 0; result < results; ++result) {
      UnresolvedFunction only{.name = {"any_value"}, .args = {MakeExpr(columns[place + 1 + result])}, .filter = here};
      MS_ASSIGN_OR_RETURN(ExprPtr resolved, expressions.Resolve(MakeExpr(Alias{MakeExpr(std::move(only)), {name_of(value, result)}, std::nullopt, {}})));
      side_by_side.aggregates.push_back(std::move(resolved));
    }
  }
  return MakePlan(std::move(side_by_side));
}

}  // namespace millstream
