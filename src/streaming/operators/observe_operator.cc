#include "streaming/operators/observe_operator.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace millstream {

// Rows on their way to the aggregates. Thread-safe.
class ObserveOperator::Passing {
 public:
  // Waits while too many rows are ahead. Rows that nobody wants any more are dropped.
  void Push(RecordBatchPtr batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < kBatchesMax || is_unwanted_ || is_closed_; });
    if (is_unwanted_ || is_closed_) return;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  RecordBatchPtr Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !batches_.empty() || is_closed_; });
    if (batches_.empty()) return nullptr;
    RecordBatchPtr batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }
  // No more rows will come.
  void Close() {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  // No more rows are looked at.
  void GiveUp() {
    std::lock_guard lock(mutex_);
    is_unwanted_ = true;
    batches_.clear();
    changed_.notify_all();
  }

 private:
  static constexpr size_t kBatchesMax = 8;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<RecordBatchPtr> batches_;
  bool is_closed_ = false, is_unwanted_ = false;
};

class ObserveOperator::Tee : public RowStream {
 public:
  Tee(RowStreamPtr input, std::shared_ptr<Passing> passing) : input_(std::move(input)), passing_(std::move(passing)) {}
  const ArrowSchemaPtr& schema() const override { return input_->schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, input_->Next());
    if (batch != nullptr) passing_->Push(batch);
    return batch;
  }

 private:
  const RowStreamPtr input_;
  const std::shared_ptr<Passing> passing_;
};

// What the aggregates read.
class ObserveOperator::Side : public RowStream {
 public:
  Side(std::shared_ptr<Passing> passing, const arrow::Schema& whole, const std::vector<std::string>& columns) : passing_(std::move(passing)) {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (const std::string& column : columns) {
      columns_.push_back(whole.GetFieldIndex(column));
      MS_CHECK(columns_.back() >= 0);
      fields.push_back(whole.field(columns_.back()));
    }
    schema_ = arrow::schema(std::move(fields));
  }
  const ArrowSchemaPtr& schema() const override { return schema_; }
  Result<RecordBatchPtr> Next() override {
    const RecordBatchPtr batch = passing_->Pop();
    if (batch == nullptr) return RecordBatchPtr();
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (int column : columns_) columns.push_back(batch->column(column));
    return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns));
  }

 private:
  const std::shared_ptr<Passing> passing_;
  std::vector<int> columns_;
  ArrowSchemaPtr schema_;
};

ObserveOperator::ObserveOperator(std::string name, StructType schema, std::unique_ptr<CompiledPlan> metrics)
    : name_(std::move(name)), schema_(std::move(schema)), metrics_(std::move(metrics)), observed_(RecordBatchPtr()) {}

ObserveOperator::~ObserveOperator() { End(); }

void ObserveOperator::End() {
  if (passing_ != nullptr) passing_->Close();
  if (computing_.joinable()) computing_.join();
  passing_.reset();
}

Result<RowStreamPtr> ObserveOperator::Run(const BatchContext&, std::vector<RowStreamPtr> inputs) {
  End();
  passing_ = std::make_shared<Passing>();
  RowStreamPtr input = std::move(inputs.at(0));
  auto side = std::make_unique<Side>(passing_, *input->schema(), metrics_->scans().at(0).second.columns);
  computing_ = std::thread([this, passing = passing_, side = std::move(side)]() mutable {
    observed_ = [&]() -> Result<RecordBatchPtr> {
      std::vector<RowStreamPtr> rows;
      rows.push_back(std::move(side));
      MS_ASSIGN_OR_RETURN(RowStreamPtr result, metrics_->Run(std::move(rows)));
      MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> batches, Drain(*result));
      if (batches.size() != 1 || batches[0]->num_rows() != 1) return Status::Internal("the metrics " + name_ + " are not one row");
      return batches[0];
    }();
    passing->GiveUp();
  });
  return RowStreamPtr(std::make_unique<Tee>(std::move(input), passing_));
}

Result<RecordBatchPtr> ObserveOperator::Observed() {
  End();
  return observed_;
}

}  // namespace millstream
