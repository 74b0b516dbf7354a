#include <duckdb/common/types/value_map.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <string>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"

namespace millstream::compute {
namespace {

using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::ListVector;
using duckdb::LogicalType;
using duckdb::UnifiedVectorFormat;

duckdb::unique_ptr<duckdb::FunctionData> BindElement(duckdb::ClientContext&, duckdb::ScalarFunction& function,
                                                     duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  const auto& type = arguments[0]->return_type;
  function.arguments[0] = type;
  function.return_type = type.id() == duckdb::LogicalTypeId::LIST ? duckdb::ListType::GetChildType(type) : type;
  return nullptr;
}

duckdb::unique_ptr<duckdb::FunctionData> BindSame(duckdb::ClientContext&, duckdb::ScalarFunction& function,
                                                  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  function.arguments[0] = arguments[0]->return_type;
  function.return_type = arguments[0]->return_type;
  return nullptr;
}

// Where in a list of that length the asked element is; nullopt: null. getitem counts from 0, element_at from 1 or from the end.
std::optional<idx_t> PlaceOf(int32_t index, idx_t length, int32_t mode, bool from_one) {
  if (!from_one) {
    if (index >= 0 && static_cast<idx_t>(index) < length) return static_cast<idx_t>(index);
    if (mode == kAnsiMode) ThrowError(errors::kInvalidArrayIndex, {{"indexValue", std::to_string(index)}, {"arraySize", std::to_string(length)}});
    return std::nullopt;
  }
  if (index == 0) ThrowError(errors::kInvalidIndexOfZero);
  const int64_t place = index > 0 ? index - 1 : static_cast<int64_t>(length) + index;
  if (place >= 0 && place < static_cast<int64_t>(length)) return static_cast<idx_t>(place);
  if (mode == kAnsiMode) ThrowError(errors::kInvalidArrayIndexInElementAt, {{"indexValue", std::to_string(index)}, {"arraySize", std::to_string(length)}});
  return std::nullopt;
}

template <bool kFromOne>
void RunElement(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  const idx_t rows = arguments.size();
  UnifiedVectorFormat list, index, mode;
  arguments.data[0].ToUnifiedFormat(rows, list);
  arguments.data[1].ToUnifiedFormat(rows, index);
  arguments.data[2].ToUnifiedFormat(rows, mode);
  duckdb::SelectionVector chosen(rows), target(rows);
  std::vector<idx_t> nulls;
  idx_t count = 0;
  auto& elements = ListVector::GetEntry(arguments.data[0]);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  for (idx_t row = 0; row < rows; ++row) {
    const idx_t l = list.sel->get_index(row), i = index.sel->get_index(row);
    std::optional<idx_t> place;
    if (list.validity.RowIsValid(l) && index.validity.RowIsValid(i)) {
      const auto entry = UnifiedVectorFormat::GetData<duckdb::list_entry_t>(list)[l];
      place = PlaceOf(UnifiedVectorFormat::GetData<int32_t>(index)[i], entry.length, UnifiedVectorFormat::GetData<int32_t>(mode)[mode.sel->get_index(row)],
                      kFromOne);
      if (place) place = *place + entry.offset;
    }
    // Rows are copied in one run: an absent one borrows any element, then is made null.
    if (!place) nulls.push_back(row);
    chosen.set_index(count++, place.value_or(0));
  }
  if (nulls.size() == rows) {
    result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(result, true);
    return;
  }
  duckdb::VectorOperations::Copy(elements, result, chosen, count, 0, 0);
  for (idx_t row : nulls) FlatVector::SetNull(result, row, true);
}

// The first of equal elements, in order; null is an element like any other.
void RunDistinct(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  const idx_t rows = arguments.size();
  UnifiedVectorFormat list;
  arguments.data[0].ToUnifiedFormat(rows, list);
  auto& elements = ListVector::GetEntry(arguments.data[0]);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  for (idx_t row = 0; row < rows; ++row) {
    const idx_t l = list.sel->get_index(row);
    const idx_t offset = ListVector::GetListSize(result);
    idx_t kept = 0;
    if (!list.validity.RowIsValid(l)) {
      FlatVector::SetNull(result, row, true);
    } else {
      const auto entry = UnifiedVectorFormat::GetData<duckdb::list_entry_t>(list)[l];
      duckdb::value_set_t seen;
      for (idx_t i = 0; i < entry.length; ++i) {
        auto value = elements.GetValue(entry.offset + i);
        if (!seen.insert(value).second) continue;
        ListVector::PushBack(result, value);
        ++kept;
      }
    }
    FlatVector::GetData<duckdb::list_entry_t>(result)[row] = {offset, kept};
  }
}

void Add(FunctionRegistry& registry, const char* name, duckdb::vector<LogicalType> arguments, duckdb::scalar_function_t run,
         duckdb::bind_scalar_function_t bind) {
  duckdb::ScalarFunction function(name, std::move(arguments), LogicalType::ANY, std::move(run), bind);
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  registry.Add(std::move(function));
}

}  // namespace

void DefineCollections(FunctionRegistry& registry) {
  const auto any_list = LogicalType::LIST(LogicalType::ANY);
  Add(registry, "ms_array_get", {any_list, LogicalType::INTEGER, LogicalType::INTEGER}, RunElement<false>, BindElement);
  Add(registry, "ms_element_at", {any_list, LogicalType::INTEGER, LogicalType::INTEGER}, RunElement<true>, BindElement);
  Add(registry, "ms_distinct_list", {any_list}, RunDistinct, BindSame);
}

}  // namespace millstream::compute
