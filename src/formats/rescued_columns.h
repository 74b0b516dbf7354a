#pragma once

// rescued_columns.h   Whole columns → the rescued-data column: for each row a JSON object of what no column of the schema holds.

#include <arrow/record_batch.h>

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

// `columns` are indexes in `rows`; null values are left out, a row without any is null. `rescued` receives the number of rows with something.
Result<std::shared_ptr<arrow::Array>> RescuedColumns(const arrow::RecordBatch& rows, const std::vector<int>& columns, const std::string& file_path,
                                                     int64_t* rescued);

}  // namespace millstream
