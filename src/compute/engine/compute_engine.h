#pragma once

// compute_engine.h   The one DuckDB of the process, locked down.

#include <duckdb.hpp>

#include <memory>
#include <mutex>

#include "base/status.h"
#include "compute/compiled_plan.h"

namespace millstream {

class ComputeEngine::Impl {
 public:
  explicit Impl(ComputeConf conf) : conf_(std::move(conf)) {}

  // A connection of one's own; opens DuckDB on the first call, and a fresh one where an internal error of DuckDB's has made the last one unusable.
  Result<std::unique_ptr<duckdb::Connection>> Connect();
  // DuckDB refuses all further work on this connection's database.
  static bool IsBroken(duckdb::Connection& connection);

 private:
  Result<std::shared_ptr<duckdb::DuckDB>> Open();

  const ComputeConf conf_;
  std::mutex mutex_;
  std::shared_ptr<duckdb::DuckDB> database_;  // guarded by mutex_; null until the first use; its connections keep it alive
};

}  // namespace millstream
