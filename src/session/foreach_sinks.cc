#include "session/foreach_sinks.h"

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include "session/batch_writes.h"
#include "session/session_errors.h"

namespace millstream {
namespace {

class ForeachBatchSink : public Sink {
 public:
  ForeachBatchSink(std::shared_ptr<BatchFunction> function, std::string query_id, std::shared_ptr<CancelToken> cancel, int64_t memory_bytes_max)
      : function_(std::move(function)), query_id_(std::move(query_id)), cancel_(std::move(cancel)), memory_bytes_max_(memory_bytes_max) {}
  std::string description() const override { return "ForeachBatchSink"; }

  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) override {
    // The rows are made once and read as often as the function likes: what it reads twice is the same twice.
    LocalRelation batch{schema, {}, {}};
    int64_t bytes = 0;
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr part, rows.Next());
      if (part == nullptr) break;
      bytes += arrow::util::TotalBufferSize(*part);
      if (bytes > memory_bytes_max_) return Status::Error(errors::kBatchTooLarge, {{"limit", std::to_string(memory_bytes_max_)}});
      batch.batches.push_back(std::move(part));
    }
    auto writes = std::make_shared<BatchWrites>(query_id_, batch_id);
    Status status = function_->RunOnBatch(batch_id, MakePlan(std::move(batch)), writes, [this] { return cancel_->cancelled(); });
    if (status.ok()) return BatchResult{.rows_out = -1};
    // Python's exceptions say themselves where they come from.
    if (status.Is(errors::kCancelled) || status.error_class().kind == ExceptionKind::kPython) return status;
    return Status::Error(errors::kForeachBatchUserFunction, {{"reason", status.message()}});
  }

 private:
  const std::shared_ptr<BatchFunction> function_;
  const std::string query_id_;
  const std::shared_ptr<CancelToken> cancel_;
  const int64_t memory_bytes_max_;
};

// Counts what passes.
class CountedRows : public RowStream {
 public:
  explicit CountedRows(RowStream& rows) : rows_(rows) {}
  const ArrowSchemaPtr& schema() const override { return rows_.schema(); }
  Result<RecordBatchPtr> Next() override {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows_.Next());
    if (batch) count_ += batch->num_rows();
    return batch;
  }
  int64_t count() const { return count_; }

 private:
  RowStream& rows_;
  int64_t count_ = 0;
};

class ForeachSink : public Sink {
 public:
  ForeachSink(std::shared_ptr<RowsFunction> function, std::shared_ptr<CancelToken> cancel) : function_(std::move(function)), cancel_(std::move(cancel)) {}
  std::string description() const override { return "ForeachWriterTable"; }

  Result<BatchResult> AddBatch(BatchId batch_id, const StructType& schema, RowStream& rows) override {
    CountedRows counted(rows);
    Status status = function_->RunOnRows(batch_id, schema, counted, [this] { return cancel_->cancelled(); });
    MS_RETURN_IF_ERROR(status);
    return BatchResult{.rows_out = counted.count()};
  }

 private:
  const std::shared_ptr<RowsFunction> function_;
  const std::shared_ptr<CancelToken> cancel_;
};

}  // namespace

std::unique_ptr<Sink> MakeForeachBatchSink(std::shared_ptr<BatchFunction> function, std::string query_id, std::shared_ptr<CancelToken> cancel,
                                           int64_t memory_bytes_max) {
  return std::make_unique<ForeachBatchSink>(std::move(function), std::move(query_id), std::move(cancel), memory_bytes_max);
}

std::unique_ptr<Sink> MakeForeachSink(std::shared_ptr<RowsFunction> function, std::shared_ptr<CancelToken> cancel) {
  return std::make_unique<ForeachSink>(std::move(function), std::move(cancel));
}

}  // namespace millstream
