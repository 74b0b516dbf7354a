#pragma once

// variant_layout.h   The numbers of the Parquet Variant encoding (VariantEncoding.md of apache/parquet-format): a value of bytes, and a metadata that names the
// keys of its objects. All integers are little-endian.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millstream {

// A VARIANT of one row; the bytes belong to somebody else.
struct VariantRef {
  std::string_view value;
  std::string_view metadata;
};

namespace variant_layout {

inline constexpr uint8_t kVersion = 1;
// The two lowest bits of a value's first byte.
inline constexpr uint8_t kPrimitive = 0, kShortString = 1, kObject = 2, kArray = 3;
// The six above them, of a primitive.
inline constexpr uint8_t kNull = 0, kTrue = 1, kFalse = 2, kInt8 = 3, kInt16 = 4, kInt32 = 5, kInt64 = 6, kDouble = 7, kDecimal4 = 8, kDecimal8 = 9,
                         kDecimal16 = 10, kDate = 11, kTimestamp = 12, kTimestampNtz = 13, kFloat = 14, kBinary = 15, kLongString = 16, kUuid = 20;
inline constexpr size_t kShortStringMax = 63;
// Containers of more than this many elements say their size in four bytes.
inline constexpr size_t kSmallContainerMax = 255;
inline constexpr int kDecimal4Digits = 9, kDecimal8Digits = 18, kDecimal16Digits = 38;
// Spark's VariantUtil.SIZE_LIMIT: of a value as of its metadata.
inline constexpr size_t kSizeMax = size_t{128} << 20;

// Bytes that an unsigned number of a container or dictionary takes.
constexpr size_t IntegerSize(size_t number) { return number <= 0xFF ? 1 : number <= 0xFFFF ? 2 : number <= 0xFFFFFF ? 3 : 4; }

}  // namespace variant_layout
}  // namespace millstream
