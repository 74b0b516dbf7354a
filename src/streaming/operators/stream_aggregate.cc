#include "streaming/operators/stream_aggregate.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>

#include <deque>
#include <mutex>
#include <span>

#include "streaming/operators/record_rows.h"
#include "streaming/state/row_codec.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr size_t kKeysTogether = 32;
constexpr int64_t kRowsOutMax = 8192;

// Keys of a batch as bytes, one behind the other.
class EncodedRows {
 public:
  Status Encode(RowEncoder& encoder, const arrow::RecordBatch& batch) {
    MS_RETURN_IF_ERROR(encoder.Bind(batch));
    bytes_.clear();
    ends_.clear();
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      encoder.Encode(row, &bytes_);
      ends_.push_back(bytes_.size());
    }
    return Status();
  }
  std::string_view operator[](size_t row) const {
    const size_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(bytes_).substr(begin, ends_[row] - begin);
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

}  // namespace

class StreamAggregateOperator::Rows : public RowStream {
 public:
  Rows(StreamAggregateOperator& owner, const BatchContext& batch) : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(owner.schema_)) {}

  Status Begin(RowStreamPtr input) {
    input_ = std::move(input);
    MS_ASSIGN_OR_RETURN(store_, batch_.stores->Store({.operator_id = owner_.operator_id}));
    MS_ASSIGN_OR_RETURN(key_encoder_, RowEncoder::Make(spec_.keys, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(value_encoder_, RowEncoder::Make(spec_.buffers, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(key_decoder_, RowDecoder::Make(spec_.keys, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(value_decoder_, RowDecoder::Make(spec_.buffers, RowLayout::kValue));
    return Status();
  }

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    MS_RETURN_IF_ERROR(failed_);
    while (out_.empty() && !done_) {
      failed_ = Step();
      MS_RETURN_IF_ERROR(failed_);
    }
    if (out_.empty()) return RecordBatchPtr();
    RecordBatchPtr next = std::move(out_.front());
    out_.pop_front();
    return next;
  }

 private:
  Status Step() {
    if (input_ != nullptr) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input_->Next());
      const int64_t begun = SteadyMicros();
      if (rows != nullptr) {
        MS_RETURN_IF_ERROR(Take(rows));
        progress_.updates_us += SteadyMicros() - begun;
        return Status();
      }
      input_ = nullptr;
      if (spec_.mode == OutputMode::kComplete || spec_.has_event_time) {
        MS_ASSIGN_OR_RETURN(walk_, store_->Scan({}, {}));
        return Status();
      }
    }
    const int64_t begun = SteadyMicros();
    bool more = false;
    if (walk_ != nullptr) {
      MS_ASSIGN_OR_RETURN(more, spec_.mode == OutputMode::kComplete ? EmitKept() : LetGo());
      progress_.removals_us += SteadyMicros() - begun;
    }
    if (!more) Report();
    return Status();
  }

  Status Take(RecordBatchPtr rows) {
    if (spec_.has_event_time && spec_.mode != OutputMode::kComplete) {
      std::vector<int64_t> live;
      const int64_t late_through = batch_.late_watermark_ms * 1000;
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        const std::optional<int64_t> time = EventTimeAt(*rows->column(0), row);
        if (!time || *time > late_through) live.push_back(row);
      }
      progress_.rows_dropped_by_watermark += rows->num_rows() - static_cast<int64_t>(live.size());
      if (live.empty()) return Status();
      MS_ASSIGN_OR_RETURN(rows, RowsAt(rows, live));
    }
    progress_.rows_updated += rows->num_rows();
    const RecordBatchPtr keys = ColumnsAt(rows, 0, spec_.keys.size());
    MS_RETURN_IF_ERROR(keys_.Encode(*key_encoder_, *keys));
    std::vector<int64_t> known, unknown;
    std::vector<std::string_view> ahead;
    std::string value;
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      if (static_cast<size_t>(row) % kKeysTogether == 0) {
        ahead.clear();
        for (int64_t next = row; next < rows->num_rows() && ahead.size() < kKeysTogether; ++next) ahead.push_back(keys_[static_cast<size_t>(next)]);
        store_->Prefetch(ahead);
      }
      MS_ASSIGN_OR_RETURN(bool found, store_->Get(keys_[static_cast<size_t>(row)], &value));
      (found ? known : unknown).push_back(row);
      std::string_view bytes = value;
      if (found) MS_RETURN_IF_ERROR(value_decoder_->Append(&bytes));
    }
    if (!known.empty()) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr older, value_decoder_->Finish());
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows_known, RowsAt(rows, known));
      MS_ASSIGN_OR_RETURN(RecordBatchPtr merged, Merge(older, ColumnsAt(rows_known, spec_.keys.size(), spec_.buffers.size())));
      MS_RETURN_IF_ERROR(Keep(known, *merged));
      Emit(ColumnsAt(rows_known, 0, spec_.keys.size()), merged);
    }
    if (!unknown.empty()) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows_unknown, RowsAt(rows, unknown));
      const RecordBatchPtr fresh = ColumnsAt(rows_unknown, spec_.keys.size(), spec_.buffers.size());
      MS_RETURN_IF_ERROR(Keep(unknown, *fresh));
      Emit(ColumnsAt(rows_unknown, 0, spec_.keys.size()), fresh);
    }
    return Status();
  }

  Status Keep(const std::vector<int64_t>& places, const arrow::RecordBatch& buffers) {
    MS_RETURN_IF_ERROR(value_encoder_->Bind(buffers));
    std::string value;
    for (size_t i = 0; i < places.size(); ++i) {
      value.clear();
      value_encoder_->Encode(static_cast<int64_t>(i), &value);
      MS_RETURN_IF_ERROR(store_->Put(keys_[static_cast<size_t>(places[i])], value));
    }
    return Status();
  }

  Result<RecordBatchPtr> Merge(const RecordBatchPtr& older, const RecordBatchPtr& newer) {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> columns;
    const auto& [relation, needs] = spec_.merge->scans().at(0);
    const int64_t rows = newer->num_rows();
    for (const std::string& column : needs.columns) {
      if (column == "r") {
        arrow::Int64Builder places;
        for (int64_t row = 0; row < rows; ++row) {
          if (!places.Append(row).ok()) return Status::Internal("out of memory");
        }
        columns.push_back(places.Finish().ValueOrDie());
      } else {
        columns.push_back((column[0] == 'o' ? older : newer)->column(std::stoi(column.substr(1))));
      }
      fields.push_back(arrow::field(column, columns.back()->type()));
    }
    ArrowSchemaPtr schema = arrow::schema(fields);
    std::vector<RowStreamPtr> inputs;
    inputs.push_back(MakeRowStream(schema, {arrow::RecordBatch::Make(schema, rows, std::move(columns))}));
    MS_ASSIGN_OR_RETURN(RowStreamPtr merged, spec_.merge->Run(std::move(inputs)));
    MS_ASSIGN_OR_RETURN(std::vector<RecordBatchPtr> parts, Drain(*merged));
    auto together = arrow::ConcatenateRecordBatches(parts);
    if (!together.ok()) return Status::Internal("merged groups: " + together.status().ToString());
    RecordBatchPtr batch = *std::move(together);
    if (batch->num_rows() != rows) return Status::Internal("groups were lost while they were merged");
    // DuckDB promises no order.
    const auto& places = static_cast<const arrow::Int64Array&>(*batch->column(batch->num_columns() - 1));
    std::vector<int64_t> from(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row) from[static_cast<size_t>(places.Value(row))] = row;
    return RowsAt(ColumnsAt(batch, 0, spec_.buffers.size()), from);
  }

  // Update mode: what has changed.
  void Emit(const RecordBatchPtr& keys, const RecordBatchPtr& buffers) {
    if (spec_.mode == OutputMode::kUpdate) Push(keys, buffers);
  }

  void Push(const RecordBatchPtr& keys, const RecordBatchPtr& buffers) {
    std::vector<std::shared_ptr<arrow::Array>> columns = keys->columns();
    columns.insert(columns.end(), buffers->columns().begin(), buffers->columns().end());
    out_.push_back(arrow::RecordBatch::Make(schema_, keys->num_rows(), std::move(columns)));
  }

  Result<bool> EmitKept() {
    std::string_view key, value;
    int64_t rows = 0;
    bool more = true;
    for (; rows < kRowsOutMax; ++rows) {
      MS_ASSIGN_OR_RETURN(more, walk_->Next(&key, &value));
      if (!more) break;
      if (!spec_.keys.empty()) MS_RETURN_IF_ERROR(key_decoder_->Append(&key));
      MS_RETURN_IF_ERROR(value_decoder_->Append(&value));
    }
    if (rows == 0) return false;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr keys, Keys(rows));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr buffers, value_decoder_->Finish());
    Push(keys, buffers);
    return more;
  }

  Result<RecordBatchPtr> Keys(int64_t rows) {
    if (spec_.keys.empty()) return arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector()), rows, std::vector<std::shared_ptr<arrow::Array>>());
    return key_decoder_->Finish();
  }

  // Groups that the watermark has passed leave; keys are in the order of their event times.
  Result<bool> LetGo() {
    const int64_t through = batch_.eviction_watermark_ms * 1000;
    std::vector<std::string> keys, values;
    std::string_view key, value;
    bool more = true;
    while (static_cast<int64_t>(keys.size()) < look_) {
      MS_ASSIGN_OR_RETURN(more, walk_->Next(&key, &value));
      if (!more) break;
      keys.emplace_back(key);
      values.emplace_back(value);
      MS_RETURN_IF_ERROR(key_decoder_->Append(&key));
    }
    look_ = std::min(look_ * 4, kRowsOutMax);
    if (keys.empty()) return false;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr decoded, key_decoder_->Finish());
    std::vector<int64_t> gone;
    for (int64_t row = 0; row < decoded->num_rows(); ++row) {
      const std::optional<int64_t> time = EventTimeAt(*decoded->column(0), row);
      if (!time) continue;
      if (*time > through) {
        more = false;
        break;
      }
      gone.push_back(row);
      std::string_view bytes = values[static_cast<size_t>(row)];
      if (spec_.mode == OutputMode::kAppend) MS_RETURN_IF_ERROR(value_decoder_->Append(&bytes));
      MS_RETURN_IF_ERROR(store_->Remove(keys[static_cast<size_t>(row)]));
    }
    progress_.rows_removed += static_cast<int64_t>(gone.size());
    if (spec_.mode == OutputMode::kAppend && !gone.empty()) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr buffers, value_decoder_->Finish());
      MS_ASSIGN_OR_RETURN(RecordBatchPtr of_keys, RowsAt(decoded, gone));
      Push(of_keys, buffers);
    }
    return more;
  }

  void Report() {
    done_ = true;
    progress_.name = owner_.name();
    progress_.rows_total = store_->rows();
    progress_.memory_bytes = store_->memory_bytes();
    owner_.progress_ = progress_;
  }

  StreamAggregateOperator& owner_;
  const StreamAggregateSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  RowStreamPtr input_;  // until it has ended
  StateStore* store_ = nullptr;
  std::unique_ptr<StateIterator> walk_;
  std::unique_ptr<RowEncoder> key_encoder_, value_encoder_;
  std::unique_ptr<RowDecoder> key_decoder_, value_decoder_;
  EncodedRows keys_;
  int64_t look_ = 16;
  std::deque<RecordBatchPtr> out_;
  bool done_ = false;
  Status failed_;
  StateOperatorProgress progress_;
};

StreamAggregateOperator::StreamAggregateOperator(StreamAggregateSpec spec) : spec_(std::move(spec)), schema_(spec_.keys) {
  for (const StructField& field : spec_.buffers) schema_.Add(field);
}

std::vector<StateSchema> StreamAggregateOperator::state_schemas() const {
  StructType values;
  for (size_t i = 0; i < spec_.buffers.size(); ++i) values.Add({spec_.functions.at(i), spec_.buffers[i].type});
  return {{"default", spec_.keys, std::move(values)}};
}

Result<RowStreamPtr> StreamAggregateOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  auto rows = std::make_unique<Rows>(*this, batch);
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs.at(0))));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
