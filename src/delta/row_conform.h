#pragma once

// row_conform.h   Rows as they come → rows as a table has them: columns by name, missing ones null, types cast, NOT NULL checked.

#include <memory>
#include <vector>

#include "base/status.h"
#include "types/chunk_rows.h"
#include "types/data_type.h"
#include "types/row_stream.h"

namespace millstream {

namespace errors {
inline constexpr ErrorClass kCastOverflowInInsert{
    "CAST_OVERFLOW_IN_TABLE_INSERT", "22003", ExceptionKind::kArithmetic,
    "Fail to assign a value of <sourceType> type to the <targetType> type column or variable <columnName> due to an overflow. Use `try_cast` "
    "on the input value to tolerate overflow and return NULL instead."};
}  // namespace errors

// One array of type `from` as `to` has it, which must be CanStore(from, to) or a widening that Parquet readers make. Nested fields
// are matched by name without regard to case. A value that does not fit is CAST_OVERFLOW_IN_TABLE_INSERT.
Result<std::shared_ptr<arrow::Array>> ConformArray(const std::shared_ptr<arrow::Array>& array, const DataType& to, const std::string& column);

// Immutable, thread-safe.
class RowConform {
 public:
  // `rows` must fit `table` (CheckSchemaFits). Columns of type void stay null.
  RowConform(const StructType& rows, const StructType& table);
  // All columns of the table, in its order. DELTA_NOT_NULL_CONSTRAINT_VIOLATED.
  Result<RecordBatchPtr> Apply(const RecordBatchPtr& batch) const;
  // The same of rows that come as chunks: those of Unchanged columns, and values. Only the columns `which` of the table.
  Result<ChunkRows> Apply(const ChunkRows& rows, const std::vector<int>& which) const;
  // For each column of the rows the column of the table that it becomes as it is; nullopt: it is cast, or left out.
  std::vector<std::optional<StructField>> Unchanged() const;

 private:
  // The table's column `at` out of that of the rows; null: they have none.
  Result<std::shared_ptr<arrow::Array>> Column(size_t at, const std::shared_ptr<arrow::Array>& given, int64_t rows) const;
  Status CheckNulls(size_t at, int64_t null_count) const;

  StructType table_, rows_;
  ArrowSchemaPtr arrow_schema_;
  std::vector<int> sources_;  // of each table column; -1: none
};

}  // namespace millstream
