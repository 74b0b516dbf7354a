#pragma once

// schema_merge.h   A table's schema and that of rows on their way into it.

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "types/data_type.h"

namespace millstream {

// The table's schema with the columns that only the rows have appended (nested ones too), and integers widened where Spark does; with `widens` all
// types that CanWiden, whose changes stand in the fields' metadata. DELTA_FAILED_TO_MERGE_FIELDS.
Result<StructType> MergeSchemas(const StructType& table, const StructType& rows, bool widens = false);

// Without mergeSchema: every column of the rows must be in the table, with a type that can be cast to the table's.
Status CheckSchemaFits(const StructType& table, const StructType& rows, const std::string& table_id);

// Names that Parquet and Spark take, no two the same, partition columns there and not all: DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES,
// DELTA_DUPLICATE_COLUMNS_FOUND, DELTA_PARTITION_COLUMN_NOT_FOUND, DELTA_NON_PARTITION_COLUMN_ABSENT. Types that Delta has not: MILLSTREAM_UNSUPPORTED.
Status CheckTableSchema(const StructType& schema, const std::vector<std::string>& partition_columns);

// How a schema of rows becomes a new table's: all nullable, no metadata but comments.
StructType ForNewTable(const StructType& rows);

// May a value of `from` be stored in a column of `to` (Spark's ANSI store assignment, as far as the cast is there)?
bool CanStore(const DataType& from, const DataType& to);

// " |-- id: long (nullable = true)" …, as in Spark's messages.
std::string SchemaTree(const StructType& schema);

}  // namespace millstream
