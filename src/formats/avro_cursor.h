#pragma once

// avro_cursor.h   Avro's binary encoding, read from memory. Every read is checked; after a failed one all others fail too.

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millstream {

class AvroCursor {
 public:
  explicit AvroCursor(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

  bool failed() const { return p_ == nullptr; }
  int64_t left() const { return end_ - p_; }
  bool Fail() {
    p_ = end_ = nullptr;
    return false;
  }

  bool Long(int64_t* value) {
    uint64_t bits = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (p_ == end_) return Fail();
      const auto byte = static_cast<uint8_t>(*p_++);
      bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = static_cast<int64_t>(bits >> 1) ^ -static_cast<int64_t>(bits & 1);
        return true;
      }
    }
    return Fail();
  }
  // Five bytes at most; bits beyond the 32nd are lost, as they are for Java's decoder.
  bool Int(int64_t* value) {
    const char* begin = p_;
    if (!Long(value)) return false;
    if (p_ - begin > 5) return Fail();
    const auto bits = static_cast<uint32_t>((static_cast<uint64_t>(*value) << 1) ^ static_cast<uint64_t>(*value >> 63));
    *value = static_cast<int32_t>(bits >> 1) ^ -static_cast<int32_t>(bits & 1);
    return true;
  }
  template <typename T>
  bool Fixed(T* value) {
    if (left() < static_cast<int64_t>(sizeof(T))) return Fail();
    std::memcpy(value, p_, sizeof(T));
    p_ += sizeof(T);
    return true;
  }
  bool Take(int64_t size, std::string_view* bytes) {
    if (size < 0 || size > left()) return Fail();
    *bytes = {p_, static_cast<size_t>(size)};
    p_ += size;
    return true;
  }
  bool Bytes(std::string_view* bytes) {
    int64_t size = 0;
    return Long(&size) && Take(size, bytes);
  }
  // The next run of items of an array or a map; 0 at its end. `size_bytes`: of the whole run when it is said, else -1.
  bool Items(int64_t* count, int64_t* size_bytes) {
    *size_bytes = -1;
    if (!Long(count)) return false;
    if (*count >= 0) return true;
    if (*count == INT64_MIN) return Fail();
    *count = -*count;
    return Long(size_bytes) && ((*size_bytes >= 0 && *size_bytes <= left()) || Fail());
  }
  // Things that take no bytes could be promised without end; each costs one of these.
  bool SpendFreeItem() { return --free_items_ >= 0 || Fail(); }

 private:
  const char* p_;
  const char* end_;
  int64_t free_items_ = int64_t{1} << 22;
};

}  // namespace millstream
