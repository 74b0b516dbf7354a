#include "streaming/micro_batch_execution.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "connectors/api/bad_record_keeper.h"
#include "connectors/api/retractions.h"
#include "connectors/api/source_files.h"
#include "connectors/api/table.h"
#include "formats/source_file_column.h"
#include "storage/failpoint.h"
#include "streaming/observed_json.h"
#include "streaming/operators/observe_operator.h"
#include "streaming/operators/watermark_operator.h"
#include "streaming/state/state_errors.h"
#include "streaming/state_schema.h"
#include "streaming/streaming_errors.h"
#include "types/arrow_types.h"
#include "types/chunk_rows.h"

namespace millstream {
namespace {

constexpr int kBatchAttemptsMax = 5;
constexpr int64_t kRetryPauseMs = 50;

// Ends a batch between two record batches when its query is to stop.
class StoppableRows : public RowStream, public DeliversChunks {
 public:
  StoppableRows(RowStreamPtr rows, std::shared_ptr<CancelToken> cancel) : rows_(std::move(rows)), cancel_(std::move(cancel)) {}
  const ArrowSchemaPtr& schema() const override { return rows_->schema(); }
  Result<RecordBatchPtr> Next() override {
    if (cancel_->cancelled()) return Status::Error(errors::kCancelled);
    return rows_->Next();
  }
  Result<SomeRows> NextChunks(const ChunkWishes& wishes) override {
    if (cancel_->cancelled()) return Status::Error(errors::kCancelled);
    return NextOf(*rows_, wishes);
  }

 private:
  RowStreamPtr rows_;
  std::shared_ptr<CancelToken> cancel_;
};

// Trigger.AvailableNow over a source that cannot freeze itself: its end is looked up once.
class FrozenSource : public Source {
 public:
  explicit FrozenSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  const StructType& schema() const override { return source_->schema(); }
  const StructType& metadata_schema() const override { return source_->metadata_schema(); }
  std::string description() const override { return source_->description(); }
  Result<std::optional<StreamOffset>> LatestOffset(const std::optional<StreamOffset>& start, const ReadLimit&) override {
    if (!asked_) {
      MS_ASSIGN_OR_RETURN(end_, source_->LatestOffset(start, {.all = true}));
      asked_ = true;
    }
    return end_ == start ? std::optional<StreamOffset>() : end_;
  }
  Result<RowStreamPtr> ReadBatch(const std::optional<StreamOffset>& start, const StreamOffset& end, const ScanNeeds& needs) override {
    return source_->ReadBatch(start, end, needs);
  }
  Status Commit(const StreamOffset& end) override { return source_->Commit(end); }
  int64_t rows_read() const override { return source_->rows_read(); }
  std::map<std::string, std::string> metrics() const override { return source_->metrics(); }

 private:
  std::unique_ptr<Source> source_;
  bool asked_ = false;
  std::optional<StreamOffset> end_;
};

Status CannotRetract(std::string reason) {
  return Status::Error(errors::kRetractionUnsupported, {{"what", "UNDO, REPLAY or cloudFiles.changedFiles = replaced"}, {"reason", std::move(reason)}});
}

RowStreamPtr NoRows(const StructType& schema, const StructType& metadata, const ScanNeeds& needs) {
  StructType wanted;
  for (const std::string& column : needs.columns) {
    if (auto at = schema.IndexOf(column, true)) {
      wanted.Add(schema[*at]);
    } else if (auto hidden = metadata.IndexOf(column, true)) {
      wanted.Add(metadata[*hidden]);
    } else if (column == kSourceFileColumn) {
      wanted.Add({column, DataType::Integer()});
    }
  }
  return MakeRowStream(ToArrowSchema(wanted), {});
}

}  // namespace

MicroBatchExecution::MicroBatchExecution(MicroBatchPlan plan, std::unique_ptr<Sink> sink, std::unique_ptr<Checkpoint> checkpoint, StreamConf conf, Clock& clock,
                                         StopSignal& stop, std::shared_ptr<CancelToken> cancel, BatchObserver& observer)
    : plan_(std::move(plan)),
      sink_(std::move(sink)),
      checkpoint_(std::move(checkpoint)),
      conf_(std::move(conf)),
      clock_(clock),
      stop_(stop),
      cancel_(std::move(cancel)),
      observer_(observer) {}

MicroBatchExecution::~MicroBatchExecution() {
  // Sources keep files below the checkpoint: they are closed before its lock is released.
  inputs_.clear();
}

Status MicroBatchExecution::Initialize(bool freeze_sources) {
  observer_.ShowStatus("Initializing sources");
  MS_ASSIGN_OR_RETURN(CheckpointFacts found, checkpoint_->Inspect());
  MS_ASSIGN_OR_RETURN(found.last_in_sink, sink_->LastBatch());
  Recovery recovery = DecideRecovery(found);
  if (recovery.step == NextStep::kRefuse) return recovery.refusal;
  for (const std::string& warning : recovery.warnings) spdlog::warn("query {}: {}", checkpoint_->query_id(), warning);
  MS_RETURN_IF_ERROR(checkpoint_->Apply(recovery, found));
  MS_RETURN_IF_ERROR(OpenSources(freeze_sources));

  next_batch_ = recovery.batch;
  if (!plan_.depends_on_time) MS_RETURN_IF_ERROR(MakePlan(0));
  MS_RETURN_IF_ERROR(TellRetractionSupport());
  if (recovery.step == NextStep::kStartFresh) return OpenState(next_batch_).status();
  const BatchId last = *found.last_offsets;
  if (last.value() > 0) {
    MS_RETURN_IF_ERROR(LoadOffsets(last.previous(), true));
    last_watermark_ms_ = watermark_ms_;
  }
  const int64_t late_watermark_ms = last_watermark_ms_;
  if (recovery.step == NextStep::kRerunBatch) {
    MS_ASSIGN_OR_RETURN(std::optional<OffsetSeq> logged, checkpoint_->offsets().GetOffsets(last));
    const OffsetSeqMetadata& metadata = logged->metadata;
    MS_RETURN_IF_ERROR(LoadOffsets(last, false));
    MS_ASSIGN_OR_RETURN(bool has_batch, OpenState(last));
    if (!has_batch) {
      rerun_ = Batch{last, metadata.batch_timestamp_ms, metadata.batch_watermark_ms, late_watermark_ms};
      return Status();
    }
    // The sink had the batch before the state did.
    MS_ASSIGN_OR_RETURN(std::string note, state_->Note(state_->version()));
    nlohmann::json json = nlohmann::json::parse(note, nullptr, false);
    watermark_ms_ = json.is_object() ? json.value("nextBatchWatermarkMs", int64_t{0}) : 0;
    last_watermark_ms_ = metadata.batch_watermark_ms;
    MS_RETURN_IF_ERROR(checkpoint_->commits().AddCommit(last, CommitMetadata{watermark_ms_}));
    MS_RETURN_IF_ERROR(CommitSources());
    for (Input& input : inputs_) input.start = std::move(input.end);
    next_batch_ = last.next();
    // Spark runs this batch again, and what the watermark has passed comes out in the batch after it.
    has_run_ = true;
    return Status();
  }
  MS_ASSIGN_OR_RETURN(std::optional<CommitMetadata> commit, checkpoint_->commits().GetCommit(last));
  const int64_t next_watermark_ms = commit ? commit->next_batch_watermark_ms : 0;
  // The crash may have come between the commit log and the sources: tell them again, it costs nothing.
  MS_RETURN_IF_ERROR(LoadOffsets(last, false));
  last_watermark_ms_ = watermark_ms_;
  watermark_ms_ = std::max(watermark_ms_, next_watermark_ms);
  MS_RETURN_IF_ERROR(OpenState(next_batch_).status());
  MS_RETURN_IF_ERROR(CommitSources());
  for (Input& input : inputs_) input.start = std::move(input.end);
  return Status();
}

Status MicroBatchExecution::MakePlan(int64_t batch_timestamp_ms) {
  if (compiled_ != nullptr && (!plan_.depends_on_time || compiled_for_ms_ == batch_timestamp_ms)) return Status();
  MS_ASSIGN_OR_RETURN(compiled_, plan_.compile(batch_timestamp_ms));
  compiled_for_ms_ = batch_timestamp_ms;
  return Status();
}

Status MicroBatchExecution::TellRetractionSupport() {
  for (Input& input : inputs_) {
    auto* retracts = dynamic_cast<RetractsFiles*>(input.source.get());
    if (retracts == nullptr) continue;
    MS_RETURN_IF_ERROR(MakePlan(clock_.WallMillis()));
    const auto* removes = dynamic_cast<const RemovesFileRows*>(sink_.get());
    Status possible = removes == nullptr ? CannotRetract("the sink " + sink_->description() + " does not know which rows came from which file")
                                         : removes->CanRemoveFileRows();
    if (possible.ok() && !compiled_->schema().IndexOf(kSourceFileColumn, true)) possible = CannotRetract("its rows cannot be traced to files one by one");
    MS_RETURN_IF_ERROR(retracts->SetRetractionSupport(std::move(possible)));
  }
  return Status();
}

Status MicroBatchExecution::TellRetractedFiles() {
  std::vector<std::string> paths;
  for (Input& input : inputs_) {
    auto* retracts = dynamic_cast<RetractsFiles*>(input.source.get());
    if (retracts == nullptr || !input.end || input.end == input.start) continue;
    MS_ASSIGN_OR_RETURN(std::vector<std::string> of_source, retracts->RetractedFiles(input.start, *input.end));
    std::move(of_source.begin(), of_source.end(), std::back_inserter(paths));
  }
  auto* removes = dynamic_cast<RemovesFileRows*>(sink_.get());
  // The batch may have been planned by an earlier process, with another sink.
  if (removes == nullptr && !paths.empty()) return CannotRetract("the sink " + sink_->description() + " does not know which rows came from which file");
  if (removes != nullptr) removes->SetRetractedFiles(std::move(paths));
  return Status();
}

Result<bool> MicroBatchExecution::OpenState(BatchId next) {
  MS_RETURN_IF_ERROR(MakePlan(clock_.WallMillis()));
  const std::string directory = JoinPath(checkpoint_->directory(), "state");
  if (compiled_->stateful().empty()) {
    MS_ASSIGN_OR_RETURN(bool had_state, checkpoint_->fs().Exists(directory));
    if (had_state) return Status::Error(errors::kStateOperators, {{"OpsInMetadataSeq", "see " + directory}, {"OpsInCurBatchSeq", ""}});
    return false;
  }
  StateStoresOptions options{.directory = directory,
                             .memory_bytes_max = conf_.state_memory_bytes_max,
                             .versions_kept = conf_.min_batches_to_retain,
                             .versions_per_snapshot = conf_.state_versions_per_snapshot};
  MS_ASSIGN_OR_RETURN(state_, StateStores::Open(checkpoint_->fs(), options));
  for (StatefulOperator* op : compiled_->stateful()) MS_RETURN_IF_ERROR(op->Prepare([this] { return cancel_->cancelled(); }));
  MS_RETURN_IF_ERROR(CheckStateSchema(*state_, compiled_->stateful()));
  if (state_->version() == next.value() + 1 && checkpoint_->commits().latest() < next) return true;
  if (state_->version() < next.value()) {
    return Status::Error(errors::kStateVersionMissing,
                         {{"path", options.directory}, {"version", std::to_string(next.value())}, {"versions", "0 to " + std::to_string(state_->version())}});
  }
  if (state_->version() > next.value()) MS_RETURN_IF_ERROR(state_->RollBackTo(next.value()));
  return false;
}

// org.apache.spark.sql.execution.streaming.WatermarkTracker
void MicroBatchExecution::AdvanceWatermark() {
  const std::vector<WatermarkOperator*>& operators = compiled_->watermarks();
  if (operators.empty()) return;
  for (size_t i = 0; i < operators.size(); ++i) {
    const EventTimeStats stats = operators[i]->stats();
    int64_t& watermark = operator_watermarks_[i];
    if (stats.count > 0) watermark = std::max(watermark, stats.max_ms - operators[i]->delay_ms());
  }
  bool takes_max = false;
  for (const auto& [key, value] : conf_.logged) takes_max |= key == "spark.sql.streaming.multipleWatermarkPolicy" && value == "max";
  std::optional<int64_t> chosen;
  for (const auto& [place, watermark] : operator_watermarks_) {
    chosen = !chosen ? watermark : takes_max ? std::max(*chosen, watermark) : std::min(*chosen, watermark);
  }
  watermark_ms_ = std::max(watermark_ms_, *chosen);
}

Status MicroBatchExecution::OpenSources(bool freeze) {
  for (size_t i = 0; i < plan_.streams.size(); ++i) {
    const auto* stream = dynamic_cast<const StreamingRelationSource*>(plan_.streams[i].get());
    if (stream == nullptr) return Status::Internal(plan_.streams[i]->name() + " cannot be read as a stream");
    Input input{.relation = plan_.streams[i]};
    MS_ASSIGN_OR_RETURN(input.source, stream->CreateSource(checkpoint_->SourceDirectory(i)));
    if (freeze) {
      if (auto* freezes = dynamic_cast<SupportsTriggerAvailableNow*>(input.source.get())) {
        MS_RETURN_IF_ERROR(freezes->PrepareForTriggerAvailableNow());
      } else {
        input.source = std::make_unique<FrozenSource>(std::move(input.source));
      }
    }
    inputs_.push_back(std::move(input));
  }
  return Status();
}

Status MicroBatchExecution::LoadOffsets(BatchId id, bool as_start) {
  MS_ASSIGN_OR_RETURN(std::optional<OffsetSeq> logged, checkpoint_->offsets().GetOffsets(id));
  MS_CHECK(logged.has_value());
  if (logged->offsets.size() != inputs_.size())
    return Status::Error(errors::kCheckpointSourcesChanged, {{"logged", std::to_string(logged->offsets.size())}, {"current", std::to_string(inputs_.size())}});
  watermark_ms_ = logged->metadata.batch_watermark_ms;
  for (size_t i = 0; i < inputs_.size(); ++i) (as_start ? inputs_[i].start : inputs_[i].end) = std::move(logged->offsets[i]);
  // What a batch was planned with holds for the life of its checkpoint, whatever the session says now.
  for (auto& [key, value] : conf_.logged) {
    for (const auto& [logged_key, logged_value] : logged->metadata.conf)
      if (logged_key == key) value = logged_value;
  }
  return Status();
}

Result<TriggerOutcome> MicroBatchExecution::RunTrigger(const ReadLimit& limit) {
  TriggerProgress progress(clock_);
  observer_.ShowTriggerActive(true);
  MS_ASSIGN_OR_RETURN(std::optional<Batch> batch, ConstructNextBatch(limit, progress));
  const int64_t looked_us = clock_.MonotonicMicros() - progress.started_us();
  observer_.ShowDataAvailable(batch.has_value());
  progress.batch_id = batch ? batch->id.value() : next_batch_.value();
  if (batch) {
    observer_.ShowStatus("Processing new data");
    MS_RETURN_IF_ERROR(RunBatch(*batch, progress));
    progress.ran_batch = true;
  }
  progress.Finish();
  DescribeSources(progress);
  if (batch) {
    for (Input& input : inputs_) input.start = std::move(input.end);
    next_batch_ = batch->id.next();
  }
  progress.sink_description = sink_->description();
  observer_.ShowTriggerActive(false);
  observer_.TriggerDone(progress);
  return TriggerOutcome{.ran_batch = batch.has_value(), .look_us = looked_us};
}

std::optional<std::vector<std::string>> MicroBatchExecution::WatchedDirectories() const {
  std::vector<std::string> directories;
  for (const Input& input : inputs_) {
    std::vector<std::string> watched = input.source->watched_directories();
    if (watched.empty()) return std::nullopt;
    std::move(watched.begin(), watched.end(), std::back_inserter(directories));
  }
  return directories;
}

// Asks the sources, and fixes the batch's range durably. nullopt: nothing new.
Result<std::optional<MicroBatchExecution::Batch>> MicroBatchExecution::ConstructNextBatch(const ReadLimit& limit, TriggerProgress& progress) {
  if (rerun_) {
    std::optional<Batch> batch = std::exchange(rerun_, std::nullopt);
    return batch;
  }
  bool has_new_data = false;
  for (Input& input : inputs_) {
    observer_.ShowStatus("Getting offsets from " + input.source->description());
    TriggerProgress::Phase phase(progress, "latestOffset");
    MS_ASSIGN_OR_RETURN(std::optional<StreamOffset> latest, input.source->LatestOffset(input.start, limit));
    input.end = latest ? std::move(latest) : input.start;
    has_new_data |= input.end != input.start;
  }
  if (!has_new_data) {
    const bool moves_state = conf_.no_data_batches && has_run_ && compiled_ != nullptr && compiled_->ShouldRunAnotherBatch(last_watermark_ms_, watermark_ms_);
    if (!moves_state) return std::optional<Batch>();
  }
  observer_.ShowStatus("Writing offsets to log");
  TriggerProgress::Phase phase(progress, "walCommit");
  Batch batch{next_batch_, clock_.WallMillis(), watermark_ms_, last_watermark_ms_};
  OffsetSeq offsets;
  offsets.metadata = {.batch_watermark_ms = watermark_ms_, .batch_timestamp_ms = batch.timestamp_ms, .conf = conf_.logged};
  for (const Input& input : inputs_) offsets.offsets.push_back(input.end);
  MS_RETURN_IF_ERROR(checkpoint_->offsets().AddOffsets(batch.id, offsets));
  return std::optional<Batch>(batch);
}

Status MicroBatchExecution::RunBatch(const Batch& batch, TriggerProgress& progress) {
  MS_ASSIGN_OR_RETURN(BatchResult written, WriteBatch(batch, progress));
  progress.sink_rows = written.rows_out;
  MS_FAILPOINT("stream.after_sink");
  // Before the state has the batch: a batch that the state has is not run again.
  if (plan_.keep_late_rows) {
    if (std::vector<LateRows> late = late_rows_.Take(); !late.empty()) MS_RETURN_IF_ERROR(plan_.keep_late_rows(batch.id, std::move(late)));
  }
  AdvanceWatermark();
  int64_t commit_us = 0;
  if (state_ != nullptr) {
    const int64_t begun_us = clock_.MonotonicMicros();
    TriggerProgress::Phase phase(progress, "addBatch");  // as Spark counts it
    if (!schema_kept_) {
      MS_ASSIGN_OR_RETURN(bool is_other, HasOtherStateSchema(*state_, compiled_->stateful()));
      if (is_other) MS_RETURN_IF_ERROR(KeepStateSchema(*state_, compiled_->stateful()));
    }
    MS_RETURN_IF_ERROR(state_->Commit(batch.id.value() + 1, fmt::format("{{\"nextBatchWatermarkMs\":{}}}", watermark_ms_)));
    schema_kept_ = true;
    commit_us = clock_.MonotonicMicros() - begun_us;
  }
  {
    TriggerProgress::Phase phase(progress, "commitOffsets");
    MS_RETURN_IF_ERROR(checkpoint_->commits().AddCommit(batch.id, CommitMetadata{watermark_ms_}));
  }
  last_watermark_ms_ = batch.watermark_ms;
  has_run_ = true;
  DescribeState(batch, commit_us, progress);
  MS_FAILPOINT("stream.source_commit.before");
  MS_RETURN_IF_ERROR(CommitSources());
  MS_FAILPOINT("stream.source_commit.after");
  return Purge();
}

// Runs the batch, and runs it again when an input changed under it: a sink keeps nothing of a batch that failed.
Result<BatchResult> MicroBatchExecution::WriteBatch(const Batch& batch, TriggerProgress& progress) {
  for (int attempt = 1;; ++attempt) {
    Result<BatchResult> written = [&]() -> Result<BatchResult> {
      MS_ASSIGN_OR_RETURN(RowStreamPtr rows, OpenBatch(batch, progress));
      MS_FAILPOINT("stream.before_sink");
      TriggerProgress::Phase phase(progress, "addBatch");
      TellSourceFiles();
      MS_RETURN_IF_ERROR(TellRetractedFiles());
      Result<BatchResult> added = sink_->AddBatch(batch.id, compiled_->schema(), *rows);
      if (added.ok()) {
        MS_RETURN_IF_ERROR(FinishBatch(progress));
      }
      return added;
    }();
    if (written.status().Is(errors::kSourceRowsLost)) return KeepRetractedRows(written.status());
    if (written.ok() || !written.status().retryable() || attempt == kBatchAttemptsMax || cancel_->cancelled()) return written;
    spdlog::warn("query {}: batch {} runs again: {}", checkpoint_->query_id(), batch.id.value(), written.status().message());
    if (state_ != nullptr) MS_RETURN_IF_ERROR(state_->Abort());
    MS_RETURN_IF_ERROR(TakeEvolvedSchemas(batch.timestamp_ms));
    stop_.WaitFor(kRetryPauseMs * attempt);
  }
}

Status MicroBatchExecution::KeepRetractedRows(Status why) {
  for (Input& input : inputs_) {
    auto* retracts = dynamic_cast<RetractsFiles*>(input.source.get());
    if (retracts == nullptr || !input.end || input.end == input.start) continue;
    MS_RETURN_IF_ERROR(retracts->KeepRetractedRows(input.start, *input.end, why));
  }
  return std::move(why).While("while taking back rows of files; what was asked for is set aside, the files keep their rows, and the query goes on without it when it is started again");
}

// What the rows' column of source files means, to a sink that keeps it.
void MicroBatchExecution::TellSourceFiles() {
  auto* keeps = dynamic_cast<KeepsSourceFiles*>(sink_.get());
  if (keeps == nullptr) return;
  SourceFileNames names;
  if (compiled_->schema().IndexOf(kSourceFileColumn, true)) {
    // Such a plan has one source, and in a batch without new files there is none to name.
    MS_CHECK(inputs_.size() == 1);
    const auto* source = dynamic_cast<const NamesSourceFiles*>(inputs_[0].source.get());
    if (source != nullptr) names = source->source_files();
    if (names == nullptr) names = std::make_shared<const std::vector<std::string>>();
  }
  keeps->SetSourceFiles(std::move(names));
}

Status MicroBatchExecution::TakeEvolvedSchemas(int64_t batch_timestamp_ms) {
  bool has_evolved = false;
  for (Input& input : inputs_) {
    auto* evolving = dynamic_cast<SupportsSchemaEvolution*>(input.source.get());
    if (evolving == nullptr || !plan_.evolve) continue;
    MS_ASSIGN_OR_RETURN(RelationSourcePtr evolved, evolving->EvolvedRelation());
    if (evolved == nullptr) continue;
    MS_ASSIGN_OR_RETURN(plan_.streams, plan_.evolve(input.relation, evolved));
    MS_CHECK(plan_.streams.size() == inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) inputs_[i].relation = plan_.streams[i];
    has_evolved = true;
  }
  if (!has_evolved) return Status();
  compiled_.reset();
  MS_RETURN_IF_ERROR(MakePlan(batch_timestamp_ms));
  // What is remembered may hold rows of the old schema.
  return state_ == nullptr ? Status() : CheckStateSchema(*state_, compiled_->stateful());
}

Status MicroBatchExecution::FinishBatch(TriggerProgress& progress) {
  MS_RETURN_IF_ERROR(compiled_->Finish());
  for (ObserveOperator* observer : compiled_->observers()) {
    MS_ASSIGN_OR_RETURN(RecordBatchPtr row, observer->Observed());
    MS_ASSIGN_OR_RETURN(progress.observed[observer->name()], ObservedJson(observer->metrics_schema(), *row, conf_.time_zone));
  }
  return Status();
}

Result<RowStreamPtr> MicroBatchExecution::OpenBatch(const Batch& batch, TriggerProgress& progress) {
  {
    TriggerProgress::Phase phase(progress, "queryPlanning");
    MS_RETURN_IF_ERROR(MakePlan(batch.timestamp_ms));
  }
  if (compiled_->redefines_watermark() && batch.watermark_ms > 0) return Status::Error(errors::kWatermarkRedefined);
  late_rows_.Take();
  for (Input& input : inputs_)
    if (auto* keeper = dynamic_cast<KeepsBadRecords*>(input.source.get())) keeper->BeginBatch(checkpoint_->query_id(), batch.id);
  ScanOpener open = [&](const RelationSourcePtr& relation, const ScanNeeds& needs) -> Result<RowStreamPtr> {
    TriggerProgress::Phase phase(progress, "getBatch");
    MS_ASSIGN_OR_RETURN(RowStreamPtr rows, OpenScan(relation, needs));
    return RowStreamPtr(std::make_unique<StoppableRows>(std::move(rows), cancel_));
  };
  BatchContext context{.id = batch.id,
                       .timestamp_ms = batch.timestamp_ms,
                       .late_watermark_ms = batch.late_watermark_ms,
                       .eviction_watermark_ms = batch.watermark_ms,
                       .stores = state_.get(),
                       .late_rows = plan_.keep_late_rows ? &late_rows_ : nullptr};
  return compiled_->Run(context, open, cancel_);
}

Result<RowStreamPtr> MicroBatchExecution::OpenScan(const RelationSourcePtr& relation, const ScanNeeds& needs) {
  for (Input& input : inputs_) {
    if (input.relation != relation) continue;
    if (!input.end || input.end == input.start) return NoRows(input.source->schema(), input.source->metadata_schema(), needs);
    return input.source->ReadBatch(input.start, *input.end, needs);
  }
  const auto* table = dynamic_cast<const BatchRelationSource*>(relation.get());
  if (table == nullptr) return Status::Internal(relation->name() + " is neither a stream of this query nor a table");
  return table->Scan(needs);
}

Status MicroBatchExecution::CommitSources() {
  for (Input& input : inputs_) {
    if (input.end && input.end != input.start) MS_RETURN_IF_ERROR(input.source->Commit(*input.end));
  }
  return Status();
}

Status MicroBatchExecution::Purge() {
  const std::optional<BatchId> latest = checkpoint_->commits().latest();
  if (!latest || latest->value() < conf_.min_batches_to_retain) return Status();
  MS_FAILPOINT("stream.purge.before");
  const BatchId oldest_kept(latest->value() - conf_.min_batches_to_retain);
  MS_RETURN_IF_ERROR(checkpoint_->offsets().PurgeBefore(oldest_kept));
  return checkpoint_->commits().PurgeBefore(oldest_kept);
}

void MicroBatchExecution::DescribeState(const Batch& batch, int64_t commit_us, TriggerProgress& progress) const {
  for (const StatefulOperator* op : compiled_->StatefulFromTop()) {
    progress.state_operators.push_back(op->progress());
    // All commit together.
    progress.state_operators.back().commit_us = commit_us;
  }
  if (compiled_->watermarks().empty()) return;
  for (const WatermarkOperator* watermark : compiled_->watermarks()) {
    const EventTimeStats stats = watermark->stats();
    if (stats.count == 0 || !progress.event_time.empty()) continue;
    progress.event_time = {{"avg", FormatIso8601Millis(static_cast<int64_t>(stats.avg_ms))},
                           {"max", FormatIso8601Millis(stats.max_ms)},
                           {"min", FormatIso8601Millis(stats.min_ms)}};
  }
  progress.event_time["watermark"] = FormatIso8601Millis(batch.watermark_ms);
}

void MicroBatchExecution::DescribeSources(TriggerProgress& progress) const {
  auto json = [](const std::optional<StreamOffset>& offset) { return offset ? std::optional<std::string>(offset->json) : std::nullopt; };
  for (const Input& input : inputs_) {
    const bool was_read = progress.ran_batch && input.end && input.end != input.start;
    progress.sources.push_back({.description = input.source->description(),
                                .start_offset = json(input.start),
                                .end_offset = json(input.end),
                                .rows = was_read ? input.source->rows_read() : 0,
                                .metrics = input.source->metrics()});
  }
}

}  // namespace millstream
