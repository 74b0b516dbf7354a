#pragma once

// file_reports.h   What is known of files, as the session wires it together: the state, the history and the proof of a table or of a stream.

#include <optional>
#include <string>

#include "plan/logical_plan.h"
#include "session/engine_state.h"
#include "session/session_catalog.h"

namespace millstream {

// A Delta table's. options[kCopyStateOption]: "state" (copy_into_state, with versionAsOf or timestampAsOf), "history" (copy_into_history) or "verify"
// (VERIFY FILES IN t, with from and pattern). `name`: for plans and errors.
Result<RelationSourcePtr> OpenTableFiles(EngineState& engine, const std::string& path, const std::string& name, const OptionMap& options,
                                         const std::string& time_zone);

// cloud_files_state, cloud_files_history, cloud_files_schemas and verify_files of a checkpoint; nullopt: another format.
Result<std::optional<RelationSourcePtr>> OpenStreamFiles(EngineState& engine, const UnresolvedDataSource& source);

// cloud_files_state(TABLE(t)) and cloud_files_history(TABLE(t)): of all streams that have written to the Delta table, as far as its commits and their
// checkpoints are there. With several, source_id is the whole path of a source.
Result<RelationSourcePtr> OpenFilesOfStreams(EngineState& engine, const std::string& function, const ResolvedTable& table);

}  // namespace millstream
