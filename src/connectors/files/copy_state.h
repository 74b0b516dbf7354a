#pragma once

// copy_state.h   A table's file ledger as a relation, one row a file: copy_into_state('table').

#include <functional>
#include <map>
#include <string>

#include "connectors/api/table.h"
#include "connectors/files/table_ledger.h"

namespace millstream {

// path, size, modification_time, ingestion_state (LOADED, SKIPPED_CORRUPTED, UNDONE, FORGOTTEN, DUPLICATE), processed_time, commit_version, rows,
// rejected_rows, malformed_rows, first_error. Sorted by directory and name.
const StructType& CopyStateSchema();

// A hidden column: the ledger's key of the file (BINARY), for who has to find it again whatever bytes its path has.
inline constexpr char kLedgerKeyColumn[] = "_ledger_key";

// `versions`: from a ledger's epoch to the table's version that has it, asked only when a query wants commit_version; null there when it is not known.
Result<RelationSourcePtr> OpenCopyState(std::string name, TableLedgerPtr ledger, std::function<Result<std::map<int64_t, int64_t>>()> versions);

}  // namespace millstream
