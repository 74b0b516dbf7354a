#include "compute/engine/duckdb_rows.h"

#include <arrow/c/bridge.h>

#include <algorithm>
#include <chrono>
#include <duckdb/common/arrow/arrow_appender.hpp>
#include <duckdb/common/arrow/arrow_converter.hpp>
#include <duckdb/main/pending_query_result.hpp>
#include <duckdb/main/prepared_statement.hpp>
#include <duckdb/main/stream_query_result.hpp>
#include <mutex>
#include <thread>

#include "compute/engine/arrow_layout.h"
#include "compute/engine/duckdb_error.h"
#include "types/arrow_types.h"

namespace millstream::compute {
namespace {

// Rows of one batch that leaves: large enough that what follows (Parquet, gRPC) does not pay by the batch.
constexpr duckdb::idx_t kBatchRows = 32 * STANDARD_VECTOR_SIZE;

// While another thread works on the last task there is nothing to help with, and DuckDB's own wait returns at once: asking again and again would take the
// core that this thread may need.
class Rest {
 public:
  void Take() {
    if (++times_ <= kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::min(kShortest * (times_ - kYields), kLongest));
    }
  }
  void End() { times_ = 0; }

 private:
  static constexpr int kYields = 20;
  static constexpr std::chrono::microseconds kShortest{10}, kLongest{200};
  int times_ = 0;
};

class DuckDbRows : public RowStream {
 public:
  DuckDbRows(std::shared_ptr<DuckDbRun> run, std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel)
      : run_(std::move(run)), inputs_(std::move(inputs)), cancel_(std::move(cancel)) {}

  ~DuckDbRows() override {
    // A query whose rows nobody wants any more may still be reading the inputs on DuckDB's threads. Closing its result does not wait for them; cancelling does,
    // for as long as a task finds rows to work on.
    for (auto& slot : run_->slots) slot->is_given_up = true;
    try {
      run_->connection->context->CancelTransaction();
      pending_.reset();
      result_.reset();
    } catch (...) {
      // Nobody is left to tell.
    }
    for (auto& slot : run_->slots) slot->Start(nullptr, nullptr);
  }

  Status Start() {
    size_t next_input = 0;
    for (size_t i = 0; i < run_->slots.size(); ++i) {
      if (const auto& local = run_->local_rows[i]) {
        local_streams_.push_back(MakeRowStream(ToArrowSchema(local->schema), local->batches));
        run_->slots[i]->Start(local_streams_.back().get(), cancel_);
      } else {
        run_->slots[i]->Start(inputs_[next_input++].get(), cancel_);
      }
    }
    try {
      duckdb::vector<duckdb::Value> no_parameters;
      pending_ = run_->statement->PendingQuery(no_parameters, true);
      if (pending_->HasError()) return Explain(pending_->GetErrorObject());
      return Status::Ok();
    } catch (...) {
      return ExplainCurrent();
    }
  }

  const ArrowSchemaPtr& schema() const override { return run_->arrow_schema; }

  Result<RecordBatchPtr> Next() override {
    std::vector<duckdb::unique_ptr<duckdb::DataChunk>> chunks;
    {
      std::lock_guard lock(mutex_);
      if (!error_.ok()) return error_;
      if (done_) return RecordBatchPtr();
      try {
        error_ = Fetch(chunks);
      } catch (...) {
        error_ = ExplainCurrent();
      }
      if (!error_.ok()) return error_;
      if (chunks.empty()) return RecordBatchPtr();
    }
    try {
      return Convert(chunks);
    } catch (...) {
      return FromCurrentException();
    }
  }

 private:
  // Holds mutex_.
  Status Fetch(std::vector<duckdb::unique_ptr<duckdb::DataChunk>>& chunks) {
    if (!result_) MS_RETURN_IF_ERROR(AwaitResult());
    duckdb::idx_t rows = 0;
    while (rows < kBatchRows) {
      MS_RETURN_IF_ERROR(AwaitChunk());
      auto chunk = result_->Fetch();
      if (result_->HasError()) return Explain(result_->GetErrorObject());
      if (!chunk || chunk->size() == 0) {
        done_ = true;
        break;
      }
      rows += chunk->size();
      chunks.push_back(std::move(chunk));
    }
    return Status::Ok();
  }

  Status AwaitResult() {
    for (Rest rest;;) {
      const auto state = pending_->ExecuteTask();
      if (state == duckdb::PendingExecutionResult::EXECUTION_ERROR) return Explain(pending_->GetErrorObject());
      if (duckdb::PendingQueryResult::IsResultReady(state)) break;
      MS_RETURN_IF_ERROR(PollCancel());
      if (state == duckdb::PendingExecutionResult::BLOCKED) pending_->WaitForTask();
      if (state == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE) {
        rest.Take();
      } else {
        rest.End();
      }
    }
    result_ = pending_->Execute();
    pending_.reset();
    return result_->HasError() ? Explain(result_->GetErrorObject()) : Status::Ok();
  }

  Status AwaitChunk() {
    if (result_->type != duckdb::QueryResultType::STREAM_RESULT) return Status::Ok();
    auto& stream = result_->Cast<duckdb::StreamQueryResult>();
    for (Rest rest;;) {
      const auto state = stream.ExecuteTask();
      if (duckdb::StreamQueryResult::IsChunkReady(state)) break;
      MS_RETURN_IF_ERROR(PollCancel());
      if (state == duckdb::StreamExecutionResult::BLOCKED) stream.WaitForTask();
      if (state == duckdb::StreamExecutionResult::NO_TASKS_AVAILABLE) {
        rest.Take();
      } else {
        rest.End();
      }
    }
    return stream.HasError() ? Explain(stream.GetErrorObject()) : Status::Ok();
  }

  Status PollCancel() {
    if (!cancel_ || !cancel_->cancelled()) return Status::Ok();
    run_->connection->Interrupt();
    return Status::Error(errors::kCancelled);
  }

  // An input's own error says more than what DuckDB made of it.
  Status Explain(const duckdb::ErrorData& error) {
    for (auto& slot : run_->slots) {
      if (Status status = slot->error(); !status.ok()) return status;
    }
    return FromDuckDbError(error);
  }
  Status ExplainCurrent() {
    for (auto& slot : run_->slots) {
      if (Status status = slot->error(); !status.ok()) return status;
    }
    return FromCurrentException();
  }

  Result<RecordBatchPtr> Convert(std::vector<duckdb::unique_ptr<duckdb::DataChunk>>& chunks) {
    const auto types = chunks[0]->GetTypes();
    duckdb::ClientProperties properties;
    properties.client_context = run_->connection->context.get();
    duckdb::ArrowAppender appender(types, kBatchRows, properties, {});
    for (auto& chunk : chunks) appender.Append(*chunk, 0, chunk->size(), chunk->size());
    ArrowArray array = appender.Finalize();
    ArrowSchema schema;
    duckdb::vector<duckdb::string> names;
    for (size_t i = 0; i < types.size(); ++i) names.push_back("c" + std::to_string(i));
    duckdb::ArrowConverter::ToArrowSchema(&schema, types, names, properties);
    auto imported = arrow::ImportRecordBatch(&array, &schema);
    if (!imported.ok()) return FromArrowStatus(imported.status(), "taking rows from DuckDB");
    const RecordBatchPtr& batch = *imported;
    std::vector<std::shared_ptr<arrow::ArrayData>> columns;
    for (size_t i = 0; i < run_->types.size(); ++i) {
      MS_ASSIGN_OR_RETURN(auto column, FromCarrier(batch->column_data(static_cast<int>(i)), run_->types[i]));
      columns.push_back(std::move(column));
    }
    return RecordBatchPtr(arrow::RecordBatch::Make(run_->arrow_schema, batch->num_rows(), std::move(columns)));
  }

  std::shared_ptr<DuckDbRun> run_;
  std::vector<RowStreamPtr> inputs_;
  std::vector<RowStreamPtr> local_streams_;
  std::shared_ptr<CancelToken> cancel_;
  std::mutex mutex_;  // guards all below
  duckdb::unique_ptr<duckdb::PendingQueryResult> pending_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  Status error_;
  bool done_ = false;
};

}  // namespace

Result<RowStreamPtr> StartDuckDbRun(std::shared_ptr<DuckDbRun> run, std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken> cancel) {
  auto rows = std::make_unique<DuckDbRows>(std::move(run), std::move(inputs), std::move(cancel));
  MS_RETURN_IF_ERROR(rows->Start());
  return rows;
}

}  // namespace millstream::compute
