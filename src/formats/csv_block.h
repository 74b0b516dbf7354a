#pragma once

// csv_block.h   Many plain records of CSV at once: where their values begin and end. Plain: no value begins with a quote, and there are as many as wanted.
// What is not plain is CsvTokenizer's; both decide alike.

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/csv_options.h"
#include "formats/csv_tokenizer.h"

namespace millstream {

// Not thread-safe. Refers to the text that was scanned last.
class CsvBlock {
 public:
  explicit CsvBlock(const CsvOptions& options);

  // Finds the plain records from `p` on, each with `columns` values, up to the first one that is not plain, or that `end` cuts off. Their number, 0 at once if
  // the options leave none plain. kChunkPadding bytes behind `end` must be readable.
  int64_t Scan(const char* p, const char* end, size_t columns);

  int64_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  // Of a record; of `rows()`: what is behind the last one and its line end.
  const char* begin_of(int64_t row) const { return begins_[static_cast<size_t>(row)]; }
  std::string_view value(int64_t row, size_t column) const {
    const size_t at = static_cast<size_t>(row) * columns_ + column;
    const char* begin = column == 0 ? begins_[static_cast<size_t>(row)] : ends_[at - 1] + 1;
    return {begin, static_cast<size_t>(ends_[at] - begin)};
  }
  // Without line end.
  std::string_view text(int64_t row) const {
    const char* begin = begin_of(row);
    return {begin, static_cast<size_t>(ends_[(static_cast<size_t>(row) + 1) * columns_ - 1] - begin)};
  }
  // As the tokenizer would have them.
  void Values(int64_t row, std::vector<CsvValue>& values) const;

 private:
  bool MayBegin(const char* p) const { return static_cast<unsigned char>(*p) > ' ' && *p != comment_; }

  const bool any_plain_;
  const char separator_, quote_, carriage_, comment_;  // quote and comment '\n': there is none; carriage '\r' where that ends lines, else '\n'
  const int64_t columns_max_;
  size_t columns_ = 0;
  int64_t rows_ = 0;
  std::vector<const char*> begins_, ends_;
};

}  // namespace millstream
