#include "doors/connect/observed_metrics.h"

#include "plan/value_text.h"
#include "types/arrow_value.h"
#include "types/spark_proto.h"

namespace millstream {

namespace sc = spark::connect;

namespace {

const std::vector<Value>& Parts(const Value& value) { return *std::get<std::shared_ptr<const std::vector<Value>>>(value.held); }

Status EncodeMap(const std::vector<Value>& parts, const DataType& type, sc::Expression::Literal::Map* out) {
  ToSparkProto(type.key(), out->mutable_key_type());
  ToSparkProto(type.value(), out->mutable_value_type());
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    MS_RETURN_IF_ERROR(EncodeLiteral(parts[i], type.key(), out->add_keys()));
    MS_RETURN_IF_ERROR(EncodeLiteral(parts[i + 1], type.value(), out->add_values()));
  }
  return Status();
}

}  // namespace

Status EncodeLiteral(const Value& value, const DataType& type, sc::Expression::Literal* out) {
  if (value.is_null()) {
    ToSparkProto(type, out->mutable_null());
    return Status();
  }
  const auto* number = std::get_if<int64_t>(&value.held);
  switch (type.id()) {
    case TypeId::kBoolean:
      out->set_boolean(std::get<bool>(value.held));
      return Status();
    case TypeId::kByte:
      out->set_byte(static_cast<int32_t>(*number));
      return Status();
    case TypeId::kShort:
      out->set_short_(static_cast<int32_t>(*number));
      return Status();
    case TypeId::kInteger:
      out->set_integer(static_cast<int32_t>(*number));
      return Status();
    case TypeId::kLong:
      out->set_long_(*number);
      return Status();
    case TypeId::kFloat:
      out->set_float_(static_cast<float>(std::get<double>(value.held)));
      return Status();
    case TypeId::kDouble:
      out->set_double_(std::get<double>(value.held));
      return Status();
    case TypeId::kDecimal:
      out->mutable_decimal()->set_value(DecimalText(std::get<DecimalValue>(value.held), type.scale()));
      out->mutable_decimal()->set_precision(type.precision());
      out->mutable_decimal()->set_scale(type.scale());
      return Status();
    case TypeId::kString:
      out->set_string(std::get<std::string>(value.held));
      return Status();
    case TypeId::kBinary:
      out->set_binary(std::get<std::string>(value.held));
      return Status();
    case TypeId::kDate:
      out->set_date(static_cast<int32_t>(*number));
      return Status();
    case TypeId::kTimestamp:
      out->set_timestamp(*number);
      return Status();
    case TypeId::kTimestampNtz:
      out->set_timestamp_ntz(*number);
      return Status();
    case TypeId::kDayTimeInterval:
      out->set_day_time_interval(*number);
      return Status();
    case TypeId::kYearMonthInterval:
      out->set_year_month_interval(static_cast<int32_t>(*number));
      return Status();
    case TypeId::kArray:
      ToSparkProto(type.element(), out->mutable_array()->mutable_element_type());
      for (const Value& element : Parts(value)) MS_RETURN_IF_ERROR(EncodeLiteral(element, type.element(), out->mutable_array()->add_elements()));
      return Status();
    case TypeId::kMap:
      return EncodeMap(Parts(value), type, out->mutable_map());
    case TypeId::kStruct:
      ToSparkProto(type, out->mutable_struct_()->mutable_struct_type());
      for (size_t i = 0; i < type.fields().size(); ++i)
        MS_RETURN_IF_ERROR(EncodeLiteral(Parts(value)[i], type.fields()[i].type, out->mutable_struct_()->add_elements()));
      return Status();
    case TypeId::kNull:
    case TypeId::kVariant:
      break;
  }
  return Status::Unsupported("An observed metric of the type " + type.Sql());
}

Result<sc::ExecutePlanResponse> ToResponse(const std::vector<ObservedMetrics>& observed) {
  sc::ExecutePlanResponse response;
  for (const ObservedMetrics& one : observed) {
    sc::ExecutePlanResponse::ObservedMetrics* metrics = response.add_observed_metrics();
    metrics->set_name(one.name);
    for (size_t i = 0; i < one.schema.size(); ++i) {
      metrics->add_keys(one.schema[i].name);
      MS_ASSIGN_OR_RETURN(Value value, ValueAt(*one.row->column(static_cast<int>(i)), 0, one.schema[i].type));
      MS_RETURN_IF_ERROR(EncodeLiteral(value, one.schema[i].type, metrics->add_values()));
    }
  }
  return response;
}

}  // namespace millstream
