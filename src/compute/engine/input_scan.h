#pragma once

// input_scan.h   DuckDB reading a RowStream: the table function ms_input(slot), whose slot is given a new stream for each run.

#include <atomic>
#include <duckdb.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "compute/compiled_plan.h"
#include "types/data_type.h"

namespace millstream::compute {

// Where a prepared statement finds this run's rows. Outlives the statement.
struct InputSlot {
  std::vector<DataType> types;
  std::vector<std::string> names;  // in the emitted SQL
  RowStream* stream = nullptr;     // of the current run; null outside of one
  std::shared_ptr<CancelToken> cancel;
  std::atomic<int64_t> next_batch{0};
  std::atomic<bool> is_given_up{false};  // nobody wants this run's rows any more: the next read of the stream is refused

  void Start(RowStream* rows, std::shared_ptr<CancelToken> token);
  // The first error that the stream gave, kept whole: DuckDB would carry only its text.
  void Fail(Status status);
  Status error();

 private:
  std::mutex mutex_;
  Status error_;
};

void RegisterInputScan(duckdb::Connection& connection);
// "ms_input(…)", for a FROM clause.
std::string InputScanSql(const InputSlot& slot);

}  // namespace millstream::compute
