#pragma once

// session.h   What every door calls: one user's settings, views, queries and streams over one shared engine. This is libmillstream.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/compiled_plan.h"
#include "plan/analyzer.h"
#include "plan/command.h"
#include "streaming/streaming_query.h"
#include "types/row_stream.h"

namespace millstream {

struct EngineOptions {
  std::string warehouse;  // raw path; created when missing
  int threads = 2;
  int64_t memory_bytes_max = int64_t{4} << 30;
  // For tests: sources in memory, a clock that can be held, failures on request (docs/testing.md).
  bool testing = false;
};

// A result: its Spark schema and its rows. Arrow timestamps are UTC-labelled; a door relabels them.
struct QueryResult {
  StructType schema;
  RowStreamPtr rows;
};

// What DataFrame.observe has seen: one row.
struct ObservedMetrics {
  std::string name;
  StructType schema;
  RecordBatchPtr row;
};
// Of one query or command; complete when its rows have been read to the end. Thread-safe.
class Observations {
 public:
  void Add(ObservedMetrics metrics) {
    std::lock_guard lock(mutex_);
    // A statement that lost a race has run again.
    std::erase_if(metrics_, [&](const ObservedMetrics& before) { return before.name == metrics.name; });
    metrics_.push_back(std::move(metrics));
  }
  std::vector<ObservedMetrics> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(metrics_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<ObservedMetrics> metrics_;  // GUARDED_BY(mutex_)
};

// Under what a query or command runs. Each may be null.
struct Execution {
  std::shared_ptr<CancelToken> cancel = nullptr;
  // It comes from a foreachBatch function, and what it writes to a table is written once however often the batch runs.
  std::shared_ptr<BatchWrites> writes = nullptr;
  std::shared_ptr<Observations> observed = nullptr;
};

class Session;

// What all sessions of a process share: warehouse, catalog, compute engine, running streams. Thread-safe. Outlives its sessions.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(EngineOptions options);
  virtual ~Engine() = default;
  virtual std::shared_ptr<Session> NewSession(std::string user) = 0;
  // Stops all streams and waits for them.
  virtual void Shutdown() = 0;
};

// Thread-safe: a client may send several requests at a time.
class Session {
 public:
  virtual ~Session() = default;

  // ---- settings (spark.conf)
  virtual Status SetConf(const std::string& key, const std::string& value) = 0;
  // The value set, or the default of a known key; nullopt: unknown and unset.
  virtual std::optional<std::string> GetConf(const std::string& key) const = 0;
  virtual void UnsetConf(const std::string& key) = 0;
  virtual std::vector<std::pair<std::string, std::string>> AllConf() const = 0;
  virtual bool IsConfModifiable(const std::string& key) const = 0;
  virtual AnalyzerConf analyzer_conf() const = 0;

  // ---- queries
  virtual Result<PlanPtr> AnalyzePlan(const PlanPtr& plan) = 0;
  // A batch query; STREAMING_… errors when the plan has a stream in it.
  virtual Result<QueryResult> Execute(const PlanPtr& plan, const Execution& under = {}) = 0;
  // Runs a command; its result rows (SHOW TABLES…), or an empty result. StartStream goes to StartStreamingQuery instead.
  virtual Result<QueryResult> ExecuteCommand(const Command& command, const Execution& under = {}) = 0;
  virtual Status CreateTempView(const std::string& name, const PlanPtr& plan, bool replace, bool global) = 0;

  // spark.udf.register: `name` is this function in the session's SQL from now on.
  virtual void RegisterFunction(const std::string& name, std::shared_ptr<const PythonCall> function) = 0;

  // ---- streams
  virtual Result<StreamingQueryPtr> StartStreamingQuery(const StartStream& start) = 0;
  virtual std::vector<StreamingQueryPtr> ActiveQueries() = 0;
  // The active ones and those that have ended within the last hour, in the order of their starts.
  virtual std::vector<StreamingQueryPtr> RecentQueries() = 0;
  // This run of the query, or its newest run when `run_id` is empty; active or ended within the last hour. nullptr: unknown.
  virtual StreamingQueryPtr FindQuery(const std::string& id, const std::string& run_id = {}) = 0;
  // spark.streams.awaitAnyTermination / resetTerminated
  virtual Result<bool> AwaitAnyTermination(std::optional<int64_t> timeout_ms) = 0;
  virtual void ResetTerminated() = 0;
  // Called for every event of this session's streams, on the stream's thread, until removed. Returns a handle.
  virtual int64_t AddListener(std::function<void(const StreamingQueryEvent&)> listener) = 0;
  virtual void RemoveListener(int64_t handle) = 0;
  // Stops this session's streams.
  virtual void StopAllQueries() = 0;

  // ---- catalog (spark.catalog)
  virtual std::string current_database() const = 0;
  virtual Status SetCurrentDatabase(const std::string& name) = 0;
  struct TableInfo {
    std::string name, database, table_type;  // MANAGED, EXTERNAL, TEMPORARY
    std::optional<std::string> description;
    bool is_temporary = false;
  };
  virtual Result<std::vector<TableInfo>> ListTables(const std::optional<std::string>& database, const std::optional<std::string>& pattern) = 0;
  struct DatabaseInfo {
    std::string name, description, location_uri;
  };
  virtual Result<std::vector<DatabaseInfo>> ListDatabases(const std::optional<std::string>& pattern) = 0;
  virtual Result<bool> TableExists(const MultipartName& name) = 0;
  virtual Result<bool> DropTempView(const std::string& name, bool global) = 0;
};

// df.show(): the table that Spark prints, from rows that have been limited to num_rows + 1 already.
Result<std::string> ShowString(const StructType& schema, const std::vector<RecordBatchPtr>& rows, int num_rows, int truncate, bool vertical,
                               const std::string& time_zone);

}  // namespace millstream
