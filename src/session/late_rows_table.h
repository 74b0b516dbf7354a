#pragma once

// late_rows_table.h   writeStream.option("lateRowsTable", "db.late"): the rows that a watermark keeps out of a query are kept in a Delta table, each once.

#include <functional>
#include <memory>
#include <string>

#include "plan/analyzer.h"
#include "session/engine_state.h"
#include "streaming/operators/late_rows.h"

namespace millstream {

inline constexpr std::string_view kLateRowsTable = "lateRowsTable";

// query_id, batch_id, operator, watermark, row (JSON)
const StructType& LateRowsSchema();

struct LateRowsTarget {
  std::shared_ptr<EngineState> engine;
  std::string location;
  std::shared_ptr<const std::string> query_id;  // known once the query's checkpoint is
  AnalyzerConf analyzer;
  ComputeConf compute;
};
// Appends the rows of a batch in one commit; a batch that the table has already is not appended again.
std::function<Status(BatchId, std::vector<LateRows>)> KeepLateRowsIn(LateRowsTarget target);

}  // namespace millstream
