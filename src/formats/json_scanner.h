#pragma once

// json_scanner.h   JSON tokens, deciding what is well formed as Jackson 2.21 does with Spark's options. One pass, no tree, no allocation.
//
// simdjson is not used: it can neither be lenient nor go on behind a bad record, and Spark's answer depends on both.

#include <cstdint>
#include <string_view>

#include "formats/growing.h"
#include "formats/json_options.h"

namespace millstream {

// Jackson's StreamReadConstraints: deeper documents are bad records.
inline constexpr int kJsonDepthMax = 1000;
inline constexpr int64_t kJsonNumberDigitsMax = 1000;

// Not thread-safe. `end` must point at a control character, with kChunkPadding readable bytes behind it; that is what ends every inner loop.
class JsonScanner {
 public:
  explicit JsonScanner(const JsonOptions& options) : options_(options) {}

  void Reset(const char* begin, const char* end) {
    p_ = begin;
    end_ = end;
    met_half_pair_ = false;
  }
  const char* position() const { return p_; }
  void set_position(const char* p) { p_ = p; }
  const char* end() const { return end_; }
  bool AtEnd() const { return p_ >= end_; }
  char Peek() const { return *p_; }
  void Advance(int64_t count) { p_ += count; }

  // Over white space and, where allowed, comments.
  void SkipSpace() {
    if (static_cast<unsigned char>(*p_) > ' ' && *p_ != '/' && *p_ != '#') [[likely]]
      return;
    SkipSpaceSlowly();
  }
  // The character, after white space; false: another one is there.
  bool Take(char c) {
    if (*p_ != c) {
      SkipSpace();
      if (*p_ != c) return false;
    }
    ++p_;
    return true;
  }

  // All below stand at the token's first character and return false on a syntax error.
  bool AtString() const { return *p_ == '"' || (*p_ == '\'' && options_.allow_single_quotes); }
  // The decoded text is appended to `out`.
  bool String(Growing<uint8_t>* out);
  bool SkipString();
  // A field's name with the colon behind it; without quotes where allowed.
  bool FieldName(Growing<uint8_t>* out);
  // "true", "false", "null" and nothing behind that would make it another word.
  bool Word(std::string_view word);
  struct Number {
    std::string_view text;
    bool is_float = false;    // Jackson's VALUE_NUMBER_FLOAT
    bool is_special = false;  // NaN and the infinities
    bool too_long = false;    // more digits than Jackson takes: an error of the value, not of the syntax
  };
  bool ReadNumber(Number* number);
  // Whether a string since Reset had half of a surrogate pair, in place of which "?" was taken.
  bool met_half_pair() const { return met_half_pair_; }
  // Any value. `depth`: how many containers are open around it.
  bool SkipValue(int depth);

 private:
  void SkipSpaceSlowly();
  template <bool kKeep>
  bool ScanString(Growing<uint8_t>* out);
  template <bool kKeep>
  bool Escape(Growing<uint8_t>* out);
  template <bool kKeep>
  bool MultiByte(Growing<uint8_t>* out);
  bool Hex4(uint32_t* code);
  bool SpecialNumber(Number* number);

  const JsonOptions& options_;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  bool met_half_pair_ = false;
  Growing<uint8_t> name_;
};

// Text as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);
// UTF-8 with U+FFFD in place of what is none.
std::string ValidUtf8(std::string_view bytes);

}  // namespace millstream
