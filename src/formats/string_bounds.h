#pragma once

// string_bounds.h   The least and the greatest of many strings, in the order of their bytes.

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace millstream {

// Eight bytes are compared at once, which tells most strings apart without a call.
class StringBounds {
 public:
  // `view(i)`: the i-th of `count` strings, which need not live longer than the call.
  template <typename View>
  void Add(int64_t count, View view) {
    if (count <= 0) return;
    std::string_view least = least_ ? std::string_view(*least_) : view(0), greatest = greatest_ ? std::string_view(*greatest_) : view(0);
    uint64_t least_head = Head(least), greatest_head = Head(greatest);
    for (int64_t i = 0; i < count; ++i) {
      const std::string_view text = view(i);
      const uint64_t head = Head(text);
      if (head <= least_head && (head < least_head || text < least)) least = text, least_head = head;
      if (head >= greatest_head && (head > greatest_head || text > greatest)) greatest = text, greatest_head = head;
    }
    Keep(least, least_);
    Keep(greatest, greatest_);
  }

  const std::optional<std::string>& least() const { return least_; }  // nullopt: there was none
  const std::optional<std::string>& greatest() const { return greatest_; }

 private:
  // The first eight bytes as a number that is ordered as they are; what is not there counts as zeros.
  static uint64_t Head(std::string_view text) {
    uint64_t head = 0;
    if (text.size() >= sizeof head) {
      std::memcpy(&head, text.data(), sizeof head);
    } else {
      std::copy(text.begin(), text.end(), reinterpret_cast<char*>(&head));
    }
    return std::endian::native == std::endian::little ? __builtin_bswap64(head) : head;
  }

  static void Keep(std::string_view found, std::optional<std::string>& kept) {
    if (!kept || found.data() != kept->data()) kept = std::string(found);
  }

  std::optional<std::string> least_, greatest_;
};

}  // namespace millstream
