#include "compute/engine/arrow_layout.h"

#include <arrow/array/array_base.h>
#include <arrow/array/util.h>
#include <arrow/type.h>

#include "types/arrow_types.h"

namespace millstream::compute {
namespace {

using ArrayDataPtr = std::shared_ptr<arrow::ArrayData>;
using ArrowTypePtr = std::shared_ptr<arrow::DataType>;

ArrowTypePtr CarrierStruct(const std::vector<ArrowTypePtr>& types) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < types.size(); ++i) fields.push_back(arrow::field("f" + std::to_string(i), types[i]));
  return arrow::struct_(fields);
}

// What DuckDB and Spark both would call the same bytes: nothing may differ but names, time zones and interval labels.
bool SameLayout(arrow::Type::type a, arrow::Type::type b) {
  auto canonical = [](arrow::Type::type id) {
    switch (id) {
      case arrow::Type::DURATION:
      case arrow::Type::TIMESTAMP:
        return arrow::Type::INT64;
      case arrow::Type::INTERVAL_MONTHS:
      case arrow::Type::DATE32:
        return arrow::Type::INT32;
      default:  // Arrow's types: all others are only the same as themselves.
        return id;
    }
  };
  return canonical(a) == canonical(b);
}

// Gives `data` the labels of `to`, whose shape is that of `type`.
Result<ArrayDataPtr> Relabel(const ArrayDataPtr& data, const ArrowTypePtr& to, const DataType& type) {
  if (data->type->id() == arrow::Type::NA && to->id() != arrow::Type::NA) {
    auto nulls = arrow::MakeArrayOfNull(to, data->length);
    if (!nulls.ok()) return FromArrowStatus(nulls.status(), "making a column of nulls");
    return nulls.ValueUnsafe()->data();
  }
  if (to->id() == arrow::Type::NA)
    return std::make_shared<arrow::ArrayData>(to, data->length, std::vector<std::shared_ptr<arrow::Buffer>>{nullptr}, data->length);
  if (!SameLayout(data->type->id(), to->id())) {
    return Status::Internal("a column of Arrow type " + data->type->ToString() + " where " + to->ToString() + " is due");
  }
  if (data->type->id() == arrow::Type::DECIMAL128 && !data->type->Equals(*to)) {
    return Status::Internal("a column of Arrow type " + data->type->ToString() + " where " + to->ToString() + " is due");
  }
  auto copy = std::make_shared<arrow::ArrayData>(*data);
  copy->type = to;
  switch (type.id()) {
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(copy->child_data[0], Relabel(data->child_data[0], to->field(0)->type(), type.element()));
      return copy;
    }
    case TypeId::kMap: {
      auto entries = std::make_shared<arrow::ArrayData>(*data->child_data[0]);
      entries->type = to->field(0)->type();
      MS_ASSIGN_OR_RETURN(entries->child_data[0], Relabel(entries->child_data[0], entries->type->field(0)->type(), type.key()));
      MS_ASSIGN_OR_RETURN(entries->child_data[1], Relabel(entries->child_data[1], entries->type->field(1)->type(), type.value()));
      copy->child_data[0] = std::move(entries);
      return copy;
    }
    case TypeId::kStruct:
    case TypeId::kVariant: {
      if (static_cast<int>(data->child_data.size()) != to->num_fields()) return Status::Internal("a struct column with other fields than its type");
      for (int i = 0; i < to->num_fields(); ++i) {
        const DataType field = type.id() == TypeId::kVariant ? DataType::Binary() : type.fields()[i].type;
        MS_ASSIGN_OR_RETURN(copy->child_data[i], Relabel(data->child_data[i], to->field(i)->type(), field));
      }
      return copy;
    }
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      return copy;
  }
  return copy;
}

}  // namespace

ArrowTypePtr CarrierType(const DataType& type) {
  switch (type.id()) {
    case TypeId::kNull:
    case TypeId::kYearMonthInterval:
      return arrow::int32();
    case TypeId::kDayTimeInterval:
      return arrow::int64();
    case TypeId::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeId::kVariant:
      return CarrierStruct({arrow::binary(), arrow::binary()});
    case TypeId::kArray:
      return arrow::list(CarrierType(type.element()));
    case TypeId::kMap:
      return arrow::map(CarrierType(type.key()), CarrierType(type.value()));
    case TypeId::kStruct: {
      std::vector<ArrowTypePtr> fields;
      for (const StructField& field : type.fields()) fields.push_back(CarrierType(field.type));
      return CarrierStruct(fields);
    }
    case TypeId::kBoolean:
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kDate:
    case TypeId::kTimestampNtz:
      return ToArrowType(type);
  }
  return arrow::null();
}

Result<ArrayDataPtr> ToCarrier(const ArrayDataPtr& data, const DataType& type) { return Relabel(data, CarrierType(type), type); }
Result<ArrayDataPtr> FromCarrier(const ArrayDataPtr& data, const DataType& type) { return Relabel(data, ToArrowType(type), type); }

}  // namespace millstream::compute
