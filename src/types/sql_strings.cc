// sql_strings.cc   What quoted SQL text stands for: ParserUtils.unescapeSQLString's rules.

#include <cstdint>
#include <optional>

#include "types/sql_tokens.h"

namespace millstream {
namespace {

void AppendUtf8(std::string& out, uint32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

// `count` digits of `base` at `at`; nullopt: there are not that many.
std::optional<uint32_t> Digits(std::string_view text, size_t at, size_t count, uint32_t base) {
  if (text.size() < at + count) return std::nullopt;
  uint32_t value = 0;
  for (char c : text.substr(at, count)) {
    uint32_t digit = c >= '0' && c <= '9'   ? static_cast<uint32_t>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                            : base;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

// The escape that begins behind the backslash at text[0]; returns how many bytes it takes.
size_t AppendEscape(std::string& out, std::string_view text) {
  if (text[0] == 'u') {
    if (auto code = Digits(text, 1, 4, 16)) {
      // Java writes characters beyond 16 bits as two escapes.
      auto low = *code >= 0xD800 && *code < 0xDC00 && text.substr(5).starts_with("\\u") ? Digits(text, 7, 4, 16) : std::nullopt;
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        AppendUtf8(out, 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00));
        return 11;
      }
      AppendUtf8(out, *code);
      return 5;
    }
  }
  if (text[0] == 'U') {
    if (auto code = Digits(text, 1, 8, 16)) {
      AppendUtf8(out, *code);
      return 9;
    }
  }
  if (text[0] == '0' || text[0] == '1') {
    if (auto code = Digits(text, 0, 3, 8)) {
      AppendUtf8(out, *code);
      return 3;
    }
  }
  switch (text[0]) {
    case '0':
      out += '\0';
      break;
    case 'b':
      out += '\b';
      break;
    case 'n':
      out += '\n';
      break;
    case 'r':
      out += '\r';
      break;
    case 't':
      out += '\t';
      break;
    case 'Z':
      out += '\x1A';
      break;
    case '%':
    case '_':  // LIKE unescapes these itself
      out += '\\';
      out += text[0];
      break;
    default:
      out += text[0];
  }
  return 1;
}

}  // namespace

std::string UnescapeString(std::string_view token) {
  if (token.empty()) return "";
  if (token[0] == 'r' || token[0] == 'R') return token.size() < 3 ? "" : std::string(token.substr(2, token.size() - 3));
  char quote = token[0];
  std::string_view text = token.size() < 2 ? std::string_view() : token.substr(1, token.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      i += AppendEscape(out, text.substr(i + 1));
    } else {
      out += text[i];
      if (text[i] == quote) ++i;  // a doubled quote
    }
  }
  return out;
}

std::string UnquoteName(std::string_view token) {
  std::string out;
  for (size_t i = 1; i + 1 < token.size(); ++i) {
    out += token[i];
    if (token[i] == '`') ++i;
  }
  return out;
}

}  // namespace millstream
