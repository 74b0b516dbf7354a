#pragma once

// constant_argument.h   What a constant among a function's arguments says, while the function is bound.

#include <duckdb.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <string>

namespace millstream::compute {

inline std::string ConstantText(duckdb::ClientContext& context, duckdb::Expression& argument) {
  return duckdb::ExpressionExecutor::EvaluateScalar(context, argument).ToString();
}

}  // namespace millstream::compute
