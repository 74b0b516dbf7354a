#pragma once

// micro_batch_execution.h   trigger → offsets → batch → commit, each step durable before the next.
//
// What may be lost at any point, and why nothing is lost or doubled:
//   before offsets/N is durable    nothing has happened; the batch is planned anew
//   until commits/N is durable     the same offsets are run again, and the sink takes each (query id, batch id) once
//   after commits/N                the next start plans N + 1, and tells the sources again what they may forget

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "compute/compiled_plan.h"
#include "connectors/api/sink.h"
#include "connectors/api/source.h"
#include "streaming/checkpoint.h"
#include "streaming/progress_reporter.h"
#include "streaming/trigger_executor.h"

namespace millstream {

struct StreamConf {
  int64_t min_batches_to_retain = 100;
  int64_t progress_updates_kept = 100;
  int64_t idle_progress_interval_ms = 10000;
  TriggerConf trigger;
  StreamConfList logged = DefaultLoggedConf();
};

// Makes the plan for a batch with this batchTimestampMs: what current_timestamp() means in it.
using PlanCompiler = std::function<Result<std::unique_ptr<CompiledPlan>>(int64_t batch_timestamp_ms)>;

struct MicroBatchPlan {
  // The streaming leaves of the plan, in plan order: the i-th is sources/<i> of the checkpoint.
  std::vector<RelationSourcePtr> streams;
  PlanCompiler compile;
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

 private:
  struct Input {
    RelationSourcePtr relation;
    std::unique_ptr<Source> source;
    std::optional<StreamOffset> start, end, latest;
  };
  struct Batch {
    BatchId id;
    int64_t timestamp_ms = 0;
  };

  Status OpenSources(bool freeze);
  Status LoadOffsets(BatchId id, bool as_start);
  Result<std::optional<Batch>> ConstructNextBatch(const ReadLimit& limit, TriggerProgress& progress);
  Status RunBatch(const Batch& batch, TriggerProgress& progress);
  Result<BatchResult> WriteBatch(const Batch& batch, TriggerProgress& progress);
  Result<RowStreamPtr> OpenBatch(const Batch& batch, TriggerProgress& progress);
  Result<RowStreamPtr> OpenScan(const RelationSourcePtr& relation, const ScanNeeds& needs);
  Status CommitSources();
  Status Purge();
  void DescribeSources(TriggerProgress& progress) const;

  MicroBatchPlan plan_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Checkpoint> checkpoint_;
  StreamConf conf_;
  Clock& clock_;
  StopSignal& stop_;
  std::shared_ptr<CancelToken> cancel_;
  BatchObserver& observer_;

  std::vector<Input> inputs_;
  std::unique_ptr<CompiledPlan> compiled_;
  int64_t compiled_for_ms_ = -1;
  BatchId next_batch_{0};
  std::optional<Batch> rerun_;  // logged by an earlier run and not committed
};

}  // namespace millstream
