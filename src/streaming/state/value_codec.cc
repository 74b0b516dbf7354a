// Value layout: numbers as the machine has them, lengths as varints, and one bit for each field of a row that is null.

#include <arrow/util/decimal.h>

#include "streaming/state/byte_order.h"
#include "streaming/state/column_codec.h"
#include "streaming/state/fixed_width.h"

namespace millstream::state_codec {
namespace {

constexpr int kLongValueDigits = 18;

class ValueDecoder : public ColumnDecoder {
 public:
  explicit ValueDecoder(arrow::ArrayBuilder* builder) : builder_(builder) {}
  bool AppendNull() final { return builder_->AppendNull().ok(); }

 private:
  arrow::ArrayBuilder* builder_;
};

template <typename ArrowType>
class FixedValueEncoder final : public ColumnEncoder {
  Status BindArray(const arrow::Array& array) override {
    MS_ASSIGN_OR_RETURN(values_, FixedWidthValues<ArrowType>(array));
    return Status();
  }
  void Encode(int64_t row, std::string* out) const override { PutFixed(values_[row], out); }
  const typename ArrowType::c_type* values_ = nullptr;
};

template <typename ArrowType>
class FixedValueDecoder final : public ValueDecoder {
 public:
  explicit FixedValueDecoder(arrow::ArrayBuilder* builder) : ValueDecoder(builder), builder_(static_cast<BuilderOf<ArrowType>*>(builder)) {}

 private:
  bool Append(std::string_view* bytes) override {
    typename ArrowType::c_type value;
    return TakeFixed(bytes, &value) && builder_->Append(value).ok();
  }
  BuilderOf<ArrowType>* builder_;
};

class BooleanValueEncoder final : public ColumnEncoder {
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::BOOL) return WrongArray(array, "bool");
    values_ = static_cast<const arrow::BooleanArray*>(&array);
    return Status();
  }
  void Encode(int64_t row, std::string* out) const override { out->push_back(values_->Value(row) ? 1 : 0); }
  const arrow::BooleanArray* values_ = nullptr;
};

class BooleanValueDecoder final : public ValueDecoder {
 public:
  explicit BooleanValueDecoder(arrow::ArrayBuilder* builder) : ValueDecoder(builder), builder_(static_cast<arrow::BooleanBuilder*>(builder)) {}

 private:
  bool Append(std::string_view* bytes) override {
    uint8_t value;
    return TakeFixed(bytes, &value) && value <= 1 && builder_->Append(value == 1).ok();
  }
  arrow::BooleanBuilder* builder_;
};

class NullValueEncoder final : public ColumnEncoder {
  Status BindArray(const arrow::Array& array) override { return array.type_id() == arrow::Type::NA ? Status() : WrongArray(array, "null"); }
  void Encode(int64_t, std::string*) const override {}
};

class NullValueDecoder final : public ValueDecoder {
 public:
  using ValueDecoder::ValueDecoder;

 private:
  bool Append(std::string_view*) override { return false; }
};

class DecimalValueEncoder final : public ColumnEncoder {
 public:
  explicit DecimalValueEncoder(int precision) : is_long_(precision <= kLongValueDigits) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::DECIMAL128) return WrongArray(array, "decimal128");
    values_ = static_cast<const arrow::Decimal128Array*>(&array);
    return Status();
  }
  void Encode(int64_t row, std::string* out) const override {
    arrow::Decimal128 value(values_->GetValue(row));
    PutFixed(value.low_bits(), out);
    if (!is_long_) PutFixed(value.high_bits(), out);
  }
  const arrow::Decimal128Array* values_ = nullptr;
  bool is_long_;
};

class DecimalValueDecoder final : public ValueDecoder {
 public:
  DecimalValueDecoder(arrow::ArrayBuilder* builder, int precision)
      : ValueDecoder(builder), builder_(static_cast<arrow::Decimal128Builder*>(builder)), is_long_(precision <= kLongValueDigits) {}

 private:
  bool Append(std::string_view* bytes) override {
    int64_t low = 0, high = 0;
    if (!TakeFixed(bytes, &low)) return false;
    if (is_long_) return builder_->Append(arrow::Decimal128(low)).ok();
    return TakeFixed(bytes, &high) && builder_->Append(arrow::Decimal128(high, static_cast<uint64_t>(low))).ok();
  }
  arrow::Decimal128Builder* builder_;
  bool is_long_;
};

void PutBytes(std::string_view value, std::string* out) {
  PutVarint(value.size(), out);
  out->append(value);
}

bool TakeBytes(std::string_view* bytes, std::string_view* value) {
  uint64_t size;
  if (!TakeVarint(bytes, &size) || size > bytes->size()) return false;
  *value = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return true;
}

class BytesValueEncoder final : public ColumnEncoder {
  Status BindArray(const arrow::Array& array) override { return values_.Bind(array); }
  void Encode(int64_t row, std::string* out) const override { PutBytes(values_.At(row), out); }
  BytesArray values_;
};

class BytesValueDecoder final : public ValueDecoder {
 public:
  explicit BytesValueDecoder(arrow::ArrayBuilder* builder) : ValueDecoder(builder), builder_(static_cast<arrow::BinaryBuilder*>(builder)) {}

 private:
  bool Append(std::string_view* bytes) override {
    std::string_view value;
    return TakeBytes(bytes, &value) && builder_->Append(value).ok();
  }
  arrow::BinaryBuilder* builder_;
};

class StructValueEncoder final : public ColumnEncoder {
 public:
  explicit StructValueEncoder(std::vector<std::unique_ptr<ColumnEncoder>> fields) : fields_(std::move(fields)) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::STRUCT || array.type()->num_fields() != static_cast<int>(fields_.size())) return WrongArray(array, "struct");
    const auto& rows = static_cast<const arrow::StructArray&>(array);
    for (size_t i = 0; i < fields_.size(); ++i) MS_RETURN_IF_ERROR(fields_[i]->Bind(rows.field(static_cast<int>(i))));
    return Status();
  }
  void Encode(int64_t row, std::string* out) const override { EncodeValueFields(fields_, row, out); }
  std::vector<std::unique_ptr<ColumnEncoder>> fields_;
};

class StructValueDecoder final : public ValueDecoder {
 public:
  StructValueDecoder(arrow::ArrayBuilder* builder, std::vector<std::unique_ptr<ColumnDecoder>> fields)
      : ValueDecoder(builder), builder_(static_cast<arrow::StructBuilder*>(builder)), fields_(std::move(fields)) {}

 private:
  bool Append(std::string_view* bytes) override { return builder_->Append().ok() && DecodeValueFields(fields_, bytes); }
  arrow::StructBuilder* builder_;
  std::vector<std::unique_ptr<ColumnDecoder>> fields_;
};

// A list, or a map as a list of (key, value): the count, and each element as a row of one or two fields.
class ListValueEncoder final : public ColumnEncoder {
 public:
  explicit ListValueEncoder(std::vector<std::unique_ptr<ColumnEncoder>> fields) : fields_(std::move(fields)) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != (fields_.size() == 1 ? arrow::Type::LIST : arrow::Type::MAP)) return WrongArray(array, fields_.size() == 1 ? "list" : "map");
    lists_ = static_cast<const arrow::ListArray*>(&array);
    if (fields_.size() == 1) return fields_[0]->Bind(lists_->values());
    const auto& maps = static_cast<const arrow::MapArray&>(array);
    MS_RETURN_IF_ERROR(fields_[0]->Bind(maps.keys()));
    return fields_[1]->Bind(maps.items());
  }
  void Encode(int64_t row, std::string* out) const override {
    PutVarint(static_cast<uint64_t>(lists_->value_length(row)), out);
    for (int64_t at = lists_->value_offset(row); at < lists_->value_offset(row + 1); ++at) EncodeValueFields(fields_, at, out);
  }
  const arrow::ListArray* lists_ = nullptr;
  std::vector<std::unique_ptr<ColumnEncoder>> fields_;
};

template <typename Builder>
class ListValueDecoder final : public ValueDecoder {
 public:
  ListValueDecoder(arrow::ArrayBuilder* builder, std::vector<std::unique_ptr<ColumnDecoder>> fields)
      : ValueDecoder(builder), builder_(static_cast<Builder*>(builder)), fields_(std::move(fields)) {}

 private:
  bool Append(std::string_view* bytes) override {
    uint64_t count;
    // Each element takes a byte at least: a broken count is found before it is believed.
    if (!TakeVarint(bytes, &count) || count > bytes->size() || !builder_->Append().ok()) return false;
    for (; count > 0; --count) {
      if (!DecodeValueFields(fields_, bytes)) return false;
    }
    return true;
  }
  Builder* builder_;
  std::vector<std::unique_ptr<ColumnDecoder>> fields_;
};

using EncoderPtr = std::unique_ptr<ColumnEncoder>;
using DecoderPtr = std::unique_ptr<ColumnDecoder>;

Result<std::vector<EncoderPtr>> MakeEncoders(const std::vector<DataType>& types) {
  std::vector<EncoderPtr> made;
  for (const DataType& type : types) {
    MS_ASSIGN_OR_RETURN(EncoderPtr encoder, MakeValueEncoder(type));
    made.push_back(std::move(encoder));
  }
  return made;
}

Result<std::vector<DecoderPtr>> MakeDecoders(const std::vector<std::pair<DataType, arrow::ArrayBuilder*>>& columns) {
  std::vector<DecoderPtr> made;
  for (const auto& [type, builder] : columns) {
    MS_ASSIGN_OR_RETURN(DecoderPtr decoder, MakeValueDecoder(type, builder));
    made.push_back(std::move(decoder));
  }
  return made;
}

std::vector<DataType> TypesOf(const DataType& type) {
  if (type.id() == TypeId::kVariant) return {DataType::Binary(), DataType::Binary()};
  std::vector<DataType> types;
  for (const StructField& field : type.fields()) types.push_back(field.type);
  return types;
}

}  // namespace

Result<std::unique_ptr<ColumnEncoder>> MakeValueEncoder(const DataType& type) {
  if (EncoderPtr fixed =
          MakeFixedWidth<ColumnEncoder>(type.id(), []<typename ArrowType>() -> EncoderPtr { return std::make_unique<FixedValueEncoder<ArrowType>>(); })) {
    return fixed;
  }
  switch (type.id()) {
    case TypeId::kNull:
      return EncoderPtr(std::make_unique<NullValueEncoder>());
    case TypeId::kBoolean:
      return EncoderPtr(std::make_unique<BooleanValueEncoder>());
    case TypeId::kDecimal:
      return EncoderPtr(std::make_unique<DecimalValueEncoder>(type.precision()));
    case TypeId::kString:
    case TypeId::kBinary:
      return EncoderPtr(std::make_unique<BytesValueEncoder>());
    case TypeId::kStruct:
    case TypeId::kVariant: {
      MS_ASSIGN_OR_RETURN(std::vector<EncoderPtr> fields, MakeEncoders(TypesOf(type)));
      return EncoderPtr(std::make_unique<StructValueEncoder>(std::move(fields)));
    }
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(std::vector<EncoderPtr> fields, MakeEncoders({type.element()}));
      return EncoderPtr(std::make_unique<ListValueEncoder>(std::move(fields)));
    }
    case TypeId::kMap: {
      MS_ASSIGN_OR_RETURN(std::vector<EncoderPtr> fields, MakeEncoders({type.key(), type.value()}));
      return EncoderPtr(std::make_unique<ListValueEncoder>(std::move(fields)));
    }
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:  // of fixed width: made above
      break;
  }
  return Status::Internal("no value layout for " + type.Sql());
}

Result<std::unique_ptr<ColumnDecoder>> MakeValueDecoder(const DataType& type, arrow::ArrayBuilder* builder) {
  if (DecoderPtr fixed = MakeFixedWidth<ColumnDecoder>(
          type.id(), [&]<typename ArrowType>() -> DecoderPtr { return std::make_unique<FixedValueDecoder<ArrowType>>(builder); })) {
    return fixed;
  }
  switch (type.id()) {
    case TypeId::kNull:
      return DecoderPtr(std::make_unique<NullValueDecoder>(builder));
    case TypeId::kBoolean:
      return DecoderPtr(std::make_unique<BooleanValueDecoder>(builder));
    case TypeId::kDecimal:
      return DecoderPtr(std::make_unique<DecimalValueDecoder>(builder, type.precision()));
    case TypeId::kString:
    case TypeId::kBinary:
      return DecoderPtr(std::make_unique<BytesValueDecoder>(builder));
    case TypeId::kStruct:
    case TypeId::kVariant: {
      std::vector<std::pair<DataType, arrow::ArrayBuilder*>> columns;
      for (DataType& field : TypesOf(type)) columns.emplace_back(std::move(field), builder->child(static_cast<int>(columns.size())));
      MS_ASSIGN_OR_RETURN(std::vector<DecoderPtr> fields, MakeDecoders(columns));
      return DecoderPtr(std::make_unique<StructValueDecoder>(builder, std::move(fields)));
    }
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(std::vector<DecoderPtr> fields, MakeDecoders({{type.element(), static_cast<arrow::ListBuilder*>(builder)->value_builder()}}));
      return DecoderPtr(std::make_unique<ListValueDecoder<arrow::ListBuilder>>(builder, std::move(fields)));
    }
    case TypeId::kMap: {
      auto* map = static_cast<arrow::MapBuilder*>(builder);
      MS_ASSIGN_OR_RETURN(std::vector<DecoderPtr> fields, MakeDecoders({{type.key(), map->key_builder()}, {type.value(), map->item_builder()}}));
      return DecoderPtr(std::make_unique<ListValueDecoder<arrow::MapBuilder>>(builder, std::move(fields)));
    }
    case TypeId::kByte:
    case TypeId::kShort:
    case TypeId::kInteger:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampNtz:
    case TypeId::kDayTimeInterval:
    case TypeId::kYearMonthInterval:  // of fixed width: made above
      break;
  }
  return Status::Internal("no value layout for " + type.Sql());
}

}  // namespace millstream::state_codec
