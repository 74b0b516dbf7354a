#include "streaming/operators/group_batch.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <numeric>

#include "streaming/operators/record_rows.h"
#include "types/arrow_types.h"

namespace millstream {

Result<GroupBatch> GroupBatch::Make(const StructType& keys) {
  GroupBatch batch;
  MS_ASSIGN_OR_RETURN(std::unique_ptr<RowEncoder> encoder, RowEncoder::Make(keys, RowLayout::kKey));
  batch.encoder_ = std::move(encoder);
  batch.key_columns_ = keys.size();
  return batch;
}

Status GroupBatch::Add(const RecordBatchPtr& rows, const std::vector<int64_t>& places) {
  if (places.empty()) return Status();
  MS_ASSIGN_OR_RETURN(RecordBatchPtr part, RowsAt(rows, places));
  MS_RETURN_IF_ERROR(encoder_->Bind(*ColumnsAt(part, 0, key_columns_)));
  for (int64_t row = 0; row < part->num_rows(); ++row) {
    encoder_->Encode(row, &bytes_);
    ends_.push_back(bytes_.size());
  }
  parts_.push_back(ColumnsAt(part, key_columns_, static_cast<size_t>(part->num_columns()) - key_columns_));
  return Status();
}

Status GroupBatch::Sort() {
  order_.resize(ends_.size());
  std::iota(order_.begin(), order_.end(), 0);
  auto key = [&](int64_t row) {
    const size_t at = static_cast<size_t>(row), begin = at == 0 ? 0 : ends_[at - 1];
    return std::string_view(bytes_).substr(begin, ends_[at] - begin);
  };
  std::stable_sort(order_.begin(), order_.end(), [&](int64_t left, int64_t right) { return key(left) < key(right); });
  if (parts_.empty()) return Status();
  auto joined = parts_.size() == 1 ? arrow::Result<RecordBatchPtr>(parts_[0]) : arrow::ConcatenateRecordBatches(parts_);
  MS_RETURN_IF_ERROR(FromArrowStatus(joined.status(), "joining the rows of a batch"));
  all_ = *joined;
  parts_.clear();
  return Status();
}

std::string_view GroupBatch::KeyAt(size_t sorted) const {
  const size_t at = static_cast<size_t>(order_[sorted]), begin = at == 0 ? 0 : ends_[at - 1];
  return std::string_view(bytes_).substr(begin, ends_[at] - begin);
}

Result<bool> GroupBatch::Next(int64_t rows_max, Chunk* chunk) { return Take(std::min(order_.size(), next_ + static_cast<size_t>(rows_max)), chunk); }

Result<bool> GroupBatch::NextWhole(int64_t rows_max, Chunk* chunk) {
  const size_t most = std::min(order_.size(), next_ + static_cast<size_t>(rows_max));
  size_t end = most;
  while (end > next_ && end < order_.size() && KeyAt(end - 1) == KeyAt(end)) --end;
  return Take(end == next_ ? most : end, chunk);
}

Result<bool> GroupBatch::Take(size_t end, Chunk* chunk) {
  if (next_ == order_.size()) return false;
  chunk->groups.clear();
  chunk->continues = next_ > 0 && KeyAt(next_ - 1) == KeyAt(next_);
  chunk->more = end < order_.size() && KeyAt(end - 1) == KeyAt(end);
  for (size_t i = next_; i < end; ++i) {
    const std::string_view key = KeyAt(i);
    if (chunk->groups.empty() || chunk->groups.back().key != key) chunk->groups.push_back({key, static_cast<int64_t>(i - next_), 0});
    ++chunk->groups.back().rows;
  }
  const std::vector<int64_t> places(order_.begin() + static_cast<std::ptrdiff_t>(next_), order_.begin() + static_cast<std::ptrdiff_t>(end));
  MS_ASSIGN_OR_RETURN(chunk->rows, RowsAt(all_, places));
  next_ = end;
  return true;
}

}  // namespace millstream
