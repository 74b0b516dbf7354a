#pragma once

// encoded_rows.h   Rows of a batch as the keys of a store, and looked for in it some at a time.

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streaming/state/row_codec.h"
#include "streaming/state/state_store.h"

namespace millstream {

class EncodedRows {
 public:
  // As many as a store finds at once without one look-up waiting for the other.
  static constexpr size_t kTogether = 32;

  Status Encode(RowEncoder& encoder, const arrow::RecordBatch& batch, int64_t rows) {
    MS_RETURN_IF_ERROR(encoder.Bind(batch));
    bytes_.clear();
    ends_.clear();
    for (int64_t row = 0; row < rows; ++row) {
      encoder.Encode(row, &bytes_);
      ends_.push_back(bytes_.size());
    }
    return Status();
  }
  std::string_view operator[](int64_t row) const {
    const size_t at = static_cast<size_t>(row), begin = at == 0 ? 0 : ends_[at - 1];
    return std::string_view(bytes_).substr(begin, ends_[at] - begin);
  }
  // Before the store is asked for the i-th of these rows.
  void Ahead(StateStore& store, std::span<const int64_t> rows, size_t i) const {
    if (i % kTogether != 0) return;
    std::array<std::string_view, kTogether> ahead;
    size_t count = 0;
    for (int64_t row : rows.subspan(i, std::min(kTogether, rows.size() - i))) ahead[count++] = (*this)[row];
    store.Prefetch(std::span<const std::string_view>(ahead).first(count));
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

}  // namespace millstream
