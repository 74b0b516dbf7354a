#include "types/arrow_types.h"

#include <arrow/extension_type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

#include "types/types_errors.h"

namespace millstream {
namespace {

using ArrowTypePtr = std::shared_ptr<arrow::DataType>;

// Spark marks a variant's struct by this key on its metadata child, so that a plain struct of two binaries stays what it is.
constexpr char kVariantMarker[] = "variant";

ArrowTypePtr VariantType() {
  auto marker = arrow::key_value_metadata({kVariantMarker}, {"true"});
  return arrow::struct_({arrow::field("value", arrow::binary(), false), arrow::field("metadata", arrow::binary(), false, marker)});
}

bool IsVariant(const arrow::StructType& type) {
  if (type.num_fields() != 2 || type.field(0)->name() != "value" || type.field(1)->name() != "metadata") return false;
  const auto& metadata = type.field(1)->metadata();
  return metadata && metadata->Contains(kVariantMarker);
}

arrow::FieldVector ToArrowFields(const StructType& fields, const std::string& time_zone) {
  arrow::FieldVector arrow_fields;
  arrow_fields.reserve(fields.size());
  for (const StructField& field : fields) {
    arrow_fields.push_back(arrow::field(field.name, ToArrowType(field.type, time_zone), field.nullable));
  }
  return arrow_fields;
}

Result<DataType> FromArrow(const arrow::DataType& type, int depth);

Result<StructType> FromArrowFields(const arrow::FieldVector& arrow_fields, int depth) {
  StructType fields;
  for (const auto& field : arrow_fields) {
    MS_ASSIGN_OR_RETURN(DataType type, FromArrow(*field->type(), depth));
    fields.Add({field->name(), std::move(type), field->nullable()});
  }
  return fields;
}

Result<DataType> UnsupportedArrowType(const arrow::DataType& type) { return Status::Error(errors::kUnsupportedArrowType, {{"typeName", type.ToString()}}); }

Result<DataType> FromArrowDecimal(const arrow::DataType& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  if (decimal.precision() > 38 || decimal.scale() < 0 || decimal.scale() > decimal.precision()) return UnsupportedArrowType(type);
  return DataType::Decimal(decimal.precision(), decimal.scale());
}

Result<DataType> FromArrowList(const arrow::DataType& type, int depth) {
  const auto& element_field = static_cast<const arrow::BaseListType&>(type).value_field();
  MS_ASSIGN_OR_RETURN(DataType element, FromArrow(*element_field->type(), depth + 1));
  return DataType::Array(std::move(element), element_field->nullable());
}

Result<DataType> FromArrow(const arrow::DataType& type, int depth) {
  if (depth > kMaxTypeDepth) return UnsupportedArrowType(*arrow::null());
  switch (type.id()) {
    case arrow::Type::NA:
      return DataType::Null();
    case arrow::Type::BOOL:
      return DataType::Boolean();
    case arrow::Type::INT8:
      return DataType::Byte();
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
      return DataType::Short();
    case arrow::Type::INT32:
    case arrow::Type::UINT16:
      return DataType::Integer();
    case arrow::Type::INT64:
    case arrow::Type::UINT32:
      return DataType::Long();
    case arrow::Type::UINT64:
      return DataType::Decimal(20, 0);
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return DataType::Float();
    case arrow::Type::DOUBLE:
      return DataType::Double();
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return FromArrowDecimal(type);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return DataType::String();
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return DataType::Binary();
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return DataType::Date();
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? DataType::TimestampNtz() : DataType::Timestamp();
    case arrow::Type::DURATION:
      return DataType::DayTimeInterval();
    case arrow::Type::INTERVAL_MONTHS:
      return DataType::YearMonthInterval();
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
      return FromArrowList(type, depth);
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      MS_ASSIGN_OR_RETURN(DataType key, FromArrow(*map.key_type(), depth + 1));
      MS_ASSIGN_OR_RETURN(DataType value, FromArrow(*map.item_type(), depth + 1));
      return DataType::Map(std::move(key), std::move(value), map.item_field()->nullable());
    }
    case arrow::Type::STRUCT: {
      if (IsVariant(static_cast<const arrow::StructType&>(type))) return DataType::Variant();
      MS_ASSIGN_OR_RETURN(StructType fields, FromArrowFields(type.fields(), depth + 1));
      return DataType::Struct(std::move(fields));
    }
    case arrow::Type::DICTIONARY:
      return FromArrow(*static_cast<const arrow::DictionaryType&>(type).value_type(), depth + 1);
    case arrow::Type::RUN_END_ENCODED:
      return FromArrow(*static_cast<const arrow::RunEndEncodedType&>(type).value_type(), depth + 1);
    case arrow::Type::EXTENSION:
      return FromArrow(*static_cast<const arrow::ExtensionType&>(type).storage_type(), depth + 1);
    default:  // Arrow's types, not ours: what Spark has no counterpart for.
      return UnsupportedArrowType(type);
  }
}

}  // namespace

ArrowTypePtr ToArrowType(const DataType& type, const std::string& time_zone) {
  switch (type.id()) {
    case TypeId::kNull:
      return arrow::null();
    case TypeId::kBoolean:
      return arrow::boolean();
    case TypeId::kByte:
      return arrow::int8();
    case TypeId::kShort:
      return arrow::int16();
    case TypeId::kInteger:
      return arrow::int32();
    case TypeId::kLong:
      return arrow::int64();
    case TypeId::kFloat:
      return arrow::float32();
    case TypeId::kDouble:
      return arrow::float64();
    case TypeId::kDecimal:
      return arrow::decimal128(type.precision(), type.scale());
    case TypeId::kString:
      return arrow::utf8();
    case TypeId::kBinary:
      return arrow::binary();
    case TypeId::kDate:
      return arrow::date32();
    case TypeId::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, time_zone);
    case TypeId::kTimestampNtz:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeId::kDayTimeInterval:
      return arrow::duration(arrow::TimeUnit::MICRO);
    case TypeId::kYearMonthInterval:
      return arrow::month_interval();
    case TypeId::kArray:
      return arrow::list(arrow::field("element", ToArrowType(type.element(), time_zone), type.contains_null()));
    case TypeId::kMap:
      return std::make_shared<arrow::MapType>(arrow::field("key", ToArrowType(type.key(), time_zone), false),
                                              arrow::field("value", ToArrowType(type.value(), time_zone), type.contains_null()));
    case TypeId::kStruct:
      return arrow::struct_(ToArrowFields(type.fields(), time_zone));
    case TypeId::kVariant:
      return VariantType();
  }
  return arrow::null();
}

ArrowSchemaPtr ToArrowSchema(const StructType& schema, const std::string& time_zone) { return arrow::schema(ToArrowFields(schema, time_zone)); }

Result<DataType> FromArrowType(const arrow::DataType& type) { return FromArrow(type, 1); }

Result<StructType> FromArrowSchema(const arrow::Schema& schema) { return FromArrowFields(schema.fields(), 1); }

Status FromArrowStatus(const arrow::Status& status, const std::string& doing) {
  if (status.ok()) return Status::Ok();
  std::string message = status.message();
  // Arrow appends where in its sources it was, on lines of their own.
  message.resize(std::min(message.size(), message.find("\n/")));
  Status ours = status.IsCancelled()     ? Status::Error(errors::kCancelled)
                : status.IsOutOfMemory() ? Status::Error(errors::kArrowOutOfMemory, {{"message", message}})
                                         : Status::Error(errors::kArrow, {{"kind", status.CodeAsString()}, {"message", message}});
  return doing.empty() ? ours : std::move(ours).While(doing);
}

}  // namespace millstream
