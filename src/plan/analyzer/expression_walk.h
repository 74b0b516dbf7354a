#pragma once

// expression_walk.h   One way through all kinds of expressions, for every pass that looks at or replaces parts of one.

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "plan/expression.h"

namespace millstream {

std::vector<ExprPtr> ChildrenOf(const Expr& expr);
// The same expression over other children. `replace` may fail.
Result<ExprPtr> MapChildren(const ExprPtr& expr, const std::function<Result<ExprPtr>(const ExprPtr&)>& replace);
// Top-down: where `replace` answers with an expression, that stands instead and is not entered; nullptr: look inside.
ExprPtr Replace(const ExprPtr& expr, const std::function<ExprPtr(const ExprPtr&)>& replace);
bool Contains(const Expr& expr, const std::function<bool(const Expr&)>& wanted);
// Equal keys: the same value for every row. Attributes count by id, names of aliases do not count.
std::string KeyOf(const Expr& expr);
// Depth of nesting, counted without recursion.
int DepthOf(const Expr& expr);

bool IsAggregate(const Expr& expr);  // contains an aggregate call that is not itself under OVER
bool IsGenerator(const Expr& expr);  // is a generator call, or an alias of one
bool HasWindow(const Expr& expr);

}  // namespace millstream
