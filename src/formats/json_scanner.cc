#include "formats/json_scanner.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millstream {
namespace {

// Where a word or number may not go on: Character.isJavaIdentifierPart for ASCII, and everything beyond it.
bool IsIdentifierPart(char c) {
  auto u = static_cast<unsigned char>(c);
  return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' || u == '$' || u >= 0x80;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code, Growing<uint8_t>* out) {
  out->Reserve(4);
  uint8_t* to = out->UncheckedEnd();
  if (code < 0x80) {
    to[0] = static_cast<uint8_t>(code);
    out->AdvanceBy(1);
  } else if (code < 0x800) {
    to[0] = static_cast<uint8_t>(0xC0 | code >> 6);
    to[1] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    out->AdvanceBy(2);
  } else if (code < 0x10000) {
    to[0] = static_cast<uint8_t>(0xE0 | code >> 12);
    to[1] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
    to[2] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    out->AdvanceBy(3);
  } else {
    to[0] = static_cast<uint8_t>(0xF0 | code >> 18);
    to[1] = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3F));
    to[2] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
    to[3] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    out->AdvanceBy(4);
  }
}

}  // namespace

void JsonScanner::SkipSpaceSlowly() {
  while (p_ < end_) {
    char c = *p_;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++p_;
    } else if (c == '/' && options_.allow_comments && p_ + 1 < end_ && p_[1] == '/') {
      while (p_ < end_ && *p_ != '\n' && *p_ != '\r') ++p_;
    } else if (c == '/' && options_.allow_comments && p_ + 1 < end_ && p_[1] == '*') {
      const char* close = p_ + 2;
      while (close + 1 < end_ && !(close[0] == '*' && close[1] == '/')) ++close;
      // An open comment ends in the error that its slash makes.
      if (close + 1 >= end_) return;
      p_ = close + 2;
    } else {
      return;
    }
  }
}

template <bool kKeep>
bool JsonScanner::ScanString(Growing<uint8_t>* out) {
  const char quote = *p_++;
  if constexpr (kKeep) out->Reserve(end_ - p_ + 32);
  while (true) {
#if defined(__SSE2__)
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p_));
    if constexpr (kKeep) {
      out->Reserve(16);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out->UncheckedEnd()), bytes);
    }
    // Signed comparison: control characters and all bytes from 0x80 on.
    const __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(quote)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                                      _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    const int mask = _mm_movemask_epi8(stop);
    const int plain = mask == 0 ? 16 : __builtin_ctz(static_cast<unsigned>(mask));
    p_ += plain;
    if constexpr (kKeep) out->AdvanceBy(plain);
    if (mask == 0) {
      if (p_ >= end_) return false;
      continue;
    }
#else
    while (static_cast<unsigned char>(*p_) >= 0x20 && static_cast<unsigned char>(*p_) < 0x80 && *p_ != quote && *p_ != '\\') {
      if constexpr (kKeep) out->Append(static_cast<uint8_t>(*p_));
      ++p_;
    }
#endif
    if (p_ >= end_) return false;
    char c = *p_;
    if (c == quote) {
      ++p_;
      return true;
    }
    if (c == '\\') {
      ++p_;
      if (!Escape<kKeep>(out)) return false;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      do {
        if (!MultiByte<kKeep>(out)) return false;
      } while (static_cast<unsigned char>(*p_) >= 0x80);
    } else {
      if (!options_.allow_unquoted_control_chars) return false;
      if constexpr (kKeep) out->Append(static_cast<uint8_t>(c));
      ++p_;
    }
  }
}

bool JsonScanner::String(Growing<uint8_t>* out) { return ScanString<true>(out); }
bool JsonScanner::SkipString() { return ScanString<false>(nullptr); }

bool JsonScanner::Hex4(uint32_t* code) {
  *code = 0;
  for (int i = 0; i < 4; ++i) {
    if (p_ >= end_) return false;
    char c = *p_++;
    int digit = IsDigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return false;
    *code = *code << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

template <bool kKeep>
bool JsonScanner::Escape(Growing<uint8_t>* out) {
  if (p_ >= end_) return false;
  char c = *p_++, plain = 0;
  switch (c) {
    case 'b':
      plain = '\b';
      break;
    case 't':
      plain = '\t';
      break;
    case 'n':
      plain = '\n';
      break;
    case 'f':
      plain = '\f';
      break;
    case 'r':
      plain = '\r';
      break;
    case '"':
    case '/':
    case '\\':
      plain = c;
      break;
    case 'u': {
      uint32_t code = 0;
      if (!Hex4(&code)) return false;
      if (code >= 0xD800 && code < 0xDC00 && end_ - p_ >= 6 && p_[0] == '\\' && p_[1] == 'u') {
        const char* before = p_;
        uint32_t low = 0;
        p_ += 2;
        if (!Hex4(&low)) return false;
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else {
          p_ = before;
        }
      }
      // Half a pair has no UTF-8 form; Java writes a question mark.
      if (code >= 0xD800 && code < 0xE000) {
        code = '?';
        met_half_pair_ = true;
      }
      if constexpr (kKeep) AppendUtf8(code, out);
      return true;
    }
    default:
      if (!options_.allow_backslash_escaping_any && !(c == '\'' && options_.allow_single_quotes)) return false;
      if (static_cast<unsigned char>(c) >= 0x80) {
        --p_;
        return MultiByte<kKeep>(out);
      }
      plain = c;
  }
  if constexpr (kKeep) out->Append(static_cast<uint8_t>(plain));
  return true;
}

template <bool kKeep>
bool JsonScanner::MultiByte(Growing<uint8_t>* out) {
  auto at = [&](int i) { return static_cast<uint8_t>(p_[i]); };
  uint8_t lead = at(0);
  int length = lead >= 0xF0 && lead < 0xF8 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC0 && lead < 0xE0 ? 2 : 0;
  if (length == 0 || p_ + length > end_) return false;
  uint32_t code = lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return false;
    code = code << 6 | (at(i) & 0x3F);
  }
  p_ += length;
  if constexpr (kKeep) {
    if (code >= 0xD800 && code < 0xE000) return false;  // looked at only in what is kept
    // Jackson takes overlong forms, and makes too large ones two halves that no UTF-8 can hold.
    if (code > 0x10FFFF) AppendUtf8('?', out);
    AppendUtf8(code > 0x10FFFF ? '?' : code, out);
  }
  return true;
}

bool JsonScanner::FieldName(Growing<uint8_t>* out) {
  if (AtString()) {
    if (!String(out)) return false;
  } else {
    if (!options_.allow_unquoted_field_names || !IsIdentifierPart(*p_)) return false;
    while (p_ < end_ && (IsIdentifierPart(*p_) || *p_ == '-' || *p_ == '+' || *p_ == '@' || *p_ == '*' || *p_ == '#')) {
      out->Append(static_cast<uint8_t>(*p_++));
    }
  }
  return Take(':');
}

bool JsonScanner::Word(std::string_view word) {
  if (static_cast<size_t>(end_ - p_) < word.size() || std::memcmp(p_, word.data(), word.size()) != 0) return false;
  p_ += word.size();
  return p_ >= end_ || !IsIdentifierPart(*p_);
}

bool JsonScanner::SpecialNumber(Number* number) {
  if (!options_.allow_non_numeric_numbers) return false;
  const char* begin = p_;
  for (std::string_view word : {"NaN", "Infinity", "-Infinity", "-INF", "+Infinity", "+INF"}) {
    if (Word(word)) {
      *number = {std::string_view(begin, word.size()), true, true};
      return true;
    }
    p_ = begin;
  }
  return false;
}

bool JsonScanner::ReadNumber(Number* number) {
  const char* begin = p_;
  if (*p_ == '-') ++p_;
  if (!IsDigit(*p_)) {
    p_ = begin;
    return SpecialNumber(number);
  }
  if (*p_ == '0' && IsDigit(p_[1])) {
    if (!options_.allow_numeric_leading_zeros) return false;
    // Jackson drops the zeros; "-007" keeps its sign, so only unsigned numbers can simply start later.
    while (*p_ == '0' && IsDigit(p_[1])) ++p_;
    if (*begin != '-') begin = p_;
  }
  while (IsDigit(*p_)) ++p_;
  number->is_float = number->is_special = false;
  if (*p_ == '.') {
    ++p_;
    if (!IsDigit(*p_)) return false;
    while (IsDigit(*p_)) ++p_;
    number->is_float = true;
  }
  if (*p_ == 'e' || *p_ == 'E') {
    ++p_;
    if (*p_ == '+' || *p_ == '-') ++p_;
    if (!IsDigit(*p_)) return false;
    while (IsDigit(*p_)) ++p_;
    number->is_float = true;
  }
  number->text = std::string_view(begin, static_cast<size_t>(p_ - begin));
  number->too_long = p_ - begin > kJsonNumberDigitsMax + 1;
  return true;
}

bool JsonScanner::SkipValue(int depth) {
  switch (*p_) {
    case '{': {
      if (depth >= kJsonDepthMax) return false;
      ++p_;
      if (Take('}')) return true;
      while (true) {
        SkipSpace();
        if (AtString()) {
          if (!SkipString() || !Take(':')) return false;
        } else {
          name_.Truncate(0);
          if (!FieldName(&name_)) return false;
        }
        SkipSpace();
        if (!SkipValue(depth + 1)) return false;
        if (Take(',')) continue;
        return Take('}');
      }
    }
    case '[': {
      if (depth >= kJsonDepthMax) return false;
      ++p_;
      if (Take(']')) return true;
      while (true) {
        SkipSpace();
        if (!SkipValue(depth + 1)) return false;
        if (Take(',')) continue;
        return Take(']');
      }
    }
    case 't':
      return Word("true");
    case 'f':
      return Word("false");
    case 'n':
      return Word("null");
    default: {
      if (AtString()) return SkipString();
      Number number;
      return p_ < end_ && ReadNumber(&number) && !number.too_long;
    }
  }
}

void AppendJsonString(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out->push_back('"');
  for (char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out->push_back('\\');
        out->push_back(c);
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\f':
        *out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += "\\u00";
          out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
          out->push_back(kHex[c & 15]);
        } else {
          out->push_back(c);
        }
    }
  }
  out->push_back('"');
}

std::string ValidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  for (size_t i = 0; i < bytes.size();) {
    uint8_t lead = at(i);
    if (lead < 0x80) {
      out.push_back(bytes[i++]);
      continue;
    }
    size_t length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    size_t good = 1;
    for (; good < length && i + good < bytes.size(); ++good) {
      uint8_t low = 0x80, high = 0xBF;
      if (good == 1 && lead == 0xE0) low = 0xA0;
      if (good == 1 && lead == 0xED) high = 0x9F;
      if (good == 1 && lead == 0xF0) low = 0x90;
      if (good == 1 && lead == 0xF4) high = 0x8F;
      if (at(i + good) < low || at(i + good) > high) break;
    }
    if (length > 0 && good == length) {
      out.append(bytes.substr(i, length));
    } else {
      out += "\xEF\xBF\xBD";
    }
    i += length > 0 ? good : 1;
  }
  return out;
}

}  // namespace millstream
