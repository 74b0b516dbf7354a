#pragma once

// varint.h   LEB128 numbers, zig-zag for signed ones, and texts behind their sizes: what file ledgers and the lineage of data files are written in.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace millstream {

inline void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

inline void PutSigned(std::string& out, int64_t value) { PutVarint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }

inline void PutText(std::string& out, std::string_view text) {
  PutVarint(out, text.size());
  out += text;
}

// These take from the front of `in`; false: there is no such thing there.
inline bool GetVarint(std::string_view& in, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

inline bool GetSigned(std::string_view& in, int64_t* value) {
  uint64_t raw = 0;
  if (!GetVarint(in, &raw)) return false;
  *value = static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  return true;
}

inline bool GetText(std::string_view& in, std::string_view* text) {
  uint64_t size = 0;
  if (!GetVarint(in, &size) || size > in.size()) return false;
  *text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// How many first bytes two texts share: sorted ones are written without them.
inline size_t SharedBytes(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t shared = 0;
  while (shared < most && a[shared] == b[shared]) ++shared;
  return shared;
}

}  // namespace millstream
