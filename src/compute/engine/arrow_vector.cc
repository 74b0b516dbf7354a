#include "compute/engine/arrow_vector.h"

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>

#include "compute/engine/arrow_layout.h"
#include "compute/engine/duckdb_error.h"
#include "types/arrow_types.h"

namespace millstream::compute {

ArrowVector::ArrowVector(duckdb::ClientContext& context, const DataType& type) : type_(type) {
  ArrowSchema exported;
  const auto schema = arrow::schema({arrow::field("value", CarrierType(type))});
  if (auto status = arrow::ExportSchema(*schema, &exported); !status.ok()) ThrowStatus(FromArrowStatus(status, "describing a type"));
  duckdb::ArrowSchemaWrapper owner;
  owner.arrow_schema = exported;
  duckdb::ArrowTableFunction::PopulateArrowTableSchema(context, arrow_table_, owner.arrow_schema);
  logical_type_ = arrow_table_.GetTypes()[0];
}

void ArrowVector::Give(duckdb::ClientContext& context, const arrow::Array& array, duckdb::Vector& result) const {
  const auto column = ToCarrier(array.data(), type_);
  if (!column.ok()) ThrowStatus(column.status());
  auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("value", (*column)->type)}), array.length(), {*column});
  duckdb::ArrowScanLocalState scan(duckdb::make_uniq<duckdb::ArrowArrayWrapper>(), context);
  auto wrapper = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
  if (auto status = arrow::ExportRecordBatch(*batch, &wrapper->arrow_array); !status.ok()) ThrowStatus(FromArrowStatus(status, "handing rows to DuckDB"));
  scan.chunk = std::move(wrapper);
  duckdb::DataChunk chunk;
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {result.GetType()});
  chunk.SetCardinality(static_cast<duckdb::idx_t>(array.length()));
  duckdb::ArrowTableFunction::ArrowToDuckDB(scan, arrow_table_.GetColumns(), chunk, false);
  result.Reference(chunk.data[0]);
}

}  // namespace millstream::compute
