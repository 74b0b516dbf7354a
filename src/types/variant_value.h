#pragma once

// variant_value.h   Reads the bytes of a VARIANT. Nothing is trusted: bytes that are no variant are MALFORMED_VARIANT, never a read beyond them.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "types/variant_layout.h"

namespace millstream {

enum class VariantKind { kNull, kBoolean, kInteger, kDouble, kFloat, kDecimal, kString, kBinary, kDate, kTimestamp, kTimestampNtz, kUuid, kObject, kArray };

// parse_json makes nothing deeper; readers that recurse refuse what is.
inline constexpr int kVariantDepthMax = 1001;

// A look at one value; valid as long as its bytes are.
class VariantValue {
 public:
  static Result<VariantValue> Of(const VariantRef& variant);

  VariantKind kind() const { return kind_; }
  bool is_container() const { return kind_ == VariantKind::kObject || kind_ == VariantKind::kArray; }
  // true and false; whole numbers; days of a date; microseconds of a timestamp.
  int64_t integer() const { return static_cast<int64_t>(number_); }
  double real() const { return real_; }  // kDouble and kFloat
  __int128 unscaled() const { return number_; }
  int scale() const { return scale_; }               // of kDecimal
  std::string_view bytes() const { return bytes_; }  // of kString (UTF-8), kBinary, kUuid (16, big-endian)
  // How wide an integer is written, in bytes: schema_of_variant does not ask, casts' error texts do.
  int width() const { return width_; }

  // Members of an object in the order of their keys, elements of an array.
  size_t count() const { return count_; }
  Result<std::string_view> KeyAt(size_t index) const;
  Result<VariantRef> At(size_t index) const;
  // The member of an object; nullopt: none.
  Result<std::optional<VariantRef>> Find(std::string_view key) const;

 private:
  Status ReadPrimitive(uint8_t type, std::string_view rest);
  Status ReadContainer(uint8_t header, std::string_view rest);
  size_t NumberAt(size_t offset, size_t size) const;

  VariantRef variant_;
  VariantKind kind_ = VariantKind::kNull;
  __int128 number_ = 0;
  double real_ = 0;
  int scale_ = 0, width_ = 0;
  std::string_view bytes_;
  // Of a container: where its parts begin in variant_.value.
  size_t count_ = 0, ids_at_ = 0, offsets_at_ = 0, members_at_ = 0;
  size_t id_size_ = 0, offset_size_ = 0;
};

// For walks over all of a variant: its members may lie over each other in bytes of ill will, and a walk would not end. Each value takes a byte at least.
class VariantLimits {
 public:
  explicit VariantLimits(const VariantRef& whole) : values_left_(whole.value.size()) {}
  // One value more, inside of `depth` containers. MALFORMED_VARIANT.
  Status Enter(int depth);

 private:
  size_t values_left_;
};

// Bytes of the value that `bytes` begin with.
Result<size_t> VariantValueSize(std::string_view bytes);

}  // namespace millstream
