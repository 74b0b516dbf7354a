#include "streaming/operators/stream_transform.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "streaming/operators/event_time_column.h"
#include "streaming/operators/group_batch.h"
#include "streaming/operators/record_rows.h"
#include "streaming/operators/transform_keeper.h"
#include "streaming/state/scratch_stores.h"
#include "streaming/streaming_errors.h"
#include "types/arrow_types.h"
#include "types/spark_ddl.h"
#include "types/spark_json.h"

namespace millstream {
namespace {

using TimeMode = TransformWithState::TimeMode;

// Of one message to Python: as many as Spark's spark.sql.execution.arrow.maxRecordsPerBatch.
constexpr int64_t kTransformChunkRows = 10000;

RecordBatchPtr LongPairs(const std::vector<int64_t>& first, const std::vector<int64_t>& second) {
  auto array_of = [](const std::vector<int64_t>& values) {
    arrow::Int64Builder builder;
    std::shared_ptr<arrow::Array> array;
    MS_CHECK(builder.AppendValues(values).ok() && builder.Finish(&array).ok());
    return array;
  };
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::int64())}), static_cast<int64_t>(first.size()),
                                  std::vector<std::shared_ptr<arrow::Array>>{array_of(first), array_of(second)});
}

// The answer to "how is this schema written?".
PythonMessage SchemaAnswer(const std::string& ddl) {
  Result<StructType> schema = SchemaFromDdl(ddl);
  return {.json = schema.ok() ? nlohmann::json{{"schema", ToSparkJson(*schema)}}.dump() : nlohmann::json{{"error", schema.status().text()}}.dump(),
          .tables = {}};
}

// One thing that Python is told, until its last answer. `answer` gets the questions that are not of schemas.
Result<PythonMessage> Talk(PythonProcess& process, PythonMessage message, const std::function<bool()>& cancelled, nlohmann::json* header,
                           const std::function<Result<PythonMessage>(const nlohmann::json&, const std::vector<RecordBatchPtr>&)>& answer) {
  for (;;) {
    MS_ASSIGN_OR_RETURN(PythonMessage said, process.Exchange(message, cancelled));
    *header = nlohmann::json::parse(said.json, nullptr, false);
    if (!header->is_object()) return Status::Internal("the Python worker's answer is no object");
    if (!header->contains("ask")) return said;
    if (header->value("ask", "") == "schema") {
      message = SchemaAnswer(header->value("ddl", ""));
      continue;
    }
    MS_ASSIGN_OR_RETURN(message, answer(*header, said.tables));
  }
}

}  // namespace

class TransformOperator::Rows : public RowStream {
 public:
  Rows(TransformOperator& owner, const BatchContext& batch, std::unique_ptr<ScratchStores> scratch, GroupBatch groups, GroupBatch initial)
      : owner_(owner),
        spec_(owner.spec_),
        batch_(batch),
        scratch_(std::move(scratch)),
        schema_(ToArrowSchema(spec_.output)),
        groups_(std::move(groups)),
        initial_(std::move(initial)) {}

  Status Begin(std::vector<RowStreamPtr> inputs) {
    inputs_ = std::move(inputs);
    MS_ASSIGN_OR_RETURN(keeper_, TransformKeeper::Open(batch_, owner_.operator_id, *owner_.declaration_, spec_.time_mode, &owner_.ships_));
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
  enum class Phase { kInitial, kRows, kTimers, kEnd, kDone };

  Result<RecordBatchPtr> Advance() {
    if (!inputs_.empty()) {
      MS_RETURN_IF_ERROR(Gather(*inputs_[0], &groups_, spec_.time_mode == TimeMode::kEventTime && spec_.event_time));
      if (inputs_.size() > 1 && inputs_[1] != nullptr) MS_RETURN_IF_ERROR(Gather(*inputs_[1], &initial_, false));
      inputs_.clear();
    }
    while (phase_ != Phase::kDone) {
      const int64_t begun = SteadyMicros();
      const bool timing = phase_ == Phase::kTimers;
      MS_ASSIGN_OR_RETURN(RecordBatchPtr out, pending_ ? Exchange({.json = "{}", .tables = {}}) : Step());
      (timing ? progress_.removals_us : progress_.updates_us) += SteadyMicros() - begun;
      if (out != nullptr && out->num_rows() > 0) return out;
    }
    return RecordBatchPtr();
  }

  // Some rows of the phase, or nothing and the next phase.
  Result<RecordBatchPtr> Step() {
    switch (phase_) {
      case Phase::kInitial:
      case Phase::kRows: {
        const bool is_initial = phase_ == Phase::kInitial;
        GroupBatch::Chunk chunk;
        MS_ASSIGN_OR_RETURN(bool has_rows, (is_initial ? initial_ : groups_).NextWhole(kTransformChunkRows, &chunk));
        if (has_rows) return Call(is_initial ? "initial" : "rows", chunk);
        phase_ = is_initial ? Phase::kRows : Phase::kTimers;
        return RecordBatchPtr();
      }
      case Phase::kTimers:
        return CallDue();
      case Phase::kEnd:
        return End();
      case Phase::kDone:
        break;
    }
    return RecordBatchPtr();
  }

  Status Gather(RowStream& input, GroupBatch* groups, bool drops_late) {
    std::vector<int64_t> places;
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input.Next());
      if (rows == nullptr) return groups->Sort();
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
      MS_RETURN_IF_ERROR(groups->Add(rows, places));
    }
  }

  Result<RecordBatchPtr> Call(const char* what, const GroupBatch::Chunk& chunk) {
    std::vector<int64_t> starts, rows;
    std::vector<std::string> keys;
    for (const GroupBatch::Chunk::Group& group : chunk.groups) {
      starts.push_back(group.start);
      rows.push_back(group.rows);
      keys.emplace_back(group.key);
    }
    return Tell(what, chunk.rows, LongPairs(starts, rows), std::move(keys), chunk.more);
  }

  // The next timers that have come, with each group once in a message.
  Result<RecordBatchPtr> CallDue() {
    if (!has_due_) {
      has_due_ = true;
      const int64_t through_ms = spec_.time_mode == TimeMode::kProcessingTime ? batch_.timestamp_ms : Watermark();
      MS_ASSIGN_OR_RETURN(due_, keeper_->DueBy(through_ms));
    }
    if (next_due_ == due_.size()) {
      phase_ = Phase::kEnd;
      return RecordBatchPtr();
    }
    std::map<std::string_view, int64_t> place_of;
    std::vector<int64_t> places, moments;
    std::vector<std::string> keys;
    for (; next_due_ < due_.size() && static_cast<int64_t>(places.size()) < kTransformChunkRows; ++next_due_) {
      const auto [place, is_new] = place_of.emplace(due_[next_due_].key, static_cast<int64_t>(keys.size()));
      if (is_new) keys.push_back(due_[next_due_].key);
      places.push_back(place->second);
      moments.push_back(due_[next_due_].moment_ms);
    }
    const RecordBatchPtr timers = LongPairs(places, moments);
    return Tell("timers", timers, timers, std::move(keys), false);
  }

  Result<RecordBatchPtr> End() {
    if (told_) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr nothing, Exchange({.json = nlohmann::json{{"do", "end"}, {"more", false}}.dump(), .tables = {}}));
    }
    // A batch query keeps nothing.
    if (spec_.is_streaming) MS_RETURN_IF_ERROR(keeper_->DropExpired());
    progress_.name = owner_.name();
    MS_RETURN_IF_ERROR(keeper_->Report(&progress_));
    owner_.progress_ = progress_;
    phase_ = Phase::kDone;
    return RecordBatchPtr();
  }

  int64_t Watermark() const { return spec_.is_streaming ? batch_.eviction_watermark_ms : -1; }
  std::function<bool()> Cancelled() const {
    return [this] { return batch_.cancel != nullptr && batch_.cancel->cancelled(); };
  }

  Result<RecordBatchPtr> Tell(const char* what, const RecordBatchPtr& rows, RecordBatchPtr places, std::vector<std::string> keys, bool more) {
    MS_RETURN_IF_ERROR(owner_.StartProcess(Cancelled()));
    for (const std::string& key : keys) {
      std::string_view bytes = key;
      MS_RETURN_IF_ERROR(keys_->Append(&bytes));
    }
    MS_ASSIGN_OR_RETURN(RecordBatchPtr key_rows, keys_->Finish());
    MS_ASSIGN_OR_RETURN(TransformKeeper::Shipped shipped, keeper_->Begin(std::move(keys)));
    PythonMessage message;
    message.json = nlohmann::json{{"do", what},   {"batch", owner_.runs_},          {"batch_time", batch_.timestamp_ms}, {"watermark", Watermark()},
                                  {"more", more}, {"held", std::move(shipped.held)}}
                       .dump();
    message.tables = {rows, std::move(places), std::move(key_rows)};
    message.tables.insert(message.tables.end(), shipped.tables.begin(), shipped.tables.end());
    told_ = true;
    return Exchange(std::move(message));
  }

  // Python answers with the rows that it has made and what becomes of the groups that it is done with. With `pending` it is asked on.
  Result<RecordBatchPtr> Exchange(PythonMessage message) {
    owner_.talking_ = true;
    nlohmann::json header;
    MS_ASSIGN_OR_RETURN(PythonMessage said,
                        Talk(*owner_.process_, std::move(message), Cancelled(), &header,
                             [this](const nlohmann::json& question, const std::vector<RecordBatchPtr>& tables) { return keeper_->Answer(question, tables); }));
    if (said.tables.empty()) return Status::Internal("the Python worker's answer has no rows");
    pending_ = header.value("pending", false);
    MS_RETURN_IF_ERROR(keeper_->Apply(header, said.tables));
    owner_.talking_ = phase_ != Phase::kEnd;
    return Checked(said.tables[0]);
  }

  Result<RecordBatchPtr> Checked(const RecordBatchPtr& rows) const {
    for (int i = 0; i < schema_->num_fields(); ++i) {
      if (i >= rows->num_columns() || !rows->column(i)->type()->Equals(*schema_->field(i)->type()))
        return Status::Internal("rows of the Python worker are " + rows->schema()->ToString() + ", not " + schema_->ToString());
    }
    if (spec_.output_event_time && spec_.is_streaming) {
      EventTimeColumn times;
      MS_RETURN_IF_ERROR(times.Bind(*rows->column(static_cast<int>(*spec_.output_event_time))));
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        if (const std::optional<int64_t> time = times.At(row); time && *time < batch_.late_watermark_ms * 1000) {
          return Status::Error(errors::kRowOlderThanWatermark,
                               {{"emittedRowEventTime", std::to_string(*time)}, {"currentWatermark", std::to_string(batch_.late_watermark_ms * 1000)}});
        }
      }
    }
    return arrow::RecordBatch::Make(schema_, rows->num_rows(), rows->columns());
  }

  TransformOperator& owner_;
  const TransformSpec& spec_;
  const BatchContext batch_;
  const std::unique_ptr<ScratchStores> scratch_;  // of a batch query
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  std::vector<RowStreamPtr> inputs_;  // until they have ended
  GroupBatch groups_, initial_;
  Phase phase_ = Phase::kInitial;
  bool pending_ = false;  // Python has more to say to its message
  bool told_ = false;     // Python knows of the batch
  bool has_due_ = false;
  std::vector<TransformTimers::Due> due_;
  size_t next_due_ = 0;
  std::unique_ptr<TransformKeeper> keeper_;
  std::unique_ptr<RowDecoder> keys_;
  Status failed_;
  StateOperatorProgress progress_;
};

Status TransformOperator::StartProcess(const std::function<bool()>& cancelled) {
  if (process_ != nullptr) return Status();
  auto json_of = [](const StructType& schema) { return nlohmann::json::parse(ToSparkJson(schema)); };
  const nlohmann::json settings = {{"columns", json_of(spec_.columns)}, {"column_names", spec_.column_names},
                                   {"keys", json_of(spec_.keys)},       {"key_names", spec_.key_names},
                                   {"initial", json_of(spec_.initial)}, {"initial_names", spec_.initial_names},
                                   {"output", json_of(spec_.output)},   {"output_names", spec_.output_names},
                                   {"in_pandas", spec_.in_pandas},      {"time_mode", spec_.time_mode == TimeMode::kNone ? "None" : NameOf(spec_.time_mode)}};
  MS_ASSIGN_OR_RETURN(process_, spec_.code->Start("transform", settings.dump(), cancelled));
  return Status();
}

Status TransformOperator::Prepare(const std::function<bool()>& cancelled) {
  if (declaration_) return Status();
  MS_RETURN_IF_ERROR(StartProcess(cancelled));
  nlohmann::json header;
  talking_ = true;
  Result<PythonMessage> said =
      Talk(*process_, {.json = nlohmann::json{{"do", "declare"}}.dump(), .tables = {}}, cancelled, &header,
           [](const nlohmann::json&, const std::vector<RecordBatchPtr>&) -> Result<PythonMessage> { return Status::Internal("a question in init()"); });
  if (!said.ok()) return said.status();
  talking_ = false;
  MS_ASSIGN_OR_RETURN(declaration_, ParseTransformDeclaration(said->json));
  ships_.assign(declaration_->variables.size(), true);
  return Status();
}

std::vector<StateSchema> TransformOperator::state_schemas() const {
  MS_CHECK(declaration_.has_value());
  return StateSchemasOf(spec_.keys, spec_.key_names, declaration_->variables, spec_.time_mode);
}

// As Spark writes them into the operator's metadata.
std::string TransformOperator::properties() const {
  nlohmann::ordered_json variables = nlohmann::ordered_json::array();
  auto add = [&](const std::string& name, const char* kind, bool ttl) {
    variables.push_back(nlohmann::ordered_json{{"stateName", name}, {"stateVariableType", kind}, {"ttlEnabled", ttl}});
  };
  if (spec_.time_mode != TimeMode::kNone) add(TimersStoreName(spec_.time_mode), "TimerState", false);
  if (declaration_) {
    for (const TransformVariable& one : declaration_->variables) {
      const char* kind = one.kind == TransformVariable::Kind::kValue ? "ValueState" : one.kind == TransformVariable::Kind::kList ? "ListState" : "MapState";
      add(one.name, kind, one.ttl_ms.has_value());
    }
  }
  const char* mode = spec_.mode == TransformWithState::Mode::kAppend ? "Append" : spec_.mode == TransformWithState::Mode::kUpdate ? "Update" : "Complete";
  return nlohmann::ordered_json{{"timeMode", NameOf(spec_.time_mode)}, {"outputMode", mode}, {"stateVariables", std::move(variables)}}.dump();
}

std::vector<std::string> TransformOperator::dropped_stores() const { return declaration_ ? declaration_->deleted : std::vector<std::string>(); }

// What the variables begin with is read once.
bool TransformOperator::Reads(size_t input, const BatchContext& batch) const { return input == 0 || !spec_.is_streaming || batch.id.value() == 0; }

int64_t TransformOperator::OutputWatermark(int64_t input_watermark_ms) const { return spec_.time_mode == TimeMode::kProcessingTime ? 0 : input_watermark_ms; }

bool TransformOperator::ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const {
  return spec_.time_mode == TimeMode::kProcessingTime || new_watermark_ms > last_watermark_ms;
}

Result<RowStreamPtr> TransformOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  if (talking_) process_ = nullptr;
  talking_ = false;
  ++runs_;
  MS_RETURN_IF_ERROR(Prepare([&batch] { return batch.cancel != nullptr && batch.cancel->cancelled(); }));
  MS_ASSIGN_OR_RETURN(GroupBatch groups, GroupBatch::Make(spec_.keys));
  MS_ASSIGN_OR_RETURN(GroupBatch initial, GroupBatch::Make(spec_.keys));
  BatchContext context = batch;
  std::unique_ptr<ScratchStores> scratch;
  if (!spec_.is_streaming) {
    MS_ASSIGN_OR_RETURN(scratch, ScratchStores::Make(Fs::Local()));
    context.stores = &scratch->stores();
  }
  auto rows = std::make_unique<Rows>(*this, context, std::move(scratch), std::move(groups), std::move(initial));
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs)));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
