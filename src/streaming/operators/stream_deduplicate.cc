#include "streaming/operators/stream_deduplicate.h"

#include <arrow/array.h>

#include <mutex>

#include "streaming/operators/encoded_rows.h"
#include "streaming/operators/event_time_column.h"
#include "streaming/operators/late_rows.h"
#include "streaming/operators/moment_bytes.h"
#include "streaming/operators/passed_keys.h"
#include "streaming/operators/record_rows.h"
#include "streaming/state/row_codec.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr const char* kExpiryStore = "expiry";

}  // namespace

class StreamDeduplicateOperator::Rows : public RowStream {
 public:
  Rows(StreamDeduplicateOperator& owner, const BatchContext& batch) : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(spec_.columns)) {}

  Status Begin(RowStreamPtr input) {
    input_ = std::move(input);
    MS_ASSIGN_OR_RETURN(store_, batch_.stores->Store({.operator_id = owner_.operator_id}));
    if (spec_.within_ms) {
      MS_ASSIGN_OR_RETURN(expiry_, batch_.stores->Store({.operator_id = owner_.operator_id, .name = kExpiryStore}));
    }
    MS_ASSIGN_OR_RETURN(encoder_, RowEncoder::Make(owner_.key_schema_, RowLayout::kKey));
    return Status();
  }

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    MS_RETURN_IF_ERROR(failed_);
    Result<RecordBatchPtr> next = Advance();
    if (!next.ok()) failed_ = next.status();
    return next;
  }

 private:
  Result<RecordBatchPtr> Advance() {
    while (input_ != nullptr) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input_->Next());
      const int64_t begun = SteadyMicros();
      if (rows == nullptr) {
        input_ = nullptr;
        MS_RETURN_IF_ERROR(spec_.within_ms ? LetGoExpired() : LetGoPassed());
        progress_.removals_us = SteadyMicros() - begun;
        Report();
        break;
      }
      MS_ASSIGN_OR_RETURN(RecordBatchPtr first, Take(rows));
      progress_.updates_us += SteadyMicros() - begun;
      if (first->num_rows() > 0) return first;
    }
    return RecordBatchPtr();
  }

  Result<RecordBatchPtr> Take(const RecordBatchPtr& rows) {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (size_t key : spec_.keys) {
      fields.push_back(rows->schema()->field(static_cast<int>(key)));
      columns.push_back(rows->column(static_cast<int>(key)));
    }
    const auto keys = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(), std::move(columns));
    MS_RETURN_IF_ERROR(keys_.Encode(*encoder_, *keys, rows->num_rows()));
    const int64_t late_through = batch_.late_watermark_ms * 1000;
    std::vector<int64_t> live, first;
    EventTimeColumn times;
    if (spec_.event_time) MS_RETURN_IF_ERROR(times.Bind(*rows->column(static_cast<int>(*spec_.event_time))));
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      if (const std::optional<int64_t> time = spec_.event_time ? times.At(row) : std::nullopt; time && *time <= late_through) {
        ++progress_.rows_dropped_by_watermark;
      } else {
        live.push_back(row);
      }
    }
    if (batch_.late_rows != nullptr)
      MS_RETURN_IF_ERROR(batch_.late_rows->AddOthers(spec_.within_ms ? "dedupeWithinWatermark" : "dedupe", batch_.late_watermark_ms,
                                                     Named(spec_.columns, spec_.names), rows, live));
    std::string value;
    for (size_t i = 0; i < live.size(); ++i) {
      const int64_t row = live[i];
      const std::string_view key = keys_[row];
      keys_.Ahead(*store_, live, i);
      MS_ASSIGN_OR_RETURN(bool found, store_->Get(key, &value));
      if (found) {
        ++progress_.custom_metrics["numDroppedDuplicateRows"];
        continue;
      }
      value.clear();
      if (spec_.within_ms) {
        const std::optional<int64_t> time = spec_.event_time ? times.At(row) : std::nullopt;
        value = MomentBytes(time.value_or(0) + *spec_.within_ms * 1000);
        MS_RETURN_IF_ERROR(expiry_->Put(value + std::string(key), ""));
      }
      MS_RETURN_IF_ERROR(store_->Put(key, value));
      ++progress_.rows_updated;
      first.push_back(row);
    }
    return RowsAt(rows, first);
  }

  Status LetGoPassed() {
    if (!spec_.has_event_time) return Status();
    MS_ASSIGN_OR_RETURN(std::unique_ptr<PassedKeys> passed, PassedKeys::Make(*store_, owner_.key_schema_[0].type, batch_.eviction_watermark_ms * 1000));
    std::string_view key, value;
    for (;;) {
      MS_ASSIGN_OR_RETURN(bool more, passed->Next(&key, &value));
      if (!more) return Status();
      ++progress_.rows_removed;
    }
  }

  Status LetGoExpired() {
    MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, expiry_->Scan({}, MomentBytes(batch_.eviction_watermark_ms * 1000 + 1)));
    std::string_view key, value;
    for (;;) {
      MS_ASSIGN_OR_RETURN(bool more, walk->Next(&key, &value));
      if (!more) return Status();
      MS_RETURN_IF_ERROR(store_->Remove(key.substr(8)));
      MS_RETURN_IF_ERROR(walk->Remove());
      ++progress_.rows_removed;
    }
  }

  void Report() {
    progress_.name = owner_.name();
    progress_.rows_total = store_->rows();
    progress_.memory_bytes = store_->memory_bytes() + (expiry_ ? expiry_->memory_bytes() : 0);
    progress_.custom_metrics.try_emplace("numDroppedDuplicateRows", 0);
    owner_.progress_ = progress_;
  }

  StreamDeduplicateOperator& owner_;
  const StreamDeduplicateSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  RowStreamPtr input_;  // until it has ended
  StateStore* store_ = nullptr;
  StateStore* expiry_ = nullptr;  // (expiry, key) of every key, of dropDuplicatesWithinWatermark
  std::unique_ptr<RowEncoder> encoder_;
  EncodedRows keys_;
  Status failed_;
  StateOperatorProgress progress_;
};

StreamDeduplicateOperator::StreamDeduplicateOperator(StreamDeduplicateSpec spec) : spec_(std::move(spec)) {
  for (size_t key : spec_.keys) key_schema_.Add(spec_.columns[key]);
}

std::vector<StateSchema> StreamDeduplicateOperator::state_schemas() const {
  std::vector<StateSchema> schemas{{.store = "default", .key = key_schema_, .value = {}, .layout = StateLayout::kKeyOnly}};
  for (size_t place : spec_.keys) schemas[0].key_names.push_back(spec_.names[place]);
  if (spec_.within_ms) {
    schemas[0].value.Add({.name = "expiresAtMicros", .type = DataType::Long(), .nullable = false});
    schemas[0].layout = StateLayout::kMoment;
  }
  return schemas;
}

Result<RowStreamPtr> StreamDeduplicateOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  auto rows = std::make_unique<Rows>(*this, batch);
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs.at(0))));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
