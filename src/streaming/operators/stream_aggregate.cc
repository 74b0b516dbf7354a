#include "streaming/operators/stream_aggregate.h"

#include <arrow/array.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include "base/at_once.h"
#include "streaming/operators/buffer_merge.h"
#include "streaming/operators/encoded_rows.h"
#include "streaming/operators/event_time_column.h"
#include "streaming/operators/late_rows.h"
#include "streaming/operators/passed_keys.h"
#include "streaming/operators/record_rows.h"
#include "streaming/operators/state_partitions.h"
#include "streaming/state/row_codec.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kRowsOutMax = 8192;
// Fewer are looked up by one thread: another is not worth its start.
constexpr int64_t kRowsForTwo = 4096;

}  // namespace

class StreamAggregateOperator::Rows : public RowStream {
 public:
  Rows(StreamAggregateOperator& owner, const BatchContext& batch) : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(owner.schema_)) {}

  Status Begin(RowStreamPtr input) {
    input_ = std::move(input);
    MS_ASSIGN_OR_RETURN(state_, StatePartitions::Open(*batch_.stores, owner_.operator_id));
    MS_ASSIGN_OR_RETURN(key_encoder_, RowEncoder::Make(spec_.keys, RowLayout::kKey));
    parts_.resize(state_.count());
    for (size_t i = 0; i < parts_.size(); ++i) {
      Part& part = parts_[i];
      part.store = &state_[i];
      MS_ASSIGN_OR_RETURN(part.value_encoder, RowEncoder::Make(spec_.buffers, RowLayout::kValue));
      MS_ASSIGN_OR_RETURN(part.key_decoder, RowDecoder::Make(spec_.keys, RowLayout::kKey));
      MS_ASSIGN_OR_RETURN(part.value_decoder, RowDecoder::Make(spec_.buffers, RowLayout::kValue));
    }
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
  // One partition of the state, and what is being done in it.
  struct Part {
    StateStore* store = nullptr;
    std::unique_ptr<RowEncoder> value_encoder;
    std::unique_ptr<RowDecoder> key_decoder, value_decoder;
    std::vector<int64_t> rows, known, unknown;  // of the batch of rows at hand
    RecordBatchPtr older;                       // buffers of the known
    int64_t known_from = 0, unknown_from = 0;   // their places among all parts'
    std::unique_ptr<StateIterator> walk;        // complete mode
    std::unique_ptr<PassedKeys> passed;         // the other modes, when there is an event time
    bool has_more = false;                      // to walk
    int64_t gone = 0;
    RecordBatchPtr keys_out, buffers_out;
  };

  static size_t ThreadsFor(int64_t rows) { return rows < kRowsForTwo ? 1 : ThreadsOfMachine(); }

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
        for (Part& part : parts_) {
          if (spec_.mode == OutputMode::kComplete) {
            MS_ASSIGN_OR_RETURN(part.walk, part.store->Scan({}, {}));
          } else {
            MS_ASSIGN_OR_RETURN(part.passed, PassedKeys::Make(*part.store, spec_.keys[0].type, batch_.eviction_watermark_ms * 1000));
          }
          part.has_more = true;
        }
      }
    }
    const int64_t begun = SteadyMicros();
    if (std::none_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.has_more; })) {
      Report();
      return Status();
    }
    MS_RETURN_IF_ERROR(DoAtOnce(parts_.size(), ThreadsFor(state_.rows()), [this](size_t i) {
      Part& part = parts_[i];
      if (!part.has_more) return Status();
      return part.walk != nullptr ? EmitKept(part) : LetGo(part);
    }));
    for (Part& part : parts_) {
      progress_.rows_removed += std::exchange(part.gone, 0);
      if (part.keys_out != nullptr) Push(std::exchange(part.keys_out, nullptr), std::exchange(part.buffers_out, nullptr));
    }
    progress_.removals_us += SteadyMicros() - begun;
    return Status();
  }

  Status Take(const RecordBatchPtr& rows) {
    std::vector<int64_t> live;
    if (spec_.has_event_time && spec_.mode != OutputMode::kComplete) {
      const int64_t late_through = batch_.late_watermark_ms * 1000;
      EventTimeColumn times;
      MS_RETURN_IF_ERROR(times.Bind(*rows->column(0)));
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        const std::optional<int64_t> time = times.At(row);
        if (!time || *time > late_through) live.push_back(row);
      }
      progress_.rows_dropped_by_watermark += rows->num_rows() - static_cast<int64_t>(live.size());
      if (batch_.late_rows != nullptr)
        MS_RETURN_IF_ERROR(batch_.late_rows->AddOthers("stateStoreSave", batch_.late_watermark_ms, Named(owner_.schema(), spec_.names), rows, live));
    } else {
      live.resize(static_cast<size_t>(rows->num_rows()));
      std::iota(live.begin(), live.end(), int64_t{0});
    }
    if (live.empty()) return Status();
    progress_.rows_updated += static_cast<int64_t>(live.size());
    MS_RETURN_IF_ERROR(keys_.Encode(*key_encoder_, *ColumnsAt(rows, 0, spec_.keys.size()), rows->num_rows()));
    const size_t threads = ThreadsFor(static_cast<int64_t>(live.size()));
    for (Part& part : parts_) part.rows.clear();
    for (int64_t row : live) parts_[state_.PartitionOf(keys_[row])].rows.push_back(row);
    MS_RETURN_IF_ERROR(DoAtOnce(parts_.size(), threads, [this](size_t i) { return LookUp(parts_[i]); }));
    std::vector<int64_t> known, unknown;
    arrow::RecordBatchVector older;
    for (Part& part : parts_) {
      part.known_from = static_cast<int64_t>(known.size());
      part.unknown_from = static_cast<int64_t>(unknown.size());
      known.insert(known.end(), part.known.begin(), part.known.end());
      unknown.insert(unknown.end(), part.unknown.begin(), part.unknown.end());
      if (!part.known.empty()) older.push_back(std::move(part.older));
    }
    RecordBatchPtr rows_known, merged, rows_unknown, fresh;
    if (!known.empty()) {
      auto together = arrow::ConcatenateRecordBatches(older);
      if (!together.ok()) return Status::Internal("groups in state: " + together.status().ToString());
      MS_ASSIGN_OR_RETURN(rows_known, RowsAt(rows, known));
      MS_ASSIGN_OR_RETURN(merged, MergeBuffers(*spec_.merge, *together, ColumnsAt(rows_known, spec_.keys.size(), spec_.buffers.size())));
    }
    if (!unknown.empty()) {
      MS_ASSIGN_OR_RETURN(rows_unknown, RowsAt(rows, unknown));
      fresh = ColumnsAt(rows_unknown, spec_.keys.size(), spec_.buffers.size());
    }
    MS_RETURN_IF_ERROR(DoAtOnce(parts_.size(), threads, [&](size_t i) {
      Part& part = parts_[i];
      MS_RETURN_IF_ERROR(Keep(part, part.known, merged, part.known_from));
      return Keep(part, part.unknown, fresh, part.unknown_from);
    }));
    if (merged != nullptr) Emit(ColumnsAt(rows_known, 0, spec_.keys.size()), merged);
    if (fresh != nullptr) Emit(ColumnsAt(rows_unknown, 0, spec_.keys.size()), fresh);
    return Status();
  }

  // Which of the part's rows have a group in state, and what that holds.
  Status LookUp(Part& part) const {
    part.known.clear();
    part.unknown.clear();
    std::string value;
    for (size_t i = 0; i < part.rows.size(); ++i) {
      const int64_t row = part.rows[i];
      keys_.Ahead(*part.store, part.rows, i);
      MS_ASSIGN_OR_RETURN(bool found, part.store->Get(keys_[row], &value));
      (found ? part.known : part.unknown).push_back(row);
      std::string_view bytes = value;
      if (found) MS_RETURN_IF_ERROR(part.value_decoder->Append(&bytes));
    }
    if (part.known.empty()) return Status();
    MS_ASSIGN_OR_RETURN(part.older, part.value_decoder->Finish());
    return Status();
  }

  // The groups of `places` become the buffers from row `from` on.
  Status Keep(Part& part, const std::vector<int64_t>& places, const RecordBatchPtr& buffers, int64_t from) const {
    if (places.empty()) return Status();
    MS_RETURN_IF_ERROR(part.value_encoder->Bind(*buffers));
    std::string value;
    for (size_t i = 0; i < places.size(); ++i) {
      keys_.Ahead(*part.store, places, i);
      value.clear();
      part.value_encoder->Encode(from + static_cast<int64_t>(i), &value);
      MS_RETURN_IF_ERROR(part.store->Put(keys_[places[i]], value));
    }
    return Status();
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

  Status EmitKept(Part& part) const {
    std::string_view key, value;
    int64_t rows = 0;
    for (; rows < kRowsOutMax; ++rows) {
      MS_ASSIGN_OR_RETURN(part.has_more, part.walk->Next(&key, &value));
      if (!part.has_more) break;
      if (!spec_.keys.empty()) MS_RETURN_IF_ERROR(part.key_decoder->Append(&key));
      MS_RETURN_IF_ERROR(part.value_decoder->Append(&value));
    }
    return rows == 0 ? Status() : TakeOut(part, rows);
  }

  // Groups that the watermark has passed leave.
  Status LetGo(Part& part) const {
    std::string_view key, value;
    for (part.gone = 0; part.gone < kRowsOutMax; ++part.gone) {
      MS_ASSIGN_OR_RETURN(part.has_more, part.passed->Next(&key, &value));
      if (!part.has_more) break;
      if (spec_.mode != OutputMode::kAppend) continue;
      MS_RETURN_IF_ERROR(part.key_decoder->Append(&key));
      MS_RETURN_IF_ERROR(part.value_decoder->Append(&value));
    }
    return part.key_decoder->rows() == 0 ? Status() : TakeOut(part, part.key_decoder->rows());
  }

  Status TakeOut(Part& part, int64_t rows) const {
    if (spec_.keys.empty()) {
      part.keys_out = arrow::RecordBatch::Make(arrow::schema(arrow::FieldVector()), rows, std::vector<std::shared_ptr<arrow::Array>>());
    } else {
      MS_ASSIGN_OR_RETURN(part.keys_out, part.key_decoder->Finish());
    }
    MS_ASSIGN_OR_RETURN(part.buffers_out, part.value_decoder->Finish());
    return Status();
  }

  void Report() {
    done_ = true;
    progress_.name = owner_.name();
    progress_.rows_total = state_.rows();
    progress_.memory_bytes = state_.memory_bytes();
    progress_.instances = static_cast<int64_t>(parts_.size());
    owner_.progress_ = progress_;
  }

  StreamAggregateOperator& owner_;
  const StreamAggregateSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  RowStreamPtr input_;  // until it has ended
  StatePartitions state_;
  std::unique_ptr<RowEncoder> key_encoder_;
  std::vector<Part> parts_;
  EncodedRows keys_;
  std::deque<RecordBatchPtr> out_;
  bool done_ = false;
  Status failed_;
  StateOperatorProgress progress_;
};

StreamAggregateOperator::StreamAggregateOperator(StreamAggregateSpec spec) : spec_(std::move(spec)), schema_(spec_.keys) {
  for (const StructField& field : spec_.buffers) schema_.Add(field);
}

// Those of Spark, each once.
std::vector<std::string> StreamAggregateOperator::BufferNames() const {
  std::vector<std::string> names;
  std::map<std::string, int> seen;
  for (size_t i = 0; i < spec_.buffers.size(); ++i) {
    std::string name = spec_.functions[i];
    if (!IsSparks(i)) name += "_rows";
    const int times = ++seen[name];
    names.push_back(times == 1 ? name : name + "_" + std::to_string(times));
  }
  return names;
}

std::vector<size_t> StreamAggregateOperator::HiddenBuffers() const {
  std::vector<size_t> hidden;
  for (size_t i = 0; i < spec_.buffers.size(); ++i) {
    if (!IsSparks(i)) hidden.push_back(i);
  }
  return hidden;
}

std::vector<StateSchema> StreamAggregateOperator::state_schemas() const {
  StructType values;
  for (size_t i = 0; i < spec_.buffers.size(); ++i)
    values.Add({.name = spec_.functions.at(i), .type = spec_.buffers[i].type, .nullable = spec_.functions[i] != "count"});
  const std::vector<std::string> key_names(spec_.names.begin(), spec_.names.begin() + static_cast<std::ptrdiff_t>(spec_.keys.size()));
  return {{.store = "default", .key = spec_.keys, .value = std::move(values), .key_names = key_names, .value_names = BufferNames(), .hidden = HiddenBuffers()}};
}

Result<RowStreamPtr> StreamAggregateOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  auto rows = std::make_unique<Rows>(*this, batch);
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs.at(0))));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
