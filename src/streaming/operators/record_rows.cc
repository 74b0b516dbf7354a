#include "streaming/operators/record_rows.h"

#include <arrow/array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <chrono>

namespace millstream {

Result<RecordBatchPtr> RowsAt(const RecordBatchPtr& batch, const std::vector<int64_t>& places) {
  if (static_cast<int64_t>(places.size()) == batch->num_rows()) {
    bool all = true;
    for (size_t i = 0; all && i < places.size(); ++i) all = places[i] == static_cast<int64_t>(i);
    if (all) return batch;
  }
  const arrow::Int64Array indices(static_cast<int64_t>(places.size()), arrow::Buffer::Wrap(places));
  auto taken = arrow::compute::Take(arrow::Datum(batch), arrow::Datum(indices), arrow::compute::TakeOptions::NoBoundsCheck());
  if (!taken.ok()) return Status::Internal("rows of a batch: " + taken.status().ToString());
  return taken->record_batch();
}

RecordBatchPtr ColumnsAt(const RecordBatchPtr& batch, size_t from, size_t count) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = from; i < from + count; ++i) {
    fields.push_back(batch->schema()->field(static_cast<int>(i)));
    columns.push_back(batch->column(static_cast<int>(i)));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch->num_rows(), std::move(columns));
}

int64_t SteadyMicros() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace millstream
