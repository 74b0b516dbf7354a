#pragma once

// function_names.h   What of the analyzer's function definitions the translation reads.

#include "plan/expression.h"
#include "plan/function_registry.h"

namespace millstream::compute {

inline const std::string& NameOf(const FunctionDef& function) { return function.name; }

}  // namespace millstream::compute
