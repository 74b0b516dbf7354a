#include <google/protobuf/descriptor.h>

#include <string>

#include "doors/connect/message_parts.h"
#include "doors/connect/plan_decoder.h"
#include "types/spark_proto.h"
#include "types/types_errors.h"

namespace millstream {

namespace sc = spark::connect;
using LiteralMessage = sc::Expression::Literal;

namespace {

constexpr int kLiteralDepthMax = 100;

Value Int(int64_t value) { return Value{value}; }
Value List(std::vector<Value> values) { return Value{std::make_shared<const std::vector<Value>>(std::move(values))}; }
// "-12.340", "1E+3": digits and the point's place.
Result<Literal> Decimal(const LiteralMessage::Decimal& message) {
  const std::string& text = message.value();
  size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  __int128 unscaled = 0;
  int digits = 0, scale = 0, significant = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    ++digits;
    if (significant > 0 || c != '0') ++significant;
    if (significant > 38) return Malformed("The decimal " + text + " has more than 38 digits.");
    unscaled = unscaled * 10 + (c - '0');
    if (point) ++scale;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E') && digits > 0) {
    int exponent = 0;
    bool minus = false;
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) minus = text[at++] == '-';
    size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && exponent < 1000; ++at) exponent = exponent * 10 + (text[at] - '0');
    if (at == begin) return Malformed("'" + text + "' is not a decimal.");
    scale -= minus ? -exponent : exponent;
  }
  if (digits == 0 || at != text.size()) return Malformed("'" + text + "' is not a decimal.");
  // LiteralValueProtoConverter: the larger of what is said and of what the value needs. PySpark says decimal(10,0) of any Decimal.
  const int to_scale = std::max({scale, 0, message.has_scale() ? message.scale() : 0});
  const int own_precision = std::max({significant + std::max(-scale, 0), scale, 1});
  const int precision = std::max({own_precision, to_scale, message.has_precision() ? message.precision() : 0});
  if (precision > 38) return Status::Error(errors::kDecimalPrecision, {{"precision", std::to_string(precision)}, {"maxPrecision", "38"}});
  for (; scale < to_scale; ++scale) {
    if (++significant > 38) return Malformed("The decimal " + text + " does not fit its type.");
    unscaled *= 10;
  }
  return Literal{Value{DecimalValue{negative ? -unscaled : unscaled}}, DataType::Decimal(precision, to_scale)};
}

template <typename Values, typename Make>
Literal ArrayOf(const Values& values, DataType element, Make make) {
  std::vector<Value> held;
  for (const auto& value : values) held.push_back(make(value));
  return Literal{List(std::move(held)), DataType::Array(std::move(element), false)};
}

Result<std::vector<Value>> Elements(const google::protobuf::RepeatedPtrField<LiteralMessage>& messages, int depth, DataType* type) {
  std::vector<Value> values;
  for (const LiteralMessage& message : messages) {
    MS_ASSIGN_OR_RETURN(Literal element, DecodeLiteral(message, depth + 1));
    if (type->id() == TypeId::kNull) *type = element.type;
    values.push_back(std::move(element.value));
  }
  return values;
}

Result<Literal> Array(const LiteralMessage& literal, int depth) {
  const LiteralMessage::Array& message = literal.array();
  DataType element, whole;
  if (literal.has_data_type()) {
    MS_ASSIGN_OR_RETURN(whole, DataTypeFromSparkProto(literal.data_type()));
    if (whole.id() == TypeId::kArray) element = whole.element();
  } else if (message.has_element_type()) {
    MS_ASSIGN_OR_RETURN(element, DataTypeFromSparkProto(message.element_type()));
  }
  MS_ASSIGN_OR_RETURN(std::vector<Value> values, Elements(message.elements(), depth, &element));
  return Literal{List(std::move(values)), DataType::Array(std::move(element), true)};
}

Result<Literal> Map(const LiteralMessage& literal, int depth) {
  const LiteralMessage::Map& message = literal.map();
  if (message.keys_size() != message.values_size()) return Malformed("A map literal has as many keys as values.");
  DataType key, value;
  if (literal.has_data_type()) {
    MS_ASSIGN_OR_RETURN(DataType whole, DataTypeFromSparkProto(literal.data_type()));
    if (whole.id() == TypeId::kMap) key = whole.key(), value = whole.value();
  } else {
    if (message.has_key_type()) {
      MS_ASSIGN_OR_RETURN(key, DataTypeFromSparkProto(message.key_type()));
    }
    if (message.has_value_type()) {
      MS_ASSIGN_OR_RETURN(value, DataTypeFromSparkProto(message.value_type()));
    }
  }
  MS_ASSIGN_OR_RETURN(std::vector<Value> keys, Elements(message.keys(), depth, &key));
  MS_ASSIGN_OR_RETURN(std::vector<Value> values, Elements(message.values(), depth, &value));
  std::vector<Value> held;
  for (size_t i = 0; i < keys.size(); ++i) {
    held.push_back(std::move(keys[i]));
    held.push_back(std::move(values[i]));
  }
  return Literal{List(std::move(held)), DataType::Map(std::move(key), std::move(value), true)};
}

Result<Literal> Struct(const LiteralMessage& literal, int depth) {
  const LiteralMessage::Struct& message = literal.struct_();
  MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkProto(literal.has_data_type() ? literal.data_type() : message.struct_type()));
  if (type.id() != TypeId::kStruct || static_cast<int>(type.fields().size()) != message.elements_size()) {
    return Malformed("A struct literal has as many values as its type has fields.");
  }
  std::vector<Value> values;
  for (const LiteralMessage& element : message.elements()) {
    MS_ASSIGN_OR_RETURN(Literal field, DecodeLiteral(element, depth + 1));
    values.push_back(std::move(field.value));
  }
  return Literal{List(std::move(values)), std::move(type)};
}

Result<Literal> Specialized(const LiteralMessage::SpecializedArray& message) {
  switch (message.value_type_case()) {
    case LiteralMessage::SpecializedArray::kBools:
      return ArrayOf(message.bools().values(), DataType::Boolean(), [](bool v) { return Value{v}; });
    case LiteralMessage::SpecializedArray::kInts:
      return ArrayOf(message.ints().values(), DataType::Integer(), [](int32_t v) { return Int(v); });
    case LiteralMessage::SpecializedArray::kLongs:
      return ArrayOf(message.longs().values(), DataType::Long(), [](int64_t v) { return Int(v); });
    case LiteralMessage::SpecializedArray::kFloats:
      return ArrayOf(message.floats().values(), DataType::Float(), [](float v) { return Value{static_cast<double>(v)}; });
    case LiteralMessage::SpecializedArray::kDoubles:
      return ArrayOf(message.doubles().values(), DataType::Double(), [](double v) { return Value{v}; });
    case LiteralMessage::SpecializedArray::kStrings:
      return ArrayOf(message.strings().values(), DataType::String(), [](const std::string& v) { return Value{v}; });
    case LiteralMessage::SpecializedArray::VALUE_TYPE_NOT_SET:
      break;
  }
  return NotSupported(message, "value_type");
}

}  // namespace

Result<Literal> DecodeLiteral(const LiteralMessage& literal, int depth) {
  if (depth > kLiteralDepthMax) return Status::Error(errors::kPlanTooDeep, {{"limit", std::to_string(kLiteralDepthMax)}, {"what", "levels in a literal"}});
  switch (literal.literal_type_case()) {
    case LiteralMessage::kNull: {
      MS_ASSIGN_OR_RETURN(DataType type, DataTypeFromSparkProto(literal.has_data_type() ? literal.data_type() : literal.null()));
      return Literal{Value{}, std::move(type)};
    }
    case LiteralMessage::kBinary:
      return Literal{Value{literal.binary()}, DataType::Binary()};
    case LiteralMessage::kBoolean:
      return Literal{Value{literal.boolean()}, DataType::Boolean()};
    case LiteralMessage::kByte:
      return Literal{Int(static_cast<int8_t>(literal.byte())), DataType::Byte()};
    case LiteralMessage::kShort:
      return Literal{Int(static_cast<int16_t>(literal.short_())), DataType::Short()};
    case LiteralMessage::kInteger:
      return Literal{Int(literal.integer()), DataType::Integer()};
    case LiteralMessage::kLong:
      return Literal{Int(literal.long_()), DataType::Long()};
    case LiteralMessage::kFloat:
      return Literal{Value{static_cast<double>(literal.float_())}, DataType::Float()};
    case LiteralMessage::kDouble:
      return Literal{Value{literal.double_()}, DataType::Double()};
    case LiteralMessage::kDecimal:
      return Decimal(literal.decimal());
    case LiteralMessage::kString:
      return Literal{Value{literal.string()}, DataType::String()};
    case LiteralMessage::kDate:
      return Literal{Int(literal.date()), DataType::Date()};
    case LiteralMessage::kTimestamp:
      return Literal{Int(literal.timestamp()), DataType::Timestamp()};
    case LiteralMessage::kTimestampNtz:
      return Literal{Int(literal.timestamp_ntz()), DataType::TimestampNtz()};
    case LiteralMessage::kYearMonthInterval:
      return Literal{Int(literal.year_month_interval()), DataType::YearMonthInterval()};
    case LiteralMessage::kDayTimeInterval:
      return Literal{Int(literal.day_time_interval()), DataType::DayTimeInterval()};
    case LiteralMessage::kArray:
      return Array(literal, depth);
    case LiteralMessage::kMap:
      return Map(literal, depth);
    case LiteralMessage::kStruct:
      return Struct(literal, depth);
    case LiteralMessage::kSpecializedArray:
      return Specialized(literal.specialized_array());
    case LiteralMessage::kCalendarInterval:
    case LiteralMessage::kTime:
    case LiteralMessage::LITERAL_TYPE_NOT_SET:
      break;
  }
  return NotSupported(literal, "literal_type");
}

Status NotSupported(const google::protobuf::Message& message, const std::string& oneof) {
  const auto* descriptor = message.GetDescriptor()->FindOneofByName(oneof);
  const google::protobuf::FieldDescriptor* field = descriptor ? message.GetReflection()->GetOneofFieldDescriptor(message, descriptor) : nullptr;
  if (field == nullptr) return Status::Error(errors::kPlanFieldNotSet, {{"fullName", message.GetDescriptor()->full_name() + "." + oneof}});
  // PySpark turns this class into its UnsupportedOperationException, which is what a missing feature is.
  return Status::Unsupported("The Spark Connect message " + message.GetDescriptor()->name() + "." + field->name() +
                             (field->message_type() ? " (" + field->message_type()->full_name() + ")" : ""));
}

}  // namespace millstream
