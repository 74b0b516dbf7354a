#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "compute/compute_errors.h"
#include "compute/engine/duckdb_error.h"
#include "compute/engine/row_function.h"
#include "compute/functions/functions.h"
#include "compute/functions/utf8.h"

namespace millstream::compute {
namespace {

// UTF8String.substringSQL: counts from 1, from the end when negative; a start before the text eats into the length.
std::string_view Substring(std::string_view text, int64_t position, int64_t length) {
  if (length <= 0) return {};
  const int64_t characters = CountCharacters(text);
  const int64_t start = position > 0 ? position - 1 : position < 0 ? characters + position : 0;
  const int64_t end = std::min(start + length, characters);
  const int64_t from = std::max<int64_t>(start, 0);
  if (from >= end) return {};
  const size_t begin = ByteAt(text, from);
  return text.substr(begin, ByteAt(text.substr(begin), end - from));
}

std::string Pad(std::string_view text, int32_t length, std::string_view pad, bool left) {
  if (length <= 0) return "";
  const int64_t have = CountCharacters(text);
  if (have >= length) return std::string(Substring(text, 1, length));
  if (pad.empty()) return std::string(text);
  const int64_t missing = length - have, pad_size = CountCharacters(pad);
  std::string filler;
  for (int64_t i = 0; i < missing / pad_size; ++i) filler += pad;
  filler += Substring(pad, 1, missing % pad_size);
  return left ? filler + std::string(text) : std::string(text) + filler;
}

std::string Trim(std::string_view text, std::string_view set, int32_t ends) {
  const auto characters = SplitCharacters(set);
  auto in_set = [&](std::string_view c) { return std::find(characters.begin(), characters.end(), c) != characters.end(); };
  while ((ends & 1) && !text.empty()) {
    const std::string_view first = text.substr(0, CharacterSize(text, 0));
    if (!in_set(first)) break;
    text.remove_prefix(first.size());
  }
  while ((ends & 2) && !text.empty()) {
    const size_t begin = LastCharacter(text);
    if (!in_set(text.substr(begin))) break;
    text = text.substr(0, begin);
  }
  return std::string(text);
}

// 1-based place of `part` from `start` on; 0: not there.
int32_t Locate(std::string_view part, std::string_view text, int32_t start) {
  if (start < 1) return 0;
  if (start - 1 > CountCharacters(text)) return 0;
  const size_t found = text.find(part, ByteAt(text, start - 1));
  return found == std::string_view::npos ? 0 : static_cast<int32_t>(CountCharacters(text.substr(0, found))) + 1;
}

std::string SubstringIndex(std::string_view text, std::string_view delimiter, int32_t count) {
  if (count == 0 || delimiter.empty()) return "";
  if (count > 0) {
    size_t at = 0;
    for (; count > 0; --count) {
      const size_t found = text.find(delimiter, at);
      if (found == std::string_view::npos) return std::string(text);
      if (count == 1) return std::string(text.substr(0, found));
      at = found + 1;
    }
  }
  size_t end = std::string_view::npos;
  for (; count < 0; ++count) {
    const size_t found = text.rfind(delimiter, end);
    if (found == std::string_view::npos) return std::string(text);
    if (count == -1) return std::string(text.substr(found + delimiter.size()));
    if (found == 0) return std::string(text);
    end = found - 1;
  }
  return "";
}

std::string InitCap(std::string_view text) {
  std::string result;
  bool start = true;
  for (char c : text) {
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    result += static_cast<char>(start && lower ? c - 32 : !start && upper ? c + 32 : c);
    start = c == ' ';
  }
  return result;
}

std::string Translate(std::string_view text, std::string_view from, std::string_view to) {
  const auto matching = SplitCharacters(from), replacing = SplitCharacters(to);
  std::string result;
  for (std::string_view c : SplitCharacters(text)) {
    const auto found = std::find(matching.begin(), matching.end(), c);
    if (found == matching.end()) {
      result += c;
    } else if (const size_t index = static_cast<size_t>(found - matching.begin()); index < replacing.size()) {
      result += replacing[index];
    }
  }
  return result;
}

std::optional<std::string> FormatNumber(double value, int32_t places) {
  if (places < 0) return std::nullopt;
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  char digits[400];
  std::snprintf(digits, sizeof digits, "%.*f", std::min(places, 50), std::fabs(value));
  std::string text(digits);
  const size_t point = std::min(text.find('.'), text.size());
  for (int64_t at = static_cast<int64_t>(point) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return value < 0 ? "-" + text : text;
}

std::string Soundex(std::string_view text) {
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text[0]))) return std::string(text);
  static constexpr std::string_view kCodes = "01230127022455012623017202";
  std::string code(1, static_cast<char>(std::toupper(static_cast<unsigned char>(text[0]))));
  char last = kCodes[code[0] - 'A'];
  for (size_t i = 1; i < text.size() && code.size() < 4; ++i) {
    if (!std::isalpha(static_cast<unsigned char>(text[i]))) {
      last = '0';
      continue;
    }
    const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
    const char next = kCodes[upper - 'A'];
    if (next == '7') continue;
    if (next != '0' && next != last) code += next;
    last = next;
  }
  code.resize(4, '0');
  return code;
}

std::optional<OwnedBytes> Unhex(std::string_view text) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  std::string padded = text.size() % 2 ? "0" + std::string(text) : std::string(text);
  OwnedBytes bytes;
  for (size_t i = 0; i < padded.size(); i += 2) {
    const int high = digit(padded[i]), low = digit(padded[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.held += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

void DefineStrings(FunctionRegistry& registry) {
  // application/x-www-form-urlencoded, as java.net.URLEncoder.
  Define(registry, "ms_url_encode", [](std::string_view text) {
    std::string out;
    for (const char c : text) {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*' || c == '_') {
        out += c;
      } else if (c == ' ') {
        out += '+';
      } else {
        out += '%';
        out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
        out += "0123456789ABCDEF"[c & 15];
      }
    }
    return out;
  });
  Define(registry, "ms_luhn_check", [](std::string_view text) {
    int sum = 0;
    bool twice = false;
    for (size_t i = text.size(); i-- > 0; twice = !twice) {
      if (text[i] < '0' || text[i] > '9') return false;
      const int digit = (text[i] - '0') * (twice ? 2 : 1);
      sum += digit > 9 ? digit - 9 : digit;
    }
    return !text.empty() && sum % 10 == 0;
  });
  Define(registry, "ms_substring", [](std::string_view text, int32_t position, int32_t length) { return std::string(Substring(text, position, length)); });
  Define(registry, "ms_substring", [](Bytes bytes, int32_t position, int32_t length) {
    const int64_t size = static_cast<int64_t>(bytes.view.size());
    const int64_t start = position > 0 ? position - 1 : position < 0 ? size + position : 0;
    const int64_t end = std::min<int64_t>(start + length, size), from = std::max<int64_t>(start, 0);
    return OwnedBytes{from < end ? std::string(bytes.view.substr(from, end - from)) : ""};
  });
  Define(registry, "ms_right", [](std::string_view text, int32_t length) {
    return length <= 0 ? std::string() : std::string(Substring(text, -static_cast<int64_t>(length), length));
  });
  Define(registry, "ms_trim", [](std::string_view text, std::string_view set, int32_t ends) { return Trim(text, set, ends); });
  Define(registry, "ms_lpad", [](std::string_view text, int32_t length, std::string_view pad) { return Pad(text, length, pad, true); });
  Define(registry, "ms_rpad", [](std::string_view text, int32_t length, std::string_view pad) { return Pad(text, length, pad, false); });
  Define(registry, "ms_locate", [](std::string_view part, std::string_view text, int32_t start) { return Locate(part, text, start); });
  Define(registry, "ms_replace", [](std::string_view text, std::string_view search, std::string_view replacement) {
    if (search.empty()) return std::string(text);
    std::string result;
    for (size_t at = 0;;) {
      const size_t found = text.find(search, at);
      result += text.substr(at, found - at);
      if (found == std::string_view::npos) return result;
      result += replacement;
      at = found + search.size();
    }
  });
  Define(registry, "ms_repeat", [](std::string_view text, int32_t times) {
    std::string result;
    if (times > 0 && text.size() * static_cast<size_t>(times) > (size_t{1} << 30))
      ThrowError(errors::kOutOfMemory, {{"message", "repeat makes a string above 1 GiB"}});
    for (int32_t i = 0; i < times; ++i) result += text;
    return result;
  });
  Define(registry, "ms_initcap", [](std::string_view text) { return InitCap(text); });
  Define(registry, "ms_translate", [](std::string_view text, std::string_view from, std::string_view to) { return Translate(text, from, to); });
  Define(registry, "ms_substring_index",
         [](std::string_view text, std::string_view delimiter, int32_t count) { return SubstringIndex(text, delimiter, count); });
  Define(registry, "ms_ascii", [](std::string_view text) { return text.empty() ? 0 : static_cast<int32_t>(CodePointAt(text)); });
  Define(registry, "ms_chr", [](int64_t code) {
    if (code < 0) return std::string();
    const uint32_t point = static_cast<uint32_t>(code & 0xff);
    return EncodeUtf8(point);
  });
  Define(registry, "ms_soundex", [](std::string_view text) { return Soundex(text); });
  Define(registry, "ms_format_number", [](double value, int32_t places) { return FormatNumber(value, places); });
  Define(registry, "ms_unhex", [](std::string_view text) { return Unhex(text); });
  Define(registry, "ms_decode", [](Bytes bytes, std::string_view) { return RepairUtf8(bytes.view); });
  Define(registry, "ms_encode", [](std::string_view text, std::string_view) { return OwnedBytes{std::string(text)}; });
  Define(registry, "ms_find_in_set", [](std::string_view word, std::string_view set) -> int32_t {
    if (word.find(',') != std::string_view::npos) return 0;
    int32_t place = 1;
    for (size_t at = 0;; ++place) {
      const size_t comma = set.find(',', at);
      if (set.substr(at, comma - at) == word) return place;
      if (comma == std::string_view::npos) return 0;
      at = comma + 1;
    }
  });
  Define(registry, "ms_overlay", [](std::string_view text, std::string_view by, int32_t position, int32_t length) {
    const int64_t cut = length >= 0 ? length : CountCharacters(by);
    return std::string(Substring(text, 1, position - 1)) + std::string(by) + std::string(Substring(text, position + cut, INT32_MAX));
  });
  Define(registry, "ms_split_part", [](std::string_view text, std::string_view delimiter, int32_t part) -> std::string {
    if (part == 0) ThrowError(errors::kInvalidIndexOfZero);
    std::vector<std::string_view> parts;
    for (size_t at = 0; !delimiter.empty();) {
      const size_t found = text.find(delimiter, at);
      parts.push_back(text.substr(at, found - at));
      if (found == std::string_view::npos) break;
      at = found + delimiter.size();
    }
    if (delimiter.empty()) parts.push_back(text);
    const int64_t index = part > 0 ? part - 1 : static_cast<int64_t>(parts.size()) + part;
    return index < 0 || index >= static_cast<int64_t>(parts.size()) ? "" : std::string(parts[index]);
  });
}

}  // namespace millstream::compute
