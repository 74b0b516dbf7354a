#include "compute/functions/variant_of_value.h"

namespace millstream::compute {
namespace {

__int128 UnscaledOf(const duckdb::Value& value, const DataType& type) {
  const duckdb::hugeint_t unscaled =
      value.DefaultCastAs(duckdb::LogicalType::DECIMAL(38, static_cast<uint8_t>(type.scale()))).GetValueUnsafe<duckdb::hugeint_t>();
  return static_cast<__int128>((static_cast<unsigned __int128>(static_cast<uint64_t>(unscaled.upper)) << 64) | unscaled.lower);
}

int DigitsOf(__int128 number) {
  int digits = 0;
  for (; number != 0; number /= 10) ++digits;
  return digits;
}

// An element of an array or a map without keys of its own.
Status AppendList(const duckdb::vector<duckdb::Value>& items, const DataType& element, VariantBuilder& builder) {
  const VariantBuilder::Container array = builder.OpenContainer();
  for (const duckdb::Value& item : items) {
    builder.Element();
    MS_RETURN_IF_ERROR(AppendValue(item, element, builder));
  }
  builder.CloseArray(array);
  return Status::Ok();
}

Status AppendObject(const duckdb::Value& value, const DataType& type, VariantBuilder& builder) {
  const VariantBuilder::Container object = builder.OpenContainer();
  if (type.id() == TypeId::kStruct) {
    const auto& fields = duckdb::StructValue::GetChildren(value);
    for (size_t i = 0; i < fields.size(); ++i) {
      builder.Key(type.fields()[i].name);
      MS_RETURN_IF_ERROR(AppendValue(fields[i], type.fields()[i].type, builder));
    }
  } else {
    for (const duckdb::Value& pair : duckdb::MapValue::GetChildren(value)) {
      const auto& entry = duckdb::StructValue::GetChildren(pair);
      builder.Key(duckdb::StringValue::Get(entry[0]));
      MS_RETURN_IF_ERROR(AppendValue(entry[1], type.value(), builder));
    }
  }
  return builder.CloseObject(object);
}

}  // namespace

// Recursion ends where the type does.
Status AppendValue(const duckdb::Value& value, const DataType& type, VariantBuilder& builder) {
  if (value.IsNull()) {
    builder.Null();
    return Status::Ok();
  }
  switch (type.id()) {
    case TypeId::kNull:
      builder.Null();
      return Status::Ok();
    case TypeId::kBoolean:
      builder.Boolean(value.GetValue<bool>());
      return Status::Ok();
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
      builder.Integer(value.GetValue<int64_t>());
      return Status::Ok();
    case TypeId::kFloat:
      builder.Float(value.GetValue<float>());
      return Status::Ok();
    case TypeId::kDouble:
      builder.Double(value.GetValue<double>());
      return Status::Ok();
    case TypeId::kDecimal: {
      const __int128 unscaled = UnscaledOf(value, type);
      builder.Decimal(unscaled, DigitsOf(unscaled), type.scale());
      return Status::Ok();
    }
    case TypeId::kString:
      builder.String(duckdb::StringValue::Get(value));
      return Status::Ok();
    case TypeId::kBinary:
      builder.Binary(duckdb::StringValue::Get(value));
      return Status::Ok();
    case TypeId::kDate:
      builder.Date(duckdb::DateValue::Get(value).days);
      return Status::Ok();
    case TypeId::kTimestamp:
      builder.Timestamp(duckdb::TimestampValue::Get(value).value);
      return Status::Ok();
    case TypeId::kTimestampNtz:
      builder.TimestampNtz(duckdb::TimestampValue::Get(value).value);
      return Status::Ok();
    case TypeId::kArray:
      return AppendList(duckdb::ListValue::GetChildren(value), type.element(), builder);
    case TypeId::kMap:
    case TypeId::kStruct:
      return AppendObject(value, type, builder);
    case TypeId::kVariant: {
      const auto& parts = duckdb::StructValue::GetChildren(value);
      return builder.Append({duckdb::StringValue::Get(parts[0]), duckdb::StringValue::Get(parts[1])});
    }
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:
      break;
  }
  return Status::Unsupported("A VARIANT of " + type.Sql());
}

}  // namespace millstream::compute
