#pragma once

// moment_bytes.h   Moments as the beginning of keys: the order of bytes is that of moments.

#include <cstdint>
#include <string>
#include <string_view>

namespace millstream {

inline constexpr size_t kMomentBytes = 8;

// Big-endian with the sign turned.
inline std::string MomentBytes(int64_t moment) {
  uint64_t bits = static_cast<uint64_t>(moment) ^ (uint64_t{1} << 63);
  std::string bytes(kMomentBytes, '\0');
  for (size_t i = kMomentBytes; i-- > 0; bits >>= 8) bytes[i] = static_cast<char>(bits & 0xFF);
  return bytes;
}

// `bytes` has at least kMomentBytes.
inline int64_t MomentOf(std::string_view bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kMomentBytes; ++i) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<int64_t>(bits ^ (uint64_t{1} << 63));
}

}  // namespace millstream
