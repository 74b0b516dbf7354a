#pragma once

// stored_value.h   What an assignment stores in a column: casts, and structs put together again around an assigned field.

#include <string>
#include <vector>

#include "plan/analyzer.h"
#include "plan/expression.h"

namespace millstream {

// `value` as a column of type `to` stores it: ANSI store assignment. Integers are left as they are, or wider, when the column's type is an integer type too:
// whoever writes the column refuses what does not fit, and knows its name. DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION.
Result<ExprPtr> StoredValue(const ExprPtr& value, const DataType& to, const std::string& column, const AnalyzerConf& conf);

// SET column.field.field = value.
struct AssignedPath {
  size_t column = 0;
  std::vector<std::string> fields;
  ExprPtr value;
};
// The column's new value: `old` with all `paths` (which are of this column, and agree up to `depth`) assigned.
Result<ExprPtr> AssignedValue(const ExprPtr& old, const DataType& type, const std::vector<AssignedPath>& paths, size_t depth, const std::string& column,
                              const AnalyzerConf& conf);

// A call of a function that is known to take these arguments.
ExprPtr CallOf(const char* function, std::vector<ExprPtr> args, DataType type, bool nullable);

// False when evaluating twice may give two values.
bool IsDeterministic(const Expr& expr);

}  // namespace millstream
