#pragma once

// duckdb_plan.h   A plan that DuckDB computes: SQL prepared once, bound to new rows on each run.

#include <memory>

#include "compute/compiled_plan.h"
#include "compute/engine/compute_engine.h"

namespace millstream::compute {

Result<std::unique_ptr<CompiledPlan>> CompileForDuckDb(const PlanPtr& analyzed, ComputeEngine::Impl& engine, const ComputeConf& conf);

}  // namespace millstream::compute
