#pragma once

// byte_order.h   Numbers as bytes: little-endian for values, and big-endian with the sign turned for keys, so that memcmp orders them.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace millstream::state_codec {

static_assert(std::endian::native == std::endian::little, "values are stored as the machine has them");

template <typename T>
using BitsOf =
    std::conditional_t<sizeof(T) == 1, uint8_t, std::conditional_t<sizeof(T) == 2, uint16_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

template <typename Bits>
Bits BigEndian(Bits bits) {
  if constexpr (sizeof(Bits) == 2) return __builtin_bswap16(bits);
  if constexpr (sizeof(Bits) == 4) return __builtin_bswap32(bits);
  if constexpr (sizeof(Bits) == 8) return __builtin_bswap64(bits);
  return bits;
}

// Bits whose unsigned order is the value's order as Spark has it: NaN is one value and the largest, -0.0 is 0.0.
template <typename T>
BitsOf<T> OrderedBits(T value) {
  using Bits = BitsOf<T>;
  constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
    if (value == 0) value = 0;
    Bits bits = std::bit_cast<Bits>(value);
    return static_cast<Bits>((bits & kSign) ? ~bits : bits | kSign);
  } else {
    return static_cast<Bits>(static_cast<Bits>(value) ^ kSign);
  }
}

template <typename T>
T FromOrderedBits(BitsOf<T> bits) {
  using Bits = BitsOf<T>;
  constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    return std::bit_cast<T>(static_cast<Bits>((bits & kSign) ? bits ^ kSign : ~bits));
  } else {
    return static_cast<T>(static_cast<Bits>(bits ^ kSign));
  }
}

template <typename T>
void PutFixed(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Takes a T off the front of `bytes`; false when there are too few.
template <typename T>
bool TakeFixed(std::string_view* bytes, T* value) {
  if (bytes->size() < sizeof(T)) return false;
  std::memcpy(value, bytes->data(), sizeof(T));
  bytes->remove_prefix(sizeof(T));
  return true;
}

// LEB128.
inline void PutVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

inline bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    auto byte = static_cast<uint8_t>(bytes->front());
    bytes->remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace millstream::state_codec
