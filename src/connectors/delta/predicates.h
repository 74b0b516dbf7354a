#pragma once

// predicates.h   The conjuncts of a query that a table's statistics can judge.

#include <vector>

#include "delta/scan.h"
#include "plan/expression.h"

namespace millstream {

// Comparisons of a column with a constant of its type, and null checks. What is of another form is left out: files are only
// skipped, rows never dropped.
std::vector<ColumnPredicate> PredicatesOf(const std::vector<ExprPtr>& filters);

}  // namespace millstream
