// Key layout: a null byte (0 null, 1 not) before each column, then bytes whose order is the column's order.

#include <arrow/util/decimal.h>

#include "streaming/state/byte_order.h"
#include "streaming/state/column_codec.h"
#include "streaming/state/fixed_width.h"

namespace millstream::state_codec {
namespace {

constexpr char kNull = 0, kNotNull = 1;
// A string ends with 00 01, and a NUL in it is 00 FF: what is shorter comes first, and no string is the beginning of another.
constexpr char kStringEnd = 1, kEscapedNul = static_cast<char>(0xff);
// An array ends with 0, and 1 stands before each element.
constexpr char kArrayEnd = 0, kElement = 1;
constexpr int kLongDecimalDigits = 18;

class KeyEncoder : public ColumnEncoder {
 public:
  void Encode(int64_t row, std::string* out) const final {
    if (IsNull(row)) {
      out->push_back(kNull);
    } else {
      EncodeValue(row, out);
    }
  }

 protected:
  virtual void EncodeValue(int64_t row, std::string* out) const = 0;
};

class KeyDecoder : public ColumnDecoder {
 public:
  explicit KeyDecoder(arrow::ArrayBuilder* builder) : builder_(builder) {}
  bool Append(std::string_view* bytes) final {
    if (bytes->empty()) return false;
    char marker = bytes->front();
    bytes->remove_prefix(1);
    if (marker == kNull) return AppendNull();
    return marker == kNotNull && AppendValue(bytes);
  }
  bool AppendNull() final { return builder_->AppendNull().ok(); }

 protected:
  virtual bool AppendValue(std::string_view* bytes) = 0;

 private:
  arrow::ArrayBuilder* builder_;
};

template <typename ArrowType>
class FixedKeyEncoder final : public KeyEncoder {
  using T = typename ArrowType::c_type;
  Status BindArray(const arrow::Array& array) override {
    MS_ASSIGN_OR_RETURN(values_, FixedWidthValues<ArrowType>(array));
    return Status();
  }
  void EncodeValue(int64_t row, std::string* out) const override {
    char bytes[1 + sizeof(T)] = {kNotNull};
    auto bits = BigEndian(OrderedBits<T>(values_[row]));
    std::memcpy(bytes + 1, &bits, sizeof(T));
    out->append(bytes, sizeof(bytes));
  }
  const T* values_ = nullptr;
};

template <typename ArrowType>
class FixedKeyDecoder final : public KeyDecoder {
  using T = typename ArrowType::c_type;

 public:
  explicit FixedKeyDecoder(arrow::ArrayBuilder* builder) : KeyDecoder(builder), builder_(static_cast<BuilderOf<ArrowType>*>(builder)) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    BitsOf<T> bits;
    return TakeFixed(bytes, &bits) && builder_->Append(FromOrderedBits<T>(BigEndian(bits))).ok();
  }
  BuilderOf<ArrowType>* builder_;
};

class BooleanKeyEncoder final : public KeyEncoder {
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::BOOL) return WrongArray(array, "bool");
    values_ = static_cast<const arrow::BooleanArray*>(&array);
    return Status();
  }
  void EncodeValue(int64_t row, std::string* out) const override {
    out->push_back(kNotNull);
    out->push_back(values_->Value(row) ? 1 : 0);
  }
  const arrow::BooleanArray* values_ = nullptr;
};

class BooleanKeyDecoder final : public KeyDecoder {
 public:
  explicit BooleanKeyDecoder(arrow::ArrayBuilder* builder) : KeyDecoder(builder), builder_(static_cast<arrow::BooleanBuilder*>(builder)) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    uint8_t value;
    return TakeFixed(bytes, &value) && value <= 1 && builder_->Append(value == 1).ok();
  }
  arrow::BooleanBuilder* builder_;
};

class NullKeyEncoder final : public KeyEncoder {
  Status BindArray(const arrow::Array& array) override { return array.type_id() == arrow::Type::NA ? Status() : WrongArray(array, "null"); }
  void EncodeValue(int64_t, std::string* out) const override { out->push_back(kNull); }
};

class NullKeyDecoder final : public KeyDecoder {
 public:
  using KeyDecoder::KeyDecoder;

 private:
  bool AppendValue(std::string_view*) override { return false; }
};

// Up to 18 digits as a long, more as sixteen bytes: the scale is the column's, so that unscaled values compare as the decimals do.
class DecimalKeyEncoder final : public KeyEncoder {
 public:
  explicit DecimalKeyEncoder(int precision) : is_long_(precision <= kLongDecimalDigits) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::DECIMAL128) return WrongArray(array, "decimal128");
    values_ = static_cast<const arrow::Decimal128Array*>(&array);
    return Status();
  }
  void EncodeValue(int64_t row, std::string* out) const override {
    arrow::Decimal128 value(values_->GetValue(row));
    out->push_back(kNotNull);
    if (!is_long_) PutFixed(BigEndian(OrderedBits<int64_t>(value.high_bits())), out);
    PutFixed(BigEndian(is_long_ ? OrderedBits<int64_t>(static_cast<int64_t>(value.low_bits())) : value.low_bits()), out);
  }
  const arrow::Decimal128Array* values_ = nullptr;
  bool is_long_;
};

class DecimalKeyDecoder final : public KeyDecoder {
 public:
  DecimalKeyDecoder(arrow::ArrayBuilder* builder, int precision)
      : KeyDecoder(builder), builder_(static_cast<arrow::Decimal128Builder*>(builder)), is_long_(precision <= kLongDecimalDigits) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    uint64_t high = 0, low = 0;
    if (is_long_) return TakeFixed(bytes, &low) && builder_->Append(arrow::Decimal128(FromOrderedBits<int64_t>(BigEndian(low)))).ok();
    return TakeFixed(bytes, &high) && TakeFixed(bytes, &low) &&
           builder_->Append(arrow::Decimal128(FromOrderedBits<int64_t>(BigEndian(high)), BigEndian(low))).ok();
  }
  arrow::Decimal128Builder* builder_;
  bool is_long_;
};

class BytesKeyEncoder final : public KeyEncoder {
  Status BindArray(const arrow::Array& array) override { return values_.Bind(array); }
  void EncodeValue(int64_t row, std::string* out) const override {
    std::string_view value = values_.At(row);
    out->push_back(kNotNull);
    for (size_t nul = value.find('\0'); nul != std::string_view::npos; nul = value.find('\0')) {
      out->append(value.data(), nul + 1);
      out->push_back(kEscapedNul);
      value.remove_prefix(nul + 1);
    }
    out->append(value);
    out->push_back('\0');
    out->push_back(kStringEnd);
  }
  BytesArray values_;
};

class BytesKeyDecoder final : public KeyDecoder {
 public:
  explicit BytesKeyDecoder(arrow::ArrayBuilder* builder) : KeyDecoder(builder), builder_(static_cast<arrow::BinaryBuilder*>(builder)) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    unescaped_.clear();
    while (true) {
      size_t nul = bytes->find('\0');
      if (nul == std::string_view::npos || nul + 1 == bytes->size()) return false;
      char after = (*bytes)[nul + 1];
      std::string_view part = bytes->substr(0, nul);
      bytes->remove_prefix(nul + 2);
      if (after == kStringEnd && unescaped_.empty()) return builder_->Append(part).ok();
      unescaped_.append(part);
      if (after == kStringEnd) return builder_->Append(unescaped_).ok();
      if (after != kEscapedNul) return false;
      unescaped_.push_back('\0');
    }
  }
  arrow::BinaryBuilder* builder_;
  std::string unescaped_;
};

class StructKeyEncoder final : public KeyEncoder {
 public:
  explicit StructKeyEncoder(std::vector<std::unique_ptr<ColumnEncoder>> fields) : fields_(std::move(fields)) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::STRUCT || array.type()->num_fields() != static_cast<int>(fields_.size())) return WrongArray(array, "struct");
    const auto& rows = static_cast<const arrow::StructArray&>(array);
    for (size_t i = 0; i < fields_.size(); ++i) MS_RETURN_IF_ERROR(fields_[i]->Bind(rows.field(static_cast<int>(i))));
    return Status();
  }
  void EncodeValue(int64_t row, std::string* out) const override {
    out->push_back(kNotNull);
    for (const auto& field : fields_) field->Encode(row, out);
  }
  std::vector<std::unique_ptr<ColumnEncoder>> fields_;
};

class StructKeyDecoder final : public KeyDecoder {
 public:
  StructKeyDecoder(arrow::ArrayBuilder* builder, std::vector<std::unique_ptr<ColumnDecoder>> fields)
      : KeyDecoder(builder), builder_(static_cast<arrow::StructBuilder*>(builder)), fields_(std::move(fields)) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    if (!builder_->Append().ok()) return false;
    for (const auto& field : fields_) {
      if (!field->Append(bytes)) return false;
    }
    return true;
  }
  arrow::StructBuilder* builder_;
  std::vector<std::unique_ptr<ColumnDecoder>> fields_;
};

class ArrayKeyEncoder final : public KeyEncoder {
 public:
  explicit ArrayKeyEncoder(std::unique_ptr<ColumnEncoder> element) : element_(std::move(element)) {}

 private:
  Status BindArray(const arrow::Array& array) override {
    if (array.type_id() != arrow::Type::LIST) return WrongArray(array, "list");
    lists_ = static_cast<const arrow::ListArray*>(&array);
    return element_->Bind(lists_->values());
  }
  void EncodeValue(int64_t row, std::string* out) const override {
    out->push_back(kNotNull);
    for (int64_t at = lists_->value_offset(row); at < lists_->value_offset(row + 1); ++at) {
      out->push_back(kElement);
      element_->Encode(at, out);
    }
    out->push_back(kArrayEnd);
  }
  const arrow::ListArray* lists_ = nullptr;
  std::unique_ptr<ColumnEncoder> element_;
};

class ArrayKeyDecoder final : public KeyDecoder {
 public:
  ArrayKeyDecoder(arrow::ArrayBuilder* builder, std::unique_ptr<ColumnDecoder> element)
      : KeyDecoder(builder), builder_(static_cast<arrow::ListBuilder*>(builder)), element_(std::move(element)) {}

 private:
  bool AppendValue(std::string_view* bytes) override {
    if (!builder_->Append().ok()) return false;
    while (!bytes->empty()) {
      char marker = bytes->front();
      bytes->remove_prefix(1);
      if (marker == kArrayEnd) return true;
      if (marker != kElement || !element_->Append(bytes)) return false;
    }
    return false;
  }
  arrow::ListBuilder* builder_;
  std::unique_ptr<ColumnDecoder> element_;
};

Status NoKey(const DataType& type) {
  return Status::Unsupported("A key of type " + type.Sql() + " in the state of a stream", "Group or join by a part of it instead.");
}

}  // namespace

Result<std::unique_ptr<ColumnEncoder>> MakeKeyEncoder(const DataType& type) {
  using Made = std::unique_ptr<ColumnEncoder>;
  if (Made fixed = MakeFixedWidth<ColumnEncoder>(type.id(), []<typename ArrowType>() -> Made { return std::make_unique<FixedKeyEncoder<ArrowType>>(); })) {
    return fixed;
  }
  switch (type.id()) {
    case TypeId::kNull:
      return Made(std::make_unique<NullKeyEncoder>());
    case TypeId::kBoolean:
      return Made(std::make_unique<BooleanKeyEncoder>());
    case TypeId::kDecimal:
      return Made(std::make_unique<DecimalKeyEncoder>(type.precision()));
    case TypeId::kString:
    case TypeId::kBinary:
      return Made(std::make_unique<BytesKeyEncoder>());
    case TypeId::kStruct: {
      std::vector<Made> fields;
      for (const StructField& field : type.fields()) {
        MS_ASSIGN_OR_RETURN(Made made, MakeKeyEncoder(field.type));
        fields.push_back(std::move(made));
      }
      return Made(std::make_unique<StructKeyEncoder>(std::move(fields)));
    }
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(Made element, MakeKeyEncoder(type.element()));
      return Made(std::make_unique<ArrayKeyEncoder>(std::move(element)));
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
    case TypeId::kMap:
    case TypeId::kVariant:  // without an order
      break;
  }
  return NoKey(type);
}

Result<std::unique_ptr<ColumnDecoder>> MakeKeyDecoder(const DataType& type, arrow::ArrayBuilder* builder) {
  using Made = std::unique_ptr<ColumnDecoder>;
  if (Made fixed =
          MakeFixedWidth<ColumnDecoder>(type.id(), [&]<typename ArrowType>() -> Made { return std::make_unique<FixedKeyDecoder<ArrowType>>(builder); })) {
    return fixed;
  }
  switch (type.id()) {
    case TypeId::kNull:
      return Made(std::make_unique<NullKeyDecoder>(builder));
    case TypeId::kBoolean:
      return Made(std::make_unique<BooleanKeyDecoder>(builder));
    case TypeId::kDecimal:
      return Made(std::make_unique<DecimalKeyDecoder>(builder, type.precision()));
    case TypeId::kString:
    case TypeId::kBinary:
      return Made(std::make_unique<BytesKeyDecoder>(builder));
    case TypeId::kStruct: {
      std::vector<Made> fields;
      for (size_t i = 0; i < type.fields().size(); ++i) {
        MS_ASSIGN_OR_RETURN(Made made, MakeKeyDecoder(type.fields()[i].type, builder->child(static_cast<int>(i))));
        fields.push_back(std::move(made));
      }
      return Made(std::make_unique<StructKeyDecoder>(builder, std::move(fields)));
    }
    case TypeId::kArray: {
      MS_ASSIGN_OR_RETURN(Made element, MakeKeyDecoder(type.element(), static_cast<arrow::ListBuilder*>(builder)->value_builder()));
      return Made(std::make_unique<ArrayKeyDecoder>(builder, std::move(element)));
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
    case TypeId::kMap:
    case TypeId::kVariant:  // without an order
      break;
  }
  return NoKey(type);
}

bool TakeMoment(std::string_view* key, const DataType& type, std::optional<int64_t>* us) {
  if (key->empty()) return false;
  const char marker = key->front();
  key->remove_prefix(1);
  if (marker == kNull) {
    us->reset();
    return true;
  }
  if (marker != kNotNull) return false;
  if (type.id() == TypeId::kStruct) {
    return type.fields().size() == 2 && TakeMoment(key, type.fields()[0].type, us) && TakeMoment(key, type.fields()[1].type, us);
  }
  uint64_t bits = 0;
  if (!TakeFixed(key, &bits)) return false;
  *us = FromOrderedBits<int64_t>(BigEndian(bits));
  return true;
}

}  // namespace millstream::state_codec
