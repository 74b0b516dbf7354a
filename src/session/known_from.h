#pragma once

// known_from.h   knownFrom: what a table, a checkpoint or a list of paths knows of files that were loaded. docs/known_from.md

#include <memory>
#include <string>

#include "connectors/files/known_elsewhere.h"
#include "session/session_catalog.h"

namespace millstream {

// `name`: of a table or view, or a path: of a Delta table, a checkpoint, or a file (.csv, .json, .parquet, .txt). Reads it as it is now.
// MILLSTREAM_KNOWN_FROM when nothing in it says which files were loaded.
Result<std::shared_ptr<KnownElsewhere>> OpenKnownFrom(EngineState& engine, SessionCatalog& catalog, const std::string& name,
                                                      const std::string& spill_directory);

}  // namespace millstream
