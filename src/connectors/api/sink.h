#pragma once

// sink.h   What a stream writes to (org.apache.spark.sql.execution.streaming.Sink).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "plan/command.h"
#include "types/row_stream.h"

namespace millstream {

struct BatchResult {
  int64_t rows_out = 0;          // numOutputRows; -1: not known
  bool was_done_before = false;  // the sink had this batch already and wrote nothing
};

// Takes each batch once, however often it is offered. Not thread-safe; pulls `rows` from as many threads as it likes.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string description() const = 0;  // "DeltaSink[file:/t]"
  // Writes the rows durably and makes them visible at once, under (query id, batch id). Offered again after a crash, it must write
  // nothing and say so.
  virtual Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) = 0;
  // The newest batch of this query that the sink holds; nullopt: none, or it cannot tell. Asked once, before the first batch.
  virtual Result<std::optional<BatchId>> LastBatch() { return std::optional<BatchId>(); }
};

// What a sink needs to know of its query.
struct SinkContext {
  std::string query_id;  // from <checkpoint>/metadata; survives restarts
  std::string run_id;
  OutputMode output_mode = OutputMode::kAppend;
  std::vector<std::string> partition_by;
  OptionMap options;
};

}  // namespace millstream
