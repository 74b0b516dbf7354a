#include "streaming/operators/late_rows.h"

#include <arrow/record_batch.h>

#include "streaming/operators/record_rows.h"

namespace millstream {

StructType Named(const StructType& schema, const std::vector<std::string>& names) {
  StructType named;
  for (size_t i = 0; i < schema.fields().size(); ++i) {
    StructField field = schema[i];
    if (i < names.size()) field.name = names[i];
    for (int number = 2; named.IndexOf(field.name, false); ++number) field.name = names[i] + "_" + std::to_string(number);
    named.Add(std::move(field));
  }
  return named;
}

Status LateRowCollector::AddOthers(const std::string& operator_name, int64_t watermark_ms, const StructType& schema, const RecordBatchPtr& batch,
                                   const std::vector<int64_t>& live) {
  std::vector<int64_t> late;
  size_t next = 0;
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    if (next < live.size() && live[next] == row) {
      ++next;
    } else {
      late.push_back(row);
    }
  }
  return Add(operator_name, watermark_ms, schema, batch, late);
}

Status LateRowCollector::Add(const std::string& operator_name, int64_t watermark_ms, const StructType& schema, const RecordBatchPtr& batch,
                             const std::vector<int64_t>& late) {
  if (late.empty()) return Status();
  MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, RowsAt(ColumnsAt(batch, 0, schema.fields().size()), late));
  std::lock_guard lock(mutex_);
  rows_.push_back({operator_name, watermark_ms, schema, {std::move(rows)}});
  return Status();
}

std::vector<LateRows> LateRowCollector::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(rows_, {});
}

}  // namespace millstream
