#pragma once

// duckdb_error.h   The border between DuckDB's exceptions and our Status: one of the three places where a foreign error becomes ours.
//
// A scalar function of ours that fails throws by ThrowError; DuckDB carries the exception through its executor, and FromDuckDbError gets the very
// same Status out again. DuckDB's own errors are given the Spark class of the situation that they describe.

#include <duckdb.hpp>
#include <exception>

#include "base/status.h"

namespace millstream::compute {

// Inside DuckDB's callbacks, which know exceptions only.
[[noreturn]] void ThrowError(const ErrorClass& error_class, ErrorParams params = {});
[[noreturn]] void ThrowStatus(const Status& status);
template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) ThrowStatus(result.status());
  return *std::move(result);
}

Status FromDuckDbError(const duckdb::ErrorData& error);
// In a catch block: duckdb::Exception, std::bad_alloc and whatever else came out of DuckDB.
Status FromCurrentException();

}  // namespace millstream::compute
