#pragma once

// duckdb_rows.h   One run of a prepared statement, and its rows on their way out as Arrow.

#include <duckdb.hpp>
#include <memory>
#include <vector>

#include "compute/engine/compute_engine.h"
#include "compute/engine/input_scan.h"
#include "types/row_stream.h"

namespace millstream::compute {

// What a plan and the rows of its current run share; lives until both are gone.
struct DuckDbRun {
  ConnectionPtr connection;
  duckdb::unique_ptr<duckdb::PreparedStatement> statement;
  std::vector<std::unique_ptr<InputSlot>> slots;
  // Beside each slot: the rows of a LocalRelation, or null for one that Run fills.
  std::vector<std::shared_ptr<const LocalRelation>> local_rows;
  ArrowSchemaPtr arrow_schema;
  std::vector<DataType> types;
};

Result<RowStreamPtr> StartDuckDbRun(std::shared_ptr<DuckDbRun> run, std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel);

}  // namespace millstream::compute
