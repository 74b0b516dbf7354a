#pragma once

// compute_engine.h   The one DuckDB of the process, locked down.

#include <duckdb.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "compute/compiled_plan.h"

namespace millstream {

// Connections that wait for their next plan: a fresh one has a catalog of its own to set up, which costs as much as a small query.
class IdleConnections {
 public:
  std::unique_ptr<duckdb::Connection> Take();
  // A broken or surplus one is closed.
  void Put(std::unique_ptr<duckdb::Connection> connection);
  void Clear();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<duckdb::Connection>> idle_;  // guarded by mutex_
};

// Goes back to the idle ones with its last user.
using ConnectionPtr = std::shared_ptr<duckdb::Connection>;

class ComputeEngine::Impl {
 public:
  explicit Impl(ComputeConf conf) : conf_(std::move(conf)) {}

  // A connection of one's own; opens DuckDB on the first call, and a fresh one where an internal error of DuckDB's has made the last one unusable.
  Result<ConnectionPtr> Connect();
  // DuckDB refuses all further work on this connection's database.
  static bool IsBroken(duckdb::Connection& connection);

 private:
  Result<std::shared_ptr<duckdb::DuckDB>> Open();

  const ComputeConf conf_;
  std::mutex mutex_;
  std::shared_ptr<duckdb::DuckDB> database_;  // guarded by mutex_; null until the first use; its connections keep it alive
  const std::shared_ptr<IdleConnections> idle_ = std::make_shared<IdleConnections>();
};

}  // namespace millstream
