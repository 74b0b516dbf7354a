#include "streaming/operators/buffer_merge.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>

#include "streaming/operators/record_rows.h"

namespace millstream {

Result<RecordBatchPtr> MergeBuffers(CompiledPlan& merge, const RecordBatchPtr& older, const RecordBatchPtr& newer) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  const auto& [relation, needs] = merge.scans().at(0);
  const int64_t rows = newer->num_rows();
  for (const std::string& column : needs.columns) {
    if (column == "r") {
      arrow::Int64Builder places;
      for (int64_t row = 0; row < rows; ++row) {
        if (!places.Append(row).ok()) return Status::Internal("out of memory");
      }
      columns.push_back(places.Finish().ValueOrDie());
    } else {
      columns.push_back((column[0] == 'o' ? older : newer)->column(std::stoi(column.substr(1))));
    }
    fields.push_back(arrow::field(column, columns.back()->type()));
  }
  ArrowSchemaPtr schema = arrow::schema(fields);
  std::vector<RowStreamPtr> inputs;
  inputs.push_back(MakeRowStream(schema, {arrow::RecordBatch::Make(schema, rows, std::move(columns))}));
  MS_ASSIGN_OR_RETURN(RowStreamPtr merged, merge.Run(std::move(inputs)));
  MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> parts, Drain(*merged));
  auto together = arrow::ConcatenateRecordBatches(parts);
  if (!together.ok()) return Status::Internal("merged groups: " + together.status().ToString());
  RecordBatchPtr batch = *std::move(together);
  if (batch->num_rows() != rows) return Status::Internal("groups were lost while they were merged");
  // DuckDB promises no order.
  const auto& places = static_cast<const arrow::Int64Array&>(*batch->column(batch->num_columns() - 1));
  std::vector<int64_t> from(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) from[static_cast<size_t>(places.Value(row))] = row;
  return RowsAt(ColumnsAt(batch, 0, static_cast<size_t>(batch->num_columns()) - 1), from);
}

}  // namespace millstream
