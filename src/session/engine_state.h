#pragma once

// engine_state.h   What all sessions of a process share.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "compute/compiled_plan.h"
#include "connectors/delta/table_rules.h"
#include "delta/delta_log.h"
#include "session/memory_table.h"
#include "session/session.h"
#include "session/table_turns.h"
#include "session/test_controls.h"
#include "session/warehouse.h"
#include "streaming/stream_execution.h"

namespace millstream {

// Views by lower-case name. Thread-safe.
class ViewMap {
 public:
  PlanPtr Find(const std::string& name) const;
  // False: the name is taken and `replace` is false.
  bool Put(const std::string& name, PlanPtr plan, bool replace);
  bool Drop(const std::string& name);
  std::vector<std::string> Names() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, PlanPtr> views_;  // GUARDED_BY(mutex_)
};

// Runs in the process, by query id: a checkpoint has one. Thread-safe.
class RunningStreams {
 public:
  // Held while a stream is started, so that two starts on one checkpoint cannot pass each other.
  std::mutex& start_mutex() { return start_mutex_; }
  void Add(const std::shared_ptr<StreamExecution>& query);
  // nullptr: no active run of this query.
  std::shared_ptr<StreamExecution> Active(const std::string& query_id) const;
  void StopAll();

 private:
  std::mutex start_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<StreamExecution>> by_id_;  // GUARDED_BY(mutex_)
};

struct EngineState {
  explicit EngineState(EngineOptions engine_options)
      : options(std::move(engine_options)),
        warehouse(fs, options.warehouse),
        delta(fs, clock),
        compute(ComputeConf{.time_zone = "UTC", .threads = options.threads, .memory_bytes_max = options.memory_bytes_max}) {
    delta.SetRules(&rules);
  }

  EngineOptions options;
  Fs& fs = Fs::Local();
  HeldClock held_clock;  // of an engine for tests
  Clock& clock = options.testing ? static_cast<Clock&>(held_clock) : Clock::System();
  TableTurns turns;
  Warehouse warehouse;
  DeltaTables delta;
  ComputeEngine compute;  // opens DuckDB on first use
  ComputedRules rules{compute, clock};
  ViewMap global_views;
  MemoryTables memory_tables;
  MemoryStreamTable memory_streams;  // of an engine for tests
  RunningStreams streams;
};

}  // namespace millstream
