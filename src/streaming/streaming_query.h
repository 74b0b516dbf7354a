#pragma once

// streaming_query.h   A running stream, as its user holds it (pyspark.sql.streaming.StreamingQuery).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace millstream {

struct StreamingQueryStatus {
  std::string message;  // "Waiting for data to arrive"
  bool is_data_available = false;
  bool is_trigger_active = false;
};

// What happened, for StreamingQueryListener. `json` is Spark's event JSON.
struct StreamingQueryEvent {
  enum class Kind { kStarted, kProgress, kIdle, kTerminated } kind;
  std::string json;
};

// Thread-safe.
class StreamingQuery {
 public:
  virtual ~StreamingQuery() = default;
  virtual const std::string& id() const = 0;      // survives restarts from the checkpoint
  virtual const std::string& run_id() const = 0;  // of this start
  virtual const std::string& name() const = 0;    // empty: none
  virtual bool is_active() const = 0;
  virtual StreamingQueryStatus status() const = 0;
  // Progress JSON, oldest first, at most spark.sql.streaming.numRecentProgressUpdates.
  virtual std::vector<std::string> recent_progress() const = 0;
  virtual std::optional<std::string> last_progress() const = 0;
  // Why it ended: STREAM_FAILED; nullopt while healthy or after stop().
  virtual std::optional<Status> exception() const = 0;
  // Ends the query after at most the running batch is cut off; returns when its thread has ended.
  virtual Status Stop() = 0;
  // True: it has ended. Raises the query's exception. nullopt: no timeout.
  virtual Result<bool> AwaitTermination(std::optional<int64_t> timeout_ms) = 0;
  // Returns when all data available at the call has been committed.
  virtual Status ProcessAllAvailable() = 0;
  // Of a query whose clock a test holds: returns when it has done what is due by now and waits for a later moment, or has ended.
  virtual void AwaitClock() {}
  virtual std::string Explain(bool extended) const = 0;
};

using StreamingQueryPtr = std::shared_ptr<StreamingQuery>;

}  // namespace millstream
