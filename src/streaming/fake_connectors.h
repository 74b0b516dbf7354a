#pragma once

// fake_connectors.h   A source and a sink in memory, for the tests of this room.

#include <arrow/array/builder_primitive.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "connectors/api/sink.h"
#include "connectors/api/source.h"
#include "types/arrow_types.h"

namespace millstream::testing_streams {

inline StructType NumberSchema() { return StructType({{"value", DataType::Long()}}); }

inline RecordBatchPtr Numbers(int64_t from, int64_t to) {
  arrow::Int64Builder builder;
  for (int64_t value = from; value < to; ++value) MS_CHECK(builder.Append(value).ok());
  return arrow::RecordBatch::Make(ToArrowSchema(NumberSchema()), to - from, {builder.Finish().ValueOrDie()});
}

// The numbers from 0 up to `available`; an offset is how many have been read. Shared by all sources made of it, as a directory is.
struct NumberWorld {
  std::atomic<int64_t> available{0};
  std::atomic<int64_t> per_batch_max{1000000};
  std::atomic<int64_t> committed{0};
  std::atomic<int> failures_to_come{0};  // ReadBatch streams that end in a retryable error
  std::atomic<bool> blocks{false};       // Next never ends by itself
};

class NumberSource : public Source, public SupportsTriggerAvailableNow {
 public:
  explicit NumberSource(std::shared_ptr<NumberWorld> world) : world_(std::move(world)) {}
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return none_; }
  std::string description() const override { return "NumberSource[]"; }
  Status PrepareForTriggerAvailableNow() override {
    frozen_ = world_->available.load();
    return Status();
  }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit& limit) override {
    int64_t from = start ? std::stoll(start->json) : 0;
    int64_t to = frozen_ >= 0 ? frozen_ : world_->available.load();
    if (!limit.all) to = std::min(to, from + world_->per_batch_max.load());
    if (to <= from) return std::optional<StreamOffset>();
    return std::optional<StreamOffset>(StreamOffset{std::to_string(to)});
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds&) override {
    int64_t from = start ? std::stoll(start->json) : 0;
    int64_t to = std::stoll(end.json);
    rows_ = to - from;
    if (world_->failures_to_come.fetch_sub(1) > 0) return RowStreamPtr(std::make_unique<FailingRows>());
    if (world_->blocks) return RowStreamPtr(std::make_unique<EndlessRows>());
    return MakeRowStream(ToArrowSchema(schema_), {Numbers(from, to)});
  }
  Status Commit(const StreamOffset& end) override {
    world_->committed = std::stoll(end.json);
    return Status();
  }
  int64_t rows_read() const override { return rows_; }

 private:
  struct FailingRows : RowStream {
    ArrowSchemaPtr held = ToArrowSchema(NumberSchema());
    const ArrowSchemaPtr& schema() const override { return held; }
    Result<RecordBatchPtr> Next() override { return Status::Internal("the file changed").Retryable(); }
  };
  struct EndlessRows : RowStream {
    ArrowSchemaPtr held = ToArrowSchema(NumberSchema());
    const ArrowSchemaPtr& schema() const override { return held; }
    Result<RecordBatchPtr> Next() override { return Numbers(0, 1); }
  };
  std::shared_ptr<NumberWorld> world_;
  StructType schema_ = NumberSchema(), none_;
  int64_t rows_ = 0;
  int64_t frozen_ = -1;
};

class NumberRelation : public StreamingRelationSource {
 public:
  explicit NumberRelation(std::shared_ptr<NumberWorld> world) : world_(std::move(world)) {}
  std::string name() const override { return "numbers"; }
  const StructType& schema() const override { return schema_; }
  const StructType& metadata_schema() const override { return none_; }
  Result<std::unique_ptr<Source>> CreateSource(const std::string&) const override { return std::unique_ptr<Source>(std::make_unique<NumberSource>(world_)); }

 private:
  std::shared_ptr<NumberWorld> world_;
  StructType schema_ = NumberSchema(), none_;
};

// What a table would hold: each batch once. Survives its sinks, as a table does.
struct Written {
  std::mutex mutex;
  std::map<int64_t, std::vector<int64_t>> batches;
  std::atomic<int> fails_after_write{0};  // the batch is in, and the sink says that it failed
};

class NumberSink : public Sink {
 public:
  explicit NumberSink(std::shared_ptr<Written> written) : written_(std::move(written)) {}
  std::string description() const override { return "NumberSink"; }
  Result<BatchResult> AddBatch(BatchId batch_id, const StructType&, RowStream& rows) override {
    {
      std::lock_guard lock(written_->mutex);
      if (written_->batches.count(batch_id.value())) return BatchResult{.rows_out = 0, .was_done_before = true};
    }
    std::vector<int64_t> values;
    while (true) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr batch, rows.Next());
      if (batch == nullptr) break;
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < column.length(); ++i) values.push_back(column.Value(i));
    }
    const int64_t count = static_cast<int64_t>(values.size());
    std::lock_guard lock(written_->mutex);
    written_->batches[batch_id.value()] = std::move(values);
    if (written_->fails_after_write.fetch_sub(1) > 0) return Status::Internal("power cut");
    return BatchResult{.rows_out = count};
  }

 private:
  std::shared_ptr<Written> written_;
};

// Rows pass through as they are.
class PassThrough : public CompiledPlan {
 public:
  explicit PassThrough(RelationSourcePtr relation) : scans_{{std::move(relation), ScanNeeds{.columns = {"value"}, .filters = {}}}} {}
  const StructType& schema() const override { return schema_; }
  const std::vector<std::pair<RelationSourcePtr, ScanNeeds>>& scans() const override { return scans_; }
  Result<RowStreamPtr> Run(std::vector<RowStreamPtr> inputs, std::shared_ptr<CancelToken>) override { return std::move(inputs[0]); }

 private:
  StructType schema_ = NumberSchema();
  std::vector<std::pair<RelationSourcePtr, ScanNeeds>> scans_;
};

}  // namespace millstream::testing_streams
