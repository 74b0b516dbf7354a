#pragma once

// result_printer.h   The rows of a result on standard output: in a table, as one JSON object a row, or as CSV. A large result neither waits nor fills the
// memory.

#include <cstdint>
#include <functional>

#include "session/session.h"

namespace millstream {

enum class OutputFormat { kTable, kJson, kCsv };

// `see`, if there is one, is shown every batch before it is printed. The number of rows.
Result<int64_t> PrintResult(Session& session, QueryResult result, OutputFormat format, const std::function<void(const RecordBatchPtr&)>& see = {});

}  // namespace millstream
