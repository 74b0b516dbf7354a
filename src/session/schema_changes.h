#pragma once

// schema_changes.h   What users do to schemas: REVERT SCHEMA OF STREAM, PROMOTE RESCUED.

#include <string>

#include "compute/compiled_plan.h"
#include "plan/command.h"
#include "session/engine_state.h"
#include "session/session.h"

namespace millstream {

// REVERT SCHEMA OF STREAM. One row: version, reverted_to, removed, changed_back, frozen, note.
Result<QueryResult> RevertStreamSchema(EngineState& engine, const RevertToSchemaVersion& request);

// PROMOTE RESCUED in the Delta table at `location`. One row: num_affected_files, num_promoted_rows.
Result<QueryResult> PromoteRescuedData(EngineState& engine, const PromoteRescuedColumns& request, const std::string& location, const std::string& name,
                                       const ComputeConf& conf);

}  // namespace millstream
