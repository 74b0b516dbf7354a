// from_json: the JSON reader's own parser, a record a row, so that a value means the same in a column as in a file.

#include <arrow/array.h>

#include <cstring>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <nlohmann/json.hpp>

#include "compute/engine/arrow_vector.h"
#include "compute/engine/constant_argument.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "formats/input_chunks.h"
#include "formats/json_options.h"
#include "formats/json_record_parser.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"

namespace millstream::compute {
namespace {

// What the constants among the arguments say.
struct FromJsonData : duckdb::FunctionData {
  DataType type;
  // The parser reads records: any other value is the one field of one.
  bool is_record = false;
  JsonOptions options;
  JsonRowShape shape;
  ArrowVector column;

  duckdb::unique_ptr<FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<FromJsonData>();
    copy->type = type;
    copy->is_record = is_record;
    copy->options = options;
    copy->shape = shape;
    copy->column = column;
    return copy;
  }
  bool Equals(const FunctionData& other) const override {
    const auto& data = other.Cast<FromJsonData>();
    return type == data.type && options.mode == data.options.mode;
  }
};

struct FromJsonState : duckdb::FunctionLocalState {
  FromJsonState(const FromJsonData& data, duckdb::ClientContext& context) : parser(data.options, data.shape), context(context) {}
  JsonRecordParser parser;
  duckdb::ClientContext& context;
  std::string text;
};

duckdb::unique_ptr<duckdb::FunctionData> BindFromJson(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                              duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  auto data = duckdb::make_uniq<FromJsonData>();
  data->type = Must(DataTypeFromSparkJson(ConstantText(context, *arguments[1])));
  OptionMap options;
  const auto written = nlohmann::json::parse(ConstantText(context, *arguments[3]));
  for (const auto& [key, value] : written.items()) options[key] = value.get<std::string>();
  FormatContext format;
  format.time_zone = ConstantText(context, *arguments[2]);
  data->options = Must(JsonOptions::From(options, format));
  data->is_record = data->type.id() == TypeId::kStruct;
  data->shape.data_schema = data->is_record ? data->type.fields() : StructType({{"value", data->type, true}});
  for (const StructField& field : data->shape.data_schema) data->shape.columns.push_back(field.name);
  if (data->is_record && data->type.fields().IndexOf(data->options.corrupt_record_column))
    data->shape.corrupt_record_column = data->options.corrupt_record_column;
  data->column = ArrowVector(context, data->type);
  function.return_type = data->column.logical_type();
  return data;
}

duckdb::unique_ptr<duckdb::FunctionLocalState> Init(duckdb::ExpressionState& state, const duckdb::BoundFunctionExpression&, duckdb::FunctionData* data) {
  return duckdb::make_uniq<FromJsonState>(data->Cast<FromJsonData>(), state.GetContext());
}

// One row for one text: what is no value gives null, and of several values only the first counts.
Status ParseOne(const FromJsonData& data, FromJsonState& state, std::string_view text) {
  ColumnBuilder& rows = state.parser.rows();
  const int64_t before = rows.size();
  state.text.clear();
  if (!data.is_record) state.text += "{\"value\":";
  state.text += text;
  if (!data.is_record) state.text += '}';
  const size_t size = state.text.size();
  state.text.append(static_cast<size_t>(kChunkPadding) + 1, '\n');
  MS_RETURN_IF_ERROR(state.parser.Record(state.text.data(), state.text.data() + size));
  if (rows.size() == before) rows.AppendNull();
  if (rows.size() > before + 1) rows.Truncate(before + 1);
  return Status::Ok();
}

void RunFromJson(duckdb::DataChunk& arguments, duckdb::ExpressionState& expression, duckdb::Vector& result) {
  const auto& data = expression.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<FromJsonData>();
  auto& state = duckdb::ExecuteFunctionState::GetFunctionState(expression)->Cast<FromJsonState>();
  const duckdb::idx_t count = arguments.size();
  duckdb::UnifiedVectorFormat texts;
  arguments.data[0].ToUnifiedFormat(count, texts);
  for (duckdb::idx_t row = 0; row < count; ++row) {
    const auto at = texts.sel->get_index(row);
    if (!texts.validity.RowIsValid(at)) {
      state.parser.rows().AppendNull();
      continue;
    }
    const auto& text = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(texts)[at];
    Status status = ParseOne(data, state, {text.GetData(), text.GetSize()});
    if (!status.ok()) {
      state.parser.rows().Finish();
      ThrowStatus(status);
    }
  }
  std::shared_ptr<arrow::Array> parsed = state.parser.rows().Finish();
  if (!data.is_record) {
    const auto& rows = static_cast<const arrow::StructArray&>(*parsed);
    parsed = Must([&]() -> Result<std::shared_ptr<arrow::Array>> {
      auto flat = rows.GetFlattenedField(0);
      if (!flat.ok()) return FromArrowStatus(flat.status(), "taking a value out of its record");
      return *flat;
    }());
  }
  data.column.Give(state.context, *parsed, result);
}

}  // namespace

// ms_from_json(text, type as Spark's JSON, zone, options as a JSON object): all but the text are constants.
void DefineFromJson(FunctionRegistry& registry) {
  using duckdb::LogicalType;
  duckdb::ScalarFunction function("ms_from_json", {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::VARCHAR}, LogicalType::ANY,
                                  RunFromJson, BindFromJson);
  function.init_local_state = Init;
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(function));
}

}  // namespace millstream::compute
