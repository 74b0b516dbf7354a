#include "types/variant_value.h"

#include <cstring>

#include "types/variant_errors.h"

namespace millstream {
namespace {

using namespace variant_layout;

Status Malformed() { return Status::Error(errors::kMalformedVariant); }

size_t ReadInteger(const char* from, size_t bytes) {
  size_t number = 0;
  for (size_t i = bytes; i-- > 0;) number = number << 8 | static_cast<uint8_t>(from[i]);
  return number;
}

template <typename T>
T ReadFixed(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

bool FitsDigits(__int128 unscaled, int scale, int digits_max) {
  for (int i = 0; i < digits_max; ++i) unscaled /= 10;
  return unscaled == 0 && scale <= digits_max;
}

// Bytes behind the first one, of primitives that have as many always; nullopt: no such type, or one that says its length.
std::optional<size_t> PayloadSize(uint8_t type) {
  switch (type) {
    case kNull:
    case kTrue:
    case kFalse:
      return 0;
    case kInt8:
      return 1;
    case kInt16:
      return 2;
    case kInt32:
    case kDate:
    case kFloat:
      return 4;
    case kInt64:
    case kDouble:
    case kTimestamp:
    case kTimestampNtz:
      return 8;
    case kDecimal4:
      return 5;
    case kDecimal8:
      return 9;
    case kDecimal16:
      return 17;
    case kUuid:
      return 16;
    default:  // bytes from a file, not an enum of ours
      return std::nullopt;
  }
}

}  // namespace

Result<VariantValue> VariantValue::Of(const VariantRef& variant) {
  if (variant.value.empty()) return Malformed();
  VariantValue value;
  value.variant_ = variant;
  const auto first = static_cast<uint8_t>(variant.value[0]);
  const std::string_view rest = variant.value.substr(1);
  const auto header = static_cast<uint8_t>(first >> 2);
  switch (first & 3) {
    case kShortString:
      value.kind_ = VariantKind::kString;
      if (rest.size() < header) return Malformed();
      value.bytes_ = rest.substr(0, header);
      return value;
    case kObject:
    case kArray:
      value.kind_ = (first & 3) == kObject ? VariantKind::kObject : VariantKind::kArray;
      MS_RETURN_IF_ERROR(value.ReadContainer(header, rest));
      return value;
    default:  // two bits: only kPrimitive is left
      MS_RETURN_IF_ERROR(value.ReadPrimitive(header, rest));
      return value;
  }
}

Status VariantValue::ReadPrimitive(uint8_t type, std::string_view rest) {
  if (type == kBinary || type == kLongString) {
    if (rest.size() < 4) return Malformed();
    const size_t size = ReadInteger(rest.data(), 4);
    if (rest.size() - 4 < size) return Malformed();
    bytes_ = rest.substr(4, size);
    kind_ = type == kBinary ? VariantKind::kBinary : VariantKind::kString;
    return Status::Ok();
  }
  const auto size = PayloadSize(type);
  if (!size) return Status::Error(errors::kUnknownVariantPrimitive, {{"id", std::to_string(type)}});
  if (rest.size() < *size) return Malformed();
  width_ = static_cast<int>(*size);
  switch (type) {
    case kTrue:
    case kFalse:
      kind_ = VariantKind::kBoolean;
      number_ = type == kTrue;
      return Status::Ok();
    case kInt8:
      kind_ = VariantKind::kInteger;
      number_ = ReadFixed<int8_t>(rest);
      return Status::Ok();
    case kInt16:
      kind_ = VariantKind::kInteger;
      number_ = ReadFixed<int16_t>(rest);
      return Status::Ok();
    case kInt32:
    case kDate:
      kind_ = type == kDate ? VariantKind::kDate : VariantKind::kInteger;
      number_ = ReadFixed<int32_t>(rest);
      return Status::Ok();
    case kInt64:
    case kTimestamp:
    case kTimestampNtz:
      kind_ = type == kInt64 ? VariantKind::kInteger : type == kTimestamp ? VariantKind::kTimestamp : VariantKind::kTimestampNtz;
      number_ = ReadFixed<int64_t>(rest);
      return Status::Ok();
    case kDouble:
      kind_ = VariantKind::kDouble;
      real_ = ReadFixed<double>(rest);
      return Status::Ok();
    case kFloat:
      kind_ = VariantKind::kFloat;
      real_ = ReadFixed<float>(rest);
      return Status::Ok();
    case kDecimal4:
    case kDecimal8:
    case kDecimal16:
      kind_ = VariantKind::kDecimal;
      scale_ = static_cast<uint8_t>(rest[0]);
      number_ = type == kDecimal4   ? ReadFixed<int32_t>(rest.substr(1))
                : type == kDecimal8 ? ReadFixed<int64_t>(rest.substr(1))
                                    : ReadFixed<__int128>(rest.substr(1));
      return FitsDigits(number_, scale_,
                        type == kDecimal4   ? kDecimal4Digits
                        : type == kDecimal8 ? kDecimal8Digits
                                            : kDecimal16Digits)
                 ? Status::Ok()
                 : Malformed();
    case kUuid:
      kind_ = VariantKind::kUuid;
      bytes_ = rest.substr(0, *size);
      return Status::Ok();
    default:  // kNull: all others have no size
      kind_ = VariantKind::kNull;
      return Status::Ok();
  }
}

Status VariantValue::ReadContainer(uint8_t header, std::string_view rest) {
  const bool is_object = kind_ == VariantKind::kObject;
  const bool is_large = header >> (is_object ? 4 : 2) & 1;
  offset_size_ = (header & 3) + 1u;
  id_size_ = is_object ? (header >> 2 & 3) + 1u : 0;
  const size_t count_size = is_large ? 4 : 1;
  if (rest.size() < count_size) return Malformed();
  count_ = ReadInteger(rest.data(), count_size);
  ids_at_ = 1 + count_size;
  offsets_at_ = ids_at_ + count_ * id_size_;
  members_at_ = offsets_at_ + (count_ + 1) * offset_size_;
  if (members_at_ > variant_.value.size()) return Malformed();
  const size_t data_size = NumberAt(offsets_at_ + count_ * offset_size_, offset_size_);
  return data_size <= variant_.value.size() - members_at_ ? Status::Ok() : Malformed();
}

size_t VariantValue::NumberAt(size_t offset, size_t size) const { return ReadInteger(variant_.value.data() + offset, size); }

Result<VariantRef> VariantValue::At(size_t index) const {
  MS_CHECK(index < count_);
  const size_t from = NumberAt(offsets_at_ + index * offset_size_, offset_size_), size = NumberAt(offsets_at_ + count_ * offset_size_, offset_size_);
  if (from >= size) return Malformed();
  return VariantRef{variant_.value.substr(members_at_ + from, size - from), variant_.metadata};
}

Result<std::string_view> VariantValue::KeyAt(size_t index) const {
  MS_CHECK(index < count_ && kind_ == VariantKind::kObject);
  const std::string_view metadata = variant_.metadata;
  if (metadata.empty() || (metadata[0] & 15) != kVersion) return Malformed();
  const size_t number_size = (static_cast<uint8_t>(metadata[0]) >> 6) + 1u, id = NumberAt(ids_at_ + index * id_size_, id_size_);
  if (metadata.size() < 1 + number_size) return Malformed();
  const size_t keys = ReadInteger(metadata.data() + 1, number_size), texts_at = 1 + (keys + 2) * number_size;
  if (id >= keys || texts_at > metadata.size()) return Malformed();
  const char* offsets = metadata.data() + 1 + (id + 1) * number_size;
  const size_t from = ReadInteger(offsets, number_size), to = ReadInteger(offsets + number_size, number_size);
  if (from > to || to > metadata.size() - texts_at) return Malformed();
  return metadata.substr(texts_at + from, to - from);
}

Result<std::optional<VariantRef>> VariantValue::Find(std::string_view key) const {
  for (size_t i = 0; i < count_; ++i) {
    MS_ASSIGN_OR_RETURN(const std::string_view name, KeyAt(i));
    if (name != key) continue;
    MS_ASSIGN_OR_RETURN(const VariantRef member, At(i));
    return std::optional(member);
  }
  return std::optional<VariantRef>();
}

Status VariantLimits::Enter(int depth) {
  if (depth > kVariantDepthMax || values_left_ == 0) return Malformed();
  --values_left_;
  return Status::Ok();
}

Result<size_t> VariantValueSize(std::string_view bytes) {
  if (bytes.empty()) return Malformed();
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto header = static_cast<uint8_t>(first >> 2);
  size_t size = 1;
  if ((first & 3) == kShortString) {
    size += header;
  } else if ((first & 3) == kPrimitive && (header == kBinary || header == kLongString)) {
    if (bytes.size() < 5) return Malformed();
    size += 4 + ReadInteger(bytes.data() + 1, 4);
  } else if ((first & 3) == kPrimitive) {
    const auto payload = PayloadSize(header);
    if (!payload) return Status::Error(errors::kUnknownVariantPrimitive, {{"id", std::to_string(header)}});
    size += *payload;
  } else {
    const bool is_object = (first & 3) == kObject;
    const size_t count_size = header >> (is_object ? 4 : 2) & 1 ? 4 : 1, offset_size = (header & 3) + 1u, id_size = is_object ? (header >> 2 & 3) + 1u : 0;
    if (bytes.size() < 1 + count_size) return Malformed();
    const size_t count = ReadInteger(bytes.data() + 1, count_size), end_at = 1 + count_size + count * (id_size + offset_size);
    if (bytes.size() < end_at + offset_size) return Malformed();
    size = end_at + offset_size + ReadInteger(bytes.data() + end_at, offset_size);
  }
  return size <= bytes.size() ? Result<size_t>(size) : Malformed();
}

}  // namespace millstream
