#pragma once

// function_registry.h   Every function and operator: what it takes, what it returns. What it computes is compute's business, which knows a function by its
// canonical name.
//
// Operators are functions under Spark Connect's names: "==", "<=>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "div", "and", "or", "not", "in", "like",
// "&", "|", "^", "~". Conventions of arguments after analysis:
//   when(c1, v1, c2, v2, …[, else]) · getfield(struct, name literal) · getitem(array|map, key) · struct = named_struct(name, value, …) · array(…) · map(k, v,
//   …) cast is a Cast, not a function. between is rewritten to >= and <=, != to not(==), nvl/ifnull to coalesce, count(*) to count(1).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/analyzer.h"
#include "plan/expression.h"

namespace millstream {

// A call while its types are being decided. Arguments are analyzed; a rule wraps them in casts.
struct TypedCall {
  std::vector<ExprPtr> args;
  DataType type;
  bool nullable = true;
};

struct FunctionDef {
  enum class Kind { kScalar, kAggregate, kWindow, kGenerator };
  using Rule = std::function<Result<TypedCall>(const FunctionDef& function, std::vector<ExprPtr> args, const AnalyzerConf& conf)>;

  std::string name;  // canonical, lower case
  Kind kind = Kind::kScalar;
  int args_min = 0;
  int args_max = 0;  // -1: any number
  Rule rule;
  bool is_higher_order = false;  // takes lambdas: the analyzer types their parameters from the other arguments
};

// By any of its names, without regard to case; nullptr: there is none.
const FunctionDef* FindFunction(std::string_view name);
// All names, for suggestions and SHOW FUNCTIONS.
std::vector<std::string> FunctionNames();

}  // namespace millstream
