#pragma once

// column_resolver.h   Which column of a data file holds a column of the table, and how it becomes one: column mapping, widened types.

#include <arrow/array.h>

#include <memory>
#include <optional>
#include <string>

#include "delta/features.h"
#include "formats/parquet_reader.h"
#include "types/value.h"

namespace millstream {

// The name that files, partition values and statistics use for a field.
std::string PhysicalName(const StructField& field, ColumnMappingMode mode);
// The type with physical names throughout.
DataType PhysicalType(const DataType& type, ColumnMappingMode mode);
// Index among the file's top-level columns; -1: the file was written before the column was added.
int FindColumn(const ParquetFile& file, const StructField& field, ColumnMappingMode mode);
// An array of the file as the table's field: cast, names mapped back.
Result<std::shared_ptr<arrow::Array>> ToTableColumn(const std::shared_ptr<arrow::Array>& array, const StructField& field, ColumnMappingMode mode);
// `rows` times a value.
Result<std::shared_ptr<arrow::Array>> Repeat(const Value& value, const DataType& type, int64_t rows);

}  // namespace millstream
