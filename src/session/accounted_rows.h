#pragma once

// accounted_rows.h   The rows of files that a table has loaded, when all of them can be accounted for.

#include <vector>

#include "connectors/delta/delta_append.h"
#include "connectors/files/table_ledger.h"

namespace millstream {

// Of files that the ledger of `append.table()` knows. MILLSTREAM_SOURCE_ROWS_NOT_TRACEABLE, which names the file: then nothing may be taken out.
Result<SourceRows> FindAccountedRows(DeltaTables& tables, DeltaAppend& append, const std::vector<KnownFile>& files);

}  // namespace millstream
