#include "formats/csv_block.h"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millstream {
namespace {

constexpr size_t kValuesMax = 8192;  // so that a block and its text stay in the cache
constexpr size_t kBlockRowsMax = 1024;

// One bit for each of 64 bytes that is one of four.
uint64_t Hits(const char* p, char a, char b, char c, char d) {
#if defined(__SSE2__)
  const __m128i as = _mm_set1_epi8(a), bs = _mm_set1_epi8(b), cs = _mm_set1_epi8(c), ds = _mm_set1_epi8(d);
  uint64_t hits = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, as), _mm_cmpeq_epi8(bytes, bs)), _mm_or_si128(_mm_cmpeq_epi8(bytes, cs), _mm_cmpeq_epi8(bytes, ds)));
    hits |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(hit))) << (16 * i);
  }
  return hits;
#else
  uint64_t hits = 0;
  for (int i = 0; i < 64; ++i) hits |= static_cast<uint64_t>(p[i] == a || p[i] == b || p[i] == c || p[i] == d) << i;
  return hits;
#endif
}

}  // namespace

CsvBlock::CsvBlock(const CsvOptions& options)
    : any_plain_(options.separator.size() == 1 && options.separator[0] != options.quote && options.separator != "\n" && options.separator != "\r" &&
                 !options.ignore_leading_space && !options.ignore_trailing_space && options.column_chars_max < 0),
      separator_(options.separator[0]),
      quote_(options.quote == '\0' ? '\n' : options.quote),
      carriage_(options.line_separator.empty() ? '\r' : '\n'),
      comment_(options.comment == '\0' ? '\n' : options.comment),
      columns_max_(options.columns_max) {}

int64_t CsvBlock::Scan(const char* p, const char* end, size_t columns) {
  rows_ = 0;
  columns_ = columns;
  begins_.assign(1, p);
  if (!any_plain_ || columns == 0 || columns > kValuesMax || static_cast<int64_t>(columns) > columns_max_ || p >= end || !MayBegin(p)) return 0;
  const size_t rows_max = std::min(kBlockRowsMax, kValuesMax / columns);
  if (ends_.size() < rows_max * columns) ends_.resize(rows_max * columns);
  begins_.resize(rows_max + 1);
  const char** next_end = ends_.data();
  const char** row_ends = next_end + columns;  // behind those of the record under way
  size_t row = 0;
  const char* value = p;  // where the one under way begins
  for (const char* at64 = p; at64 < end; at64 += 64) {
    uint64_t hits = Hits(at64, separator_, '\n', carriage_, quote_);
    for (; hits != 0; hits &= hits - 1) {
      const char* at = at64 + __builtin_ctzll(hits);
      if (at < value) continue;  // the second byte of a line end
      if (at >= end) break;
      const char c = *at;
      if (c == separator_) {
        *next_end++ = at;
        value = at + 1;
        if (next_end != row_ends) continue;
        break;  // too many values
      }
      if (c == '\n' || c == carriage_) {
        if (next_end + 1 != row_ends) {
          next_end = row_ends;  // too few
          break;
        }
        *next_end++ = at;
        value = at + (c == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1);
        begins_[++row] = value;
        if (row == rows_max || value >= end || !MayBegin(value)) {
          rows_ = static_cast<int64_t>(row);
          return rows_;
        }
        row_ends = next_end + columns;
      } else if (at == value) {
        next_end = row_ends;  // a quoted value
        break;
      }
    }
    if (next_end == row_ends) break;
  }
  rows_ = static_cast<int64_t>(row);
  return rows_;
}

void CsvBlock::Values(int64_t row, std::vector<CsvValue>& values) const {
  values.clear();
  for (size_t column = 0; column < columns_; ++column) {
    const std::string_view text = value(row, column);
    values.push_back({text.data(), static_cast<int64_t>(text.size()), text.empty() ? CsvValue::Kind::kEmpty : CsvValue::Kind::kText, false});
  }
}

}  // namespace millstream
