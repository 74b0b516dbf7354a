#pragma once

// arrow_vector.h   A column that was built in Arrow as the result of a scalar function of DuckDB's.

#include <arrow/array/array_base.h>

#include <duckdb.hpp>
#include <duckdb/function/table/arrow.hpp>
#include <memory>

#include "types/data_type.h"

namespace millstream::compute {

// How values of one type get from Arrow to DuckDB. Copyable: it is part of a function's bind data.
class ArrowVector {
 public:
  ArrowVector() = default;
  // Throws what DuckDB's callbacks throw.
  ArrowVector(duckdb::ClientContext& context, const DataType& type);

  duckdb::LogicalType logical_type() const { return logical_type_; }
  // `array` has Spark's type as ToArrowType says it.
  void Give(duckdb::ClientContext& context, const arrow::Array& array, duckdb::Vector& result) const;

 private:
  DataType type_;
  duckdb::LogicalType logical_type_;
  duckdb::ArrowTableSchema arrow_table_;
};

}  // namespace millstream::compute
