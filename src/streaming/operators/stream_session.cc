#include "streaming/operators/stream_session.h"

#include <arrow/array.h>
#include <arrow/array/builder_time.h>
#include <arrow/array/concatenate.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <numeric>
#include <set>

#include "streaming/operators/buffer_merge.h"
#include "streaming/operators/encoded_rows.h"
#include "streaming/operators/event_time_column.h"
#include "streaming/operators/late_rows.h"
#include "streaming/operators/passed_keys.h"
#include "streaming/operators/record_rows.h"
#include "streaming/state/row_codec.h"
#include "types/arrow_types.h"

namespace millstream {
namespace {

constexpr int64_t kSessionRowsOutMax = 8192;

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

const DataType& TimeOf(const StructType& keys) { return keys[0].type.fields()[0].type; }

int64_t MomentAt(const arrow::Array& times, int64_t row) { return static_cast<const arrow::TimestampArray&>(times).Value(row); }

Result<std::shared_ptr<arrow::Array>> Moments(const std::vector<int64_t>& us, const std::shared_ptr<arrow::DataType>& type) {
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  std::shared_ptr<arrow::Array> times;
  if (!builder.AppendValues(us).ok() || !builder.Finish(&times).ok()) return Status::Internal("out of memory");
  return times;
}

RecordBatchPtr BatchOf(const StructType& schema, int64_t rows, Arrays columns) {
  return arrow::RecordBatch::Make(ToArrowSchema(schema), rows, std::move(columns));
}

Result<RecordBatchPtr> Together(const arrow::RecordBatchVector& parts) {
  auto together = arrow::ConcatenateRecordBatches(parts);
  if (!together.ok()) return Status::Internal("sessions: " + together.status().ToString());
  return *std::move(together);
}

// One session: of a row of the batch, of the state, or what some of them become.
struct Session {
  int64_t start, end;
  std::vector<int64_t> buffers;  // places of the buffers that make it, the oldest first
  bool is_kept = false;          // as it is in the state
};

// Some sessions, each with a row of the batch that has its other keys.
struct SessionList {
  std::vector<int64_t> like, starts, ends;
  void Add(int64_t row, const Session& session) {
    like.push_back(row);
    starts.push_back(session.start);
    ends.push_back(session.end);
  }
};

}  // namespace

class StreamSessionOperator::Rows : public RowStream {
 public:
  Rows(StreamSessionOperator& owner, const BatchContext& batch) : owner_(owner), spec_(owner.spec_), batch_(batch), schema_(ToArrowSchema(owner.schema_)) {}

  Status Begin(RowStreamPtr input) {
    input_ = std::move(input);
    MS_ASSIGN_OR_RETURN(store_, batch_.stores->Store({.operator_id = owner_.operator_id}));
    MS_ASSIGN_OR_RETURN(ends_, batch_.stores->Store({.operator_id = owner_.operator_id, .name = "ends"}));
    MS_ASSIGN_OR_RETURN(other_encoder_, RowEncoder::Make(owner_.others_, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(key_encoder_, RowEncoder::Make(owner_.kept_key_, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(ended_encoder_, RowEncoder::Make(owner_.ended_, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(value_encoder_, RowEncoder::Make(owner_.kept_, RowLayout::kValue));
    MS_ASSIGN_OR_RETURN(start_decoder_, RowDecoder::Make(StructType({{"start", TimeOf(spec_.keys)}}), RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(key_decoder_, RowDecoder::Make(owner_.kept_key_, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(ended_decoder_, RowDecoder::Make(owner_.ended_, RowLayout::kKey));
    MS_ASSIGN_OR_RETURN(value_decoder_, RowDecoder::Make(owner_.kept_, RowLayout::kValue));
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
    const int64_t begun = SteadyMicros();
    if (input_ != nullptr) {
      MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, input_->Next());
      if (rows != nullptr) return Take(rows);
      input_ = nullptr;
      if (!taken_.empty()) MS_RETURN_IF_ERROR(MergeIntoState());
      progress_.updates_us = SteadyMicros() - begun;
      if (spec_.mode == OutputMode::kComplete) {
        MS_ASSIGN_OR_RETURN(walk_, store_->Scan({}, {}));
      } else {
        MS_ASSIGN_OR_RETURN(passed_, PassedKeys::Make(*ends_, TimeOf(spec_.keys), batch_.eviction_watermark_ms * 1000));
      }
      return Status();
    }
    MS_ASSIGN_OR_RETURN(const bool more, walk_ != nullptr ? EmitKept() : LetGo());
    progress_.removals_us += SteadyMicros() - begun;
    if (more) return Status();
    done_ = true;
    progress_.name = owner_.name();
    progress_.rows_total = store_->rows();
    progress_.memory_bytes = store_->memory_bytes() + ends_->memory_bytes();
    owner_.progress_ = progress_;
    return Status();
  }

  // Rows that do not come too late: in complete mode too, unlike other groups (SessionWindowStateStoreRestoreExec looks at no mode).
  Status Take(const RecordBatchPtr& rows) {
    std::vector<int64_t> live;
    if (spec_.has_event_time) {
      const int64_t late_through = batch_.late_watermark_ms * 1000;
      EventTimeColumn times;
      MS_RETURN_IF_ERROR(times.Bind(*rows->column(0)));
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        const std::optional<int64_t> time = times.At(row);
        if (!time || *time > late_through) live.push_back(row);
      }
      progress_.rows_dropped_by_watermark += rows->num_rows() - static_cast<int64_t>(live.size());
      if (batch_.late_rows != nullptr)
        MS_RETURN_IF_ERROR(batch_.late_rows->AddOthers(owner_.name(), batch_.late_watermark_ms, Named(owner_.schema(), spec_.names), rows, live));
    } else {
      live.resize(static_cast<size_t>(rows->num_rows()));
      std::iota(live.begin(), live.end(), int64_t{0});
    }
    if (live.empty()) return Status();
    MS_ASSIGN_OR_RETURN(RecordBatchPtr kept, RowsAt(rows, live));
    taken_.push_back(std::move(kept));
    return Status();
  }

  // All rows of the batch at once: which sessions meet is known when all are there.
  Status MergeIntoState() {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr rows, Together(taken_));
    taken_.clear();
    const auto& sessions = static_cast<const arrow::StructArray&>(*rows->column(0));
    const std::shared_ptr<arrow::Array> starts = sessions.field(0), ends = sessions.field(1);
    time_type_ = starts->type();
    others_ = ColumnsAt(rows, 1, owner_.others_.size());
    MS_RETURN_IF_ERROR(keys_.Encode(*other_encoder_, *others_, rows->num_rows()));
    std::vector<int64_t> order(static_cast<size_t>(rows->num_rows()));
    std::iota(order.begin(), order.end(), int64_t{0});
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      if (const int compared = keys_[a].compare(keys_[b]); compared != 0) return compared < 0;
      return std::pair(MomentAt(*starts, a), MomentAt(*ends, a)) < std::pair(MomentAt(*starts, b), MomentAt(*ends, b));
    });

    // What the state has of these keys.
    struct Group {
      size_t first, last;                 // in `order`
      int64_t kept_first, kept_last = 0;  // among the sessions of the state
    };
    std::vector<Group> groups;
    MS_ASSIGN_OR_RETURN(std::unique_ptr<StateIterator> walk, store_->Scan({}, {}));
    for (size_t at = 0; at < order.size();) {
      const std::string_view key = keys_[order[at]];
      Group group{.first = at, .last = at, .kept_first = start_decoder_->rows()};
      while (group.last < order.size() && keys_[order[group.last]] == key) ++group.last;
      MS_RETURN_IF_ERROR(ReadKept(*walk, key));
      group.kept_last = start_decoder_->rows();
      at = group.last;
      groups.push_back(group);
    }
    MS_ASSIGN_OR_RETURN(RecordBatchPtr kept_starts, start_decoder_->Finish());
    MS_ASSIGN_OR_RETURN(RecordBatchPtr kept, value_decoder_->Finish());

    const size_t buffers = spec_.buffers.size();
    const RecordBatchPtr new_buffers = ColumnsAt(rows, spec_.keys.size(), buffers);
    RecordBatchPtr all = BatchOf(spec_.buffers, rows->num_rows(), new_buffers->columns());
    if (kept->num_rows() > 0) {
      MS_ASSIGN_OR_RETURN(all, Together({all, BatchOf(spec_.buffers, kept->num_rows(), ColumnsAt(kept, 1, buffers)->columns())}));
    }
    SessionList gone, put;
    std::vector<Session> changed;
    for (const Group& group : groups) {
      std::vector<Session> parts;
      for (int64_t i = group.kept_first; i < group.kept_last; ++i)
        parts.push_back({MomentAt(*kept_starts->column(0), i), MomentAt(*kept->column(0), i), {rows->num_rows() + i}, true});
      for (size_t i = group.first; i < group.last; ++i) parts.push_back({MomentAt(*starts, order[i]), MomentAt(*ends, order[i]), {order[i]}});
      std::stable_sort(parts.begin(), parts.end(), [](const Session& a, const Session& b) { return std::pair(a.start, a.end) < std::pair(b.start, b.end); });
      std::vector<Session> whole;
      for (const Session& part : parts) {
        if (whole.empty() || part.start > whole.back().end) {
          whole.push_back(part);
          continue;
        }
        Session& into = whole.back();
        into.end = std::max(into.end, part.end);
        into.buffers.insert(into.buffers.end(), part.buffers.begin(), part.buffers.end());
        into.is_kept = false;
      }
      progress_.rows_updated += static_cast<int64_t>(whole.size());
      std::set<int64_t> starts_kept_as_they_are, starts_of_whole;
      for (const Session& session : whole) {
        starts_of_whole.insert(session.start);
        if (session.is_kept) starts_kept_as_they_are.insert(session.start);
      }
      const int64_t like = order[group.first];
      for (const Session& part : parts) {
        if (!part.is_kept || starts_kept_as_they_are.contains(part.start)) continue;
        gone.Add(like, part);
        if (!starts_of_whole.contains(part.start)) ++progress_.rows_removed;
      }
      for (Session& session : whole) {
        if (session.is_kept) continue;
        put.Add(like, session);
        changed.push_back(std::move(session));
      }
    }
    MS_RETURN_IF_ERROR(Fold(changed, &all));
    MS_RETURN_IF_ERROR(Forget(gone));
    std::vector<int64_t> places;
    for (const Session& session : changed) places.push_back(session.buffers.front());
    MS_ASSIGN_OR_RETURN(RecordBatchPtr values, RowsAt(all, places));
    return Keep(put, *values);
  }

  Status ReadKept(StateIterator& walk, std::string_view key) {
    // No key begins with another one: what begins with it are its sessions.
    walk.Seek(key, {});
    std::string_view found, value;
    for (;;) {
      MS_ASSIGN_OR_RETURN(const bool more, walk.Next(&found, &value));
      if (!more || !found.starts_with(key)) return Status();
      found.remove_prefix(key.size());
      MS_RETURN_IF_ERROR(start_decoder_->Append(&found));
      MS_RETURN_IF_ERROR(value_decoder_->Append(&value));
    }
  }

  // Each session's buffers become one, neighbours first: as often as the longest halves.
  Status Fold(std::vector<Session>& sessions, RecordBatchPtr* all) const {
    for (;;) {
      std::vector<int64_t> older, newer;
      const int64_t next = (*all)->num_rows();
      for (Session& session : sessions) {
        std::vector<int64_t> folded;
        for (size_t i = 0; i + 1 < session.buffers.size(); i += 2) {
          folded.push_back(next + static_cast<int64_t>(older.size()));
          older.push_back(session.buffers[i]);
          newer.push_back(session.buffers[i + 1]);
        }
        if (session.buffers.size() % 2 == 1) folded.push_back(session.buffers.back());
        session.buffers = std::move(folded);
      }
      if (older.empty()) return Status();
      MS_ASSIGN_OR_RETURN(RecordBatchPtr left, RowsAt(*all, older));
      MS_ASSIGN_OR_RETURN(RecordBatchPtr right, RowsAt(*all, newer));
      RecordBatchPtr merged = left;
      // Without aggregates there is nothing to merge.
      if (!spec_.buffers.empty()) {
        MS_ASSIGN_OR_RETURN(merged, MergeBuffers(*spec_.merge, left, right));
      }
      MS_ASSIGN_OR_RETURN(*all, Together({*all, BatchOf(spec_.buffers, left->num_rows(), merged->columns())}));
    }
  }

  struct Places {
    RecordBatchPtr kept_key, ended;
    std::shared_ptr<arrow::Array> ends;
  };
  Result<Places> PlacesOf(const SessionList& list) const {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr others, RowsAt(others_, list.like));
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> starts, Moments(list.starts, time_type_));
    MS_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Array> ends, Moments(list.ends, time_type_));
    const int64_t rows = static_cast<int64_t>(list.like.size());
    Arrays key = others->columns(), ended{ends};
    key.push_back(starts);
    ended.insert(ended.end(), key.begin(), key.end());
    return Places{BatchOf(owner_.kept_key_, rows, std::move(key)), BatchOf(owner_.ended_, rows, std::move(ended)), ends};
  }

  Status Forget(const SessionList& list) {
    if (list.like.empty()) return Status();
    MS_ASSIGN_OR_RETURN(Places places, PlacesOf(list));
    const int64_t rows = places.kept_key->num_rows();
    EncodedRows kept, ended;
    MS_RETURN_IF_ERROR(kept.Encode(*key_encoder_, *places.kept_key, rows));
    MS_RETURN_IF_ERROR(ended.Encode(*ended_encoder_, *places.ended, rows));
    for (int64_t row = 0; row < rows; ++row) {
      MS_RETURN_IF_ERROR(store_->Remove(kept[row]));
      MS_RETURN_IF_ERROR(ends_->Remove(ended[row]));
    }
    return Status();
  }

  Status Keep(const SessionList& list, const arrow::RecordBatch& buffers) {
    if (list.like.empty()) return Status();
    MS_ASSIGN_OR_RETURN(Places places, PlacesOf(list));
    const int64_t rows = places.kept_key->num_rows();
    EncodedRows kept, ended, values;
    MS_RETURN_IF_ERROR(kept.Encode(*key_encoder_, *places.kept_key, rows));
    MS_RETURN_IF_ERROR(ended.Encode(*ended_encoder_, *places.ended, rows));
    Arrays value{places.ends};
    value.insert(value.end(), buffers.columns().begin(), buffers.columns().end());
    MS_RETURN_IF_ERROR(values.Encode(*value_encoder_, *BatchOf(owner_.kept_, rows, std::move(value)), rows));
    for (int64_t row = 0; row < rows; ++row) {
      MS_RETURN_IF_ERROR(store_->Put(kept[row], values[row]));
      MS_RETURN_IF_ERROR(ends_->Put(ended[row], {}));
    }
    return Status();
  }

  Result<bool> EmitKept() {
    std::string_view key, value;
    bool more = true;
    while (key_decoder_->rows() < kSessionRowsOutMax) {
      MS_ASSIGN_OR_RETURN(more, walk_->Next(&key, &value));
      if (!more) break;
      MS_RETURN_IF_ERROR(key_decoder_->Append(&key));
      MS_RETURN_IF_ERROR(value_decoder_->Append(&value));
    }
    if (key_decoder_->rows() == 0) return false;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr keys, key_decoder_->Finish());
    MS_RETURN_IF_ERROR(Push(keys->columns()));
    return more;
  }

  // Sessions that the watermark has passed leave.
  Result<bool> LetGo() {
    std::string_view key, nothing;
    bool more = true;
    while (ended_decoder_->rows() < kSessionRowsOutMax) {
      MS_ASSIGN_OR_RETURN(more, passed_->Next(&key, &nothing));
      if (!more) break;
      MS_RETURN_IF_ERROR(ended_decoder_->Append(&key));
    }
    const int64_t rows = ended_decoder_->rows();
    if (rows == 0) return false;
    MS_ASSIGN_OR_RETURN(RecordBatchPtr ended, ended_decoder_->Finish());
    const RecordBatchPtr kept_key = BatchOf(owner_.kept_key_, rows, ColumnsAt(ended, 1, owner_.kept_key_.size())->columns());
    EncodedRows keys;
    MS_RETURN_IF_ERROR(keys.Encode(*key_encoder_, *kept_key, rows));
    std::string value;
    for (int64_t row = 0; row < rows; ++row) {
      MS_ASSIGN_OR_RETURN(const bool found, store_->Get(keys[row], &value));
      if (!found) return Status::Internal("a session that ends is not there");
      std::string_view bytes = value;
      MS_RETURN_IF_ERROR(value_decoder_->Append(&bytes));
      MS_RETURN_IF_ERROR(store_->Remove(keys[row]));
    }
    progress_.rows_removed += rows;
    MS_RETURN_IF_ERROR(Push(kept_key->columns()));
    return more;
  }

  // `key`: other keys and start; the values are in their decoder.
  Status Push(Arrays key) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr values, value_decoder_->Finish());
    const std::shared_ptr<arrow::Array> start = key.back();
    key.pop_back();
    Arrays columns{std::make_shared<arrow::StructArray>(schema_->field(0)->type(), values->num_rows(), Arrays{start, values->column(0)})};
    columns.insert(columns.end(), key.begin(), key.end());
    columns.insert(columns.end(), values->columns().begin() + 1, values->columns().end());
    out_.push_back(arrow::RecordBatch::Make(schema_, values->num_rows(), std::move(columns)));
    return Status();
  }

  StreamSessionOperator& owner_;
  const StreamAggregateSpec& spec_;
  const BatchContext batch_;
  const ArrowSchemaPtr schema_;
  std::mutex mutex_;
  RowStreamPtr input_;  // until it has ended
  arrow::RecordBatchVector taken_;
  StateStore *store_ = nullptr, *ends_ = nullptr;
  std::unique_ptr<RowEncoder> other_encoder_, key_encoder_, ended_encoder_, value_encoder_;
  std::unique_ptr<RowDecoder> start_decoder_, key_decoder_, ended_decoder_, value_decoder_;
  std::shared_ptr<arrow::DataType> time_type_;
  RecordBatchPtr others_;  // of the batch's rows
  EncodedRows keys_;       // the same
  std::unique_ptr<StateIterator> walk_;
  std::unique_ptr<PassedKeys> passed_;
  std::deque<RecordBatchPtr> out_;
  bool done_ = false;
  Status failed_;
  StateOperatorProgress progress_;
};

StreamSessionOperator::StreamSessionOperator(StreamAggregateSpec spec) : spec_(std::move(spec)), schema_(spec_.keys) {
  const StructField start{"start", TimeOf(spec_.keys)}, end{"end", TimeOf(spec_.keys)};
  kept_.Add(end);
  ended_.Add(end);
  for (size_t i = 1; i < spec_.keys.size(); ++i) {
    others_.Add(spec_.keys[i]);
    kept_key_.Add(spec_.keys[i]);
    ended_.Add(spec_.keys[i]);
  }
  kept_key_.Add(start);
  ended_.Add(start);
  for (const StructField& field : spec_.buffers) {
    schema_.Add(field);
    kept_.Add(field);
  }
}

std::vector<StateSchema> StreamSessionOperator::state_schemas() const {
  StructType values({kept_[0]});
  for (size_t i = 0; i < spec_.buffers.size(); ++i) values.Add({spec_.functions.at(i), spec_.buffers[i].type});
  return {{"default", kept_key_, std::move(values)}, {"ends", ended_, {}}};
}

Result<RowStreamPtr> StreamSessionOperator::Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) {
  progress_ = {};
  auto rows = std::make_unique<Rows>(*this, batch);
  MS_RETURN_IF_ERROR(rows->Begin(std::move(inputs.at(0))));
  return RowStreamPtr(std::move(rows));
}

}  // namespace millstream
