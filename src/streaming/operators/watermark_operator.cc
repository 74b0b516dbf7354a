#include "streaming/operators/watermark_operator.h"

#include <arrow/array.h>

#include <algorithm>
#include <limits>

namespace millstream {
namespace {

int64_t FloorToMillis(int64_t us) { return us >= 0 ? us / 1000 : -((-us + 999) / 1000); }

}  // namespace

class WatermarkOperator::Rows : public RowStream {
 public:
  Rows(WatermarkOperator& owner, RowStreamPtr input) : owner_(owner), input_(std::move(input)) {}
  const ArrowSchemaPtr& schema() const override { return input_->schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, input_->Next());
    if (batch) owner_.Observe(*batch);
    return batch;
  }

 private:
  WatermarkOperator& owner_;
  const RowStreamPtr input_;
};

WatermarkOperator::WatermarkOperator(StructType schema, size_t column, int64_t delay_ms) : schema_(std::move(schema)), column_(column), delay_ms_(delay_ms) {}

Result<RowStreamPtr> WatermarkOperator::Run(const BatchContext&, std::vector<RowStreamPtr> inputs) {
  std::lock_guard lock(mutex_);
  stats_ = {};
  return RowStreamPtr(std::make_unique<Rows>(*this, std::move(inputs.at(0))));
}

EventTimeStats WatermarkOperator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void WatermarkOperator::Observe(const arrow::RecordBatch& batch) {
  const auto& times = static_cast<const arrow::TimestampArray&>(*batch.column(static_cast<int>(column_)));
  const int64_t* values = times.raw_values();
  int64_t low = std::numeric_limits<int64_t>::max(), high = std::numeric_limits<int64_t>::min(), count = 0;
  double sum = 0;
  for (int64_t row = 0; row < times.length(); ++row) {
    if (times.IsNull(row)) continue;
    low = std::min(low, values[row]);
    high = std::max(high, values[row]);
    sum += static_cast<double>(FloorToMillis(values[row]));
    ++count;
  }
  if (count == 0) return;
  std::lock_guard lock(mutex_);
  stats_.min_ms = stats_.count == 0 ? FloorToMillis(low) : std::min(stats_.min_ms, FloorToMillis(low));
  stats_.max_ms = stats_.count == 0 ? FloorToMillis(high) : std::max(stats_.max_ms, FloorToMillis(high));
  stats_.count += count;
  stats_.avg_ms += (sum / static_cast<double>(count) - stats_.avg_ms) * static_cast<double>(count) / static_cast<double>(stats_.count);
}

}  // namespace millstream
