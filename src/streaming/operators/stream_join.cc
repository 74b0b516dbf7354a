#include "streaming/operators/stream_join.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>

#include <algorithm>
#include <deque>
#include <mutex>

#include "streaming/operators/event_time_column.h"
#include "streaming/operators/join_state.h"
#include "streaming/operators/late_rows.h"
#include "streaming/operators/record_rows.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr size_t kPairsTogether = 64 << 10;
constexpr size_t kKeysTogether = 32;

StructType KeySchema(const StreamJoinSide& side) {
  auto begin = side.input.fields().begin() + static_cast<std::ptrdiff_t>(side.columns.fields().size());
  return StructType({begin, begin + static_cast<std::ptrdiff_t>(side.keys)});
}

bool KeepsUnmatched(JoinType type, bool left) { return type == JoinType::kFullOuter || type == (left ? JoinType::kLeftOuter : JoinType::kRightOuter); }

}  // namespace

class StreamJoinOperator::Rows : public RowStream {
 public:
  Rows(StreamJoinOperator& owner, const BatchContext& batch) : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(spec_.output)) {}

  Status Begin(std::vector<RowStreamPtr> inputs) {
    begun_us_ = SteadyMicros();
    phase_ = IsSemi() ? Phase::kRight : Phase::kLeft;
    MS_RETURN_IF_ERROR(Begin(left_, spec_.left, std::move(inputs.at(0)), "left"));
    return Begin(right_, spec_.right, std::move(inputs.at(1)), "right");
  }

  const ArrowSchemaPtr& schema() const override { return schema_; }

  Result<RecordBatchPtr> Next() override {
    std::lock_guard lock(mutex_);
    MS_RETURN_IF_ERROR(failed_);
    while (out_.empty() && phase_ != Phase::kDone) {
      failed_ = Step();
      MS_RETURN_IF_ERROR(failed_);
    }
    if (out_.empty()) return RecordBatchPtr();
    RecordBatchPtr next = std::move(out_.front());
    out_.pop_front();
    return next;
  }

 private:
  enum class Phase { kLeft, kRight, kLetGoLeft, kLetGoRight, kDone };

  struct Side {
    const StreamJoinSide* spec = nullptr;
    bool is_left = false;
    RowStreamPtr input;
    std::unique_ptr<JoinState> state;
    std::unique_ptr<RowEncoder> key_encoder, row_encoder;
    std::unique_ptr<RowDecoder> decoder;
    int64_t done_through_us = INT64_MIN;
    int64_t kept = 0, late = 0, let_go = 0;
  };

  bool IsSemi() const { return spec_.type == JoinType::kLeftSemi; }

  Status Begin(Side& side, const StreamJoinSide& spec, RowStreamPtr input, const std::string& name) {
    side.spec = &spec;
    side.is_left = name == "left";
    side.input = std::move(input);
    MS_ASSIGN_OR_RETURN(side.state, JoinState::Open(batch_, owner_.operator_id, name, spec.expiry.has_value()));
    MS_ASSIGN_OR_RETURN(side.key_encoder, RowEncoder::Make(KeySchema(spec), RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(side.row_encoder, RowEncoder::Make(spec.columns, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(side.decoder, RowDecoder::Make(spec.columns, RowLayout::kValue));
    if (spec.expiry) side.done_through_us = spec.bound.At(batch_.eviction_watermark_ms) * 1000;
    return Status();
  }

  Status Step() {
    switch (phase_) {
      case Phase::kLeft:
      case Phase::kRight: {
        Side& side = phase_ == Phase::kLeft ? left_ : right_;
        MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, side.input->Next());
        if (rows != nullptr) return Take(side, rows);
        MS_RETURN_IF_ERROR(side.state->EndKeeping());
        const bool was_first = side.is_left != IsSemi();
        phase_ = !was_first ? Phase::kLetGoLeft : side.is_left ? Phase::kRight : Phase::kLeft;
        if (phase_ == Phase::kLetGoLeft) joined_us_ = SteadyMicros();
        return Status();
      }
      case Phase::kLetGoLeft:
      case Phase::kLetGoRight: {
        MS_ASSIGN_OR_RETURN(bool more, LetGo(phase_ == Phase::kLetGoLeft ? left_ : right_));
        if (more) return Status();
        phase_ = phase_ == Phase::kLetGoLeft ? Phase::kLetGoRight : Phase::kDone;
        if (phase_ == Phase::kDone) Report();
        return Status();
      }
      case Phase::kDone:
        return Status();
    }
    return Status();
  }

  // Joins new rows of a side with the kept ones of the other side, then keeps them.
  Status Take(Side& side, const RecordBatchPtr& rows) {
    std::vector<int64_t> live, alone;
    MS_RETURN_IF_ERROR(Sort(side, rows, &live, &alone));
    RecordBatchPtr columns = ColumnsAt(rows, 0, side.spec->columns.fields().size());
    met_.assign(static_cast<size_t>(rows->num_rows()), 0);
    MS_RETURN_IF_ERROR(Probe(side, columns, rows, live));
    MS_RETURN_IF_ERROR(Keep(side, columns, *rows, live));
    if (side.is_left && spec_.type == JoinType::kLeftSemi) {
      std::vector<int64_t> matched;
      std::copy_if(live.begin(), live.end(), std::back_inserter(matched), [&](int64_t row) { return met_[static_cast<size_t>(row)] != 0; });
      MS_RETURN_IF_ERROR(Emit(side, columns, matched, nullptr));
    }
    // Its own condition says that such a row will never meet anybody.
    return KeepsUnmatched(spec_.type, side.is_left) ? Emit(side, columns, alone, nullptr) : Status();
  }

  Status Sort(Side& side, const RecordBatchPtr& batch, std::vector<int64_t>* live, std::vector<int64_t>* alone) {
    const arrow::RecordBatch& rows = *batch;
    std::vector<int64_t> late;
    const StreamJoinSide& spec = *side.spec;
    EventTimeColumn times;
    if (spec.event_time) MS_RETURN_IF_ERROR(times.Bind(*rows.column(static_cast<int>(*spec.event_time))));
    const arrow::BooleanArray* condition = nullptr;
    if (spec.has_condition) condition = &static_cast<const arrow::BooleanArray&>(*rows.column(rows.num_columns() - 1));
    std::vector<const arrow::Array*> not_null;
    for (size_t column : spec.not_null) {
      if (const auto& array = rows.column(static_cast<int>(column)); array->null_count() > 0) not_null.push_back(array.get());
    }
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      if (std::any_of(not_null.begin(), not_null.end(), [&](const arrow::Array* array) { return array->IsNull(row); })) continue;
      if (spec.event_time) {
        if (std::optional<int64_t> at = times.At(row); at && *at <= batch_.late_watermark_ms * 1000) {
          ++side.late;
          if (batch_.late_rows != nullptr) late.push_back(row);
          continue;
        }
      }
      bool can_meet = condition == nullptr || (condition->IsValid(row) && condition->Value(row));
      (can_meet ? live : alone)->push_back(row);
    }
    return late.empty() ? Status() : batch_.late_rows->Add("symmetricHashJoin", batch_.late_watermark_ms, Named(spec.columns, spec.names), batch, late);
  }

  Status Probe(Side& side, const RecordBatchPtr& columns, const RecordBatchPtr& rows, const std::vector<int64_t>& live) {
    Side& other = side.is_left ? right_ : left_;
    RecordBatchPtr keys = ColumnsAt(rows, side.spec->columns.fields().size(), side.spec->keys);
    MS_RETURN_IF_ERROR(side.key_encoder->Bind(*keys));
    const bool marks = KeepsUnmatched(spec_.type, other.is_left) || (spec_.type == JoinType::kLeftSemi && other.is_left);
    const bool once = spec_.type == JoinType::kLeftSemi && other.is_left;
    std::vector<std::string> together(kKeysTogether);
    std::vector<std::string_view> views(kKeysTogether);
    for (size_t begin = 0; begin < live.size(); begin += kKeysTogether) {
      size_t count = std::min(kKeysTogether, live.size() - begin);
      for (size_t i = 0; i < count; ++i) {
        together[i].clear();
        side.key_encoder->Encode(live[begin + i], &together[i]);
        views[i] = together[i];
      }
      other.state->Prefetch({views.data(), count});
      for (size_t i = 0; i < count; ++i) {
        MS_RETURN_IF_ERROR(other.state->Begin(views[i]));
        for (JoinState::Kept kept;;) {
          MS_ASSIGN_OR_RETURN(bool more, other.state->Next(&kept));
          if (!more) break;
          if (once && kept.met) continue;
          pair_rows_.push_back(live[begin + i]);
          if (marks) pair_keys_.push_back(kept.met ? std::string() : std::string(kept.state_key));
          std::string_view row = kept.row;
          MS_RETURN_IF_ERROR(other.decoder->Append(&row));
          if (pair_rows_.size() >= kPairsTogether) MS_RETURN_IF_ERROR(EmitPairs(side, other, columns));
        }
      }
    }
    return EmitPairs(side, other, columns);
  }

  // The collected pairs for which the condition is true.
  Status EmitPairs(Side& side, Side& other, const RecordBatchPtr& columns) {
    if (pair_rows_.empty()) return Status();
    MS_ASSIGN_OR_RETURN(RecordBatchPtr theirs, other.decoder->Finish());
    std::vector<int64_t> true_pairs(pair_rows_.size());
    for (size_t i = 0; i < true_pairs.size(); ++i) true_pairs[i] = static_cast<int64_t>(i);
    MS_ASSIGN_OR_RETURN(RecordBatchPtr ours, RowsAt(columns, pair_rows_));
    if (spec_.condition != nullptr) MS_RETURN_IF_ERROR(Ask(side.is_left ? *ours : *theirs, side.is_left ? *theirs : *ours, &true_pairs));
    const bool once = spec_.type == JoinType::kLeftSemi && other.is_left;
    std::vector<int64_t> emitted;
    for (int64_t pair : true_pairs) {
      auto at = static_cast<size_t>(pair);
      met_[static_cast<size_t>(pair_rows_[at])] = 1;
      bool first = false;
      if (!pair_keys_.empty() && !pair_keys_[at].empty()) {
        MS_ASSIGN_OR_RETURN(first, once ? other.state->Forget(pair_keys_[at]) : other.state->Meet(pair_keys_[at]));
        if (once && first) ++other.let_go;
      }
      if (!once || first) emitted.push_back(pair);
    }
    pair_rows_.clear();
    pair_keys_.clear();
    if (spec_.type == JoinType::kLeftSemi) return other.is_left ? Emit(other, theirs, emitted, nullptr) : Status();
    MS_ASSIGN_OR_RETURN(theirs, RowsAt(theirs, emitted));
    return Emit(side, ours, emitted, theirs);
  }

  // Leaves the pairs for which the rest of the condition is true.
  Status Ask(const arrow::RecordBatch& left, const arrow::RecordBatch& right, std::vector<int64_t>* pairs) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (size_t column : spec_.condition_columns) {
      auto at = static_cast<int>(column), lefts = left.num_columns();
      columns.push_back(at < lefts ? left.column(at) : right.column(at - lefts));
    }
    const auto count = static_cast<int64_t>(pairs->size());
    columns.push_back(std::make_shared<arrow::Int64Array>(count, arrow::Buffer::FromVector(std::move(*pairs))));
    pairs->clear();
    const auto& [source, needs] = spec_.condition->scans().at(0);
    ArrowSchemaPtr all = ToArrowSchema(source->schema());
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> needed;
    for (const std::string& name : needs.columns) {
      int index = all->GetFieldIndex(name);
      MS_CHECK(index >= 0);
      fields.push_back(all->field(index));
      needed.push_back(columns[static_cast<size_t>(index)]);
    }
    auto batch = arrow::RecordBatch::Make(arrow::schema(fields), left.num_rows(), std::move(needed));
    std::vector<RowStreamPtr> inputs;
    inputs.push_back(MakeRowStream(batch->schema(), {batch}));
    MS_ASSIGN_OR_RETURN(RowStreamPtr answer, spec_.condition->Run(std::move(inputs)));
    for (;;) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr part, answer->Next());
      if (part == nullptr) break;
      const auto& numbers = static_cast<const arrow::Int64Array&>(*part->column(0));
      pairs->insert(pairs->end(), numbers.raw_values(), numbers.raw_values() + numbers.length());
    }
    std::sort(pairs->begin(), pairs->end());
    return Status();
  }

  Status Keep(Side& side, const RecordBatchPtr& columns, const arrow::RecordBatch& rows, const std::vector<int64_t>& live) {
    MS_RETURN_IF_ERROR(side.row_encoder->Bind(*columns));
    EventTimeColumn expiries;
    if (side.spec->expiry) MS_RETURN_IF_ERROR(expiries.Bind(*rows.column(static_cast<int>(*side.spec->expiry))));
    std::vector<int64_t> kept;
    for (int64_t row : live) {
      bool met = met_[static_cast<size_t>(row)] != 0;
      std::optional<int64_t> expiry;
      if (side.spec->expiry) expiry = expiries.At(row);
      if (met && side.is_left && IsSemi()) continue;
      // The first side's rows whatever their time: the other's of this batch have not come yet. (Of a left semi join Spark does so only when a key expires.)
      const bool by_key = side.spec->expiry && *side.spec->expiry >= side.spec->columns.fields().size();
      const bool is_first = IsSemi() ? !side.is_left && by_key : side.is_left;
      if (!is_first && expiry && *expiry <= side.done_through_us && (met || !KeepsUnmatched(spec_.type, side.is_left))) continue;
      kept.push_back(row);
    }
    side.kept += static_cast<int64_t>(kept.size());
    std::vector<std::string> keys(kKeysTogether);
    std::vector<std::string_view> views(kKeysTogether);
    std::string row_bytes;
    for (size_t begin = 0; begin < kept.size(); begin += kKeysTogether) {
      size_t count = std::min(kKeysTogether, kept.size() - begin);
      for (size_t i = 0; i < count; ++i) {
        keys[i].clear();
        side.key_encoder->Encode(kept[begin + i], &keys[i]);
        views[i] = keys[i];
      }
      side.state->Prefetch({views.data(), count});
      for (size_t i = 0; i < count; ++i) {
        int64_t row = kept[begin + i];
        row_bytes.clear();
        side.row_encoder->Encode(row, &row_bytes);
        std::optional<int64_t> expiry;
        if (side.spec->expiry) expiry = expiries.At(row);
        MS_RETURN_IF_ERROR(side.state->Keep(views[i], row_bytes, met_[static_cast<size_t>(row)] != 0, expiry));
      }
    }
    return Status();
  }

  // Some of the rows that are done with; false: there are no more.
  Result<bool> LetGo(Side& side) {
    if (!side.spec->expiry) return false;
    const bool emits = KeepsUnmatched(spec_.type, side.is_left);
    bool met = false, more = true;
    std::string_view row;
    int64_t gone = 0;
    for (; gone < static_cast<int64_t>(kPairsTogether); ++gone) {
      MS_ASSIGN_OR_RETURN(more, side.state->LetGo(side.done_through_us, &met, &row));
      if (!more) break;
      if (emits && !met) MS_RETURN_IF_ERROR(side.decoder->Append(&row));
    }
    // As Spark counts: rows that an outer join looks at once more are not among the removed.
    if (!emits) side.let_go += gone;
    if (side.decoder->rows() > 0) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, side.decoder->Finish());
      MS_RETURN_IF_ERROR(EmitRows(side, rows, nullptr));
    }
    return more;
  }

  // Of `ours` these rows, beside all of `theirs` (nullptr: beside nulls).
  Status Emit(Side& side, const RecordBatchPtr& ours, const std::vector<int64_t>& places, const RecordBatchPtr& theirs) {
    if (places.empty()) return Status();
    MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, RowsAt(ours, places));
    return EmitRows(side, rows, theirs);
  }
  Status EmitRows(Side& side, const RecordBatchPtr& ours, const RecordBatchPtr& theirs) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    auto add_ours = [&] { columns.insert(columns.end(), ours->columns().begin(), ours->columns().end()); };
    if (side.is_left) add_ours();
    if (theirs != nullptr) {
      columns.insert(columns.end(), theirs->columns().begin(), theirs->columns().end());
    } else if (spec_.type != JoinType::kLeftSemi) {
      size_t from = side.is_left ? columns.size() : 0, count = (side.is_left ? spec_.right : spec_.left).columns.fields().size();
      for (size_t i = from; i < from + count; ++i) {
        auto nulls = arrow::MakeArrayOfNull(schema_->field(static_cast<int>(i))->type(), ours->num_rows());
        if (!nulls.ok()) return Status::Internal("rows that meet nobody: " + nulls.status().ToString());
        columns.push_back(*nulls);
      }
    }
    if (!side.is_left) add_ours();
    out_.push_back(arrow::RecordBatch::Make(schema_, ours->num_rows(), std::move(columns)));
    return Status();
  }

  void Report() {
    StateOperatorProgress& progress = owner_.progress_;
    int64_t now = SteadyMicros();
    progress = {.name = owner_.name()};
    progress.rows_total = left_.state->rows() + right_.state->rows();
    progress.rows_updated = left_.kept + right_.kept;
    progress.rows_removed = left_.let_go + right_.let_go;
    progress.rows_dropped_by_watermark = left_.late + right_.late;
    progress.updates_us = joined_us_ - begun_us_;
    progress.removals_us = now - joined_us_;
    progress.memory_bytes = left_.state->memory_bytes() + right_.state->memory_bytes();
    progress.instances = 4;  // as many as Spark has: the rows of a side, and how many there are of a key
  }

  StreamJoinOperator& owner_;
  const StreamJoinSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;  // guards all below
  Phase phase_ = Phase::kLeft;
  Status failed_;
  Side left_, right_;
  std::deque<RecordBatchPtr> out_;
  std::vector<char> met_;               // of the rows of the input's batch
  std::vector<int64_t> pair_rows_;      // of each pair, its row of the input's batch
  std::vector<std::string> pair_keys_;  // and its kept row that has met nobody yet; empty when that does not matter
  int64_t begun_us_ = 0, joined_us_ = 0;
};

Result<RowStreamPtr> StreamJoinOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {.name = name()};
  auto rows = std::make_unique<Rows>(*this, batch);
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs)));
  return RowStreamPtr(std::move(rows));
}

std::vector<StateSchema> StreamJoinOperator::state_schemas() const {
  auto schema_of = [](const StreamJoinSide& side, std::string store) {
    StateSchema schema{.store = std::move(store), .key = KeySchema(side), .value = side.columns, .layout = StateLayout::kJoinRow, .value_names = side.names};
    for (size_t i = 0; i < side.keys; ++i) schema.key_names.push_back("field" + std::to_string(i));
    return schema;
  };
  return {schema_of(spec_.left, "left"), schema_of(spec_.right, "right")};
}

int64_t StreamJoinOperator::OutputWatermark(int64_t input_watermark_ms) const {
  int64_t output = input_watermark_ms;
  for (const StreamJoinSide* side : {&spec_.left, &spec_.right}) {
    if (side->bound.exists()) output = std::min(output, side->bound.At(input_watermark_ms));
  }
  return output;
}

bool StreamJoinOperator::ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const {
  return (spec_.left.expiry || spec_.right.expiry) && new_watermark_ms > last_watermark_ms;
}

}  // namespace millstream
