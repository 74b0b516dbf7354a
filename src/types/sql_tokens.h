#pragma once

// sql_tokens.h   Spark SQL text → words. Shared by the DDL of types (here) and by the statements of plan/sql, so that both quote, escape,
// comment and complain alike.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace millstream {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,        // an identifier or keyword; may begin with a digit, as in Spark
  kQuotedName,  // `a``b`
  kString,      // 'it\'s', "it's", r'raw\n'
  kInteger,     // 12
  kDecimal,     // 1.5
  kExponent,    // 1e3: a double
  kBigInt,      // 12L
  kSmallInt,    // 12S
  kTinyInt,     // 12Y
  kFloat,       // 1.5F
  kDouble,      // 1.5D
  kBigDecimal,  // 1.5BD
  kHint,        // /*+ … */
  kSymbol,
  kUnknown,  // a character that SQL has no use for, or a quote that is never closed
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t begin = 0, end = 0;  // bytes of the text
};

// No statement that a person or a tool writes comes near; each token costs memory several times its size.
inline constexpr size_t kMaxSqlBytes = 64u << 20;
inline constexpr size_t kMaxSqlTokens = 2'000'000;

// A text and its words; the last one is always kEnd. The text must outlive it.
class SqlTokens {
 public:
  // Errors: UNCLOSED_BRACKETED_COMMENT, FAILED_TO_PARSE_TOO_COMPLEX. All else that is wrong is a kUnknown token, for the parser to refuse.
  static Result<SqlTokens> Lex(std::string_view sql);

  std::string_view sql() const { return sql_; }
  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  std::string_view sql_;
  std::vector<Token> tokens_;
};

// A position in the tokens of one text, and the ways to complain about it. Holds a reference: `tokens` must outlive it.
class TokenCursor {
 public:
  explicit TokenCursor(const SqlTokens& tokens) : sql_(tokens.sql()), tokens_(&tokens.tokens()) {}

  const Token& Peek(size_t ahead = 0) const { return (*tokens_)[std::min(at_ + ahead, tokens_->size() - 1)]; }
  std::string_view Text(const Token& token) const { return sql_.substr(token.begin, token.end - token.begin); }
  std::string_view sql() const { return sql_; }
  size_t position() const { return at_; }
  void Rewind(size_t position) { at_ = position; }
  void Advance() {
    if (at_ + 1 < tokens_->size()) ++at_;
  }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd; }

  // Keywords in upper case; they match in any case, and never a quoted name.
  bool AtWord(std::string_view keyword, size_t ahead = 0) const;
  bool AtSymbol(std::string_view symbol, size_t ahead = 0) const;
  // Two keywords in a row.
  bool AtWords(std::string_view first, std::string_view second) const { return AtWord(first) && AtWord(second, 1); }
  bool TakeWord(std::string_view keyword);
  bool TakeWords(std::string_view first, std::string_view second);
  bool TakeSymbol(std::string_view symbol);
  Status ExpectWord(std::string_view keyword);
  Status ExpectSymbol(std::string_view symbol);
  // A name, quoted or not; keywords are names too. Errors: PARSE_SYNTAX_ERROR, INVALID_IDENTIFIER.
  Result<std::string> ExpectName();
  // One string literal, or several in a row, which are one.
  Result<std::string> ExpectString();
  Result<int64_t> ExpectInteger();

  // "Syntax error at or near 'x'" at the current token, with the picture.
  Status SyntaxError(std::string_view hint = "") const;
  // Any error, with the picture pointing at `token`.
  Status ErrorAt(const Token& token, const ErrorClass& error_class, ErrorParams params) const;
  // The same in the form that Spark uses once a statement has a shape: "== SQL (line 1, position 8) ==", `token` to `last` marked.
  Status ErrorWithin(const Token& token, const Token& last, const ErrorClass& error_class, ErrorParams params) const;

 private:
  std::string_view sql_;
  const std::vector<Token>* tokens_;
  size_t at_ = 0;
};

// What the token of a string stands for.
std::string UnescapeString(std::string_view token);
// What the token of a back-quoted name stands for.
std::string UnquoteName(std::string_view token);
// True when `text` is `upper` (ASCII, in upper case) in any case.
bool EqualsKeyword(std::string_view text, std::string_view upper);

}  // namespace millstream
