#pragma once

// csv_tokenizer.h   CSV text → values, deciding as univocity-parsers 2.9.1 does with Spark's settings.

#include <string>
#include <string_view>
#include <vector>

#include "formats/csv_options.h"
#include "formats/growing.h"

namespace millstream {

// A value of a record. It lies in the file's buffer or in the tokenizer, until the next record.
struct CsvValue {
  enum class Kind : uint8_t { kText, kEmpty /* nothing */, kEmptyQuoted /* "" */, kSkipped /* null by unescapedQuoteHandling */ };
  const char* data = nullptr;
  int64_t size = 0;
  Kind kind = Kind::kText;
  bool in_arena = false;  // `data` is an offset
  std::string_view text() const { return {data, static_cast<size_t>(size)}; }
};

// Not thread-safe. The text's end must be a control character with kChunkPadding readable bytes behind it.
class CsvTokenizer {
 public:
  explicit CsvTokenizer(const CsvOptions& options);

  // The record at `*p`, which moves behind its line end. False: it is malformed (RAISE_ERROR, maxColumns, maxCharsPerColumn).
  // multi_line: line ends may lie inside of quotes.
  bool Next(const char** p, const char* end, bool multi_line);
  const std::vector<CsvValue>& values() const { return values_; }

 private:
  bool IsNewline(const char* p) const { return p < end_ && (*p == '\n' || *p == carriage_); }
  bool AtDelimiter(const char* p) const {
    return p < end_ && *p == first_ &&
           (separator_.size() == 1 || (static_cast<size_t>(end_ - p) >= separator_.size() && std::string_view(p, separator_.size()) == separator_));
  }
  const char* ValueEnd(const char* p) const;
  bool Plain(const char** p);
  bool Quoted(const char** p);
  bool QuotedSlowly(const char** p);
  void Push(const char* data, int64_t size, CsvValue::Kind kind) { values_.push_back({data, size, kind, false}); }

  const CsvOptions& options_;
  const std::string separator_;
  const char first_;
  const char carriage_;  // '\r' where that ends lines, else '\n'
  const char* end_ = nullptr;
  bool multi_line_ = false;
  std::vector<CsvValue> values_;
  std::string arena_;  // values that are not in the file as they are
  bool malformed_ = false;
};

}  // namespace millstream
