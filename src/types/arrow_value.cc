#include "types/arrow_value.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/util/decimal.h>

#include <utility>
#include <vector>

namespace millstream {
namespace {

template <typename ArrayType>
Value NumberAt(const arrow::Array& array, int64_t row) {
  return Value{static_cast<int64_t>(static_cast<const ArrayType&>(array).Value(row))};
}

Result<Value> ElementsAt(const arrow::Array& values, int64_t from, int64_t to, const DataType& type) {
  std::vector<Value> held;
  for (int64_t i = from; i < to; ++i) {
    MS_ASSIGN_OR_RETURN(Value value, ValueAt(values, i, type));
    held.push_back(std::move(value));
  }
  return Value{std::make_shared<const std::vector<Value>>(std::move(held))};
}

Result<Value> MapAt(const arrow::MapArray& map, int64_t row, const DataType& type) {
  std::vector<Value> held;
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    MS_ASSIGN_OR_RETURN(Value key, ValueAt(*map.keys(), i, type.key()));
    MS_ASSIGN_OR_RETURN(Value value, ValueAt(*map.items(), i, type.value()));
    held.push_back(std::move(key));
    held.push_back(std::move(value));
  }
  return Value{std::make_shared<const std::vector<Value>>(std::move(held))};
}

Result<Value> StructAt(const arrow::StructArray& array, int64_t row, const DataType& type) {
  std::vector<Value> held;
  for (size_t i = 0; i < type.fields().size(); ++i) {
    MS_ASSIGN_OR_RETURN(Value value, ValueAt(*array.field(static_cast<int>(i)), row, type.fields()[i].type));
    held.push_back(std::move(value));
  }
  return Value{std::make_shared<const std::vector<Value>>(std::move(held))};
}

std::string TextAt(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::LARGE_STRING || array.type_id() == arrow::Type::LARGE_BINARY)
    return std::string(static_cast<const arrow::LargeBinaryArray&>(array).GetView(row));
  return std::string(static_cast<const arrow::BinaryArray&>(array).GetView(row));
}

}  // namespace

Result<Value> ValueAt(const arrow::Array& array, int64_t row, const DataType& type) {
  if (array.IsNull(row)) return Value{};
  switch (type.id()) {
    case TypeId::kNull:
      return Value{};
    case TypeId::kBoolean:
      return Value{static_cast<const arrow::BooleanArray&>(array).Value(row)};
    case TypeId::kByte:
      return NumberAt<arrow::Int8Array>(array, row);
    case TypeId::kShort:
      return NumberAt<arrow::Int16Array>(array, row);
    case TypeId::kInteger:
      return NumberAt<arrow::Int32Array>(array, row);
    case TypeId::kLong:
      return NumberAt<arrow::Int64Array>(array, row);
    case TypeId::kFloat:
      return Value{static_cast<double>(static_cast<const arrow::FloatArray&>(array).Value(row))};
    case TypeId::kDouble:
      return Value{static_cast<const arrow::DoubleArray&>(array).Value(row)};
    case TypeId::kDecimal: {
      const arrow::Decimal128 decimal(static_cast<const arrow::Decimal128Array&>(array).GetValue(row));
      return Value{DecimalValue{static_cast<__int128>(decimal.high_bits()) << 64 | decimal.low_bits()}};
    }
    case TypeId::kString:
    case TypeId::kBinary:
      return Value{TextAt(array, row)};
    case TypeId::kDate:
      return NumberAt<arrow::Date32Array>(array, row);
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return NumberAt<arrow::TimestampArray>(array, row);
    case TypeId::kDayTimeInterval:
      return NumberAt<arrow::DurationArray>(array, row);
    case TypeId::kYearMonthInterval:
      return NumberAt<arrow::MonthIntervalArray>(array, row);
    case TypeId::kArray: {
      const auto& list = static_cast<const arrow::ListArray&>(array);
      return ElementsAt(*list.values(), list.value_offset(row), list.value_offset(row + 1), type.element());
    }
    case TypeId::kMap:
      return MapAt(static_cast<const arrow::MapArray&>(array), row, type);
    case TypeId::kStruct:
      return StructAt(static_cast<const arrow::StructArray&>(array), row, type);
    case TypeId::kVariant:
      break;
  }
  return Status::Internal("a value of the type " + type.Sql() + " outside of a column");
}

}  // namespace millstream
