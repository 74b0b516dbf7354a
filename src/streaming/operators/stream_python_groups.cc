#include "streaming/operators/stream_python_groups.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "streaming/operators/event_time_column.h"
#include "streaming/operators/group_batch.h"
#include "streaming/operators/moment_bytes.h"
#include "streaming/operators/record_rows.h"
#include "streaming/state/row_codec.h"
#include "types/arrow_types.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using Timeout = PythonGroups::Timeout;

// Keys by when they time out.
constexpr const char* kTimeoutStore = "timeouts";
constexpr int64_t kNoTimeout = -1;
// Of one message to Python: as many as Spark's spark.sql.execution.arrow.maxRecordsPerBatch.
constexpr int64_t kGroupChunkRows = 10000;
// What the function wants done with a group's state.
constexpr int8_t kPutState = 1, kRemoveState = 2;

const char* NameOf(Timeout timeout) {
  switch (timeout) {
    case Timeout::kNone:
      return "NoTimeout";
    case Timeout::kProcessingTime:
      return "ProcessingTimeTimeout";
    case Timeout::kEventTime:
      return "EventTimeTimeout";
  }
  return "";
}

template <typename Builder, typename Values>
std::shared_ptr<arrow::Array> ArrayOf(const Values& values) {
  Builder builder;
  std::shared_ptr<arrow::Array> array;
  MS_CHECK(builder.AppendValues(values).ok() && builder.Finish(&array).ok());
  return array;
}

// A group's state in its store: when it times out, whether there is a value, the value.
struct Held {
  int64_t timeout_ms = kNoTimeout;
  bool exists = false;
  std::string_view value;
};

Held HeldIn(std::string_view bytes) {
  if (bytes.size() <= kMomentBytes) return {};
  return {.timeout_ms = MomentOf(bytes), .exists = bytes[kMomentBytes] != 0, .value = bytes.substr(kMomentBytes + 1)};
}

}  // namespace

class PythonGroupsOperator::Rows : public RowStream {
 public:
  Rows(PythonGroupsOperator& owner, const BatchContext& batch, GroupBatch groups)
      : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(spec_.output)), groups_(std::move(groups)) {}

  Status Begin(RowStreamPtr input) {
    input_ = std::move(input);
    MS_ASSIGN_OR_RETURN(store_, batch_.stores->Store({.operator_id = owner_.operator_id}));
    if (spec_.timeout != Timeout::kNone) {
      MS_ASSIGN_OR_RETURN(timeouts_, batch_.stores->Store({.operator_id = owner_.operator_id, .name = kTimeoutStore}));
    }
    MS_ASSIGN_OR_RETURN(encoder_, RowEncoder::Make(spec_.state, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(states_, RowDecoder::Make(spec_.state, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(keys_, RowDecoder::Make(spec_.keys, RowLayout::kKey));
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
  // A group that Python has been given and has not answered for.
  struct Waiting {
    std::string key;
    int64_t timeout_ms;
  };

  Result<RecordBatchPtr> Advance() {
    if (input_ != nullptr) {
      MS_RETURN_IF_ERROR(Gather());
      input_ = nullptr;
    }
    while (!ended_) {
      const int64_t begun = SteadyMicros();
      if (pending_) {
        MS_ASSIGN_OR_RETURN(RecordBatchPtr rest, Exchange({.json = "{}", .tables = {}}));
        (timing_out_ ? progress_.removals_us : progress_.updates_us) += SteadyMicros() - begun;
        if (rest->num_rows() > 0) return rest;
        continue;
      }
      GroupBatch::Chunk chunk;
      MS_ASSIGN_OR_RETURN(bool has_rows, groups_.Next(kGroupChunkRows, &chunk));
      RecordBatchPtr out;
      if (has_rows) {
        MS_ASSIGN_OR_RETURN(out, Call(chunk, false));
        progress_.updates_us += SteadyMicros() - begun;
      } else {
        MS_ASSIGN_OR_RETURN(out, CallTimedOut());
        progress_.removals_us += SteadyMicros() - begun;
      }
      if (out != nullptr && out->num_rows() > 0) return out;
    }
    return RecordBatchPtr();
  }

  Status Gather() {
    const bool drops_late = spec_.timeout == Timeout::kEventTime && spec_.event_time;
    std::vector<int64_t> places;
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input_->Next());
      if (rows == nullptr) return groups_.Sort();
      EventTimeColumn times;
      if (drops_late) MS_RETURN_IF_ERROR(times.Bind(*rows->column(static_cast<int>(spec_.keys.size() + *spec_.event_time))));
      places.clear();
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        if (const std::optional<int64_t> time = drops_late ? times.At(row) : std::nullopt; time && *time <= batch_.late_watermark_ms * 1000) {
          ++progress_.rows_dropped_by_watermark;
        } else {
          places.push_back(row);
        }
      }
      MS_RETURN_IF_ERROR(groups_.Add(rows, places));
    }
  }

  // The next groups whose time is out; the end of the batch when there are none.
  Result<RecordBatchPtr> CallTimedOut() {
    std::vector<std::string> expired;
    if (timeouts_ != nullptr) {
      const int64_t through_ms = spec_.timeout == Timeout::kEventTime ? batch_.eviction_watermark_ms : batch_.timestamp_ms;
      MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, timeouts_->Scan(timed_out_through_, MomentBytes(through_ms)));
      std::string_view entry, nothing;
      while (static_cast<int64_t>(expired.size()) < kGroupChunkRows) {
        MS_ASSIGN_OR_RETURN(bool more, walk->Next(&entry, &nothing));
        if (!more) break;
        expired.emplace_back(entry.substr(kMomentBytes));
        timed_out_through_ = std::string(entry) + '\0';
      }
    }
    if (expired.empty()) {
      ended_ = true;
      Report();
      return RecordBatchPtr();
    }
    GroupBatch::Chunk chunk;
    for (const std::string& key : expired) chunk.groups.push_back({key, 0, 0});
    MS_ASSIGN_OR_RETURN(std::unique_ptr<RowDecoder> none, RowDecoder::Make(spec_.columns, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(chunk.rows, none->Finish());
    return Call(chunk, true);
  }

  Result<RecordBatchPtr> Call(const GroupBatch::Chunk& chunk, bool timed_out) {
    const auto cancelled = [this] { return batch_.cancel != nullptr && batch_.cancel->cancelled(); };
    MS_RETURN_IF_ERROR(owner_.StartProcess(cancelled));
    PythonMessage call;
    call.json = nlohmann::json{{"batch_time", batch_.timestamp_ms},
                               {"watermark", spec_.event_time ? batch_.eviction_watermark_ms : -1},
                               {"timed_out", timed_out},
                               {"continues", chunk.continues},
                               {"more", chunk.more}}
                    .dump();
    MS_ASSIGN_OR_RETURN(RecordBatchPtr groups, Describe(chunk));
    MS_ASSIGN_OR_RETURN(RecordBatchPtr keys, keys_->Finish());
    MS_ASSIGN_OR_RETURN(RecordBatchPtr states, states_->Finish());
    call.tables = {chunk.rows, std::move(groups), std::move(keys), std::move(states)};
    more_ = chunk.more;
    timing_out_ = timed_out;
    return Exchange(call);
  }

  // Python answers with the rows that it has made and the groups that it is done with. With `pending` it has not come to the end of the chunk, and is asked on.
  Result<RecordBatchPtr> Exchange(const PythonMessage& call) {
    owner_.talking_ = true;
    MS_ASSIGN_OR_RETURN(PythonMessage answer, owner_.process_->Exchange(call, [this] { return batch_.cancel != nullptr && batch_.cancel->cancelled(); }));
    if (answer.tables.size() != 3) return Status::Internal("the Python worker's answer has " + std::to_string(answer.tables.size()) + " tables");
    const nlohmann::json header = nlohmann::json::parse(answer.json, nullptr, false);
    pending_ = header.is_object() && header.value("pending", false);
    MS_RETURN_IF_ERROR(Keep(*answer.tables[1], *answer.tables[2]));
    if (!pending_ && !more_ && !waiting_.empty()) return Status::Internal("the Python worker has not answered for all groups");
    owner_.talking_ = pending_ || more_;
    return Checked(answer.tables[0]);
  }

  // Where each group's rows are, and whether it has a state; the keys and the states are then in the decoders.
  Result<RecordBatchPtr> Describe(const GroupBatch::Chunk& chunk) {
    std::vector<int64_t> starts, rows;
    std::vector<bool> exists;
    std::string bytes;
    for (size_t i = 0; i < chunk.groups.size(); ++i) {
      const GroupBatch::Chunk::Group& group = chunk.groups[i];
      starts.push_back(group.start);
      rows.push_back(group.rows);
      Held held;
      if (i > 0 || !chunk.continues) {
        MS_ASSIGN_OR_RETURN(bool found, store_->Get(group.key, &bytes));
        if (found) held = HeldIn(bytes);
        waiting_.push_back({std::string(group.key), held.timeout_ms});
      }
      exists.push_back(held.exists);
      std::string_view key = group.key;
      MS_RETURN_IF_ERROR(keys_->Append(&key));
      if (held.exists) MS_RETURN_IF_ERROR(states_->Append(&held.value));
    }
    auto schema = arrow::schema({arrow::field("start", arrow::int64()), arrow::field("rows", arrow::int64()), arrow::field("exists", arrow::boolean())});
    return arrow::RecordBatch::Make(std::move(schema), static_cast<int64_t>(starts.size()),
                                    std::vector<std::shared_ptr<arrow::Array>>{ArrayOf<arrow::Int64Builder>(starts), ArrayOf<arrow::Int64Builder>(rows),
                                                                               ArrayOf<arrow::BooleanBuilder>(exists)});
  }

  // `done`: for each group that Python is done with, what to do and when it times out. `values`: of those that are put and have one.
  Status Keep(const arrow::RecordBatch& done, const arrow::RecordBatch& values) {
    if (done.num_columns() != 3 || done.column(0)->type_id() != arrow::Type::INT8 || done.column(1)->type_id() != arrow::Type::BOOL ||
        done.column(2)->type_id() != arrow::Type::INT64 || done.num_rows() > static_cast<int64_t>(waiting_.size()))
      return Status::Internal("the Python worker's answer about states is of another form");
    const auto& actions = static_cast<const arrow::Int8Array&>(*done.column(0));
    const auto& exists = static_cast<const arrow::BooleanArray&>(*done.column(1));
    const auto& timeouts = static_cast<const arrow::Int64Array&>(*done.column(2));
    MS_RETURN_IF_ERROR(encoder_->Bind(values));
    int64_t value = 0;
    std::string bytes;
    for (int64_t i = 0; i < done.num_rows(); ++i) {
      const Waiting group = std::move(waiting_.front());
      waiting_.pop_front();
      if (actions.Value(i) == kRemoveState) {
        MS_RETURN_IF_ERROR(Forget(group));
        MS_RETURN_IF_ERROR(store_->Remove(group.key));
        ++progress_.rows_removed;
      } else if (actions.Value(i) == kPutState) {
        MS_RETURN_IF_ERROR(Forget(group));
        bytes = MomentBytes(timeouts.Value(i));
        bytes.push_back(exists.Value(i) ? 1 : 0);
        if (exists.Value(i)) {
          if (value == values.num_rows()) return Status::Internal("the Python worker's answer lacks a state");
          encoder_->Encode(value++, &bytes);
        }
        MS_RETURN_IF_ERROR(store_->Put(group.key, bytes));
        if (timeouts_ != nullptr && timeouts.Value(i) != kNoTimeout) MS_RETURN_IF_ERROR(timeouts_->Put(MomentBytes(timeouts.Value(i)) + group.key, ""));
        ++progress_.rows_updated;
      }
    }
    return Status();
  }

  Status Forget(const Waiting& group) {
    return timeouts_ != nullptr && group.timeout_ms != kNoTimeout ? timeouts_->Remove(MomentBytes(group.timeout_ms) + group.key) : Status();
  }

  Result<RecordBatchPtr> Checked(const RecordBatchPtr& rows) const {
    for (int i = 0; i < schema_->num_fields(); ++i) {
      if (i >= rows->num_columns() || !rows->column(i)->type()->Equals(*schema_->field(i)->type()))
        return Status::Internal("rows of the Python worker are " + rows->schema()->ToString() + ", not " + schema_->ToString());
    }
    return arrow::RecordBatch::Make(schema_, rows->num_rows(), rows->columns());
  }

  void Report() {
    progress_.name = owner_.name();
    progress_.rows_total = store_->rows();
    progress_.memory_bytes = store_->memory_bytes() + (timeouts_ ? timeouts_->memory_bytes() : 0);
    owner_.progress_ = progress_;
  }

  PythonGroupsOperator& owner_;
  const PythonGroupsSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  RowStreamPtr input_;  // until it has ended
  GroupBatch groups_;
  std::deque<Waiting> waiting_;
  std::string timed_out_through_;  // what Python has been told of timeouts
  bool ended_ = false;
  bool more_ = false;        // Python's last group goes on in the next chunk
  bool pending_ = false;     // Python has more to say to its chunk
  bool timing_out_ = false;  // that chunk is one of groups whose time is out
  StateStore* store_ = nullptr;
  StateStore* timeouts_ = nullptr;  // (when, key), of a function with timeouts
  std::unique_ptr<RowEncoder> encoder_;
  std::unique_ptr<RowDecoder> states_, keys_;
  Status failed_;
  StateOperatorProgress progress_;
};

Status PythonGroupsOperator::StartProcess(const std::function<bool()>& cancelled) {
  if (process_ != nullptr) return Status();
  const nlohmann::json settings = {{"columns", nlohmann::json::parse(ToSparkJson(spec_.columns))},
                                   {"column_names", spec_.column_names},
                                   {"keys", nlohmann::json::parse(ToSparkJson(spec_.keys))},
                                   {"output", nlohmann::json::parse(ToSparkJson(spec_.output))},
                                   {"output_names", spec_.output_names},
                                   {"state", nlohmann::json::parse(ToSparkJson(spec_.state))},
                                   {"has_watermark", spec_.event_time.has_value()},
                                   {"timeout", NameOf(spec_.timeout)}};
  MS_ASSIGN_OR_RETURN(process_, spec_.code->Start("groupsWithState", settings.dump(), cancelled));
  return Status();
}

std::vector<StateSchema> PythonGroupsOperator::state_schemas() const { return {{"default", spec_.keys, spec_.state}}; }

bool PythonGroupsOperator::ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const {
  switch (spec_.timeout) {
    case Timeout::kNone:
      return false;
    case Timeout::kProcessingTime:
      return true;
    case Timeout::kEventTime:
      return new_watermark_ms > last_watermark_ms;
  }
  return false;
}

Result<RowStreamPtr> PythonGroupsOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  if (talking_) process_ = nullptr;
  talking_ = false;
  MS_ASSIGN_OR_RETURN(GroupBatch groups, GroupBatch::Make(spec_.keys));
  auto rows = std::make_unique<Rows>(*this, batch, std::move(groups));
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs.at(0))));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
