#pragma once

// parser_test_show.h   Unanalyzed plans and expressions as short text, for the parser's tests.

#include <string>
#include <variant>

#include "plan/logical_plan.h"

namespace millstream {

std::string Show(const Expr& expr);
std::string Show(const PlanNode& plan);

}  // namespace millstream
