#include "compute/compiled_plan.h"

#include "compute/column_plan.h"
#include "compute/duckdb_plan.h"

namespace millstream {

Result<std::unique_ptr<CompiledPlan>> CompiledPlan::Compile(PlanPtr analyzed, ComputeEngine& engine, const ComputeConf& conf) {
  MS_ASSIGN_OR_RETURN(std::unique_ptr<CompiledPlan> columns, compute::TryCompileColumns(*analyzed));
  if (columns) return columns;
  return compute::CompileForDuckDb(analyzed, engine.impl(), conf);
}

}  // namespace millstream
