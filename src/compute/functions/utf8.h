#pragma once

// utf8.h   Text by its code points, as Spark's UTF8String counts it.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millstream::compute {

// Bytes of the character that begins there; a stray byte is a character of its own.
inline size_t CharacterSize(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(size, text.size() - at);
}
int64_t CountCharacters(std::string_view text);
// Offset of the n-th character, or the text's size.
size_t ByteAt(std::string_view text, int64_t characters);
size_t LastCharacter(std::string_view text);
std::vector<std::string_view> SplitCharacters(std::string_view text);
uint32_t CodePointAt(std::string_view text);
std::string EncodeUtf8(uint32_t code_point);
// What is no UTF-8 becomes U+FFFD.
std::string RepairUtf8(std::string_view bytes);

}  // namespace millstream::compute
