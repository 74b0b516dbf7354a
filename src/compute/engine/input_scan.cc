#include "compute/engine/input_scan.h"

#include <arrow/c/bridge.h>

#include <duckdb/function/table/arrow.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>

#include "compute/engine/arrow_layout.h"
#include "compute/engine/duckdb_error.h"
#include "types/arrow_types.h"

namespace millstream::compute {
namespace {

struct InputBindData : duckdb::TableFunctionData {
  InputSlot* slot = nullptr;
  duckdb::ArrowTableSchema arrow_table;
};

struct InputGlobalState : duckdb::GlobalTableFunctionState {
  // Rows are parsed by whoever pulls them: every thread of DuckDB may.
  duckdb::idx_t MaxThreads() const override { return MAX_THREADS; }
};

// One puller. Batches are numbered before they are pulled: a single puller keeps the stream's order.
struct InputLocalState : duckdb::ArrowScanLocalState {
  explicit InputLocalState(duckdb::ClientContext& context) : ArrowScanLocalState(duckdb::make_uniq<duckdb::ArrowArrayWrapper>(), context) {}
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& return_types, duckdb::vector<duckdb::string>& names) {
  auto data = duckdb::make_uniq<InputBindData>();
  data->slot = reinterpret_cast<InputSlot*>(input.inputs[0].GetValue<uint64_t>());
  arrow::FieldVector fields;
  for (size_t i = 0; i < data->slot->types.size(); ++i) fields.push_back(arrow::field(data->slot->names[i], CarrierType(data->slot->types[i])));
  ArrowSchema exported;
  auto status = arrow::ExportSchema(*arrow::schema(fields), &exported);
  if (!status.ok()) ThrowStatus(FromArrowStatus(status, "describing an input"));
  // Owns the exported schema from here, exceptions included.
  duckdb::ArrowSchemaWrapper owner;
  owner.arrow_schema = exported;
  duckdb::ArrowTableFunction::PopulateArrowTableSchema(context, data->arrow_table, owner.arrow_schema);
  return_types = data->arrow_table.GetTypes();
  names = data->arrow_table.GetNames();
  return data;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(duckdb::ClientContext&, duckdb::TableFunctionInitInput&) {
  return duckdb::make_uniq<InputGlobalState>();
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(duckdb::ExecutionContext& context, duckdb::TableFunctionInitInput&,
                                                              duckdb::GlobalTableFunctionState*) {
  // column_ids stays empty: the scan delivers all columns of its slot, also where DuckDB's optimizer has noted that it looks at none of them.
  return duckdb::make_uniq<InputLocalState>(context.client);
}

Status NextChunk(InputSlot& slot, InputLocalState& state, bool& done) {
  done = true;
  if (!slot.stream) return Status::Internal("an input was read outside of a run");
  if (slot.is_given_up || (slot.cancel && slot.cancel->cancelled())) return Status::Error(errors::kCancelled);
  const int64_t number = slot.next_batch.fetch_add(1);
  MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, slot.stream->Next());
  if (!batch) return Status::Ok();
  if (batch->num_columns() != static_cast<int>(slot.types.size())) {
    return Status::Internal("an input delivers " + std::to_string(batch->num_columns()) + " columns, the plan reads " + std::to_string(slot.types.size()));
  }
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (size_t i = 0; i < slot.types.size(); ++i) {
    MS_ASSIGN_OR_RETURN(auto column, ToCarrier(batch->column_data(static_cast<int>(i)), slot.types[i]));
    fields.push_back(arrow::field(slot.names[i], column->type));
    columns.push_back(std::move(column));
  }
  auto carrier = arrow::RecordBatch::Make(arrow::schema(fields), batch->num_rows(), std::move(columns));
  auto wrapper = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
  auto status = arrow::ExportRecordBatch(*carrier, &wrapper->arrow_array);
  if (!status.ok()) return FromArrowStatus(status, "handing rows to DuckDB");
  state.Reset();
  state.batch_index = static_cast<duckdb::idx_t>(number);
  state.chunk = std::move(wrapper);
  done = false;
  return Status::Ok();
}

void Scan(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  const auto& data = input.bind_data->Cast<InputBindData>();
  auto& state = input.local_state->Cast<InputLocalState>();
  while (state.chunk_offset >= static_cast<duckdb::idx_t>(state.chunk->arrow_array.length)) {
    bool done = false;
    Status status = NextChunk(*data.slot, state, done);
    if (!status.ok()) {
      data.slot->Fail(status);
      ThrowStatus(status);
    }
    if (done) return;
  }
  const auto rows = duckdb::MinValue<duckdb::idx_t>(STANDARD_VECTOR_SIZE, state.chunk->arrow_array.length - state.chunk_offset);
  output.SetCardinality(rows);
  duckdb::ArrowTableFunction::ArrowToDuckDB(state, data.arrow_table.GetColumns(), output, false);
  state.chunk_offset += rows;
}

duckdb::OperatorPartitionData PartitionOf(duckdb::ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  return duckdb::OperatorPartitionData(input.local_state->Cast<InputLocalState>().batch_index);
}

}  // namespace

void InputSlot::Start(RowStream* rows, std::shared_ptr<CancelToken> token) {
  std::lock_guard lock(mutex_);
  stream = rows;
  cancel = std::move(token);
  next_batch = 0;
  is_given_up = false;
  error_ = Status::Ok();
}

void InputSlot::Fail(Status status) {
  std::lock_guard lock(mutex_);
  if (error_.ok()) error_ = std::move(status);
}

Status InputSlot::error() {
  std::lock_guard lock(mutex_);
  return error_;
}

void RegisterInputScan(duckdb::Connection& connection) {
  duckdb::TableFunction function("ms_input", {duckdb::LogicalType::UBIGINT}, Scan, Bind, InitGlobal, InitLocal);
  function.get_partition_data = PartitionOf;
  function.projection_pushdown = false;
  function.filter_pushdown = false;
  duckdb::CreateTableFunctionInfo info(function);
  connection.context->RunFunctionInTransaction([&] { duckdb::Catalog::GetSystemCatalog(*connection.context).CreateFunction(*connection.context, info); });
}

std::string InputScanSql(const InputSlot& slot) { return "ms_input(" + std::to_string(reinterpret_cast<uintptr_t>(&slot)) + "::UBIGINT)"; }

}  // namespace millstream::compute
