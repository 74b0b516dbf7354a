#include "compute/functions/string_lists.h"

#include "compute/engine/row_function.h"

namespace millstream::compute {

using duckdb::FlatVector;
using duckdb::ListVector;
using duckdb::LogicalType;
using duckdb::UnifiedVectorFormat;

namespace {

duckdb::ScalarFunction MakeFunction(const std::string& name, duckdb::vector<LogicalType> arguments, LogicalType result, duckdb::scalar_function_t run) {
  duckdb::ScalarFunction function(name, std::move(arguments), std::move(result), std::move(run));
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  return function;
}

std::string_view View(const duckdb::string_t& held) { return {held.GetData(), held.GetSize()}; }

}  // namespace

void DefineListOfStrings(FunctionRegistry& registry, const std::string& name,
                         std::function<std::vector<std::string>(std::string_view, std::string_view, int32_t)> function) {
  auto run = [function](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
    const auto rows = arguments.size();
    UnifiedVectorFormat text, pattern, number;
    arguments.data[0].ToUnifiedFormat(rows, text);
    arguments.data[1].ToUnifiedFormat(rows, pattern);
    arguments.data[2].ToUnifiedFormat(rows, number);
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    auto* lists = FlatVector::GetData<duckdb::list_entry_t>(result);
    for (duckdb::idx_t row = 0; row < rows; ++row) {
      const auto t = text.sel->get_index(row), p = pattern.sel->get_index(row), n = number.sel->get_index(row);
      lists[row] = {ListVector::GetListSize(result), 0};
      if (!text.validity.RowIsValid(t) || !pattern.validity.RowIsValid(p) || !number.validity.RowIsValid(n)) {
        FlatVector::SetNull(result, row, true);
        continue;
      }
      const auto items = function(View(UnifiedVectorFormat::GetData<duckdb::string_t>(text)[t]),
                                  View(UnifiedVectorFormat::GetData<duckdb::string_t>(pattern)[p]), UnifiedVectorFormat::GetData<int32_t>(number)[n]);
      for (const std::string& item : items) ListVector::PushBack(result, duckdb::Value(item));
      lists = FlatVector::GetData<duckdb::list_entry_t>(result);
      lists[row].length = items.size();
    }
  };
  registry.Add(MakeFunction(name, {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::INTEGER}, LogicalType::LIST(LogicalType::VARCHAR), run));
}

void DefineOfStringList(FunctionRegistry& registry, const std::string& name,
                        std::function<std::string(std::string_view, const std::vector<std::optional<std::string>>&)> function) {
  auto run = [function](duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
    const auto rows = arguments.size();
    UnifiedVectorFormat text, list, items;
    arguments.data[0].ToUnifiedFormat(rows, text);
    arguments.data[1].ToUnifiedFormat(rows, list);
    ListVector::GetEntry(arguments.data[1]).ToUnifiedFormat(ListVector::GetListSize(arguments.data[1]), items);
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    auto* out = FlatVector::GetData<duckdb::string_t>(result);
    for (duckdb::idx_t row = 0; row < rows; ++row) {
      const auto t = text.sel->get_index(row), l = list.sel->get_index(row);
      if (!text.validity.RowIsValid(t) || !list.validity.RowIsValid(l)) {
        FlatVector::SetNull(result, row, true);
        continue;
      }
      const auto entry = UnifiedVectorFormat::GetData<duckdb::list_entry_t>(list)[l];
      std::vector<std::optional<std::string>> values;
      for (duckdb::idx_t i = 0; i < entry.length; ++i) {
        const auto at = items.sel->get_index(entry.offset + i);
        if (items.validity.RowIsValid(at)) {
          values.emplace_back(std::string(View(UnifiedVectorFormat::GetData<duckdb::string_t>(items)[at])));
        } else {
          values.emplace_back(std::nullopt);
        }
      }
      out[row] = duckdb::StringVector::AddString(result, function(View(UnifiedVectorFormat::GetData<duckdb::string_t>(text)[t]), values));
    }
  };
  registry.Add(MakeFunction(name, {LogicalType::VARCHAR, LogicalType::LIST(LogicalType::VARCHAR)}, LogicalType::VARCHAR, run));
}

}  // namespace millstream::compute
