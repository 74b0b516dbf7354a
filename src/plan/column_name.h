#pragma once

// column_name.h   What Spark calls a column that has no name: the expression as written, in Spark's words ("(a + 1)", "substr(s, 2, 2147483647)").
//
// The name comes from the expression as written, not as typed: implicit casts do not show, a function keeps the alias that the user chose
// (ceiling, mean, nvl), and defaults of left out arguments do show.

#include <functional>
#include <string>

#include "plan/expression.h"

namespace millstream {

// Asked for each column and lambda variable; the analyzer answers what of `written` is left without the table's name. nullopt: take it as it is.
using ColumnText = std::function<std::optional<std::string>(const Expr& written)>;

// The name of a select list's item. A column, field or cast column is named after its last part.
std::string ColumnNameOf(const Expr& written, const ColumnText& column_text);
// Inside of a larger expression, and in error messages.
std::string WrittenSql(const Expr& written, const ColumnText& column_text);

}  // namespace millstream
