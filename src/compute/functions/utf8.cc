#include "compute/functions/utf8.h"

#include <algorithm>

namespace millstream::compute {

int64_t CountCharacters(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); at += CharacterSize(text, at)) ++count;
  return count;
}

size_t ByteAt(std::string_view text, int64_t characters) {
  size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) at += CharacterSize(text, at);
  return at;
}

size_t LastCharacter(std::string_view text) {
  size_t at = text.size() - 1;
  for (int back = 0; back < 3 && at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; ++back) --at;
  return at;
}

std::vector<std::string_view> SplitCharacters(std::string_view text) {
  std::vector<std::string_view> characters;
  for (size_t at = 0; at < text.size();) {
    const size_t size = CharacterSize(text, at);
    characters.push_back(text.substr(at, size));
    at += size;
  }
  return characters;
}

uint32_t CodePointAt(std::string_view text) {
  const size_t size = CharacterSize(text, 0);
  const auto lead = static_cast<unsigned char>(text[0]);
  uint32_t point = size == 1 ? lead : size == 2 ? lead & 0x1f : size == 3 ? lead & 0x0f : lead & 0x07;
  for (size_t i = 1; i < size; ++i) point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  return point;
}

std::string EncodeUtf8(uint32_t point) {
  std::string text;
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | point >> 6);
    text += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    text += static_cast<char>(0xe0 | point >> 12);
    text += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (point & 0x3f));
  }
  return text;
}

std::string RepairUtf8(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    bool valid = size > 0 && at + size <= bytes.size();
    for (size_t i = 1; valid && i < size; ++i) valid = (static_cast<unsigned char>(bytes[at + i]) & 0xc0) == 0x80;
    if (valid) {
      text += bytes.substr(at, size);
      at += size;
    } else {
      text += "\xef\xbf\xbd";
      ++at;
    }
  }
  return text;
}

}  // namespace millstream::compute
