#pragma once

// fixed_width.h   Which Arrow type holds which of Spark's types of fixed width.

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <utility>

#include "streaming/state/column_codec.h"

namespace millstream::state_codec {

// Calls `make.template operator()<ArrowType>()` for a type whose values are single numbers; nullptr for the others.
template <typename Made, typename Make>
std::unique_ptr<Made> MakeFixedWidth(TypeId type, Make make) {
  switch (type) {
    case TypeId::kByte:
      return make.template operator()<arrow::Int8Type>();
    case TypeId::kShort:
      return make.template operator()<arrow::Int16Type>();
    case TypeId::kInteger:
      return make.template operator()<arrow::Int32Type>();
    case TypeId::kLong:
      return make.template operator()<arrow::Int64Type>();
    case TypeId::kFloat:
      return make.template operator()<arrow::FloatType>();
    case TypeId::kDouble:
      return make.template operator()<arrow::DoubleType>();
    case TypeId::kDate:
      return make.template operator()<arrow::Date32Type>();
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
      return make.template operator()<arrow::TimestampType>();
    case TypeId::kDayTimeInterval:
      return make.template operator()<arrow::DurationType>();
    case TypeId::kYearMonthInterval:
      return make.template operator()<arrow::MonthIntervalType>();
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kDecimal:
    case TypeId::kString:
    case TypeId::kBinary:
    case TypeId::kArray:
    case TypeId::kMap:
    case TypeId::kStruct:
    case TypeId::kVariant:
      return nullptr;
  }
  return nullptr;
}

// Where the values of such an array are. An error when it is another array, or counts in other units.
template <typename ArrowType>
Result<const typename ArrowType::c_type*> FixedWidthValues(const arrow::Array& array) {
  bool fits = array.type_id() == ArrowType::type_id;
  if constexpr (arrow::is_timestamp_type<ArrowType>::value || arrow::is_duration_type<ArrowType>::value) {
    fits = fits && static_cast<const ArrowType&>(*array.type()).unit() == arrow::TimeUnit::MICRO;
  }
  if (!fits) return WrongArray(array, ArrowType::type_name());
  return array.data()->template GetValues<typename ArrowType::c_type>(1);
}

template <typename ArrowType>
using BuilderOf = typename arrow::TypeTraits<ArrowType>::BuilderType;

// Bytes of strings and binaries.
class BytesArray {
 public:
  Status Bind(const arrow::Array& array) {
    small_ = nullptr;
    large_ = nullptr;
    if (array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY) {
      small_ = static_cast<const arrow::BinaryArray*>(&array);
    } else if (array.type_id() == arrow::Type::LARGE_STRING || array.type_id() == arrow::Type::LARGE_BINARY) {
      large_ = static_cast<const arrow::LargeBinaryArray*>(&array);
    } else {
      return WrongArray(array, "string or binary");
    }
    return Status();
  }
  std::string_view At(int64_t row) const { return small_ != nullptr ? small_->GetView(row) : large_->GetView(row); }

 private:
  const arrow::BinaryArray* small_ = nullptr;
  const arrow::LargeBinaryArray* large_ = nullptr;
};

}  // namespace millstream::state_codec
