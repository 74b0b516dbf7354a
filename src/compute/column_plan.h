#pragma once

// column_plan.h   Plans that only pick, rename and reorder columns and fields of structs, add constants and cut rows off: done on Arrow's columns where they are.
//
// DuckDB is not even opened. Next does its work on the caller's thread and takes no lock, so that a stream that ingests files parses them on as many
// threads as pull.

#include <memory>
#include <optional>

#include "compute/compiled_plan.h"

namespace millstream::compute {

// nullptr: the plan does more than that.
Result<std::unique_ptr<CompiledPlan>> TryCompileColumns(const PlanNode& analyzed);

}  // namespace millstream::compute
