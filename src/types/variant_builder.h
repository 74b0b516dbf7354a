#pragma once

// variant_builder.h   Values → the bytes of a VARIANT, equal to those of Spark's VariantBuilder: keys in the order of their first use, integers in the fewest
// bytes, containers' headers as small as their contents allow.
//
//   VariantBuilder builder;
//   auto object = builder.OpenContainer();
//   builder.Key("a");
//   builder.Integer(1);
//   MS_RETURN_IF_ERROR(builder.CloseObject(object));
//   MS_RETURN_IF_ERROR(builder.Finish());      // builder.value(), builder.metadata()

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "types/variant_layout.h"

namespace millstream {

// Not thread-safe. One builder makes one variant after another: Reset begins the next one, and what is known of keys is kept for speed.
class VariantBuilder {
 public:
  // true: of equal keys of an object the last value counts; false: they are VARIANT_DUPLICATE_KEY.
  explicit VariantBuilder(bool allow_duplicate_keys = false) : allow_duplicate_keys_(allow_duplicate_keys) {}

  void Reset();

  void Null() { Header(variant_layout::kNull); }
  void Boolean(bool value) { Header(value ? variant_layout::kTrue : variant_layout::kFalse); }
  void Integer(int64_t value);
  void Double(double value);
  void Float(float value);
  // At most 38 digits, 0 <= scale <= 38. `precision`: how many digits there are; 0 is one digit.
  void Decimal(__int128 unscaled, int precision, int scale);
  void Date(int32_t days);
  void Timestamp(int64_t micros);
  void TimestampNtz(int64_t micros);
  void String(std::string_view text);
  void Binary(std::string_view bytes);
  // A value of another variant, its keys made known here. Fails on bytes that are no variant.
  Status Append(const VariantRef& variant);

  // What a container needs to be closed. In an object each value follows its Key, in an array its Element.
  struct Container {
    size_t start;         // in the value
    size_t first_member;  // in members_
  };
  Container OpenContainer() const { return {value_.size(), members_.size()}; }
  void Key(std::string_view key);
  void Element() { members_.push_back({0, value_.size()}); }
  Status CloseObject(const Container& object);
  void CloseArray(const Container& array);

  // Makes the metadata; VARIANT_SIZE_LIMIT when it or the value is too large.
  Status Finish();
  const std::string& value() const { return value_; }
  const std::string& metadata() const { return metadata_; }
  VariantRef variant() const { return {value_, metadata_}; }

 private:
  struct Member {
    uint32_t key;   // its id in this variant
    size_t offset;  // of its value in value_
  };
  struct KnownKey {
    uint32_t id = 0;
    uint64_t used_in = 0;  // the variant that the id belongs to
  };

  void Header(uint8_t primitive) { value_.push_back(static_cast<char>(primitive << 2)); }
  template <typename T>
  void Fixed(uint8_t primitive, T number);
  Status DropDuplicates(const Container& object);
  void InsertHeader(const Container& container, bool is_object, uint32_t largest_key);

  const bool allow_duplicate_keys_;
  std::string value_, metadata_;
  std::vector<Member> members_;  // of all open containers
  uint64_t variant_number_ = 1;
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using KnownKeys = std::unordered_map<std::string, KnownKey, TextHash, std::equal_to<>>;
  KnownKeys known_keys_;
  std::vector<KnownKeys::value_type*> keys_;  // of this variant, by id
  size_t keys_bytes_ = 0;
  std::vector<KnownKeys::value_type*> metadata_keys_;  // those that metadata_ names
  // All uses of keys in this variant and in the one before: rows repeat themselves, so the next key most likely is the one that came here the last time.
  std::vector<KnownKeys::value_type*> uses_, last_uses_;
};

}  // namespace millstream
