#pragma once

// variant_sql.h   VARIANT in DuckDB's SQL.

#include <string>

#include "compute/sql/expression_sql.h"

namespace millstream::compute {

struct FunctionTable;

void AddVariantFunctions(FunctionTable& table);
// A part of a VARIANT as another type; `fails`: what it cannot be is an error, else null.
std::string VariantGetSql(const ExpressionSql& sql, const std::string& variant, const std::string& path, const DataType& to, bool fails);
std::string ToVariantSql(const std::string& text, const DataType& from);

}  // namespace millstream::compute
