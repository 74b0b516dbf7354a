#include "types/sql_tokens.h"

#include <algorithm>
#include <charconv>

#include "types/types_errors.h"

namespace millstream {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// Letters beyond ASCII are part of a word so that the complaint can name the whole word.
bool IsWordByte(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

// Longest first. '>' stands alone because "array<array<int>>" closes twice; a parser of expressions joins neighbours.
constexpr std::string_view kSymbols[] = {"<=>", "::", "=>", "->", "==", "<>", "!=", "!<", "!>", "<=", ">=", "<<", "||", "|>"};

class Lexer {
 public:
  Lexer(std::string_view sql, std::vector<Token>& tokens) : sql_(sql), tokens_(tokens) {}

  Status Run() {
    if (sql_.size() > kMaxSqlBytes) return Status::Error(errors::kTooComplex);
    while (true) {
      MS_RETURN_IF_ERROR(SkipSpaceAndComments());
      size_t begin = at_;
      TokenKind kind = Next();
      if (tokens_.size() >= kMaxSqlTokens) return Status::Error(errors::kTooComplex);
      tokens_.push_back({kind, static_cast<uint32_t>(begin), static_cast<uint32_t>(at_)});
      if (kind == TokenKind::kEnd) return Status::Ok();
    }
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }
  bool StartsWith(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  Status SkipSpaceAndComments() {
    while (at_ < sql_.size()) {
      if (IsSpace(Peek())) {
        ++at_;
      } else if (StartsWith("\xC2\xA0")) {  // no-break space, common in text pasted from a web page
        at_ += 2;
      } else if (StartsWith("--")) {
        while (at_ < sql_.size() && Peek() != '\n') at_ += StartsWith("\\\n") ? 2 : 1;
      } else if (StartsWith("/*") && !StartsWith("/*+")) {
        MS_RETURN_IF_ERROR(SkipBracketedComment());
      } else {
        break;
      }
    }
    at_ = std::min(at_, sql_.size());
    return Status::Ok();
  }

  Status SkipBracketedComment() {
    size_t depth = 0;
    do {
      if (at_ >= sql_.size()) {
        return Status::Error(errors::kUnclosedBracketedComment).Where("\n== SQL ==\n" + std::string(sql_));
      }
      if (StartsWith("/*")) {
        ++depth;
        at_ += 2;
      } else if (StartsWith("*/")) {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
    return Status::Ok();
  }

  TokenKind Next() {
    if (at_ == sql_.size()) return TokenKind::kEnd;
    char c = Peek();
    if (c == '\'' || c == '"') return String();
    if ((c == 'r' || c == 'R') && (Peek(1) == '\'' || Peek(1) == '"')) return RawString();
    if (c == '`') return QuotedName();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return NumberOrWord();
    if (IsWordByte(c)) return Word();
    if (StartsWith("/*+")) return Hint();
    for (std::string_view symbol : kSymbols) {
      if (StartsWith(symbol)) {
        at_ += symbol.size();
        return TokenKind::kSymbol;
      }
    }
    ++at_;
    return std::string_view("()[],.;:=<>+-*/%~&|^!?@{}$").find(c) != std::string_view::npos ? TokenKind::kSymbol : TokenKind::kUnknown;
  }

  TokenKind Word() {
    while (IsWordByte(Peek())) ++at_;
    return TokenKind::kWord;
  }

  // Ends behind the closing quote; an unclosed one is a token of its own, as in Spark.
  TokenKind String() {
    char quote = Peek();
    for (size_t i = at_ + 1; i < sql_.size(); ++i) {
      if (sql_[i] == '\\') {
        ++i;
      } else if (sql_[i] == quote) {
        if (i + 1 < sql_.size() && sql_[i + 1] == quote) {
          ++i;
        } else {
          at_ = i + 1;
          return TokenKind::kString;
        }
      }
    }
    ++at_;
    return TokenKind::kUnknown;
  }

  TokenKind RawString() {
    size_t close = sql_.find(Peek(1), at_ + 2);
    if (close == std::string_view::npos) return Word();
    at_ = close + 1;
    return TokenKind::kString;
  }

  TokenKind QuotedName() {
    for (size_t i = at_ + 1; i < sql_.size(); ++i) {
      if (sql_[i] != '`') continue;
      if (i + 1 < sql_.size() && sql_[i + 1] == '`') {
        ++i;
      } else {
        at_ = i + 1;
        return TokenKind::kQuotedName;
      }
    }
    ++at_;
    return TokenKind::kUnknown;
  }

  TokenKind Hint() {
    size_t close = sql_.find("*/", at_ + 3);
    if (close == std::string_view::npos) {
      at_ += 3;
      return TokenKind::kUnknown;
    }
    at_ = close + 2;
    return TokenKind::kHint;
  }

  // A number is one only if no letter follows: "1a" is a word, and in "t.1a" the dot stands alone.
  TokenKind NumberOrWord() {
    size_t begin = at_;
    auto digits = [&] {
      while (IsDigit(Peek())) ++at_;
    };
    digits();
    bool has_dot = Peek() == '.';
    if (has_dot) {
      ++at_;
      digits();
    }
    bool has_exponent = false;
    size_t sign = Upper(Peek()) == 'E' && (Peek(1) == '+' || Peek(1) == '-') ? 2 : 1;
    if (Upper(Peek()) == 'E' && IsDigit(Peek(sign))) {
      has_exponent = true;
      at_ += sign;
      digits();
    }
    TokenKind kind = has_exponent ? TokenKind::kExponent : has_dot ? TokenKind::kDecimal : TokenKind::kInteger;
    char suffix = Upper(Peek());
    if (suffix == 'B' && Upper(Peek(1)) == 'D') {
      kind = TokenKind::kBigDecimal;
      at_ += 2;
    } else if (suffix == 'D' || suffix == 'F') {
      kind = suffix == 'D' ? TokenKind::kDouble : TokenKind::kFloat;
      ++at_;
    } else if (kind == TokenKind::kInteger && (suffix == 'L' || suffix == 'S' || suffix == 'Y')) {
      kind = suffix == 'L' ? TokenKind::kBigInt : suffix == 'S' ? TokenKind::kSmallInt : TokenKind::kTinyInt;
      ++at_;
    }
    if (!IsWordByte(Peek())) return kind;
    at_ = begin;
    if (IsDigit(Peek())) return Word();
    ++at_;
    return TokenKind::kSymbol;
  }

  std::string_view sql_;
  std::vector<Token>& tokens_;
  size_t at_ = 0;
};

struct Place {
  size_t line = 1;    // from 1
  size_t column = 0;  // characters before it in its line
  size_t line_begin = 0;
};

Place PlaceOf(std::string_view sql, size_t offset) {
  Place place;
  for (size_t i = 0; i < offset; ++i) {
    if (sql[i] == '\n') {
      ++place.line;
      place.column = 0;
      place.line_begin = i + 1;
    } else if ((sql[i] & 0xC0) != 0x80) {
      ++place.column;
    }
  }
  return place;
}

// A statement of megabytes is not repeated in an error about it.
constexpr size_t kMaxQuotedSql = 100'000;

}  // namespace

bool EqualsKeyword(std::string_view text, std::string_view upper) {
  return text.size() == upper.size() && std::equal(text.begin(), text.end(), upper.begin(), [](char a, char b) { return Upper(a) == b; });
}

Result<SqlTokens> SqlTokens::Lex(std::string_view sql) {
  SqlTokens lexed;
  lexed.sql_ = sql;
  MS_RETURN_IF_ERROR(Lexer(sql, lexed.tokens_).Run());
  return lexed;
}

bool TokenCursor::AtWord(std::string_view keyword, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == TokenKind::kWord && EqualsKeyword(Text(token), keyword);
}

bool TokenCursor::AtSymbol(std::string_view symbol, size_t ahead) const {
  const Token& token = Peek(ahead);
  return token.kind == TokenKind::kSymbol && Text(token) == symbol;
}

bool TokenCursor::TakeWord(std::string_view keyword) {
  if (!AtWord(keyword)) return false;
  Advance();
  return true;
}

bool TokenCursor::TakeWords(std::string_view first, std::string_view second) {
  if (!AtWords(first, second)) return false;
  Advance();
  Advance();
  return true;
}

bool TokenCursor::TakeSymbol(std::string_view symbol) {
  if (!AtSymbol(symbol)) return false;
  Advance();
  return true;
}

Status TokenCursor::ExpectWord(std::string_view keyword) { return TakeWord(keyword) ? Status::Ok() : SyntaxError(); }
Status TokenCursor::ExpectSymbol(std::string_view symbol) { return TakeSymbol(symbol) ? Status::Ok() : SyntaxError(); }

Result<std::string> TokenCursor::ExpectName() {
  const Token token = Peek();
  if (token.kind == TokenKind::kQuotedName) {
    Advance();
    return UnquoteName(Text(token));
  }
  if (token.kind != TokenKind::kWord) return SyntaxError();
  std::string name(Text(token));
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return ErrorAt(token, errors::kInvalidIdentifier, {{"ident", name}});
  }
  Advance();
  return name;
}

Result<std::string> TokenCursor::ExpectString() {
  if (Peek().kind != TokenKind::kString) return SyntaxError();
  std::string value;
  for (; Peek().kind == TokenKind::kString; Advance()) value += UnescapeString(Text(Peek()));
  return value;
}

Result<int64_t> TokenCursor::ExpectInteger() {
  std::string_view text = Text(Peek());
  int64_t value = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (Peek().kind != TokenKind::kInteger || parsed.ec != std::errc()) return SyntaxError();
  Advance();
  return value;
}

Status TokenCursor::SyntaxError(std::string_view hint) const {
  const Token& token = Peek();
  std::string near = token.kind == TokenKind::kEnd ? "end of input" : "'" + std::string(Text(token).substr(0, 200)) + "'";
  return ErrorAt(token, errors::kParseSyntaxError, {{"error", near}, {"hint", std::string(hint)}});
}

Status TokenCursor::ErrorAt(const Token& token, const ErrorClass& error_class, ErrorParams params) const {
  Place place = PlaceOf(sql_, token.begin);
  std::string where = " (line " + std::to_string(place.line) + ", pos " + std::to_string(place.column) + ")\n";
  if (sql_.size() <= kMaxQuotedSql) {
    size_t line_end = std::min(sql_.find('\n', place.line_begin), sql_.size());
    where += "\n== SQL ==\n" + std::string(sql_.substr(0, line_end)) + "\n" + std::string(place.column, '-') + "^^^\n";
    std::string_view rest = sql_.substr(line_end);
    if (rest.starts_with('\n')) rest.remove_prefix(1);
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    if (!rest.empty()) where += std::string(rest) + "\n";
  }
  return Status::Error(error_class, std::move(params)).Where(std::move(where));
}

Status TokenCursor::ErrorWithin(const Token& token, const Token& last, const ErrorClass& error_class, ErrorParams params) const {
  Place place = PlaceOf(sql_, token.begin);
  std::string where = "\n== SQL (line " + std::to_string(place.line) + ", position " + std::to_string(place.column + 1) + ") ==\n";
  size_t line_end = std::min(sql_.find('\n', place.line_begin), sql_.size());
  where += sql_.substr(place.line_begin, std::min(line_end - place.line_begin, kMaxQuotedSql));
  size_t marked = std::max<size_t>(1, std::min<size_t>(last.end, line_end) - token.begin);
  where += "\n" + std::string(place.column, ' ') + std::string(marked, '^') + "\n";
  return Status::Error(error_class, std::move(params)).Where(std::move(where));
}

}  // namespace millstream
