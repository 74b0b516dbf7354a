#pragma once

// stream_operator.h   The parts of a streaming query that remember or observe: between the pieces that DuckDB computes, rows pass through these.
//
// An operator is made with the plan and may be made anew for each batch: all that it remembers is in the state stores.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "compute/compiled_plan.h"
#include "streaming/state/state_store.h"
#include "types/row_stream.h"

namespace millstream {

// What one stateful operator did in a batch: stateOperators[] of the progress JSON (org.apache.spark.sql.streaming.StateOperatorProgress).
struct StateOperatorProgress {
  std::string name;  // "stateStoreSave", "dedupe", "symmetricHashJoin", …
  int64_t rows_total = 0, rows_updated = 0, rows_removed = 0, rows_dropped_by_watermark = 0;
  int64_t updates_us = 0, removals_us = 0, commit_us = 0;
  int64_t memory_bytes = 0;
  int64_t instances = 1;  // numStateStoreInstances
  std::map<std::string, int64_t> custom_metrics;
};

class LateRowCollector;

// What an operator is told of the batch that it runs in.
struct BatchContext {
  BatchId id;
  int64_t timestamp_ms = 0;
  // Milliseconds since the epoch; 0: nothing observed yet, or no watermark in the plan. Rows up to `late_watermark_ms` come too late, state up to
  // `eviction_watermark_ms` is done with (Spark's eventTimeWatermarkForLateEvents and …ForEviction).
  int64_t late_watermark_ms = 0;
  int64_t eviction_watermark_ms = 0;
  StateStores* stores = nullptr;          // of a plan with stateful operators
  LateRowCollector* late_rows = nullptr;  // of a query that keeps what comes too late
  std::shared_ptr<CancelToken> cancel = nullptr;
};

// What the bytes of an entry are, for those who read the state as a table.
enum class StateLayout {
  kRow,      // key and value as rows of the schema (row_codec.h)
  kKeyOnly,  // the key as a row, no value
  kMoment,   // the key as a row; a moment in microseconds, as ordered bytes
  kJoinRow,  // the key as a row and a number behind it; a byte and a row
  kCounter,  // no key columns; a number in decimal
  // Of transformWithState (transform_state.h, transform_timers.h).
  kValueVariable,
  kListVariable,
  kMapVariable,
  kTimers,
};

// What the columns of a store mean, kept with the state: a query whose plan has changed is told so instead of misreading its state.
struct StateSchema {
  std::string store = "default";
  StructType key, value;
  StateLayout layout = StateLayout::kRow;
  // The same columns under the names that people know. Empty: as above.
  std::vector<std::string> key_names = {}, value_names = {};
  std::vector<size_t> hidden = {};  // places among the value's columns: what Spark would not show
  StructType user_key = {};         // of kMapVariable
  bool has_ttl = false;             // entries begin with the moment that they are over
};

class StreamOperator {
 public:
  virtual ~StreamOperator() = default;
  // The columns of the rows that come out. Names are unique.
  virtual const StructType& schema() const = 0;
  // Begins a batch: `inputs` are the rows of its children, in order, with the columns of their pieces. The stream's Next may be called from several threads,
  // and does the operator's work; the batch is done when it has ended (state included). `this` outlives the stream.
  virtual Result<RowStreamPtr> Run(const BatchContext& batch, std::vector<RowStreamPtr> inputs) = 0;
};

// Watermarks are milliseconds since the epoch.
class StatefulOperator : public StreamOperator {
 public:
  virtual std::string name() const = 0;
  // Before anything else but the name is asked: finds out what only the user's code knows. Idempotent.
  virtual Status Prepare(const std::function<bool()>& /*cancelled*/) { return Status(); }
  // Columns of what it keeps.
  virtual std::vector<StateSchema> state_schemas() const = 0;
  // What else must stay as it is while there is state, and is shown with it (Spark's operatorProperties): a JSON object, or empty.
  virtual std::string properties() const { return ""; }
  // Stores whose state is gone for good, so that others may have their names.
  virtual std::vector<std::string> dropped_stores() const { return {}; }
  // Whether it pulls this input in the batch.
  virtual bool Reads(size_t /*input*/, const BatchContext& /*batch*/) const { return true; }
  // How much event time it has let out, given what it has been let in (StateStoreWriter.produceOutputWatermark).
  virtual int64_t OutputWatermark(int64_t input_watermark_ms) const { return input_watermark_ms; }
  // Whether a batch without data has work to do once the input's watermark has moved (StateStoreWriter.shouldRunAnotherBatch).
  virtual bool ShouldRunAnotherBatch(int64_t last_watermark_ms, int64_t new_watermark_ms) const = 0;
  // Of the batch that has ended.
  virtual StateOperatorProgress progress() const = 0;

  // Given by the plan, in Spark's order: StateStoreId::operator_id.
  int64_t operator_id = 0;
};

// The event times that passed one withWatermark in a batch (EventTimeStats). Milliseconds.
struct EventTimeStats {
  int64_t count = 0;
  int64_t min_ms = 0, max_ms = 0;
  double avg_ms = 0;
};

}  // namespace millstream
