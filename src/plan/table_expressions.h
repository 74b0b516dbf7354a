#pragma once

// table_expressions.h   Expressions that a table stores as SQL text over its own columns: CHECK constraints, invariants, generated columns.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/analyzer.h"

namespace millstream {

struct TableExpression {
  ExprPtr expr;                                   // over the table's columns as ColumnOf names them
  std::string sql;                                // as Spark writes the expression in its errors: "(n > 0)"
  std::string tree;                               // the same as Spark shows its tree, in the names of invariants: "('n > 0)"
  std::vector<std::vector<std::string>> columns;  // what the text names, as written, each once, in the order of their dotted names
  bool is_deterministic = true;
};

// The column of the table in expressions of this kind.
AttributeRef ColumnOf(const StructType& table, size_t column);

struct TableExpressionWish {
  // Columns that the table has not (any more) are null, as in Delta's constraints; else an error.
  bool missing_is_null = false;
};
// Errors: those of any expression, and MILLSTREAM_UNSUPPORTED for subqueries, aggregates, windows, generators and Python functions.
Result<TableExpression> AnalyzeTableExpression(std::string_view sql, const StructType& table, const AnalyzerConf& conf, TableExpressionWish wish = {});

// The expression of another row: `values` stand in place of the table's columns.
ExprPtr OnValues(const TableExpression& expression, const std::vector<ExprPtr>& values);

}  // namespace millstream
