#include "compute/engine/compute_engine.h"

#include <algorithm>
#include <duckdb/main/valid_checker.hpp>

#include "compute/engine/duckdb_error.h"
#include "compute/engine/input_scan.h"
#include "compute/functions/functions.h"

namespace millstream {
namespace {

// More than plans that a busy server compiles at the same moment.
constexpr size_t kIdleConnectionsMax = 16;

}  // namespace

ComputeEngine::ComputeEngine(ComputeConf conf) : impl_(std::make_unique<Impl>(std::move(conf))) {}
ComputeEngine::~ComputeEngine() = default;

Result<std::shared_ptr<duckdb::DuckDB>> ComputeEngine::Impl::Open() {
  try {
    duckdb::DBConfig config;
    // Before the lock-down, which forbids it.
    config.SetOptionByName("temp_directory", duckdb::Value(""));
    config.SetOptionByName("enable_external_access", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("threads", duckdb::Value::BIGINT(std::max(conf_.threads, 1)));
    config.SetOptionByName("memory_limit", duckdb::Value(std::to_string(conf_.memory_bytes_max) + "B"));
    auto database = std::make_shared<duckdb::DuckDB>(nullptr, &config);
    duckdb::Connection connection(*database);
    compute::RegisterInputScan(connection);
    compute::RegisterFunctions(connection);
    // Spark orders nulls first when ascending; every ORDER BY says so itself, this is for what has no place to say it.
    for (const char* setting : {"SET GLOBAL TimeZone = 'UTC'", "SET GLOBAL max_expression_depth = 100000",
                                "SET GLOBAL default_null_order = 'nulls_first_on_asc_last_on_desc'", "SET GLOBAL lock_configuration = true"}) {
      auto result = connection.Query(setting);
      if (result->HasError()) return compute::FromDuckDbError(result->GetErrorObject());
    }
    return database;
  } catch (...) {
    return compute::FromCurrentException();
  }
}

std::unique_ptr<duckdb::Connection> IdleConnections::Take() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void IdleConnections::Put(std::unique_ptr<duckdb::Connection> connection) {
  if (ComputeEngine::Impl::IsBroken(*connection) || !connection->IsAutoCommit()) return;
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleConnectionsMax) idle_.push_back(std::move(connection));
}

void IdleConnections::Clear() {
  std::lock_guard lock(mutex_);
  idle_.clear();
}

Result<ConnectionPtr> ComputeEngine::Impl::Connect() {
  std::lock_guard lock(mutex_);
  if (!database_ || duckdb::ValidChecker::IsInvalidated(*database_->instance)) {
    idle_->Clear();
    MS_ASSIGN_OR_RETURN(database_, Open());
  }
  try {
    auto connection = idle_->Take();
    if (!connection) connection = std::make_unique<duckdb::Connection>(*database_);
    return ConnectionPtr(connection.release(), [idle = idle_](duckdb::Connection* done) { idle->Put(std::unique_ptr<duckdb::Connection>(done)); });
  } catch (...) {
    return compute::FromCurrentException();
  }
}

bool ComputeEngine::Impl::IsBroken(duckdb::Connection& connection) { return duckdb::ValidChecker::IsInvalidated(*connection.context->db); }

}  // namespace millstream
