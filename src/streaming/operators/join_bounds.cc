#include "streaming/operators/join_bounds.h"

#include <algorithm>

#include "plan/analyzer/expression_walk.h"
#include "plan/function_registry.h"

namespace millstream {
namespace {

// One summand of `left - right`, in microseconds: a column or a constant.
struct Term {
  const AttributeRef* column = nullptr;
  double constant_us = 0;
  bool negative = false;
};

// False when the expression is not a sum of columns and constants.
bool CollectTerms(const Expr& expr, bool negative, std::vector<Term>* terms) {
  if (const auto* column = expr.As<AttributeRef>()) {
    terms->push_back({.column = column, .negative = negative});
    return true;
  }
  if (const auto* cast = expr.As<Cast>()) {
    return (cast->to.IsNumeric() || cast->to.id() == TypeId::kTimestamp) && CollectTerms(*cast->child, negative, terms);
  }
  if (const auto* literal = expr.As<Literal>()) {
    double value = 0;
    if (const auto* whole = std::get_if<int64_t>(&literal->value.held)) {
      value = static_cast<double>(*whole);
    } else if (const auto* real = std::get_if<double>(&literal->value.held)) {
      value = *real;
    } else {
      return false;
    }
    // Numbers are seconds. (Spark takes instants for seconds too, which leads nowhere: no bound.)
    if (literal->type.IsNumeric()) {
      value *= 1e6;
    } else if (literal->type.id() != TypeId::kDayTimeInterval) {
      return false;
    }
    terms->push_back({.constant_us = value, .negative = negative});
    return true;
  }
  const auto* call = expr.As<Call>();
  if (call == nullptr) return false;
  const std::string& name = call->function->name;
  if ((name == "+" || name == "-") && call->args.size() == 2) {
    return CollectTerms(*call->args[0], negative, terms) && CollectTerms(*call->args[1], name == "-" ? !negative : negative, terms);
  }
  if ((name == "-" || name == "negative") && call->args.size() == 1) return CollectTerms(*call->args[0], !negative, terms);
  return false;
}

bool Has(const std::vector<AttributeRef>& attributes, ExprId id) {
  return std::any_of(attributes.begin(), attributes.end(), [&](const AttributeRef& attribute) { return attribute.id == id; });
}

}  // namespace

StateBound StateBound::OfWatermark() {
  StateBound bound;
  bound.lines_.push_back({});
  return bound;
}

StateBound StateBound::OfCondition(const std::vector<ExprPtr>& conjuncts, const std::vector<AttributeRef>& side, const std::vector<AttributeRef>& other,
                                   const EventTimes& other_times) {
  StateBound bound;
  for (const ExprPtr& conjunct : conjuncts) {
    const auto* call = conjunct->As<Call>();
    if (call == nullptr || call->args.size() != 2) continue;
    const std::string& name = call->function->name;
    bool less = name == "<" || name == "<=", more = name == ">" || name == ">=";
    if (!less && !more) continue;
    // smaller - larger < 0
    std::vector<Term> terms;
    if (!CollectTerms(*call->args[more ? 1 : 0], false, &terms) || !CollectTerms(*call->args[more ? 0 : 1], true, &terms)) continue;
    Line line{.factor = 0, .less_ms = name.ends_with("=") ? 1 : 0};
    int of_side = 0;
    bool solved = true;
    for (const Term& term : terms) {
      double sign = term.negative ? -1 : 1;
      if (term.column == nullptr) {
        line.offset_us += sign * term.constant_us;
      } else if (Has(side, term.column->id)) {
        // watermark + c < time says something about old rows, time + c < watermark does not.
        solved = solved && term.negative && ++of_side == 1;
      } else if (Has(other, term.column->id) && other_times.contains(term.column->id)) {
        solved = solved && line.factor == 0;
        line.factor = sign;
      } else {
        solved = false;
      }
    }
    if (solved && of_side == 1 && line.factor != 0) bound.lines_.push_back(line);
  }
  return bound;
}

int64_t StateBound::At(int64_t watermark_ms) const {
  std::optional<int64_t> least;
  for (const Line& line : lines_) {
    auto at = static_cast<int64_t>((static_cast<double>(watermark_ms) * 1000.0 * line.factor + line.offset_us) / 1000.0) - line.less_ms;
    least = std::min(least.value_or(at), at);
  }
  return least.value_or(0);
}

std::vector<ExprPtr> ConjunctsOf(const ExprPtr& condition) {
  std::vector<ExprPtr> conjuncts, open;
  if (condition != nullptr) open.push_back(condition);
  while (!open.empty()) {
    ExprPtr next = open.back();
    open.pop_back();
    const auto* call = next->As<Call>();
    if (call != nullptr && call->function->name == "and") {
      open.insert(open.end(), call->args.rbegin(), call->args.rend());
    } else {
      conjuncts.push_back(std::move(next));
    }
  }
  return conjuncts;
}

bool CollectAttributes(const Expr& expr, std::vector<AttributeRef>* found) {
  std::vector<const Expr*> open{&expr};
  while (!open.empty()) {
    const Expr* next = open.back();
    open.pop_back();
    if (const auto* attribute = next->As<AttributeRef>()) found->push_back(*attribute);
    const std::vector<ExprPtr> children = ChildrenOf(*next);
    // Parents keep them alive.
    for (const ExprPtr& child : children) open.push_back(child.get());
    if (next->As<SubqueryExpr>() != nullptr || next->As<AggregateCall>() != nullptr || next->As<WindowCall>() != nullptr) return false;
  }
  return true;
}

}  // namespace millstream
