#pragma once

// batch_rows.h   The rows of one batch, and what is learned when reading them fails: new columns go to the schema log, so that the query
// succeeds when it is started again; sizes of files that have grown go to the ledger, so that the batch does when it is run again.

#include <atomic>
#include <memory>
#include <vector>

#include "connectors/files/cloud_files_relation.h"

namespace millstream {

// `files` and `inputs` are the same files. The stream keeps the ledger open. `schema_evolved` becomes true when the schema log has a newer version than
// the definition, for which the batch can be run again (addNewColumnsWithoutRestart). `batch`: its number, for the schema log. `load`: of a definition with a
// quarantine table, in which the batch's bad records are before the rows end.
Result<RowStreamPtr> ReadBatchRows(const CloudFilesDefinition& definition, std::shared_ptr<FileLedger> ledger, std::vector<NumberedFile> files,
                                   std::vector<InputFile> inputs, const FileScan& scan, std::shared_ptr<FileScanStats> stats,
                                   std::shared_ptr<std::atomic<bool>> schema_evolved, std::optional<int64_t> batch,
                                   std::optional<QuarantineLoad> load = std::nullopt);

}  // namespace millstream
