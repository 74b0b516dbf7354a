#include "types/spark_proto.h"

#include <spark/connect/types.pb.h>

#include "types/spark_ddl.h"

namespace millstream {

namespace sc = spark::connect;

void ToSparkProto(const StructType& schema, sc::DataType* out) {
  sc::DataType::Struct* fields = out->mutable_struct_();
  for (const StructField& field : schema) {
    sc::DataType::StructField* to = fields->add_fields();
    to->set_name(field.name);
    to->set_nullable(field.nullable);
    if (field.metadata != "{}" && !field.metadata.empty()) to->set_metadata(field.metadata);
    ToSparkProto(field.type, to->mutable_data_type());
  }
}

void ToSparkProto(const DataType& type, sc::DataType* out) {
  switch (type.id()) {
    case TypeId::kNull:
      out->mutable_null();
      return;
    case TypeId::kBoolean:
      out->mutable_boolean();
      return;
    case TypeId::kByte:
      out->mutable_byte();
      return;
    case TypeId::kShort:
      out->mutable_short_();
      return;
    case TypeId::kInteger:
      out->mutable_integer();
      return;
    case TypeId::kLong:
      out->mutable_long_();
      return;
    case TypeId::kFloat:
      out->mutable_float_();
      return;
    case TypeId::kDouble:
      out->mutable_double_();
      return;
    case TypeId::kDecimal:
      out->mutable_decimal()->set_precision(type.precision());
      out->mutable_decimal()->set_scale(type.scale());
      return;
    case TypeId::kString:
      out->mutable_string()->set_collation("UTF8_BINARY");
      return;
    case TypeId::kBinary:
      out->mutable_binary();
      return;
    case TypeId::kDate:
      out->mutable_date();
      return;
    case TypeId::kTimestamp:
      out->mutable_timestamp();
      return;
    case TypeId::kTimestampNtz:
      out->mutable_timestamp_ntz();
      return;
    case TypeId::kDayTimeInterval:
      out->mutable_day_time_interval()->set_start_field(0);
      out->mutable_day_time_interval()->set_end_field(3);
      return;
    case TypeId::kYearMonthInterval:
      out->mutable_year_month_interval()->set_start_field(0);
      out->mutable_year_month_interval()->set_end_field(1);
      return;
    case TypeId::kArray:
      out->mutable_array()->set_contains_null(type.contains_null());
      ToSparkProto(type.element(), out->mutable_array()->mutable_element_type());
      return;
    case TypeId::kMap:
      out->mutable_map()->set_value_contains_null(type.contains_null());
      ToSparkProto(type.key(), out->mutable_map()->mutable_key_type());
      ToSparkProto(type.value(), out->mutable_map()->mutable_value_type());
      return;
    case TypeId::kStruct:
      ToSparkProto(type.fields(), out);
      return;
    case TypeId::kVariant:
      out->mutable_variant();
      return;
  }
}

namespace {

Result<DataType> Unsupported(const std::string& name) { return Status::Unsupported("The data type " + name, "Cast the column to a supported type before."); }

Result<DataType> FromProto(const sc::DataType& proto, int depth) {
  if (depth > kMaxTypeDepth) return Status::IllegalArgument("A data type is nested deeper than " + std::to_string(kMaxTypeDepth) + " levels.");
  switch (proto.kind_case()) {
    case sc::DataType::kNull:
      return DataType::Null();
    case sc::DataType::kBinary:
      return DataType::Binary();
    case sc::DataType::kBoolean:
      return DataType::Boolean();
    case sc::DataType::kByte:
      return DataType::Byte();
    case sc::DataType::kShort:
      return DataType::Short();
    case sc::DataType::kInteger:
      return DataType::Integer();
    case sc::DataType::kLong:
      return DataType::Long();
    case sc::DataType::kFloat:
      return DataType::Float();
    case sc::DataType::kDouble:
      return DataType::Double();
    case sc::DataType::kDecimal: {
      int precision = proto.decimal().has_precision() ? proto.decimal().precision() : 10;
      int scale = proto.decimal().has_scale() ? proto.decimal().scale() : 0;
      if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
        return Status::IllegalArgument("decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ") is not a valid decimal type.");
      return DataType::Decimal(precision, scale);
    }
    case sc::DataType::kString:
      if (!proto.string().collation().empty() && proto.string().collation() != "UTF8_BINARY")
        return Unsupported("STRING COLLATE " + proto.string().collation());
      return DataType::String();
    case sc::DataType::kChar:
    case sc::DataType::kVarChar:
      return DataType::String();
    case sc::DataType::kDate:
      return DataType::Date();
    case sc::DataType::kTimestamp:
      return DataType::Timestamp();
    case sc::DataType::kTimestampNtz:
      return DataType::TimestampNtz();
    case sc::DataType::kYearMonthInterval:
      return DataType::YearMonthInterval();
    case sc::DataType::kDayTimeInterval:
      return DataType::DayTimeInterval();
    case sc::DataType::kArray: {
      MS_ASSIGN_OR_RETURN(DataType element, FromProto(proto.array().element_type(), depth + 1));
      return DataType::Array(std::move(element), proto.array().contains_null());
    }
    case sc::DataType::kMap: {
      MS_ASSIGN_OR_RETURN(DataType key, FromProto(proto.map().key_type(), depth + 1));
      MS_ASSIGN_OR_RETURN(DataType value, FromProto(proto.map().value_type(), depth + 1));
      return DataType::Map(std::move(key), std::move(value), proto.map().value_contains_null());
    }
    case sc::DataType::kStruct: {
      StructType fields;
      for (const sc::DataType::StructField& field : proto.struct_().fields()) {
        MS_ASSIGN_OR_RETURN(DataType type, FromProto(field.data_type(), depth + 1));
        fields.Add({field.name(), std::move(type), field.nullable(), field.has_metadata() ? field.metadata() : "{}"});
      }
      return DataType::Struct(std::move(fields));
    }
    case sc::DataType::kVariant:
      return DataType::Variant();
    case sc::DataType::kUdt:
      if (!proto.udt().has_sql_type()) return Unsupported("UDT " + proto.udt().python_class());
      return FromProto(proto.udt().sql_type(), depth + 1);
    case sc::DataType::kUnparsed:
      return DataTypeFromDdl(proto.unparsed().data_type_string());
    case sc::DataType::kCalendarInterval:
      return Unsupported("INTERVAL (calendar)");
    case sc::DataType::kGeometry:
      return Unsupported("GEOMETRY");
    case sc::DataType::kGeography:
      return Unsupported("GEOGRAPHY");
    case sc::DataType::kTime:
      return Unsupported("TIME");
    case sc::DataType::KIND_NOT_SET:
      break;
  }
  return Status::IllegalArgument("A data type is missing, or is of a kind that this server does not know.");
}

}  // namespace

Result<DataType> DataTypeFromSparkProto(const sc::DataType& proto) { return FromProto(proto, 1); }

}  // namespace millstream
