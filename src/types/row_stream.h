#pragma once

// row_stream.h   Rows on their way from one room to the next, as Arrow record batches.

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>
#include <vector>

#include "base/status.h"

namespace millstream {

using RecordBatchPtr = std::shared_ptr<arrow::RecordBatch>;
using ArrowSchemaPtr = std::shared_ptr<arrow::Schema>;

// Rows to be pulled. The work (reading, parsing) is done in Next on the caller's thread, so rows are made in parallel by
// pulling from several threads.
class RowStream {
 public:
  virtual ~RowStream() = default;
  virtual const ArrowSchemaPtr& schema() const = 0;
  // The next rows, never an empty batch; nullptr at the end, and then for ever. Thread-safe: each caller gets other rows, and the
  // order between callers is not defined. After an error the stream is dead.
  virtual Result<RecordBatchPtr> Next() = 0;
};

using RowStreamPtr = std::unique_ptr<RowStream>;

// Rows that are in memory already, in order.
RowStreamPtr MakeRowStream(ArrowSchemaPtr schema, std::vector<RecordBatchPtr> batches);
// Reads everything. For results that are known to be small.
Result<std::vector<RecordBatchPtr>> Drain(RowStream& rows);

}  // namespace millstream
