#include "connectors/rate/rate_rows.h"

#include <arrow/array/builder_primitive.h>

#include <algorithm>
#include <atomic>

#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsPerRecordBatch = 16384;

class RateRows : public RowStream {
 public:
  RateRows(ArrowSchemaPtr schema, std::vector<bool> is_timestamp, int64_t first, int64_t end, int64_t start_us, double us_per_row)
      : schema_(std::move(schema)),
        is_timestamp_(std::move(is_timestamp)),
        first_(first),
        next_(first),
        end_(end),
        start_us_(start_us),
        us_per_row_(us_per_row) {}
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    const int64_t from = next_.fetch_add(kRowsPerRecordBatch);
    if (from >= end_) return RecordBatchPtr();
    const int64_t to = std::min(from + kRowsPerRecordBatch, end_);
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (size_t i = 0; i < is_timestamp_.size(); ++i) {
      auto column =
          is_timestamp_[i] ? Build<arrow::TimestampBuilder>(from, to, static_cast<int>(i)) : Build<arrow::Int64Builder>(from, to, static_cast<int>(i));
      if (!column.ok()) return FromArrowStatus(column.status(), "making rows of the rate source");
      columns.push_back(*column);
    }
    return arrow::RecordBatch::Make(schema_, to - from, std::move(columns));
  }

 private:
  template <typename Builder>
  arrow::Result<std::shared_ptr<arrow::Array>> Build(int64_t from, int64_t to, int column) const {
    Builder builder(schema_->field(column)->type(), arrow::default_memory_pool());
    ARROW_RETURN_NOT_OK(builder.Reserve(to - from));
    for (int64_t row = from; row < to; ++row) {
      if constexpr (std::is_same_v<Builder, arrow::TimestampBuilder>) {
        // Spark counts in milliseconds.
        builder.UnsafeAppend((start_us_ + static_cast<int64_t>(static_cast<double>(row - first_) * us_per_row_)) / 1000 * 1000);
      } else {
        builder.UnsafeAppend(row);
      }
    }
    return builder.Finish();
  }

  ArrowSchemaPtr schema_;
  std::vector<bool> is_timestamp_;
  const int64_t first_;
  std::atomic<int64_t> next_;
  const int64_t end_, start_us_;
  const double us_per_row_;
};

}  // namespace

const StructType& RateSchema() {
  static const StructType schema({{"timestamp", DataType::Timestamp()}, {"value", DataType::Long()}});
  return schema;
}

Result<RowStreamPtr> MakeRateRows(const ScanNeeds& needs, int64_t first, int64_t end, int64_t start_us, double us_per_row) {
  StructType wanted;
  std::vector<bool> is_timestamp;
  for (const std::string& column : needs.columns) {
    std::optional<size_t> at = RateSchema().IndexOf(column, true);
    if (!at) return Status::Internal("no column " + column + " in the rate source");
    wanted.Add(RateSchema()[*at]);
    is_timestamp.push_back(*at == 0);
  }
  return RowStreamPtr(std::make_unique<RateRows>(ToArrowSchema(wanted), std::move(is_timestamp), first, end, start_us, us_per_row));
}

}  // namespace millstream
