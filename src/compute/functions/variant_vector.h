#pragma once

// variant_vector.h   VARIANT in DuckDB's vectors: a struct of two blobs, f0 the value and f1 the metadata.

#include <duckdb.hpp>

#include "types/variant_layout.h"

namespace millstream::compute {

duckdb::LogicalType VariantLogicalType();

// A vector of variants to read.
class VariantColumn {
 public:
  VariantColumn(duckdb::Vector& vector, duckdb::idx_t count);
  bool IsNull(duckdb::idx_t row) const { return !validity_->RowIsValid(row); }
  VariantRef At(duckdb::idx_t row) const { return {{values_[row].GetData(), values_[row].GetSize()}, {metadata_[row].GetData(), metadata_[row].GetSize()}}; }

 private:
  const duckdb::ValidityMask* validity_;
  const duckdb::string_t *values_, *metadata_;
};

// A vector of variants to write, row after row.
class VariantOutput {
 public:
  explicit VariantOutput(duckdb::Vector& vector);
  void Set(duckdb::idx_t row, const VariantRef& variant);
  void SetNull(duckdb::idx_t row) { duckdb::FlatVector::SetNull(vector_, row, true); }

 private:
  duckdb::Vector& vector_;
  duckdb::Vector &values_, &metadata_;
};

}  // namespace millstream::compute
