#pragma once

// micro_batch_execution.h   trigger → offsets → batch → commit, each step durable before the next.
//
// What may be lost at any point, and why nothing is lost or doubled:
//   before offsets/N is durable    nothing has happened; the batch is planned anew
//   until commits/N is durable     the same offsets are run again, and the sink takes each (query id, batch id) once; unless the state has version N + 1
//                                  already, which it gets after the sink has the batch: then only commits/N is missing
//   after commits/N                the next start plans N + 1, and tells the sources again what they may forget

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "compute/compiled_plan.h"
#include "connectors/api/sink.h"
#include "connectors/api/source.h"
#include "streaming/checkpoint.h"
#include "streaming/operators/late_rows.h"
#include "streaming/operators/stream_plan.h"
#include "streaming/progress_reporter.h"
#include "streaming/trigger_executor.h"

namespace millstream {

struct StreamConf {
  std::string time_zone = "UTC";  // of the session, for texts of observed metrics
  int64_t min_batches_to_retain = 100;
  int64_t progress_updates_kept = 100;
  int64_t idle_progress_interval_ms = 10000;
  bool no_data_batches = true;  // spark.sql.streaming.noDataMicroBatches.enabled
  int64_t state_memory_bytes_max = int64_t{1} << 30;
  int64_t state_versions_per_snapshot = 100;
  TriggerConf trigger;
  StreamConfList logged = DefaultLoggedConf();
};

// Makes the plan for a batch with this batchTimestampMs: what current_timestamp() means in it.
using PlanCompiler = std::function<Result<std::unique_ptr<StreamPlan>>(int64_t batch_timestamp_ms)>;
// Puts `evolved` in the place of `relation` in the plan that is compiled next; its streaming leaves.
using PlanEvolver = std::function<Result<std::vector<RelationSourcePtr>>(const RelationSourcePtr& relation, const RelationSourcePtr& evolved)>;

struct MicroBatchPlan {
  // The streaming leaves of the plan, in plan order: the i-th is sources/<i> of the checkpoint.
  std::vector<RelationSourcePtr> streams;
  PlanCompiler compile;
  // Null: the schemas of the sources are fixed.
  PlanEvolver evolve;
  // Keeps, durably and once for each batch, the rows that came too late for it; null: they are counted only. The batch may be offered again.
  std::function<Status(BatchId, std::vector<LateRows>)> keep_late_rows;
  // current_timestamp() and its like are in the plan: it is compiled for each batch.
  bool depends_on_time = false;
};

// What the user sees while a batch runs. Called on the stream's thread.
class BatchObserver {
 public:
  virtual ~BatchObserver() = default;
  virtual void ShowStatus(std::string_view message) = 0;
  virtual void ShowDataAvailable(bool available) = 0;
  virtual void ShowTriggerActive(bool active) = 0;
  // The trigger is over and these are its figures.
  virtual void TriggerDone(TriggerProgress& progress) = 0;
};

// Not thread-safe: lives on the stream's thread.
class MicroBatchExecution {
 public:
  MicroBatchExecution(MicroBatchPlan plan, std::unique_ptr<Sink> sink, std::unique_ptr<Checkpoint> checkpoint, StreamConf conf, Clock& clock, StopSignal& stop,
                      std::shared_ptr<CancelToken> cancel, BatchObserver& observer);
  ~MicroBatchExecution();

  // Sources are opened, the checkpoint is read, and what to do first is decided.
  Status Initialize(bool freeze_sources);
  // One trigger: a batch, or the finding that there is nothing new.
  Result<TriggerOutcome> RunTrigger(const ReadLimit& limit);
  // Of all sources; nullopt: one of them has none.
  std::optional<std::vector<std::string>> WatchedDirectories() const;

 private:
  struct Input {
    RelationSourcePtr relation;
    std::unique_ptr<Source> source;
    std::optional<StreamOffset> start, end;
  };
  struct Batch {
    BatchId id;
    int64_t timestamp_ms = 0;
    int64_t watermark_ms = 0;       // what state may be let go of
    int64_t late_watermark_ms = 0;  // the batch's before: rows up to it come too late
  };

  Status OpenSources(bool freeze);
  Status MakePlan(int64_t batch_timestamp_ms);
  // To the sources: whether rows that they gave can leave the sink again.
  Status TellRetractionSupport();
  // To the sink: the files whose rows leave it with this batch.
  Status TellRetractedFiles();
  // The sink has lost the trace of rows that were to leave: they stay, so that the query is not stopped for ever.
  Status KeepRetractedRows(Status why);
  // Brings the state to the version that batch `next` starts from; true: it has that batch already.
  Result<bool> OpenState(BatchId next);
  void AdvanceWatermark();
  void DescribeState(const Batch& batch, int64_t commit_us, TriggerProgress& progress) const;
  Status LoadOffsets(BatchId id, bool as_start);
  Result<std::optional<Batch>> ConstructNextBatch(const ReadLimit& limit, TriggerProgress& progress);
  Status RunBatch(const Batch& batch, TriggerProgress& progress);
  Result<BatchResult> WriteBatch(const Batch& batch, TriggerProgress& progress);
  // The plan over the schemas that the sources have now.
  void TellSourceFiles();
  Status TakeEvolvedSchemas(int64_t batch_timestamp_ms);
  // All rows have passed; what was observed of them.
  Status FinishBatch(TriggerProgress& progress);
  Result<RowStreamPtr> OpenBatch(const Batch& batch, TriggerProgress& progress);
  Result<RowStreamPtr> OpenScan(const RelationSourcePtr& relation, const ScanNeeds& needs);
  Status CommitSources();
  Status Purge();
  void DescribeSources(TriggerProgress& progress) const;

  MicroBatchPlan plan_;
  LateRowCollector late_rows_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Checkpoint> checkpoint_;
  StreamConf conf_;
  Clock& clock_;
  StopSignal& stop_;
  std::shared_ptr<CancelToken> cancel_;
  BatchObserver& observer_;

  std::vector<Input> inputs_;
  std::unique_ptr<StreamPlan> compiled_;
  int64_t compiled_for_ms_ = -1;
  BatchId next_batch_{0};
  std::unique_ptr<StateStores> state_;             // of a plan that remembers
  int64_t watermark_ms_ = 0;                       // of the next batch
  int64_t last_watermark_ms_ = 0;                  // of the last batch
  bool schema_kept_ = false;                       // in the state, as it is now
  bool has_run_ = false;                           // since this start
  std::map<size_t, int64_t> operator_watermarks_;  // by place in compiled_->watermarks(), since this start
  std::optional<Batch> rerun_;                     // logged by an earlier run and not committed
};

}  // namespace millstream
