#include "delta/column_resolver.h"

#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <arrow/util/key_value_metadata.h>

#include <nlohmann/json.hpp>

#include "delta/row_conform.h"
#include "types/arrow_types.h"
#include "types/value.h"

namespace millstream {
namespace {

std::optional<std::string> FieldProperty(const StructField& field, std::string_view key) {
  nlohmann::json root = nlohmann::json::parse(field.metadata, nullptr, false);
  if (!root.is_object()) return std::nullopt;
  auto found = root.find(key);
  if (found == root.end()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer()) return std::to_string(found->get<int64_t>());
  return std::nullopt;
}

// The same bytes under another type of the same shape: only names differ.
std::shared_ptr<arrow::ArrayData> Relabel(const std::shared_ptr<arrow::ArrayData>& data, const std::shared_ptr<arrow::DataType>& type) {
  auto copy = data->Copy();
  copy->type = type;
  for (size_t i = 0; i < copy->child_data.size(); ++i) copy->child_data[i] = Relabel(copy->child_data[i], type->field(static_cast<int>(i))->type());
  return copy;
}

Result<std::shared_ptr<arrow::Scalar>> ToScalar(const Value& value, const DataType& type) {
  std::shared_ptr<arrow::DataType> arrow_type = ToArrowType(type);
  if (value.is_null()) return arrow::MakeNullScalar(arrow_type);
  arrow::Result<std::shared_ptr<arrow::Scalar>> scalar = arrow::Status::NotImplemented("this type");
  if (const auto* flag = std::get_if<bool>(&value.held)) scalar = std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::BooleanScalar>(*flag));
  if (const auto* number = std::get_if<int64_t>(&value.held)) {
    switch (type.id()) {
      case TypeId::kByte:
        scalar = arrow::MakeScalar(arrow_type, static_cast<int8_t>(*number));
        break;
      case TypeId::kShort:
        scalar = arrow::MakeScalar(arrow_type, static_cast<int16_t>(*number));
        break;
      case TypeId::kInteger:
      case TypeId::kDate:
        scalar = arrow::MakeScalar(arrow_type, static_cast<int32_t>(*number));
        break;
      default:
        scalar = arrow::MakeScalar(arrow_type, *number);
    }
  }
  if (const auto* number = std::get_if<double>(&value.held)) {
    scalar = type.id() == TypeId::kFloat ? arrow::MakeScalar(arrow_type, static_cast<float>(*number)) : arrow::MakeScalar(arrow_type, *number);
  }
  if (const auto* decimal = std::get_if<DecimalValue>(&value.held)) {
    arrow::Decimal128 bits(static_cast<int64_t>(decimal->unscaled >> 64), static_cast<uint64_t>(decimal->unscaled));
    scalar = std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::Decimal128Scalar>(bits, arrow_type));
  }
  if (const auto* text = std::get_if<std::string>(&value.held)) {
    std::shared_ptr<arrow::Buffer> bytes = arrow::Buffer::FromString(*text);
    if (type.id() == TypeId::kBinary) {
      scalar = std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::BinaryScalar>(std::move(bytes)));
    } else {
      scalar = std::shared_ptr<arrow::Scalar>(std::make_shared<arrow::StringScalar>(std::move(bytes)));
    }
  }
  if (!scalar.ok()) return FromArrowStatus(scalar.status(), "while filling a column of type " + type.Sql());
  return *scalar;
}

}  // namespace

std::string PhysicalName(const StructField& field, ColumnMappingMode mode) {
  if (mode == ColumnMappingMode::kNone) return field.name;
  return FieldProperty(field, "delta.columnMapping.physicalName").value_or(field.name);
}

DataType PhysicalType(const DataType& type, ColumnMappingMode mode) {
  switch (type.id()) {
    case TypeId::kStruct: {
      StructType fields;
      for (const StructField& field : type.fields()) {
        fields.Add({PhysicalName(field, mode), PhysicalType(field.type, mode), field.nullable, field.metadata});
      }
      return DataType::Struct(std::move(fields));
    }
    case TypeId::kArray:
      return DataType::Array(PhysicalType(type.element(), mode), type.contains_null());
    case TypeId::kMap:
      return DataType::Map(PhysicalType(type.key(), mode), PhysicalType(type.value(), mode), type.contains_null());
    default:
      return type;
  }
}

int FindColumn(const ParquetFile& file, const StructField& field, ColumnMappingMode mode) {
  const arrow::Schema& schema = *file.arrow_schema();
  if (mode == ColumnMappingMode::kId) {
    std::optional<std::string> id = FieldProperty(field, "delta.columnMapping.id");
    for (int i = 0; id && i < schema.num_fields(); ++i) {
      const auto& metadata = schema.field(i)->metadata();
      if (!metadata) continue;
      auto found = metadata->Get("PARQUET:field_id");
      if (found.ok() && *found == *id) return i;
    }
  }
  std::string name = PhysicalName(field, mode);
  int exact = schema.GetFieldIndex(name);
  if (exact >= 0 || mode != ColumnMappingMode::kNone) return exact;
  StructType names;
  for (const auto& column : schema.fields()) names.Add({column->name(), DataType::Null()});
  std::optional<size_t> index = names.IndexOf(name);
  return index ? static_cast<int>(*index) : -1;
}

Result<std::shared_ptr<arrow::Array>> ToTableColumn(const std::shared_ptr<arrow::Array>& array, const StructField& field, ColumnMappingMode mode) {
  MS_ASSIGN_OR_RETURN(auto column, ConformArray(array, mode == ColumnMappingMode::kNone ? field.type : PhysicalType(field.type, mode), field.name));
  if (mode == ColumnMappingMode::kNone || !field.type.IsNested()) return column;
  return arrow::MakeArray(Relabel(column->data(), ToArrowType(field.type)));
}

Result<std::shared_ptr<arrow::Array>> Repeat(const Value& value, const DataType& type, int64_t rows) {
  MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Scalar> scalar, ToScalar(value, type));
  auto array = arrow::MakeArrayFromScalar(*scalar, rows);
  if (!array.ok()) return FromArrowStatus(array.status(), "while filling a column of type " + type.Sql());
  return *array;
}

}  // namespace millstream
