#include "compute/functions/variant_vector.h"

namespace millstream::compute {

duckdb::LogicalType VariantLogicalType() { return duckdb::LogicalType::STRUCT({{"f0", duckdb::LogicalType::BLOB}, {"f1", duckdb::LogicalType::BLOB}}); }

VariantColumn::VariantColumn(duckdb::Vector& vector, duckdb::idx_t count) {
  vector.Flatten(count);
  auto& parts = duckdb::StructVector::GetEntries(vector);
  for (auto& part : parts) part->Flatten(count);
  validity_ = &duckdb::FlatVector::Validity(vector);
  values_ = duckdb::FlatVector::GetData<duckdb::string_t>(*parts[0]);
  metadata_ = duckdb::FlatVector::GetData<duckdb::string_t>(*parts[1]);
}

VariantOutput::VariantOutput(duckdb::Vector& vector)
    : vector_(vector), values_(*duckdb::StructVector::GetEntries(vector)[0]), metadata_(*duckdb::StructVector::GetEntries(vector)[1]) {
  vector.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
}

void VariantOutput::Set(duckdb::idx_t row, const VariantRef& variant) {
  auto put = [&](duckdb::Vector& part, std::string_view bytes) {
    duckdb::FlatVector::GetData<duckdb::string_t>(part)[row] = duckdb::StringVector::AddStringOrBlob(part, bytes.data(), bytes.size());
  };
  put(values_, variant.value);
  put(metadata_, variant.metadata);
}

}  // namespace millstream::compute
