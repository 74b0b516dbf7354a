#include "connectors/delta/predicates.h"

#include <map>
#include <string>

#include "plan/function_registry.h"

namespace millstream {
namespace {

using Kind = ColumnPredicate::Kind;

// Adds what `expr` says; "and" is walked by a list, as its depth is the user's.
void Add(const Expr& expr, std::vector<const Expr*>& pending, std::vector<ColumnPredicate>& predicates) {
  static const std::map<std::string, std::pair<Kind, Kind>> comparisons = {
      {"==", {Kind::kEqual, Kind::kEqual}},
      {"<", {Kind::kLess, Kind::kGreater}},
      {"<=", {Kind::kLessOrEqual, Kind::kGreaterOrEqual}},
      {">", {Kind::kGreater, Kind::kLess}},
      {">=", {Kind::kGreaterOrEqual, Kind::kLessOrEqual}},
  };
  const auto* call = expr.As<Call>();
  if (!call) return;
  const std::string& name = call->function->name;
  if (name == "and") {
    for (const ExprPtr& arg : call->args) pending.push_back(arg.get());
    return;
  }
  if ((name == "isnull" || name == "isnotnull") && call->args.size() == 1) {
    const auto* column = call->args[0]->As<AttributeRef>();
    if (column) predicates.push_back({column->name, name == "isnull" ? Kind::kIsNull : Kind::kIsNotNull, Value{}});
    return;
  }
  auto comparison = comparisons.find(name);
  if (comparison == comparisons.end() || call->args.size() != 2) return;
  const auto* column = call->args[0]->As<AttributeRef>();
  const auto* constant = call->args[1]->As<Literal>();
  Kind kind = comparison->second.first;
  if (!column) {
    column = call->args[1]->As<AttributeRef>();
    constant = call->args[0]->As<Literal>();
    kind = comparison->second.second;
  }
  if (!column || !constant || constant->value.is_null() || !column->type.SameType(constant->type)) return;
  // Spark's NaN is larger than any number and equal to itself; bounds do not say so.
  if (column->type.id() == TypeId::kFloat || column->type.id() == TypeId::kDouble) return;
  predicates.push_back({column->name, kind, constant->value});
}

}  // namespace

std::vector<ColumnPredicate> PredicatesOf(const std::vector<ExprPtr>& filters) {
  std::vector<ColumnPredicate> predicates;
  std::vector<const Expr*> pending;
  for (const ExprPtr& filter : filters) pending.push_back(filter.get());
  while (!pending.empty()) {
    const Expr* expr = pending.back();
    pending.pop_back();
    Add(*expr, pending, predicates);
  }
  return predicates;
}

}  // namespace millstream
