#include "formats/csv_tokenizer.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millstream {
namespace {

bool IsBlank(char c) { return static_cast<unsigned char>(c) <= ' '; }

}  // namespace

CsvTokenizer::CsvTokenizer(const CsvOptions& options)
    : options_(options), separator_(options.separator), first_(options.separator[0]), carriage_(options.line_separator.empty() ? '\r' : '\n') {}

// The next delimiter's first byte or line end.
const char* CsvTokenizer::ValueEnd(const char* p) const {
#if defined(__SSE2__)
  const __m128i delimiter = _mm_set1_epi8(first_), newline = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8(carriage_);
  for (; p < end_; p += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_or_si128(_mm_cmpeq_epi8(bytes, newline), _mm_cmpeq_epi8(bytes, carriage)));
    int mask = _mm_movemask_epi8(hit);
    if (mask != 0) return std::min(p + __builtin_ctz(static_cast<unsigned>(mask)), end_);
  }
  return end_;
#else
  while (p < end_ && *p != first_ && *p != '\n' && *p != carriage_) ++p;
  return p;
#endif
}

bool CsvTokenizer::Next(const char** p, const char* end, bool multi_line) {
  end_ = end;
  multi_line_ = multi_line;
  values_.clear();
  arena_.clear();
  malformed_ = false;
  const char* at = *p;
  while (true) {
    if (options_.ignore_leading_space) {
      while (at < end_ && IsBlank(*at) && !IsNewline(at) && !AtDelimiter(at)) ++at;
    }
    bool good = options_.quote != '\0' && at < end_ && *at == options_.quote ? Quoted(&at) : Plain(&at);
    if (!good) malformed_ = true;
    if (static_cast<int64_t>(values_.size()) > options_.columns_max) malformed_ = true;
    if (at < end_ && !IsNewline(at)) {
      at += separator_.size();  // stands at a delimiter
      continue;
    }
    break;
  }
  if (at < end_) at += *at == '\r' && carriage_ == '\r' && at + 1 < end_ && at[1] == '\n' ? 2 : 1;
  *p = at;
  for (CsvValue& value : values_) {
    if (value.in_arena) value.data = arena_.data() + reinterpret_cast<intptr_t>(value.data);
    if (options_.column_chars_max >= 0 && value.size > options_.column_chars_max) malformed_ = true;
  }
  return !malformed_;
}

bool CsvTokenizer::Plain(const char** p) {
  const char* begin = *p;
  const char* at = ValueEnd(begin);
  while (at < end_ && !IsNewline(at) && !AtDelimiter(at)) at = ValueEnd(at + 1);
  const char* last = at;
  if (options_.ignore_trailing_space) {
    while (last > begin && IsBlank(last[-1])) --last;
  }
  Push(begin, last - begin, last == begin ? CsvValue::Kind::kEmpty : CsvValue::Kind::kText);
  *p = at;
  return true;
}

// The ordinary case: no escape inside, and the closing quote stands before a delimiter or line end.
bool CsvTokenizer::Quoted(const char** p) {
  const char* begin = *p + 1;
  const char* at = begin;
  while (at < end_ && *at != options_.quote && *at != options_.escape && (*at != options_.escape_of_escape || *at == '\0') && !IsNewline(at)) ++at;
  if (at < end_ && *at == options_.quote && (at + 1 == end_ || AtDelimiter(at + 1) || IsNewline(at + 1))) {
    Push(begin, at - begin, at == begin ? CsvValue::Kind::kEmptyQuoted : CsvValue::Kind::kText);
    *p = at + 1;
    return true;
  }
  return QuotedSlowly(p);
}

// Univocity's parseQuotedValue, its recursion as a loop. `previous` is 0 until the first special character.
bool CsvTokenizer::QuotedSlowly(const char** p) {
  const char quote = options_.quote, escape = options_.escape, escape_escape = options_.escape_of_escape;
  using Handling = CsvOptions::UnescapedQuote;
  const char* const start = *p;
  const char* at = start + 1;
  const size_t from = arena_.size();
  char previous = '\0';
  bool any_line_end = false;
  auto at_end = [&] { return at >= end_ || (!multi_line_ && IsNewline(at)); };
  auto finish = [&](CsvValue::Kind kind) {
    auto size = static_cast<int64_t>(arena_.size() - from);
    if (kind == CsvValue::Kind::kText && size == 0) kind = CsvValue::Kind::kEmptyQuoted;
    values_.push_back({reinterpret_cast<const char*>(static_cast<intptr_t>(from)), size, kind, true});
    *p = at;
    return true;
  };
  // What follows up to the delimiter belongs to the value as it stands.
  auto until_delimiter = [&] {
    const char* stop = ValueEnd(at);
    while (stop < end_ && !IsNewline(stop) && !AtDelimiter(stop)) stop = ValueEnd(stop + 1);
    arena_.append(at, static_cast<size_t>(stop - at));
    at = stop;
    if (options_.ignore_trailing_space) {
      while (arena_.size() > from && IsBlank(arena_.back())) arena_.pop_back();
    }
  };
  (void)any_line_end;
  while (true) {
    if (at_end()) {
      // The quote was never closed. A single quote at the very end is text.
      if (previous != quote && at == start + 1) arena_ += quote;
      return finish(CsvValue::Kind::kText);
    }
    char c = *at;
    if (previous == quote && (AtDelimiter(at) || IsNewline(at))) return finish(CsvValue::Kind::kText);
    if (previous == quote && IsBlank(c)) {
      // White space behind the closing quote is dropped, unless something else follows.
      const char* behind = at;
      while (at < end_ && IsBlank(*at) && !AtDelimiter(at) && !IsNewline(at)) ++at;
      if (at_end() || AtDelimiter(at) || IsNewline(at)) return finish(CsvValue::Kind::kText);
      if (options_.unescaped_quote == Handling::kRaiseError) return finish(CsvValue::Kind::kText), false;
      arena_ += quote;
      arena_.append(behind, static_cast<size_t>(at - behind));
      if (options_.unescaped_quote == Handling::kStopAtDelimiter) {
        arena_.insert(from, 1, quote);
        until_delimiter();
        return finish(CsvValue::Kind::kText);
      }
      if (options_.unescaped_quote == Handling::kSkipValue) {
        until_delimiter();
        return finish(CsvValue::Kind::kSkipped);
      }
      if (*at != quote && *at != escape) arena_ += *at;
      previous = *at++;
      continue;
    }
    if (c != quote && c != escape && !(c == escape_escape && c != '\0')) {
      if (previous == quote) {
        switch (options_.unescaped_quote) {
          case Handling::kRaiseError:
            until_delimiter();
            return finish(CsvValue::Kind::kText), false;
          case Handling::kSkipValue:
            until_delimiter();
            return finish(CsvValue::Kind::kSkipped);
          case Handling::kStopAtDelimiter:
            arena_.insert(from, 1, quote);
            arena_ += quote;
            until_delimiter();
            return finish(CsvValue::Kind::kText);
          case Handling::kStopAtClosingQuote:
            arena_ += quote;
            break;
        }
      } else if (previous == escape && escape != '\0' && escape != quote) {
        arena_ += escape;
      }
      if (multi_line_ && c == '\r' && at + 1 < end_ && at[1] == '\n') {
        arena_ += '\n';  // line ends within quotes are normalised
        ++at;
      } else {
        arena_ += c;
      }
      previous = '\1';
      ++at;
      continue;
    }
    // A quote or an escape.
    if (c == escape && previous == escape_escape && escape_escape != '\0') {
      arena_ += escape;
      previous = '\1';
    } else if (previous == escape && previous != '\0' && (escape != quote || c == quote)) {
      if (c == quote) {
        arena_ += quote;
      } else {
        arena_ += previous;
        previous = c;
        ++at;
        continue;
      }
      previous = '\1';
    } else {
      if (c == quote && previous == quote) arena_ += quote;
      previous = c;
    }
    ++at;
  }
}

}  // namespace millstream
