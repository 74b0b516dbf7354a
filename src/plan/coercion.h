#pragma once

// coercion.h   Which types meet in which type: Spark's AnsiTypeCoercion, TypeCoercion (ANSI off) and DecimalPrecisionTypeCoercion.

#include <optional>
#include <string>
#include <vector>

#include "plan/analyzer.h"
#include "plan/expression.h"

namespace millstream {

// `expr` as `type`: itself when it has it already, else under a Cast (null literals just change their type).
ExprPtr CastTo(ExprPtr expr, const DataType& type, EvalMode mode);
EvalMode ModeOf(const AnalyzerConf& conf);
// Whether a cast that the user writes is one that Spark knows.
bool CanCast(const DataType& from, const DataType& to, EvalMode mode);
// The narrowest type that both fit in, by Spark's rules for comparison, CASE, coalesce, UNION…; nullopt: none.
std::optional<DataType> CommonType(const DataType& left, const DataType& right, const AnalyzerConf& conf);
std::optional<DataType> CommonType(const std::vector<ExprPtr>& exprs, const AnalyzerConf& conf);
// Operands of + - * / % div: Spark's result type, decimals by DecimalPrecision.
DataType DecimalFor(const DataType& integral);
DataType DecimalResult(const std::string& op, const DataType& left, const DataType& right);
// BoundedDecimal: precision capped at 38, giving up scale down to 6 where allowed.
DataType AdjustDecimal(int precision, int scale);

}  // namespace millstream
