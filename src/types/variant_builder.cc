#include "types/variant_builder.h"

#include <algorithm>
#include <cstring>

#include "types/variant_errors.h"
#include "types/variant_value.h"

namespace millstream {
namespace {

using namespace variant_layout;

// Keys of rows that never repeat must not pile up.
constexpr size_t kKnownKeysMax = 1 << 16;

void WriteInteger(size_t number, size_t bytes, char* to) {
  for (size_t i = 0; i < bytes; ++i, number >>= 8) to[i] = static_cast<char>(number);
}

// String.compareTo, which compares UTF-16: characters beyond U+FFFF come before U+E000 there.
bool Utf16Less(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    const auto x = static_cast<uint8_t>(a[i]), y = static_cast<uint8_t>(b[i]);
    if (x == y) continue;
    if ((x >= 0xF0) != (y >= 0xF0) && std::min(x, y) >= 0xEE) return x >= 0xF0;
    return x < y;
  }
  return a.size() < b.size();
}

class ContainerCopy {
 public:
  ContainerCopy(VariantBuilder& to, const VariantRef& from) : to_(to), limits_(from) {}

  Status Copy(const VariantRef& variant, int depth) {
    MS_RETURN_IF_ERROR(limits_.Enter(depth));
    MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
    if (!value.is_container()) return to_.Append(variant);
    const bool is_object = value.kind() == VariantKind::kObject;
    const VariantBuilder::Container container = to_.OpenContainer();
    for (size_t i = 0; i < value.count(); ++i) {
      if (is_object) {
        MS_ASSIGN_OR_RETURN(const std::string_view key, value.KeyAt(i));
        to_.Key(key);
      } else {
        to_.Element();
      }
      MS_ASSIGN_OR_RETURN(const VariantRef member, value.At(i));
      MS_RETURN_IF_ERROR(Copy(member, depth + 1));
    }
    if (is_object) return to_.CloseObject(container);
    to_.CloseArray(container);
    return Status::Ok();
  }

 private:
  VariantBuilder& to_;
  VariantLimits limits_;
};

}  // namespace

void VariantBuilder::Reset() {
  value_.clear();
  members_.clear();
  keys_.clear();
  keys_bytes_ = 0;
  ++variant_number_;
  uses_.swap(last_uses_);
  uses_.clear();
  if (known_keys_.size() > kKnownKeysMax) {
    last_uses_.clear();
    metadata_keys_.clear();
    metadata_.clear();
    known_keys_.clear();
  }
}

template <typename T>
void VariantBuilder::Fixed(uint8_t primitive, T number) {
  char bytes[1 + sizeof(T)];
  bytes[0] = static_cast<char>(primitive << 2);
  std::memcpy(bytes + 1, &number, sizeof(T));
  value_.append(bytes, sizeof bytes);
}

void VariantBuilder::Integer(int64_t value) {
  if (value == static_cast<int8_t>(value)) return Fixed(kInt8, static_cast<int8_t>(value));
  if (value == static_cast<int16_t>(value)) return Fixed(kInt16, static_cast<int16_t>(value));
  if (value == static_cast<int32_t>(value)) return Fixed(kInt32, static_cast<int32_t>(value));
  Fixed(kInt64, value);
}

void VariantBuilder::Double(double value) { Fixed(kDouble, value); }
void VariantBuilder::Float(float value) { Fixed(kFloat, value); }
void VariantBuilder::Date(int32_t days) { Fixed(kDate, days); }
void VariantBuilder::Timestamp(int64_t micros) { Fixed(kTimestamp, micros); }
void VariantBuilder::TimestampNtz(int64_t micros) { Fixed(kTimestampNtz, micros); }

void VariantBuilder::Decimal(__int128 unscaled, int precision, int scale) {
  MS_CHECK(precision <= kDecimal16Digits && scale >= 0 && scale <= kDecimal16Digits);
  const int digits = std::max(precision, scale);
  char bytes[18];
  bytes[0] = static_cast<char>((digits <= kDecimal4Digits ? kDecimal4 : digits <= kDecimal8Digits ? kDecimal8 : kDecimal16) << 2);
  bytes[1] = static_cast<char>(scale);
  std::memcpy(bytes + 2, &unscaled, sizeof unscaled);
  value_.append(bytes, digits <= kDecimal4Digits ? 6 : digits <= kDecimal8Digits ? 10 : 18);
}

void VariantBuilder::String(std::string_view text) {
  if (text.size() <= kShortStringMax) {
    value_.push_back(static_cast<char>(text.size() << 2 | kShortString));
  } else {
    Fixed(kLongString, static_cast<uint32_t>(text.size()));
  }
  value_.append(text);
}

void VariantBuilder::Binary(std::string_view bytes) {
  Fixed(kBinary, static_cast<uint32_t>(bytes.size()));
  value_.append(bytes);
}

void VariantBuilder::Key(std::string_view key) {
  KnownKeys::value_type* known = nullptr;
  if (uses_.size() < last_uses_.size() && last_uses_[uses_.size()]->first == key) {
    known = last_uses_[uses_.size()];
  } else {
    auto found = known_keys_.find(key);
    if (found == known_keys_.end()) found = known_keys_.emplace(std::string(key), KnownKey()).first;
    known = &*found;
  }
  uses_.push_back(known);
  if (known->second.used_in != variant_number_) {
    known->second = {static_cast<uint32_t>(keys_.size()), variant_number_};
    keys_.push_back(known);
    keys_bytes_ += key.size();
  }
  members_.push_back({known->second.id, value_.size()});
}

Status VariantBuilder::DropDuplicates(const Container& object) {
  const auto first = members_.begin() + static_cast<ptrdiff_t>(object.first_member);
  const auto same = [](const Member& a, const Member& b) { return a.key == b.key; };
  const auto twice = std::adjacent_find(first, members_.end(), same);
  if (twice == members_.end()) return Status::Ok();
  if (!allow_duplicate_keys_) return Status::Error(errors::kVariantDuplicateKey, {{"key", keys_[twice->key]->first}});
  // The sort is stable: of equal keys the last one came last.
  std::reverse(first, members_.end());
  members_.erase(std::unique(first, members_.end(), same), members_.end());
  std::reverse(first, members_.end());
  // The values of those that are left move together, in the order in which they were written.
  std::vector<Member*> written;
  for (auto member = first; member != members_.end(); ++member) written.push_back(&*member);
  std::sort(written.begin(), written.end(), [](const Member* a, const Member* b) { return a->offset < b->offset; });
  size_t to = object.start;
  for (Member* member : written) {
    MS_ASSIGN_OR_RETURN(const size_t size, VariantValueSize(std::string_view(value_).substr(member->offset)));
    std::memmove(value_.data() + to, value_.data() + member->offset, size);
    member->offset = to;
    to += size;
  }
  value_.resize(to);
  return Status::Ok();
}

Status VariantBuilder::CloseObject(const Container& object) {
  const auto first = members_.begin() + static_cast<ptrdiff_t>(object.first_member);
  std::stable_sort(first, members_.end(), [&](const Member& a, const Member& b) { return Utf16Less(keys_[a.key]->first, keys_[b.key]->first); });
  uint32_t largest_key = 0;
  for (auto member = first; member != members_.end(); ++member) largest_key = std::max(largest_key, member->key);
  MS_RETURN_IF_ERROR(DropDuplicates(object));
  InsertHeader(object, true, largest_key);
  return Status::Ok();
}

void VariantBuilder::CloseArray(const Container& array) { InsertHeader(array, false, 0); }

void VariantBuilder::InsertHeader(const Container& container, bool is_object, uint32_t largest_key) {
  const size_t count = members_.size() - container.first_member, data_size = value_.size() - container.start;
  const bool is_large = count > kSmallContainerMax;
  const size_t count_size = is_large ? 4 : 1, offset_size = IntegerSize(data_size), id_size = is_object ? IntegerSize(largest_key) : 0;
  const size_t ids_at = 1 + count_size, offsets_at = ids_at + count * id_size, header_size = offsets_at + (count + 1) * offset_size;
  value_.insert(container.start, header_size, '\0');
  char* header = value_.data() + container.start;
  header[0] = static_cast<char>(is_object ? is_large << 6 | static_cast<int>(id_size - 1) << 4 | static_cast<int>(offset_size - 1) << 2 | kObject
                                          : is_large << 4 | static_cast<int>(offset_size - 1) << 2 | kArray);
  WriteInteger(count, count_size, header + 1);
  for (size_t i = 0; i < count; ++i) {
    const Member& member = members_[container.first_member + i];
    WriteInteger(member.key, id_size, header + ids_at + i * id_size);
    WriteInteger(member.offset - container.start, offset_size, header + offsets_at + i * offset_size);
  }
  WriteInteger(data_size, offset_size, header + offsets_at + count * offset_size);
  members_.resize(container.first_member);
}

Status VariantBuilder::Append(const VariantRef& variant) {
  MS_ASSIGN_OR_RETURN(const VariantValue value, VariantValue::Of(variant));
  if (value.is_container()) return ContainerCopy(*this, variant).Copy(variant, 0);
  MS_ASSIGN_OR_RETURN(const size_t size, VariantValueSize(variant.value));
  value_.append(variant.value.substr(0, size));
  return Status::Ok();
}

Status VariantBuilder::Finish() {
  if (keys_ != metadata_keys_ || metadata_.empty()) {
    const size_t number_size = IntegerSize(std::max(keys_bytes_, keys_.size()));
    const size_t offsets_at = 1 + number_size, texts_at = offsets_at + (keys_.size() + 1) * number_size;
    metadata_.assign(texts_at, '\0');
    metadata_[0] = static_cast<char>(kVersion | (number_size - 1) << 6);
    WriteInteger(keys_.size(), number_size, metadata_.data() + 1);
    for (size_t i = 0; i < keys_.size(); ++i) {
      WriteInteger(metadata_.size() - texts_at, number_size, metadata_.data() + offsets_at + i * number_size);
      metadata_ += keys_[i]->first;
    }
    WriteInteger(metadata_.size() - texts_at, number_size, metadata_.data() + offsets_at + keys_.size() * number_size);
    metadata_keys_ = keys_;
  }
  if (value_.size() > kSizeMax || metadata_.size() > kSizeMax) return Status::Error(errors::kVariantTooLarge);
  return Status::Ok();
}

}  // namespace millstream
